"""etcd's store as tables."""

from typing import Any

from ...text.values import as_text
from ..contract import Store
from ..values import key_parts, pairs, prefix_of, space, value_of
from ..views import Rows, boolean, computed, integer, json, records, view
from .history import asked_key, asked_revision, file_hash, history_hash, key_history, latest, live, used_at, used_by_key
from .history import revisions as found_revisions
from .kubernetes import place, read_object
from .layout import ALARM, AUTH, LEASE, MEMBERS, MEMBERS_REMOVED, ROLES, USERS, Revision, standing
from .membership import member_id
from .membership import members as found_members
from .records import Alarm, KeyValue, Lease, Role, User

_DEPTH = "2"
_REV = {"rev": "the revision to read; the newest"}
_EVENT = (
    "revision:integer sub:integer type key:bytes create_revision:integer mod_revision:integer version:integer "
    "lease:integer value_bytes:integer value:bytes"
)


@view(
    "State of the store; hash as etcdutl snapshot status prints it",
    "revision:integer compacted_revision:integer scheduled_compact_revision:integer term:integer "
    "consistent_index:integer version storage_version cluster_version hash total_keys:integer members:integer "
    "alarms:integer auth_enabled:boolean size:integer in_use:integer",
    count=lambda db: 1,
)
def status(db: Store) -> Rows:
    at = standing(db)
    hash_, keys = file_hash(db)
    size, free = space(db) or (None, 0)
    yield at._asdict() | {
        "storage_version": at.storage_version or None,
        "cluster_version": at.cluster_version or None,
        "hash": None if hash_ is None else f"{hash_:x}",
        "total_keys": keys,
        "members": sum(1 for _ in pairs(db, MEMBERS)),
        "alarms": sum(1 for _ in pairs(db, ALARM)),
        "auth_enabled": value_of(db, AUTH, b"authEnabled") == b"\1",
        "size": size,
        "in_use": None if size is None else size - free,
    }


@view(
    "Keys and values at the newest revision or at --rev",
    "key:bytes create_revision:integer mod_revision:integer version:integer lease:integer value_bytes:integer "
    "value:bytes",
    options=_REV | {"key": "only keys that begin with this"},
    count=lambda db: sum(exists for _, exists in latest(db).values()),
)
def keys(db: Store, rev: str | None = None, key: str | None = None) -> Rows:
    until = asked_revision(db, rev)
    prefix = asked_key(key) if key else b""
    for record in live(db, until):
        if record.key.startswith(prefix):
            yield record.record("key", "create_revision", "mod_revision", "version", "lease", "value_bytes", "value")


def _count(db: Store) -> int:
    return sum(1 for _ in found_revisions(db))


def _event(at: Revision, record: KeyValue) -> dict[str, Any]:
    return record.record("key", "create_revision", "version", "lease", "value_bytes") | {
        "revision": at.main,
        "sub": at.sub,
        "type": "DELETE" if at.tombstone else "PUT",
        "mod_revision": at.main,
        "value": None if at.tombstone else record.value,
    }


@view("All revisions in the file, in order", _EVENT, count=_count)
def revisions(db: Store) -> Rows:
    for at, _, value in found_revisions(db):
        yield _event(at, KeyValue(value))


@view("Revisions key by key, or of one --key", _EVENT, options={"key": "only this key"}, count=_count)
def history(db: Store, key: str | None = None) -> Rows:
    wanted = None if key is None else asked_key(key)
    found = key_history(db) if wanted is None else ((at, KeyValue(value)) for at, _, value in found_revisions(db))
    for at, record in found:
        if wanted is None or record.key == wanted:
            yield _event(at, record)


