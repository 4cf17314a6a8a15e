"""What etcd's pairs mean."""

from __future__ import annotations

from ..codecs.integers import i64, u64
from ..contract import Codec
from ..json_values import load
from .kubernetes import decoded
from .layout import ALARM, AUTH, CLUSTER, KEY, LEASE, MEMBERS, MEMBERS_REMOVED, META, ROLES, USERS, revision
from .records import Alarm, KeyValue, Lease, Role, User

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contract import Pattern, Plain

_REVISIONS = (b"scheduledCompactRev", b"finishedCompactRev")


def text(data: bytes) -> Plain:
    """Return a name as text."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def revision_of(data: bytes) -> Plain:
    """Return a revision."""
    found = revision(data)
    if found is None:
        return data
    record: dict[str, Plain] = {"main": found.main, "sub": found.sub}
    return record | {"tombstone": True} if found.tombstone else record


def key_value(key: bytes, value: bytes) -> Plain:
    """Return a revision's record; a value of Kubernetes is read too."""
    record = KeyValue(value)
    if not record.sound:
        return value
    at = revision(key)
    if at is not None and at.tombstone:
        return {"key": text(record.key)}
    return {
        "key": text(record.key),
        "create_revision": record.create_revision,
        "mod_revision": record.mod_revision,
        "version": record.version,
        "lease": record.lease,
        "value": _text_or(decoded(record.value)),
    }


def version_of(key: bytes, value: bytes) -> tuple[bytes, bool] | None:
    """Return the key that a revision is of, and whether it is a delete; None if it isn't one."""
    at, record = revision(key), KeyValue(value)
    return (record.key, at.tombstone) if at is not None and record.sound else None


def _text_or(value: Plain) -> Plain:
    return text(value) if isinstance(value, bytes) else value


def meta(key: bytes, value: bytes) -> Plain:
    """Return a number, a revision, JSON or text, as the key says."""
    if key in _REVISIONS:
        return revision_of(value)
    number = u64(value)
    if number is not None and key != b"storageVersion":
        return number
    return load(value) if value[:1] == b"{" else text(value)


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
    return {
        "name": record.name,
        "roles": record.roles,
        "has_password": record.has_password,
        "no_password": record.no_password,
    }


def role(key: bytes, value: bytes) -> Plain:
    """Return a role with its permissions."""
    record = Role(value)
    allowed = [{"type": kind, "key": text(first), "range_end": text(end)} for kind, first, end in record.permissions]
    return {"name": record.name, "permissions": allowed}


def _lease_key(key: bytes) -> Plain:
    number = i64(key)
    return key if number is None else number


def _json(key: bytes, value: bytes) -> Plain:
    return load(value) if value[:1] == b"{" else text(value)


CODECS: dict[Pattern, Codec] = {
    (KEY,): Codec(revision_of, key_value, version_of),
    (META,): Codec(text, meta),
    (LEASE,): Codec(_lease_key, lease),
    (ALARM,): Codec(alarm, None),
    (AUTH,): Codec(text, auth),
    (USERS,): Codec(text, user),
    (ROLES,): Codec(text, role),
    (CLUSTER,): Codec(text, _json),
    (MEMBERS,): Codec(text, _json),
    (MEMBERS_REMOVED,): Codec(text, _json),
}
