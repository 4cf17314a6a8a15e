"""Docker's small stores: networks (local-kv.db) and volumes (metadata.db).

Source: moby/moby ``libnetwork/datastore`` and ``libnetwork/internal/kvstore/boltdb``, ``volume/service/db.go``.
"""

from __future__ import annotations

from ..storage.data_directory import places_of
from .columns import as_text, columns, pairs_at, text_or_bytes
from .contract import CERTAIN, Application, Codec, Recognition, View
from .json_values import jsonable, load, load_record
from .store import find

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
    found = load(value[_INDEX:])
    if found is value[_INDEX:] or isinstance(found, bytes):
        whole = load(value)
        return None, text_or_bytes(whole) if isinstance(whole, bytes) else whole
    return int.from_bytes(value[:_INDEX], "little"), found


def _records(db: Store) -> Iterator[tuple[Any, ...]]:
    for kind, name, index, record in _entries(db):
        yield kind, name, index, jsonable(record)


def _networks(db: Store) -> Iterator[tuple[Any, ...]]:
    for _, name, _, found in _entries(db, "network"):
        record = found if isinstance(found, dict) else {}
        yield record.get("id", name), record.get("name"), record.get("networkType"), record.get("scope"), record


def _endpoints(db: Store) -> Iterator[tuple[Any, ...]]:
    for _, name, _, found in _entries(db, "endpoint"):
        record = found if isinstance(found, dict) else {}
        network, _, endpoint = name.partition("/")
        yield record.get("id", endpoint), record.get("name"), network, record.get("sandbox"), record


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
    places = places_of("docker")
    codecs = _CODECS
    views = (
        View("networks", columns("id name type scope record:json"), _networks, "Networks"),
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
