"""Docker's small stores: networks (local-kv.db) and volumes (metadata.db).

Source: moby/moby ``libnetwork/datastore`` and ``libnetwork/internal/kvstore/boltdb``, ``volume/service/db.go``.
"""

from __future__ import annotations

from .contract import CERTAIN, Application, Codec, Recognition, View
from .json_values import jsonable, load, load_record
from .store import find
from .values import as_text, columns, pairs_at, text_or_bytes
from .words import parse_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .contract import Pattern, Plain
    from .store import Store

_NETWORK, _VOLUMES = b"libnetwork", b"volumes"
_PREFIX = b"docker/network/v1.0/"
_INDEX = 8  # bytes before the JSON: the version of the entry, little-endian


def _entries(db: Store, kind: str | None = None) -> Iterator[tuple[str, str, int | None, Plain]]:
    """Yield kind, id, index and record of what lies in a network store."""
    for key, value in pairs_at(db, _NETWORK):
        parts = as_text(key.removeprefix(_PREFIX)).strip("/").split("/")
        if kind is None or parts[0] == kind:
            index, record = _parts(value)
            yield parts[0], "/".join(parts[1:]), index, record


def _parts(value: bytes) -> tuple[int | None, Plain]:
    """Return index and record of an entry, each None if it isn't there: an entry may be the index alone."""
    if len(value) < _INDEX or value[:1] in (b"{", b"["):
        whole = load(value)  # without an index, as nobody is known to write it
        if len(value) < _INDEX or whole is not value:
            return None, text_or_bytes(whole) if isinstance(whole, bytes) else whole
    rest = value[_INDEX:]
    found = load(rest) if rest else None
    return int.from_bytes(value[:_INDEX], "little"), text_or_bytes(found) if isinstance(found, bytes) else found


def _records(db: Store) -> Iterator[tuple[Any, ...]]:
    for kind, name, index, record in _entries(db):
        yield kind, name, index, jsonable(record)


def _networks(db: Store) -> Iterator[tuple[Any, ...]]:
    for _, name, _, found in _entries(db, "network"):
        record = found if isinstance(found, dict) else {}
        subnets, gateways = _addresses(record)
        yield (
            record.get("id", name), record.get("name"), record.get("networkType"), record.get("scope"), subnets,
            gateways, parse_time(record.get("created")), record.get("internal"), record.get("labels"),
            jsonable(found),
        )  # fmt: skip


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


def _endpoints(db: Store) -> Iterator[tuple[Any, ...]]:
    for _, name, _, found in _entries(db, "endpoint"):
        record = found if isinstance(found, dict) else {}
        network, _, endpoint = name.partition("/")
        yield record.get("id", endpoint), record.get("name"), network, record.get("sandbox"), jsonable(found)


def _volumes(db: Store) -> Iterator[tuple[Any, ...]]:
    for key, value in pairs_at(db, _VOLUMES):
        record = load_record(value) or {}
        yield record.get("Name", as_text(key)), record.get("Driver"), record.get("Labels"), record.get("Options")


def _network_value(key: bytes, value: bytes) -> Plain:
    index, record = _parts(value)
    return record if index is None else {"index": index, "record": record}


def _volume_value(key: bytes, value: bytes) -> Plain:
    return load(value)


_CODECS: dict[Pattern, Codec] = {
    (_NETWORK,): Codec(text_or_bytes, _network_value),
    (_VOLUMES,): Codec(text_or_bytes, _volume_value),
}


class Docker(Application):
    name = "docker"
    title = "Docker's stores of networks (local-kv.db) and volumes (metadata.db)"
    hints = ("view FILE networks", "view FILE volumes")
    places = ("network/files/local-kv.db", "volumes/metadata.db")
    codecs = _CODECS
    views = (
        View("networks", columns(
            "id name type scope subnet gateway created:time internal:boolean labels:json record:json"
        ), _networks, "Networks"),
        View("endpoints", columns("id name network sandbox record:json"), _endpoints, "Endpoints of networks"),
        View("records", columns("kind id index:integer record:json"), _records, "All records of the network store"),
        View("volumes", columns("name driver labels:json options:json"), _volumes, "Volumes"),
    )  # fmt: skip

    def recognise(self, db: Store) -> Recognition | None:
        networks = find(db, _NETWORK)
        if networks is not None and next(networks.prefix(b"docker/"), None) is not None:
            return Recognition(self.name, "local-kv", CERTAIN)
        first = next(pairs_at(db, _VOLUMES), None)
        record = None if first is None else load_record(first[1])
        if record is not None and "Name" in record and "Driver" in record:
            return Recognition(self.name, "volumes", CERTAIN)
        return None


APPLICATION = Docker()
