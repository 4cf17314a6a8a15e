"""etcd's store as tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ...errors import ArgumentError
from ...text.values import as_text
from ..contract import Store
from ..values import find, pairs_at, space, value_of
from ..views import Rows, boolean, computed, integer, json, records, view
from .hashes import file_hash, history_hash
from .history import asked_key, asked_revision, events, key_history, latest, live
from .kubernetes import place, read_object
from .layout import (
    ALARM,
    AUTH,
    KEY,
    LEASE,
    MEMBERS,
    MEMBERS_REMOVED,
    META,
    ROLES,
    USERS,
    Revision,
    compaction,
    current_revision,
    number,
    revision,
    versions,
)
from .membership import member_id
from .membership import members as found_members
from .records import Alarm, KeyValue, Lease, Role, User

Place = TypeVar("Place")
_DEPTH = 2
_REV = {"rev": "the revision at which to look; the newest"}
_EVENT = (
    "revision:integer sub:integer type key:bytes create_revision:integer mod_revision:integer version:integer "
    "lease:integer value_bytes:integer value:bytes"
)


def _one(db: Store) -> int:
    return 1


@view(
    "Where the store stands; hash as etcdutl snapshot status prints it",
    "revision:integer compacted_revision:integer scheduled_compact_revision:integer term:integer "
    "consistent_index:integer version storage_version cluster_version hash total_keys:integer members:integer "
    "alarms:integer auth_enabled:boolean size:integer in_use:integer",
    count=_one,
)
def status(db: Store) -> Rows:
    hash_, keys = file_hash(db)
    done, begun = compaction(db)
    layout, storage, cluster = versions(db)
    size, free = space(db) or (None, 0)
    yield {
        "revision": current_revision(db),
        "compacted_revision": done or 0,
        "scheduled_compact_revision": begun or 0,
        "term": number(db, META, b"term"),
        "consistent_index": number(db, META, b"consistent_index"),
        "version": layout,
        "storage_version": storage or None,
        "cluster_version": cluster or None,
        "hash": None if hash_ is None else f"{hash_:x}",
        "total_keys": keys,
        "members": sum(1 for _ in pairs_at(db, MEMBERS)),
        "alarms": sum(1 for _ in pairs_at(db, ALARM)),
        "auth_enabled": value_of(find(db, AUTH), b"authEnabled") == b"\1",
        "size": size,
        "in_use": None if size is None else size - free,
    }


def _key_count(db: Store) -> int:
    return sum(at is not None and not at.tombstone for at in map(revision, latest(db).values()))


@view(
    "Keys and values, of the newest revision or of --rev",
    "key:bytes create_revision:integer mod_revision:integer version:integer lease:integer value_bytes:integer "
    "value:bytes",
    options=_REV | {"key": "only keys that begin with this"},
    count=_key_count,
)
def keys(db: Store, rev: str | None = None, key: str | None = None) -> Rows:
    until = asked_revision(db, rev)
    prefix = asked_key(key) if key else b""
    for name, record in live(db, until):
        if name.startswith(prefix):
            yield {
                "key": name,
                "create_revision": record.create_revision,
                "mod_revision": record.mod_revision,
                "version": record.version,
                "lease": record.lease,
                "value_bytes": len(record.value),
                "value": record.value,
            }


def _event(at: Revision, record: KeyValue) -> dict[str, Any]:
    return {
        "revision": at.main,
        "sub": at.sub,
        "type": "DELETE" if at.tombstone else "PUT",
        "key": record.key,
        "create_revision": record.create_revision,
        "mod_revision": at.main,
        "version": record.version,
        "lease": record.lease,
        "value_bytes": len(record.value),
        "value": None if at.tombstone else record.value,
    }


def _event_count(db: Store) -> int:
    return sum(revision(key) is not None for key, _ in pairs_at(db, KEY))


@view("All revisions in the file, in order", _EVENT, count=_event_count)
def revisions(db: Store) -> Rows:
    for _, at, record in events(db):
        yield _event(at, record)


@view(
    "Revisions key by key, or of one --key",
    _EVENT,
    options={"key": "only this key"},
    count=_event_count,
)
def history(db: Store, key: str | None = None) -> Rows:
    if key is None:
        for at, record in key_history(db):
            yield _event(at, record)
        return
    wanted = asked_key(key)
    for _, at, record in events(db):
        if record.key == wanted:
            yield _event(at, record)


@view(
    "Leases, with the keys that hang on them",
    "id:integer id_hex granted_ttl:integer remaining_ttl:integer key_count:integer keys:json",
)
def leases(db: Store) -> Rows:
    held: dict[int, list[bytes]] = {}
    for key, record in live(db):
        if record.lease:
            held.setdefault(record.lease, []).append(key)
    for _, value in pairs_at(db, LEASE):
        lease = Lease(value)
        found = held.get(lease.id, [])
        yield lease.id, f"{lease.id % (1 << 64):x}", lease.ttl, lease.remaining, len(found), found


@view(
    "Members of the cluster, removed ones too; learner by raft's configuration, which counts",
    "id:integer id_hex name peer_urls:json client_urls:json learner:boolean removed:boolean learner_attribute:boolean",
)
def members(db: Store) -> Rows:
    for each in found_members(db):
        yield {
            "id": each.record.get("id", each.id),
            "id_hex": as_text(each.key),
            "name": each.record.get("name", ""),
            "peer_urls": each.record.get("peerURLs"),
            "client_urls": each.record.get("clientURLs"),
            "learner": each.learner,
            "removed": False,
            "learner_attribute": each.attribute,
        }
    for key, _ in pairs_at(db, MEMBERS_REMOVED):
        yield {"id": member_id(key), "id_hex": as_text(key), "removed": True}


@view(
    "Kubernetes' objects, of the newest revision or of --rev",
    "key:bytes resource api_version kind namespace name uid labels:json creation_time:time bytes:integer "
    "create_revision:integer mod_revision:integer version:integer encoding",
    options=_REV,
)
def objects(db: Store, rev: str | None = None) -> Rows:
    for key, record in live(db, asked_revision(db, rev)):
        found = read_object(record.value)
        if found is None:
            continue
        resource, namespace = place(key)
        yield {
            "key": key,
            "resource": resource,
            "api_version": found.api_version,
            "kind": found.kind,
            "namespace": found.namespace or namespace,
            "name": as_text(key.rpartition(b"/")[2]) if found.name is None else found.name,
            "uid": found.uid,
            "labels": found.labels,
            "creation_time": found.created,
            "bytes": len(record.value),
            "create_revision": record.create_revision,
            "mod_revision": record.mod_revision,
            "version": record.version,
            "encoding": found.encoding,
        }


def used_by(db: Store, place_of: Callable[[bytes], Place]) -> dict[Place, dict[str, int]]:
    """Return what the keys of each place take, as ``place_of`` says of a key; one pass over the revisions."""
    found: dict[Place, dict[str, int]] = {}
    newest: dict[bytes, tuple[dict[str, int], int]] = {}
    for _, at, record in events(db):
        where = place_of(record.key)
        if where not in found:
            found[where] = {"count": 0, "live_bytes": 0, "revisions": 0, "revision_bytes": 0}
        used = found[where]
        used["revisions"] += 1
        used["revision_bytes"] += len(record.value)
        if at.tombstone:
            newest.pop(record.key, None)
        else:
            newest[record.key] = used, len(record.value)
    for used, size in newest.values():
        used["count"] += 1
        used["live_bytes"] += size
    return found


@view(
    "Bytes of values by resource and namespace; of other keys by their first part",
    "resource namespace count:integer live_bytes:integer revisions:integer revision_bytes:integer",
)
def usage(db: Store) -> Rows:
    for where, used in sorted(used_by(db, place).items(), key=lambda each: (each[0][0], each[0][1] or "")):
        yield used | {"resource": where[0], "namespace": where[1]}


@view(
    "Bytes of values by the first parts of the keys",
    "prefix:bytes count:integer live_bytes:integer revisions:integer revision_bytes:integer",
    options={"depth": f"how many parts of a key make a prefix; {_DEPTH}"},
)
def prefixes(db: Store, depth: str = str(_DEPTH)) -> Rows:
    if not depth.isascii() or not depth.isdigit() or not int(depth):
        raise ArgumentError(f"depth is a number of key parts from 1 on, not {depth!r}")

    def prefix(key: bytes) -> bytes:
        parts = int(depth) + key.startswith(b"/")
        pieces = key.split(b"/", parts)
        return key[: len(key) - len(pieces[-1])] if len(pieces) > parts else key

    for name, used in sorted(used_by(db, prefix).items()):
        yield used | {"prefix": name}


@view(
    "Hash of the history up to --rev, to compare members by, as etcdutl hashkv prints it",
    "hash:integer hash_revision:integer compact_revision:integer",
    options=_REV,
    count=_one,
)
def hashkv(db: Store, rev: str | None = None) -> Rows:
    until = asked_revision(db, rev) or current_revision(db)
    hash_, compacted = history_hash(db, until)
    yield hash_, until, compacted


VIEWS = (
    status,
    keys,
    revisions,
    history,
    leases,
    members,
    records(
        "alarms", "Alarms that are raised", at=(ALARM,), read=lambda key, value: Alarm(key),
        member_id=integer("member"), member_id_hex=computed("text", lambda item: f"{item.record.member:x}"),
        alarm="alarm",
    ),
    records(
        "users", "Users, without secrets", at=(USERS,), read=lambda key, value: User(value),
        name=computed("text", lambda item: item.record.name or as_text(item.key)), roles=json("roles"),
        has_password=boolean("has_password"), no_password=boolean("no_password"),
    ),
    records(
        "roles", "Roles and what they allow", at=(ROLES,), read=lambda key, value: Role(value),
        name=computed("text", lambda item: item.record.name or as_text(item.key)), permissions=json("permissions"),
    ),
    objects,
    usage,
    prefixes,
    hashkv,
)  # fmt: skip
