"""The audit of etcd's store: what its operator should know, from one pass over each bucket."""

from __future__ import annotations

from heapq import nlargest

from ..contract import ERROR, INFO, WARNING, Audit, AuditFinding
from ..json_values import jsonable
from ..store import find, space
from .hashes import History
from .kubernetes import ENCRYPTED, is_object, place, read_object
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
    recognise,
    revision,
    versions,
)
from .membership import configuration, members
from .raft_snapshots import newest_snapshot
from .records import Alarm, KeyValue, Lease, Role, User

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..contract import AuditOptions
    from ..store import Store
    from .layout import Revision

_MOST = 8  # of a list of the largest
_GAIN = 0.5  # of the file that is free: from there on a defragmentation is worth its pause
_SMALL = 16 << 20  # bytes: smaller files aren't worth it


class Facts:
    """What one pass over the store found."""

    def __init__(self, db: Store) -> None:
        self.revision = current_revision(db)
        self.compacted, self.scheduled = compaction(db)
        self.term = number(db, META, b"term")
        self.index = number(db, META, b"consistent_index")
        self.layout, self.storage, self.cluster = versions(db)
        self.keys: dict[bytes, _Key] = {}
        self.revisions = self.tombstones = self.unreadable = 0
        self.malformed: list[bytes] = []
        self.history = History()
        keys = find(db, KEY)
        for key, value in keys.range() if keys is not None else ():
            at = revision(key)
            if at is None or not isinstance(value, bytes):
                self.malformed.append(key)
            else:
                self._note(at, key, value)
        self.leases = [Lease(value) for _, value in pairs(db, LEASE)]
        self.alarms = [(key, Alarm(key)) for key, _ in pairs(db, ALARM)]
        self.members = members(db)
        self.configuration = configuration(db)
        self.snapshot = newest_snapshot(db)
        self.removed = [key for key, _ in pairs(db, MEMBERS_REMOVED)]
        auth = find(db, AUTH)
        self.auth = auth is not None and auth.get(b"authEnabled") == b"\1"
        self.users = [User(value) for _, value in pairs(db, USERS)]
        self.roles = [Role(value) for _, value in pairs(db, ROLES)]
        self.space = space(db)

    def _note(self, at: Revision, key: bytes, value: bytes) -> None:
        record = KeyValue(value)
        self.history.add(at, record.key, key, value)
        self.revisions += 1
        self.unreadable += not record.sound
        found = self.keys.get(record.key)
        if found is None:
            found = self.keys[record.key] = _Key()
        found.revisions += 1
        found.all_bytes += len(record.value)
        found.size, found.lease, found.live = len(record.value), record.lease, not at.tombstone
        found.was_open_secret = found.was_open_secret or found.open_secret
        found.object = is_object(record.value)
        found.open_secret = found.object and _open_secret(record.key, record.value)
        self.tombstones += at.tombstone

    @property
    def held(self) -> dict[int, list[bytes]]:
        """Keys that exist, by their lease."""
        found: dict[int, list[bytes]] = {}
        for key, facts in self.keys.items():
            if facts.live and facts.lease:
                found.setdefault(facts.lease, []).append(key)
        return found


class _Key:
    """What is known of a key: of its newest revision, and of all."""

    __slots__ = ("all_bytes", "lease", "live", "object", "open_secret", "revisions", "size", "was_open_secret")

    def __init__(self) -> None:
        self.revisions = self.all_bytes = self.size = self.lease = 0
        self.live = self.object = self.open_secret = self.was_open_secret = False


def _open_secret(key: bytes, value: bytes) -> bool:
    if value.startswith(ENCRYPTED):
        return False
    if place(key)[0] == "secrets":
        return True
    found = read_object(value) if b"Secret" in value[:64] else None
    return found is not None and found.kind == "Secret" and found.api_version == "v1"


def audit(db: Store, options: AuditOptions) -> Audit | None:
    """Audit a store; None if it isn't one of etcd."""
    recognition = recognise(db)
    if recognition is None:
        return None
    facts = Facts(db)
    answers = _answers(facts)
    counts = [
        ("keys", answers["keys"]),
        ("revisions", facts.revisions),
        ("deletes not yet compacted", facts.tombstones),
        ("leases", len(facts.leases)),
        ("members", len(facts.members)),
        ("alarms", len(facts.alarms)),
    ]
    if facts.space is not None:
        counts.append(("bytes", facts.space[0]))
        counts.append(("bytes that a defrag frees", facts.space[1]))
    return Audit(recognition.layout, answers, _findings(facts, answers), counts=counts, facts=facts)


