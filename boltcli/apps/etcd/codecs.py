"""What etcd's pairs mean."""

from ...text.values import text_or_bytes
from ..codecs.integers import i64, u64
from ..contract import Codec, Pattern, Plain
from ..values import JSON_OR_TEXT, as_plain, json_or_text, or_else
from .kubernetes import decoded
from .layout import ALARM, AUTH, CLUSTER, KEY, LEASE, MEMBERS, MEMBERS_REMOVED, META, ROLES, USERS, revision
from .records import Alarm, KeyValue, Lease, Role, User


def _revision(data: bytes) -> Plain:
    found = revision(data)
    if found is None:
        return data
    return {"main": found.main, "sub": found.sub} | ({"tombstone": True} if found.tombstone else {})


def _key_value(key: bytes, value: bytes) -> Plain:
    record, at = KeyValue(value), revision(key)
    if not record.sound:
        return value
    name = {"key": text_or_bytes(record.key)}
    if at is not None and at.tombstone:
        return name
    numbers = record.record("create_revision", "mod_revision", "version", "lease")
    return name | numbers | {"value": as_plain(decoded(record.value))}


def version_of(key: bytes, value: bytes) -> tuple[bytes, bool] | None:
    """Return the key that a revision is of, and whether it is a delete; None if it isn't one."""
    at, record = revision(key), KeyValue(value)
    return (record.key, at.tombstone) if at is not None and record.sound else None


def _meta(key: bytes, value: bytes) -> Plain:
    if key in (b"scheduledCompactRev", b"finishedCompactRev"):
        return _revision(value)
    return or_else(None if key == b"storageVersion" else u64(value), json_or_text(value))


def _lease(key: bytes, value: bytes) -> Plain:
    record = Lease(value)
    return record.record("id", "ttl", "remaining_ttl") if record.sound else value


def _auth(key: bytes, value: bytes) -> Plain:
    return or_else(u64(value), value == b"\1" if key == b"authEnabled" else value)


def _user(key: bytes, value: bytes) -> Plain:
    """Return a user, without the hash of the password."""
    return User(value).record("name", "roles", "has_password", "no_password")


CODECS: dict[Pattern, Codec] = {
    (KEY,): Codec(_revision, _key_value, version_of),
    (META,): Codec(text_or_bytes, _meta),
    (LEASE,): Codec(lambda key: i64(key) if len(key) == 8 else key, _lease),
    (ALARM,): Codec(lambda key: Alarm(key).record("member", "alarm")),
    (AUTH,): Codec(text_or_bytes, _auth),
    (USERS,): Codec(text_or_bytes, _user),
    (ROLES,): Codec(text_or_bytes, lambda key, value: Role(value).record("name", "permissions")),
    (CLUSTER,): JSON_OR_TEXT,
    (MEMBERS,): JSON_OR_TEXT,
    (MEMBERS_REMOVED,): JSON_OR_TEXT,
}
