"""etcd's store as tables."""

from __future__ import annotations

from ...errors import ArgumentError
from ..contract import View
from ..store import find, space
from ..values import columns
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
    compaction,
    current_revision,
    number,
    pairs,
    revision,
    versions,
)
from .membership import member_id
from .membership import members as found_members
from .records import Alarm, KeyValue, Lease, Role, User

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, TypeVar

    from ..store import Store
    from .layout import Revision

    Row = tuple[Any, ...]
    Place = TypeVar("Place")

_DEPTH = 2


def status(db: Store) -> Iterator[Row]:
    hash_, keys = file_hash(db)
    done, begun = compaction(db)
    layout, storage, cluster = versions(db)
    room = space(db)
    auth = find(db, AUTH)
    enabled = None if auth is None else auth.get(b"authEnabled")
    yield (
        current_revision(db), done or 0, begun or 0, number(db, META, b"term"), number(db, META, b"consistent_index"),
        layout, storage or None, cluster or None, None if hash_ is None else f"{hash_:x}", keys,
        _count(db, MEMBERS), _count(db, ALARM), enabled == b"\1",
        None if room is None else room[0], None if room is None else room[0] - room[1],
    )  # fmt: skip


def _count(db: Store, bucket: bytes) -> int:
    return sum(1 for _ in pairs(db, bucket))


def keys(db: Store, rev: str | None = None, key: str | None = None) -> Iterator[Row]:
    until = asked_revision(db, rev)
    prefix = asked_key(key) if key else b""
    for name, record in live(db, until):
        if name.startswith(prefix):
            yield (
                name, record.create_revision, record.mod_revision, record.version, record.lease, len(record.value),
                record.value,
            )  # fmt: skip


def revisions(db: Store) -> Iterator[Row]:
    for _, at, record in events(db):
        yield _event(at, record)


def _event(at: Revision, record: KeyValue) -> Row:
    return (
        at.main, at.sub, "DELETE" if at.tombstone else "PUT", record.key, record.create_revision, at.main,
        record.version, record.lease, len(record.value), None if at.tombstone else record.value,
    )  # fmt: skip


def history(db: Store, key: str | None = None) -> Iterator[Row]:
    if key is None:
        for at, record in key_history(db):
            yield _event(at, record)
        return
    wanted = asked_key(key)
    for _, at, record in events(db):
        if record.key == wanted:
            yield _event(at, record)


def leases(db: Store) -> Iterator[Row]:
    held: dict[int, list[bytes]] = {}
    for key, record in live(db):
        if record.lease:
            held.setdefault(record.lease, []).append(key)
    for _, value in pairs(db, LEASE):
        lease = Lease(value)
        found = held.get(lease.id, [])
        yield lease.id, f"{lease.id % (1 << 64):x}", lease.ttl, lease.remaining, len(found), found


def members(db: Store) -> Iterator[Row]:
    for each in found_members(db):
        record = each.record
        yield (
            record.get("id", each.id), _text(each.key), record.get("name", ""), record.get("peerURLs"),
            record.get("clientURLs"), each.learner, False, each.attribute,
        )  # fmt: skip
    for key, _ in pairs(db, MEMBERS_REMOVED):
        yield member_id(key), _text(key), None, None, None, None, True, None


def alarms(db: Store) -> Iterator[Row]:
    for key, _ in pairs(db, ALARM):
        alarm = Alarm(key)
        yield alarm.member, f"{alarm.member:x}", alarm.alarm


def users(db: Store) -> Iterator[Row]:
    for key, value in pairs(db, USERS):
        user = User(value)
        yield user.name or _text(key), user.roles, user.has_password, user.no_password


def roles(db: Store) -> Iterator[Row]:
    for key, value in pairs(db, ROLES):
        role = Role(value)
        allowed = [{"type": kind, "key": first, "range_end": end} for kind, first, end in role.permissions]
        yield role.name or _text(key), allowed


def objects(db: Store, rev: str | None = None) -> Iterator[Row]:
    for key, record in live(db, asked_revision(db, rev)):
        found = read_object(record.value)
        if found is None:
            continue
        resource, namespace = place(key)
        name = _text(key.rpartition(b"/")[2]) if found.name is None else found.name
        yield (
            key, resource, found.api_version, found.kind, found.namespace or namespace, name, found.uid, found.labels,
            found.created, len(record.value), record.create_revision, record.mod_revision, record.version,
            found.encoding,
        )  # fmt: skip


class Used:
    """What keys of one kind take."""

    __slots__ = ("count", "live_bytes", "revision_bytes", "revisions")

    def __init__(self) -> None:
        self.count = self.live_bytes = self.revisions = self.revision_bytes = 0