@view(
    "Leases and the keys attached to them",
    "id:integer id_hex granted_ttl:integer remaining_ttl:integer key_count:integer keys:json",
)
def leases(db: Store) -> Rows:
    held: dict[int, list[bytes]] = {}
    for record in live(db):
        held.setdefault(record.lease, []).append(record.key)
    for lease in (Lease(value) for _, value in pairs(db, LEASE)):
        found = held.get(lease.id, []) if lease.id else []
        yield lease.id, f"{lease.id % (1 << 64):x}", lease.ttl, lease.remaining_ttl, len(found), found


@view(
    "Members of the cluster, removed ones too; learner by raft's configuration, which counts",
    "id:integer id_hex name peer_urls:json client_urls:json learner:boolean removed:boolean learner_attribute:boolean",
)
def members(db: Store) -> Rows:
    for each in found_members(db):
        yield each._asdict() | {"id_hex": as_text(each.key), "removed": False}
    for key, _ in pairs(db, MEMBERS_REMOVED):
        yield {"id": member_id(key), "id_hex": as_text(key), "removed": True}


@view(
    "Kubernetes' objects at the newest revision or at --rev",
    "key:bytes resource api_version kind namespace name uid labels:json creation_time:time bytes:integer "
    "create_revision:integer mod_revision:integer version:integer encoding",
    options=_REV,
)
def objects(db: Store, rev: str | None = None) -> Rows:
    for record in live(db, asked_revision(db, rev)):
        found = read_object(record.value)
        if found is None:
            continue
        resource, namespace = place(record.key)
        row = vars(found) | record.record("key", "create_revision", "mod_revision", "version")
        name = as_text(record.key.rpartition(b"/")[2]) if found.name is None else found.name
        named = {"resource": resource, "namespace": found.namespace or namespace, "name": name}
        yield row | named | {"bytes": record.value_bytes}


@view(
    "Bytes of values by resource and namespace; of other keys by their first part",
    "resource namespace count:integer live_bytes:integer revisions:integer revision_bytes:integer",
)
def usage(db: Store) -> Rows:
    used = used_at(used_by_key(db), place)
    for (resource, namespace), each in sorted(used.items(), key=lambda item: (item[0][0], item[0][1] or "")):
        yield vars(each) | {"resource": resource, "namespace": namespace}


@view(
    "Bytes of values by the first parts of the keys",
    "prefix:bytes count:integer live_bytes:integer revisions:integer revision_bytes:integer",
    options={"depth": f"how many parts of a key make a prefix; {_DEPTH}"},
)
def prefixes(db: Store, depth: str = _DEPTH) -> Rows:
    parts = key_parts(depth, "key")
    used = used_at(used_by_key(db), lambda key: prefix_of(key, parts + key.startswith(b"/")))
    for name, each in sorted(used.items()):
        yield vars(each) | {"prefix": name}


@view(
    "Hash of the history up to --rev, to compare members by, as etcdutl hashkv prints it",
    "hash:integer hash_revision:integer compact_revision:integer",
    options=_REV,
    count=lambda db: 1,
)
def hashkv(db: Store, rev: str | None = None) -> Rows:
    until = asked_revision(db, rev) or standing(db).revision
    hash_, compacted = history_hash(db, until)
    yield hash_, until, compacted


_NAME = computed("text", lambda item: item.record.name or as_text(item.key))
VIEWS = (
    status,
    keys,
    revisions,
    history,
    leases,
    members,
    records("alarms", "Raised alarms", at=(ALARM,), read=lambda key, value: Alarm(key),
        member_id=integer("member"), member_id_hex=computed("text", lambda item: f"{item.record.member:x}"),
        alarm="alarm"),
    records("users", "Users, without secrets", at=(USERS,), read=lambda key, value: User(value),
        name=_NAME, roles=json("roles"), has_password=boolean("has_password"), no_password=boolean("no_password")),
    records("roles", "Roles and what they allow", at=(ROLES,), read=lambda key, value: Role(value),
        name=_NAME, permissions=json("permissions")),
    objects,
    usage,
    prefixes,
    hashkv,
)  # fmt: skip
