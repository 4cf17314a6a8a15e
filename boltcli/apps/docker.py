"""Docker's small stores: networks (local-kv.db) and volumes (metadata.db).

Source: moby/moby ``libnetwork/datastore`` and ``libnetwork/internal/kvstore/boltdb``, ``volume/service/db.go``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..text.json import load, load_record
from ..text.values import as_text, text_or_bytes
from .contract import CERTAIN, Codec, Pattern, Plain, Recognition, Store
from .values import JSON, find, pairs_at
from .views import Rows, json, key_text, records, text, view

_NETWORK, _VOLUMES = b"libnetwork", b"volumes"
_PREFIX = b"docker/network/v1.0/"
_INDEX = 8  # bytes before the JSON: the version of the entry, little-endian


def _entries(db: Store, kind: str | None = None) -> Iterator[tuple[str, str, int | None, Plain]]:
    """Yield kind, id, index and record of what lies in a network store."""
    for name, value in pairs_at(db, _NETWORK):
        parts = as_text(name.removeprefix(_PREFIX)).strip("/").split("/")
        if kind is None or parts[0] == kind:
            yield parts[0], "/".join(parts[1:]), *_parts(value)


def _parts(value: bytes) -> tuple[int | None, Plain]:
    """Return index and record of an entry, each None if it isn't there: an entry may be the index alone."""
    if len(value) < _INDEX or value[:1] in (b"{", b"["):
        whole = load(value)  # without an index, as nobody is known to write it
        if len(value) < _INDEX or whole is not value:
            return None, text_or_bytes(whole) if isinstance(whole, bytes) else whole
    rest = value[_INDEX:]
    found = load(rest) if rest else None
    return int.from_bytes(value[:_INDEX], "little"), text_or_bytes(found) if isinstance(found, bytes) else found


@view("All records of the network store", "kind id index:integer record:json", name="records")
def network_records(db: Store) -> Rows:
    return _entries(db)


@view("Networks", "id name type scope subnet gateway created:time internal:boolean labels:json record:json")
def networks(db: Store) -> Rows:
    for _, name, _, found in _entries(db, "network"):
        record = found if isinstance(found, dict) else {}
        subnets, gateways = _addresses(record)
        yield {
            "id": record.get("id", name),
            "name": record.get("name"),
            "type": record.get("networkType"),
            "scope": record.get("scope"),
            "subnet": subnets,
            "gateway": gateways,
            "created": record.get("created"),
            "internal": record.get("internal"),
            "labels": record.get("labels"),
            "record": found,
        }


def _addresses(record: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return the subnets and the gateways of a network as text: they lie in JSON in JSON."""
    subnets: list[str] = []
    gateways: list[str] = []
    for field in ("ipamV4Info", "ipamV6Info"):
        found = _inner(record.get(field))
        for each in found if isinstance(found, list) else ():
            data = _inner(each.get("IPAMData")) if isinstance(each, dict) else None
            if isinstance(data, dict):
                for name, into in (("Pool", subnets), ("Gateway", gateways)):
                    if isinstance(data.get(name), str):
                        into.append(data[name])
    return ", ".join(subnets) or None, ", ".join(gateways) or None


def _inner(value: object) -> Any:
    """Return what JSON says that is text in JSON."""
    return load(value.encode("utf-8", "backslashreplace")) if isinstance(value, str) else value


@view("Endpoints of networks", "id name network sandbox record:json")
def endpoints(db: Store) -> Rows:
    for _, name, _, found in _entries(db, "endpoint"):
        record = found if isinstance(found, dict) else {}
        network, _, endpoint = name.partition("/")
        yield record.get("id", endpoint), record.get("name"), network, record.get("sandbox"), found


def _network_value(name: bytes, value: bytes) -> Plain:
    index, record = _parts(value)
    return record if index is None else {"index": index, "record": record}


CODECS: dict[Pattern, Codec] = {(_NETWORK,): Codec(text_or_bytes, _network_value), (_VOLUMES,): JSON}
VIEWS = (
    networks,
    endpoints,
    network_records,
    records(
        "volumes", "Volumes", at=(_VOLUMES,),
        name=text("Name", key_text), driver="Driver", labels=json("Labels"), options=json("Options"),
    ),
)  # fmt: skip


def recognise(db: Store) -> Recognition | None:
    """Say whether ``db`` holds Docker's networks, or its volumes."""
    found = find(db, _NETWORK)
    if found is not None and next(found.prefix(b"docker/"), None) is not None:
        return Recognition("docker", "local-kv", CERTAIN)
    first = next(pairs_at(db, _VOLUMES), None)
    record = None if first is None else load_record(first[1])
    if record is not None and "Name" in record and "Driver" in record:
        return Recognition("docker", "volumes", CERTAIN)
    return None