def _answers(facts: Facts) -> dict[str, Any]:
    held = facts.held
    known = {lease.id for lease in facts.leases}
    used: dict[tuple[str, str | None], list[int]] = {}
    for key, each in facts.keys.items():
        row = used.setdefault(place(key), [0, 0, 0])
        for index, more in enumerate((int(each.live), each.size if each.live else 0, each.all_bytes)):
            row[index] += more
    given = {name for user in facts.users for name in user.roles}
    largest = nlargest(_MOST, ((each.size, key) for key, each in facts.keys.items() if each.live))
    busiest = nlargest(_MOST, ((each.revisions, key) for key, each in facts.keys.items()))
    return jsonable({  # type: ignore[no-any-return]
        "revision": facts.revision,
        "compacted_revision": facts.compacted or 0,
        "unfinished_compaction": facts.scheduled if (facts.scheduled or 0) > (facts.compacted or 0) else None,
        "term": facts.term,
        "consistent_index": facts.index,
        "storage_version": facts.storage or None,
        "cluster_version": facts.cluster or None,
        "keys": sum(each.live for each in facts.keys.values()),
        "revisions": facts.revisions,
        "tombstones": facts.tombstones,
        "unreadable_records": facts.unreadable,
        "malformed_revision_keys": [f"0x{key.hex()}" for key in facts.malformed],
        "most_revisions": [{"key": key, "revisions": count} for count, key in busiest],
        "largest_values": [{"key": key, "value_bytes": size} for size, key in largest],
        "usage": [
            {"resource": where[0], "namespace": where[1], "count": row[0], "live_bytes": row[1], "all_bytes": row[2]}
            for where, row in sorted(used.items(), key=lambda item: (-item[1][2], item[0][0], item[0][1] or ""))
        ],
        "leases": len(facts.leases),
        "lease_ttls": {str(lease.id): lease.ttl for lease in facts.leases},
        "keys_of_gone_leases": sorted(key for lease, keys in held.items() if lease not in known for key in keys),
        "leases_without_keys": sorted(known - held.keys()),
        "alarms": [{"member": f"{alarm.member:x}", "alarm": alarm.alarm} for _, alarm in facts.alarms],
        "members": [
            {"id": each.key, "name": each.record.get("name", ""), "learner": each.learner,
             "learner_attribute": each.attribute}
            for each in facts.members
        ],
        "conf_state": None if facts.configuration is None else {
            "voters": [f"{each:x}" for each in sorted(facts.configuration.voters)],
            "learners": [f"{each:x}" for each in sorted(facts.configuration.learners)],
        },
        "raft_snapshot": None if facts.snapshot is None else {
            "file": facts.snapshot.name, "term": facts.snapshot.term, "index": facts.snapshot.index,
        },
        "removed_members": facts.removed,
        "auth_enabled": facts.auth,
        "users_without_roles": [user.name for user in facts.users if not user.roles],
        "users_without_password": [user.name for user in facts.users if user.no_password or not user.has_password],
        "unused_roles": [role.name for role in facts.roles if role.name not in given],
        "unencrypted_secrets": sorted(key for key, each in facts.keys.items() if each.live and each.open_secret),
        "secrets_plain_in_older_revisions": sorted(
            key for key, each in facts.keys.items() if each.was_open_secret and not each.open_secret
        ),
        "size": None if facts.space is None else facts.space[0],
        "free": None if facts.space is None else facts.space[1],
    })  # fmt: skip