def used_by(db: Store, place_of: Callable[[bytes], Place]) -> dict[Place, Used]:
    """Return what the keys of each place take, as ``place_of`` says of a key; one pass over the revisions."""
    found: dict[Place, Used] = {}
    newest: dict[bytes, tuple[Used, int]] = {}
    for _, at, record in events(db):
        where = place_of(record.key)
        used = found.get(where)
        if used is None:
            used = found[where] = Used()
        used.revisions += 1
        used.revision_bytes += len(record.value)
        if at.tombstone:
            newest.pop(record.key, None)
        else:
            newest[record.key] = used, len(record.value)
    for used, size in newest.values():
        used.count += 1
        used.live_bytes += size
    return found


def usage(db: Store) -> Iterator[Row]:
    found = used_by(db, place)
    for resource, namespace in sorted(found, key=lambda where: (where[0], where[1] or "")):
        used = found[resource, namespace]
        yield resource, namespace, used.count, used.live_bytes, used.revisions, used.revision_bytes


def prefixes(db: Store, depth: str = str(_DEPTH)) -> Iterator[Row]:
    if not depth.isascii() or not depth.isdigit() or not int(depth):
        raise ArgumentError(f"depth is a number of key parts from 1 on, not {depth!r}")
    parts = int(depth)

    def prefix(key: bytes) -> bytes:
        pieces = key.split(b"/", parts + key.startswith(b"/"))
        return key[: len(key) - len(pieces[-1])] if len(pieces) > parts + key.startswith(b"/") else key

    found = used_by(db, prefix)
    for name in sorted(found):
        used = found[name]
        yield name, used.count, used.live_bytes, used.revisions, used.revision_bytes


def hashkv(db: Store, rev: str | None = None) -> Iterator[Row]:
    until = asked_revision(db, rev) or current_revision(db)
    hash_, compacted = history_hash(db, until)
    yield hash_, until, compacted


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _one(db: Store) -> int:
    return 1


def _event_count(db: Store) -> int:
    return sum(revision(key) is not None for key, _ in pairs(db, KEY))


def _key_count(db: Store) -> int:
    return sum(at is not None and not at.tombstone for at in map(revision, latest(db).values()))


_REV = {"rev": "the revision at which to look; the newest"}
_EVENT = columns(
    "revision:integer sub:integer type key:bytes create_revision:integer mod_revision:integer version:integer "
    "lease:integer value_bytes:integer value:bytes"
)
VIEWS = (
    View("status", columns(
        "revision:integer compacted_revision:integer scheduled_compact_revision:integer term:integer "
        "consistent_index:integer version storage_version cluster_version hash total_keys:integer members:integer "
        "alarms:integer auth_enabled:boolean size:integer in_use:integer"
    ), status, "Where the store stands; hash as etcdutl snapshot status prints it", count=_one),
    View("keys", columns(
        "key:bytes create_revision:integer mod_revision:integer version:integer lease:integer value_bytes:integer "
        "value:bytes"
    ), keys, "Keys and values, of the newest revision or of --rev", _REV | {"key": "only keys that begin with this"},
         count=_key_count),
    View("revisions", _EVENT, revisions, "All revisions in the file, in order", count=_event_count),
    View("history", _EVENT, history, "Revisions key by key, or of one --key", {"key": "only this key"},
         count=_event_count),
    View("leases", columns(
        "id:integer id_hex granted_ttl:integer remaining_ttl:integer key_count:integer keys:json"
    ), leases, "Leases, with the keys that hang on them"),
    View("members", columns(
        "id:integer id_hex name peer_urls:json client_urls:json learner:boolean removed:boolean "
        "learner_attribute:boolean"
    ), members, "Members of the cluster, removed ones too; learner by raft's configuration, which counts"),
    View("alarms", columns("member_id:integer member_id_hex alarm"), alarms, "Alarms that are raised"),
    View("users", columns("name roles:json has_password:boolean no_password:boolean"), users, "Users, without secrets"),
    View("roles", columns("name permissions:json"), roles, "Roles and what they allow"),
    View("objects", columns(
        "key:bytes resource apiVersion kind namespace name uid labels:json creation_time:time bytes:integer "
        "create_revision:integer mod_revision:integer version:integer encoding"
    ), objects, "Kubernetes' objects, of the newest revision or of --rev", _REV),
    View("usage", columns(
        "resource namespace count:integer live_bytes:integer revisions:integer revision_bytes:integer"
    ), usage, "Bytes of values by resource and namespace; of other keys by their first part"),
    View("prefixes", columns(
        "prefix:bytes count:integer live_bytes:integer revisions:integer revision_bytes:integer"
    ), prefixes, "Bytes of values by the first parts of the keys",
         {"depth": f"how many parts of a key make a prefix; {_DEPTH}"}),
    View("hashkv", columns("hash:integer hash_revision:integer compact_revision:integer"), hashkv,
         "Hash of the history up to --rev, to compare members by, as etcdutl hashkv prints it", _REV, count=_one),
)  # fmt: skip
