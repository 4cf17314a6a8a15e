"""What etcd's pairs mean."""

from __future__ import annotations

from ...text.values import text_or_bytes
from ..codecs.integers import i64, u64
from ..contract import Codec, Pattern, Plain
from ..values import JSON_OR_TEXT, json_or_text
from .kubernetes import decoded
from .layout import ALARM, AUTH, CLUSTER, KEY, LEASE, MEMBERS, MEMBERS_REMOVED, META, ROLES, USERS, revision
from .records import Alarm, KeyValue, Lease, Role, User

_REVISIONS = (b"scheduledCompactRev", b"finishedCompactRev")


def revision_of(data: bytes) -> Plain:
    """Return a revision."""
    found = revision(data)
    if found is None:
        return data
    return {"main": found.main, "sub": found.sub} | ({"tombstone": True} if found.tombstone else {})


def key_value(key: bytes, value: bytes) -> Plain:
    """Return a revision's record; a value of Kubernetes is read too."""
    record = KeyValue(value)
    if not record.sound:
        return value
    at = revision(key)
    if at is not None and at.tombstone:
        return {"key": text_or_bytes(record.key)}
    inner = decoded(record.value)
    return {
        "key": text_or_bytes(record.key),
        "create_revision": record.create_revision,
        "mod_revision": record.mod_revision,
        "version": record.version,
        "lease": record.lease,
        "value": text_or_bytes(inner) if isinstance(inner, bytes) else inner,
    }


def version_of(key: bytes, value: bytes) -> tuple[bytes, bool] | None:
    """Return the key that a revision is of, and whether it is a delete; None if it isn't one."""
    at, record = revision(key), KeyValue(value)
    return (record.key, at.tombstone) if at is not None and record.sound else None


def meta(key: bytes, value: bytes) -> Plain:
    """Return a number, a revision, JSON or text, as the key says."""
    if key in _REVISIONS:
        return revision_of(value)
    number = u64(value)
    return json_or_text(value) if number is None or key == b"storageVersion" else number


def lease(key: bytes, value: bytes) -> Plain:
    """Return a lease's record."""
    record = Lease(value)
    return {"id": record.id, "ttl": record.ttl, "remaining_ttl": record.remaining} if record.sound else value


def alarm(key: bytes) -> Plain:
    """Return a member's alarm."""
    record = Alarm(key)
    return {"member": record.member, "alarm": record.alarm}


def auth(key: bytes, value: bytes) -> Plain:
    """Return whether users are on, or the revision of their rules."""
    number = u64(value)
    return number if number is not None else value == b"\1" if key == b"authEnabled" else value


def user(key: bytes, value: bytes) -> Plain:
    """Return a user, without the hash of the password."""
    record = User(value)
    return {name: getattr(record, name) for name in ("name", "roles", "has_password", "no_password")}


def role(key: bytes, value: bytes) -> Plain:
    """Return a role with its permissions."""
    record = Role(value)
    allowed = [{name: text_or_bytes(part) for name, part in each.items()} for each in record.permissions]
    return {"name": record.name, "permissions": allowed}


def _lease_key(key: bytes) -> Plain:
    number = i64(key)
    return key if number is None else number


CODECS: dict[Pattern, Codec] = {
    (KEY,): Codec(revision_of, key_value, version_of),
    (META,): Codec(text_or_bytes, meta),
    (LEASE,): Codec(_lease_key, lease),
    (ALARM,): Codec(alarm, None),
    (AUTH,): Codec(text_or_bytes, auth),
    (USERS,): Codec(text_or_bytes, user),
    (ROLES,): Codec(text_or_bytes, role),
    (CLUSTER,): JSON_OR_TEXT,
    (MEMBERS,): JSON_OR_TEXT,
    (MEMBERS_REMOVED,): JSON_OR_TEXT,
}