def _findings(facts: Facts, answers: dict[str, Any]) -> Iterator[AuditFinding]:
    if answers["unfinished_compaction"] is not None:
        yield AuditFinding(
            "unfinished_compaction", WARNING,
            f"A compaction at revision {facts.scheduled} isn't finished (the last one: {facts.compacted or 0}).",
            bucket=(META,), key=b"scheduledCompactRev", subject=str(facts.scheduled),
            remedy="A server that opens the store carries it out; if it stands for long, look at the server's log.",
        )  # fmt: skip
    for key, alarm in facts.alarms:
        full = alarm.alarm == "NOSPACE"
        yield AuditFinding(
            "alarms", ERROR,
            f"Member {alarm.member:x} raised the alarm {alarm.alarm}"
            + (": the cluster refuses writes." if full else "."),
            bucket=(ALARM,), key=key, subject=f"{alarm.member:x}",
            remedy="Compact, run `etcdctl defrag` on each member, then `etcdctl alarm disarm`." if full
            else "Replace the member's data by a snapshot of a sound member; compare `view FILE hashkv --rev`.",
        )  # fmt: skip
    yield from _lease_findings(facts)
    if facts.malformed:
        first = facts.malformed[0]
        yield AuditFinding(
            "malformed_revision_keys", ERROR,
            f"{_count(len(facts.malformed), 'key')} of the bucket key {'is' if len(facts.malformed) == 1 else 'are'} no"
            f" revision, 0x{first[:20].hex()}{'...' if len(first) > 20 else ''} first: etcdutl fails on"
            f" {'it' if len(facts.malformed) == 1 else 'them'}, and etcd may.",
            bucket=(KEY,), key=first, subject=str(len(facts.malformed)),
            remedy="Restore the member from a snapshot or another member.",
        )  # fmt: skip
    snapshot = facts.snapshot
    if snapshot is not None and facts.index is not None and snapshot.index > facts.index:
        yield AuditFinding(
            "raft_snapshot", INFO if snapshot.has_database else ERROR,
            f"The newest raft snapshot, {snapshot.name}, is of index {snapshot.index}, but the database has applied"
            f" only {facts.index} (consistent_index)"
            + (f": etcd takes {snapshot.index:016x}.snap.db in its place." if snapshot.has_database
               else ": etcd doesn't start."),
            bucket=(META,), key=b"consistent_index", subject=str(snapshot.index),
            remedy="None: etcd does it when it starts." if snapshot.has_database
            else "Remove the member and let it join anew with an empty data directory; if it is the only one, restore"
            " a snapshot.",
        )  # fmt: skip
    if facts.unreadable:
        yield AuditFinding(
            "unreadable_records", ERROR, f"{facts.unreadable} records of the bucket key can't be read.",
            bucket=(KEY,), subject=str(facts.unreadable),
            remedy="Restore the member from a snapshot or another member.",
        )  # fmt: skip
    storage, cluster = (".".join(text.split(".")[:2]) for text in (facts.storage, facts.cluster))
    if storage and cluster and storage != cluster:
        yield AuditFinding(
            "versions", WARNING, f"The store's layout is of {storage}, the cluster runs as {cluster}.",
            bucket=(META,), key=b"storageVersion", subject=storage,
            remedy="An upgrade or downgrade hasn't been finished: `etcdctl endpoint status`, `etcdctl downgrade`.",
        )  # fmt: skip
    yield from _member_findings(facts)
    secrets = answers["unencrypted_secrets"]
    if secrets:
        yield AuditFinding(
            "unencrypted_secrets", WARNING,
            f"{len(secrets)} {'Secret is' if len(secrets) == 1 else 'Secrets are'} not encrypted: whoever has this file"
            f" reads {'it' if len(secrets) == 1 else 'them'}, {secrets[0]} first.",
            bucket=(KEY,), subject=secrets[0],
            remedy="Configure encryption at rest in the API server, then rewrite: kubectl get secrets -A -o json |"
            " kubectl replace -f -",
        )  # fmt: skip
    yield from _older_secrets(facts)
    yield from _user_findings(facts, answers)
    if facts.space is not None and facts.space[1] > facts.space[0] * _GAIN:
        size, free = facts.space
        yield AuditFinding(
            "fragmentation", WARNING if size >= _SMALL else INFO,
            f"{free} of {size} bytes are free: `etcdctl defrag` would give them back.",
            subject=str(free), remedy="Run `etcdctl defrag` on one member after another; the leader last.",
        )  # fmt: skip


_COMPARE = "Compare with `etcdctl member list`, and with the files of the other members."


