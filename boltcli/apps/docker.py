"""Docker's small stores: networks (local-kv.db) and volumes (metadata.db).

Source: moby/moby ``libnetwork/datastore`` and ``libnetwork/internal/kvstore/boltdb``, ``volume/service/db.go``.
"""

from collections.abc import Iterator
from typing import Any

from ..text.json import load, load_record
from ..text.values import as_text, text_or_bytes
from .contract import CERTAIN, Codec, Pattern, Plain, Recognition, Store
from .values import JSON, as_plain, find, pairs
from .views import Rows, json, key_text, records, text, view

_NETWORK, _VOLUMES = b"libnetwork", b"volumes"
_INDEX = 8  # bytes before the JSON: the version of the entry, little-endian


def _entries(db: Store, kind: str | None = None) -> Iterator[tuple[str, str, int | None, Plain]]:
    for name, value in pairs(db, _NETWORK):
        found, _, rest = as_text(name.removeprefix(b"docker/network/v1.0/")).strip("/").partition("/")
        if kind is None or found == kind:
            yield found, rest, *_parts(value)


def _parts(value: bytes) -> tuple[int | None, Plain]:
    """Return index and record of an entry, each None if it isn't there: an entry may be the index alone."""
    whole = load(value) if len(value) < _INDEX or value[:1] in (b"{", b"[") else value
    if len(value) < _INDEX or whole is not value:  # without an index, as nobody is known to write it
        return None, as_plain(whole)
    rest = value[_INDEX:]
    return int.from_bytes(value[:_INDEX], "little"), as_plain(load(rest)) if rest else None


def _records(db: Store, kind: str) -> Iterator[tuple[str, dict[str, Any], Plain]]:
    for _, name, _, found in _entries(db, kind):
        yield name, found if isinstance(found, dict) else {}, found


@view("Networks", "id name type scope subnet gateway created:time internal:boolean labels:json record:json")
def networks(db: Store) -> Rows:
    for name, record, found in _records(db, "network"):
        yield record | {
            "id": record.get("id", name),
            "type": record.get("networkType"),
            "subnet": _addresses(record, "Pool"),
            "gateway": _addresses(record, "Gateway"),
            "record": found,
        }


def _addresses(record: dict[str, Any], name: str) -> str | None:
    """Return the subnets or the gateways of a network as text: they lie in JSON in JSON."""
    lists = [found for field in ("ipamV4Info", "ipamV6Info") if isinstance(found := _inner(record.get(field)), list)]
    pools = [_inner(each.get("IPAMData")) for found in lists for each in found if isinstance(each, dict)]
    found = [pool.get(name) for pool in pools if isinstance(pool, dict)]
    return ", ".join(each for each in found if isinstance(each, str)) or None


def _inner(value: object) -> Any:
    return load(value.encode("utf-8", "backslashreplace")) if isinstance(value, str) else value


@view("Endpoints of networks", "id name network sandbox record:json")
def endpoints(db: Store) -> Rows:
    for name, record, found in _records(db, "endpoint"):
        network, _, endpoint = name.partition("/")
        yield record.get("id", endpoint), record.get("name"), network, record.get("sandbox"), found


def _network_value(name: bytes, value: bytes) -> Plain:
    index, record = _parts(value)
    return record if index is None else {"index": index, "record": record}


CODECS: dict[Pattern, Codec] = {(_NETWORK,): Codec(text_or_bytes, _network_value), (_VOLUMES,): JSON}
VIEWS = (
    networks,
    endpoints,
    view("All records of the network store", "kind id index:integer record:json", name="records")(_entries),
    records("volumes", "Volumes", at=(_VOLUMES,),
        name=text("Name", key_text), driver="Driver", labels=json("Labels"), options=json("Options")),
)  # fmt: skip


def recognise(db: Store) -> Recognition | None:
    found = find(db, _NETWORK)
    if found is not None and next(found.prefix(b"docker/"), None) is not None:
        return Recognition("docker", "local-kv", CERTAIN)
    record = load_record(next((value for _, value in pairs(db, _VOLUMES)), None)) or {}
    return Recognition("docker", "volumes", CERTAIN) if "Name" in record and "Driver" in record else None