def _member_findings(facts: Facts) -> Iterator[AuditFinding]:
    if facts.members and not any(each.configured in (None, True) for each in facts.members):
        yield AuditFinding(
            "conf_state", WARNING, "meta/confState names none of the members that `members` has.",
            bucket=(META,), key=b"confState", remedy=_COMPARE,
        )  # fmt: skip
        return
    for each in facts.members:
        name = each.key.decode("utf-8", "replace")
        if each.configured is False:
            yield AuditFinding(
                "conf_state", WARNING, f"meta/confState doesn't name member {name}, which `members` has.",
                bucket=(MEMBERS,), key=each.key, subject=name,
                remedy=_COMPARE,
            )  # fmt: skip
        elif each.attribute != each.learner:
            promoted = each.attribute  # in raft, but not in the record
            yield AuditFinding(
                "learner_attribute", ERROR if _reads_attribute(facts.layout) else WARNING,
                f"`members` calls member {name} a learner, but it votes: meta/confState says so, and that counts. etcd"
                " 3.6 goes by `members`, and doesn't start with two learners." if promoted
                else f"`members` calls member {name} a voter, but it is a learner: meta/confState says so, and that"
                " counts. It can't be promoted.",
                bucket=(MEMBERS,), key=each.key, subject=name,
                remedy="Before the upgrade to 3.6, run all members with the newest 3.5 (3.5.20 at least): it corrects"
                " this." if promoted else "Remove the member, and add it again as a learner.",
            )  # fmt: skip
        if each.learner:
            yield AuditFinding(
                "learners", INFO, f"Member {name} is a learner: it doesn't vote.",
                bucket=(MEMBERS,), key=each.key, subject=name,
                remedy="Promote it (`etcdctl member promote`) once it is in sync, or remove it.",
            )  # fmt: skip
    conf = facts.configuration
    known = {each.id for each in facts.members}
    for id_ in sorted(conf.voters | conf.learners) if conf is not None and known else ():
        if id_ not in known:
            yield AuditFinding(
                "conf_state", WARNING, f"meta/confState names member {id_:x}, which `members` doesn't have.",
                bucket=(META,), key=b"confState", subject=f"{id_:x}",
                remedy=_COMPARE,
            )  # fmt: skip


def _reads_attribute(layout: str) -> bool:
    """Say whether this version takes the members from ``members``: from 3.6 on."""
    major, _, minor = layout.partition(".")
    return major.isdigit() and minor.isdigit() and (int(major), int(minor)) >= (3, 6)


def _older_secrets(facts: Facts) -> Iterator[AuditFinding]:
    """Secrets that were rewritten encrypted, or deleted, while plain revisions of them are still in the file."""
    for live, severity, now in ((True, WARNING, "encrypted now"), (False, INFO, "deleted")):
        found = sorted(
            key for key, each in facts.keys.items()
            if each.was_open_secret and not each.open_secret and each.live == live
        )  # fmt: skip
        if not found:
            continue
        first = found[0].decode("utf-8", "backslashreplace")
        one = len(found) == 1
        yield AuditFinding(
            "secrets_plain_in_older_revisions", severity,
            f"{_count(len(found), 'Secret')} {'is' if one else 'are'} {now}, but older revisions in this file are not"
            f" encrypted: whoever has it reads {'it' if one else 'them'}, {first} first.",
            bucket=(KEY,), subject=first,
            remedy="Compact to the newest revision, then `etcdctl defrag` on each member: free pages hold them, too.",
        )  # fmt: skip


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _lease_findings(facts: Facts) -> Iterator[AuditFinding]:
    held, known = facts.held, {lease.id for lease in facts.leases}
    for lease, keys in sorted(held.items()):
        if lease in known:
            continue
        named = keys[0].decode("utf-8", "backslashreplace")
        others = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
        yield AuditFinding(
            "keys_of_gone_leases", WARNING,
            f"Lease {lease % (1 << 64):x} is gone, but {named}{others} hang on it: they will never expire.",
            bucket=(LEASE,), subject=f"{lease % (1 << 64):x}",
            remedy="Delete the keys, or write them with a lease anew.",
        )  # fmt: skip
    for lease in sorted(known - held.keys()):
        yield AuditFinding(
            "leases_without_keys", INFO, f"Lease {lease % (1 << 64):x} holds no key.",
            bucket=(LEASE,), subject=f"{lease % (1 << 64):x}", remedy="It expires unless its owner keeps it alive.",
        )  # fmt: skip


def _user_findings(facts: Facts, answers: dict[str, Any]) -> Iterator[AuditFinding]:
    if facts.users and not facts.auth:
        yield AuditFinding(
            "auth_enabled", WARNING, "There are users, but authentication is off: everybody may do everything.",
            bucket=(AUTH,), remedy="etcdctl auth enable",
        )  # fmt: skip
    for question, message, remedy in (
        ("users_without_roles", "User {} has no role: it may do nothing.", "Grant a role, or delete the user."),
        ("users_without_password", "User {} has no password: it logs in by its certificate only.",
         "If that isn't meant: etcdctl user passwd"),
        ("unused_roles", "No user has the role {}.", "Delete the role if nobody needs it."),
    ):  # fmt: skip
        for name in answers[question]:
            yield AuditFinding(
                question, INFO, message.format(name), bucket=(ROLES if question == "unused_roles" else USERS,),
                key=name.encode("utf-8", "surrogateescape"), subject=name, remedy=remedy,
            )  # fmt: skip
