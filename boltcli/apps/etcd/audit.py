"""The audit of etcd's store: what its operator should know, from one pass over each bucket; and of a cluster."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from heapq import nlargest
from typing import Any

from ...text.json import jsonable
from ...text.values import as_text
from ..contract import ERROR, INFO, WARNING, Audit, AuditFinding, AuditOptions, Store
from ..rules import Deviation, Rule, findings
from ..values import content, pairs, space, value_of
from .history import History, Usage, used_at
from .kubernetes import ENCRYPTED, is_object, place, read_object
from .layout import ALARM, AUTH, KEY, LEASE, MEMBERS, MEMBERS_REMOVED, META, ROLES, USERS, recognise, revision, standing
from .membership import configuration, members, newest_snapshot
from .records import Alarm, KeyValue, Lease, Role, User

_MOST = 8  # of a list of the largest


class Facts:
    def __init__(self, db: Store) -> None:
        self.at = standing(db)
        self.keys: dict[bytes, Usage] = {}
        self.tombstones = self.unreadable = 0
        self.malformed: list[bytes] = []
        self.history = History()
        lease_of: dict[bytes, int] = {}
        open_now: set[bytes] = set()  # secrets that anybody can read
        open_once: set[bytes] = set()
        for key, value in content(db, KEY):
            at = revision(key)
            if at is None or not isinstance(value, bytes):
                self.malformed.append(key)
                continue
            record = KeyValue(value)
            name = record.key
            self.history.add(at, name, key, value)
            self.keys.setdefault(name, Usage()).add(record, at)
            self.tombstones += at.tombstone
            self.unreadable += not record.sound
            lease_of[name] = record.lease
            if name in open_now:
                open_once.add(name)
                open_now.remove(name)
            if is_object(record.value) and _open_secret(name, record.value):
                open_now.add(name)
        self.live = {key: each.live_bytes for key, each in self.keys.items() if each.count}
        self.open_secrets = sorted(open_now & self.live.keys())
        self.old_secrets = sorted(open_once - open_now)
        self.leases = [Lease(value) for _, value in pairs(db, LEASE)]
        known = {lease.id for lease in self.leases}
        held: dict[int, list[bytes]] = {}  # keys that exist, by their lease
        for key in self.live:
            if lease_of[key]:
                held.setdefault(lease_of[key], []).append(key)
        self.gone_leases = {lease: keys for lease, keys in sorted(held.items()) if lease not in known}
        self.idle_leases = sorted(known - held.keys())
        self.alarms = [(key, Alarm(key)) for key, _ in pairs(db, ALARM)]
        self.members = list(members(db))
        self.ids = {each.key for each in self.members}
        self.configuration = configuration(db)
        self.snapshot = newest_snapshot(db)
        self.removed = [key for key, _ in pairs(db, MEMBERS_REMOVED)]
        self.auth = value_of(db, AUTH, b"authEnabled") == b"\1"
        self.users = [User(value) for _, value in pairs(db, USERS)]
        self.roles = [Role(value) for _, value in pairs(db, ROLES)]
        self.space = space(db)


def _open_secret(key: bytes, value: bytes) -> bool:
    if value.startswith(ENCRYPTED):
        return False
    if place(key)[0] == "secrets":
        return True
    found = read_object(value) if b"Secret" in value[:64] else None
    return found is not None and found.kind == "Secret" and found.api_version == "v1"


def audit(db: Store, options: AuditOptions) -> Audit | None:
    recognition = recognise(db)
    if recognition is None:
        return None
    facts = Facts(db)
    answers = _answers(facts)
    counts = [
        ("keys", answers["keys"]),
        ("revisions", answers["revisions"]),
        ("deletes not yet compacted", facts.tombstones),
        ("leases", len(facts.leases)),
        ("members", len(facts.members)),
        ("alarms", len(facts.alarms)),
    ]
    if facts.space is not None:
        counts += zip(("bytes", "bytes that a defrag frees"), facts.space)
    return Audit(recognition.layout, answers, findings(_deviations(facts, answers)), counts=counts, facts=facts)


def _answers(facts: Facts) -> dict[str, Any]:
    at, keys, conf, snapshot = facts.at, facts.keys, facts.configuration, facts.snapshot
    given = {name for user in facts.users for name in user.roles}
    used = used_at(keys, place).items()
    largest = nlargest(_MOST, ((size, key) for key, size in facts.live.items()))
    busiest = nlargest(_MOST, ((each.revisions, key) for key, each in keys.items()))
    return jsonable({  # type: ignore[no-any-return]
        "revision": at.revision,
        "compacted_revision": at.compacted_revision,
        "unfinished_compaction": at.unfinished,
        "term": at.term,
        "consistent_index": at.consistent_index,
        "storage_version": at.storage_version or None,
        "cluster_version": at.cluster_version or None,
        "keys": len(facts.live),
        "revisions": sum(each.revisions for each in keys.values()),
        "tombstones": facts.tombstones,
        "unreadable_records": facts.unreadable,
        "malformed_revision_keys": [f"0x{key.hex()}" for key in facts.malformed],
        "most_revisions": [{"key": key, "revisions": count} for count, key in busiest],
        "largest_values": [{"key": key, "value_bytes": size} for size, key in largest],
        "usage": [
            {"resource": where[0], "namespace": where[1], "count": each.count, "live_bytes": each.live_bytes,
             "all_bytes": each.revision_bytes}
            for where, each in sorted(used, key=lambda row: (-row[1].revision_bytes, row[0][0], row[0][1] or ""))
        ],
        "leases": len(facts.leases),
        "lease_ttls": {str(lease.id): lease.ttl for lease in facts.leases},
        "keys_of_gone_leases": sorted(key for held in facts.gone_leases.values() for key in held),
        "leases_without_keys": facts.idle_leases,
        "alarms": [{"member": f"{alarm.member:x}", "alarm": alarm.alarm} for _, alarm in facts.alarms],
        "members": [
            {"id": each.key, "name": each.name, "learner": each.learner, "learner_attribute": each.learner_attribute}
            for each in facts.members
        ],
        "conf_state": None if conf is None else {
            name: [f"{each:x}" for each in sorted(ids)] for name, ids in conf._asdict().items()
        },
        "raft_snapshot": None if snapshot is None else {
            "file": snapshot.name, "term": snapshot.term, "index": snapshot.index,
        },
        "removed_members": facts.removed,
        "auth_enabled": facts.auth,
        "users_without_roles": [user.name for user in facts.users if not user.roles],
        "users_without_password": [user.name for user in facts.users if user.no_password or not user.has_password],
        "unused_roles": [role.name for role in facts.roles if role.name not in given],
        "unencrypted_secrets": facts.open_secrets,
        "secrets_plain_in_older_revisions": facts.old_secrets,
        "size": facts.space and facts.space[0],
        "free": facts.space and facts.space[1],
    })  # fmt: skip


_RESTORE = "Restore the member from a snapshot or another member."
_COMPARE = "Compare with `etcdctl member list`, and with the files of the other members."
_DROP_OLD = "Compact to the newest revision, then `etcdctl defrag` on each member: free pages hold them, too."
# fmt: off
_OLD_SECRETS = ("{count} {secrets} {now}, but older revisions in this file are not encrypted: anyone who has it"
    " can read {them}, {subject} first.")
UNFINISHED = Rule("unfinished_compaction", WARNING,
    "A compaction at revision {subject} isn't finished (the last one: {compacted}).",
    "A server that opens the store completes it; if this finding persists, check the server's log.")
NO_SPACE = Rule("alarms", ERROR, "Member {subject} raised the alarm {alarm}: the cluster refuses writes.",
    "Compact, run `etcdctl defrag` on each member, then `etcdctl alarm disarm`.")
OTHER_ALARM = Rule("alarms", ERROR, "Member {subject} raised the alarm {alarm}.",
    "Replace the member's data by a snapshot of a sound member; compare `view FILE hashkv --rev`.")
LEASE_GONE = Rule("keys_of_gone_leases", WARNING,
    "Lease {subject} is gone, but {keys} are attached to it: they will never expire.",
    "Delete the keys, or write them again with a lease.")
LEASE_IDLE = Rule("leases_without_keys", INFO, "Lease {subject} holds no key.",
    "None: it expires unless its owner keeps it alive.")
MALFORMED = Rule("malformed_revision_keys", ERROR,
    "{subject} key{s} of the bucket key {are} no revision, 0x{first} first: etcdutl fails on {them}, and etcd may.",
    _RESTORE)
BEHIND_SNAPSHOT = Rule("raft_snapshot", ERROR, "The newest raft snapshot, {name}, is of index {subject}, but the"
    " database has applied only {applied} (consistent_index): etcd doesn't start.",
    "Remove the member and let it join again with an empty data directory; if it is the only one, restore a snapshot.")
SNAPSHOT_TAKEN = Rule("raft_snapshot", INFO, "The newest raft snapshot, {name}, is of index {subject}, but the"
    " database has applied only {applied} (consistent_index): etcd takes {file} in its place.",
    "None: etcd does it when it starts.")
UNREADABLE = Rule("unreadable_records", ERROR, "{subject} records of the bucket key can't be read.", _RESTORE)
VERSIONS = Rule("versions", WARNING, "The store has the layout of {subject}, but the cluster version is {cluster}.",
    "An upgrade or downgrade hasn't been finished: `etcdctl endpoint status`, `etcdctl downgrade`.")
NO_MEMBER_KNOWN = Rule("conf_state", WARNING, "meta/confState names none of the members that `members` has.", _COMPARE)
MEMBER_UNKNOWN = Rule("conf_state", WARNING, "meta/confState doesn't name member {subject}, which `members` has.",
    _COMPARE)
MEMBER_MISSING = Rule("conf_state", WARNING, "meta/confState names member {subject}, which `members` doesn't have.",
    _COMPARE)
CALLED_LEARNER = Rule("learner_attribute", WARNING, "`members` calls member {subject} a learner, but it votes:"
    " meta/confState says so, and that counts. etcd 3.6 goes by `members`, and doesn't start with two learners.",
    "Before the upgrade to 3.6, run all members with the newest 3.5 (3.5.20 at least): it corrects this.")
CALLED_VOTER = Rule("learner_attribute", WARNING, "`members` calls member {subject} a voter, but it is a learner:"
    " meta/confState says so, and that counts. It can't be promoted.",
    "Remove the member, and add it again as a learner.")
LEARNER = Rule("learners", INFO, "Member {subject} is a learner: it doesn't vote.",
    "Promote it (`etcdctl member promote`) once it is in sync, or remove it.")
OPEN_SECRETS = Rule("unencrypted_secrets", WARNING,
    "{count} {secrets} not encrypted: anyone who has this file can read {them}, {subject} first.",
    "Configure encryption at rest in the API server, then rewrite: kubectl get secrets -A -o json | kubectl replace -f"
    " -")
OLD_SECRETS = Rule("secrets_plain_in_older_revisions", WARNING, _OLD_SECRETS.replace("{now}", "encrypted now"),
    _DROP_OLD)
DELETED_SECRETS = Rule("secrets_plain_in_older_revisions", INFO, _OLD_SECRETS.replace("{now}", "deleted"), _DROP_OLD)
AUTH_OFF = Rule("auth_enabled", WARNING, "There are users, but authentication is off: everyone may do everything.",
    "etcdctl auth enable")
NO_ROLE = Rule("users_without_roles", INFO, "User {subject} has no role: it may do nothing.",
    "Grant a role, or delete the user.")
NO_PASSWORD = Rule("users_without_password", INFO,
    "User {subject} has no password: it logs in by its certificate only.",
    "If that isn't intended: etcdctl user passwd")
IDLE_ROLE = Rule("unused_roles", INFO, "No user has the role {subject}.", "Delete the role if nobody needs it.")
FRAGMENTED = Rule("fragmentation", INFO, "{subject} of {size} bytes are free: `etcdctl defrag` would free them.",
    "Run `etcdctl defrag` on one member after another; the leader last.")

# Of members of one cluster.
OTHER_MEMBERS = Rule("members", WARNING, "Its members differ from those of {other}.",
    "If it isn't an older backup, compare `view FILE members`.")
BEHIND = Rule("consistent_index", INFO, "It has applied {behind} entries fewer than {other} (revision {revision} to"
    " {newest}, term {term} to {newest_term}).", "Compare both by `view FILE hashkv --rev {until}`.")
OTHER_REVISION = Rule("consistent_index", ERROR, "It has applied as many entries as {other}, but stands at revision"
    " {subject}, not {newest}: the members have diverged.",
    "Find the first difference with `diff`, and replace the member that is wrong.")
NOT_COMPARED = Rule("content", INFO, "Its content was not compared with that of {other}: it ends at revision"
    " {subject}, and the other was compacted at {compacted}.", "Take copies of both at about the same time.")
OTHER_CONTENT = Rule("content", ERROR, "At revision {until} its content is not that of {other}: they differ from"
    " revision {subject} on. The members have diverged.",
    "Find out which member is wrong (`view FILE hashkv --rev {until}` of all members, `diff`), and replace it.")
# fmt: on


def _deviations(facts: Facts, answers: dict[str, Any]) -> Iterator[Deviation]:
    at = facts.at
    if at.unfinished is not None:
        yield UNFINISHED.at((META,), b"scheduledCompactRev", str(at.unfinished), compacted=at.compacted_revision)
    for key, alarm in facts.alarms:
        rule = NO_SPACE if alarm.alarm == "NOSPACE" else OTHER_ALARM
        yield rule.at((ALARM,), key, f"{alarm.member:x}", alarm=alarm.alarm)
    for lease, keys in facts.gone_leases.items():
        more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
        yield LEASE_GONE.at((LEASE,), None, f"{lease % (1 << 64):x}", keys=as_text(keys[0]) + more)
    for lease in facts.idle_leases:
        yield LEASE_IDLE.at((LEASE,), None, f"{lease % (1 << 64):x}")
    if facts.malformed:
        first, count = facts.malformed[0], len(facts.malformed)
        shown = first[:20].hex() + ("..." if len(first) > 20 else "")
        yield MALFORMED.at((KEY,), first, str(count), first=shown, **_words(count))
    snapshot = facts.snapshot
    index = at.consistent_index
    if snapshot is not None and index is not None and snapshot.index > index:
        rule = SNAPSHOT_TAKEN if snapshot.has_database else BEHIND_SNAPSHOT
        told = {"name": snapshot.name, "applied": index, "file": f"{snapshot.index:016x}.snap.db"}
        yield rule.at((META,), b"consistent_index", str(snapshot.index), **told)
    if facts.unreadable:
        yield UNREADABLE.at((KEY,), None, str(facts.unreadable))
    storage, cluster = (".".join(text.split(".")[:2]) for text in (at.storage_version, at.cluster_version))
    if storage and cluster and storage != cluster:
        yield VERSIONS.at((META,), b"storageVersion", storage, cluster=cluster)
    yield from _of_members(facts)
    secrets = answers["unencrypted_secrets"]
    if secrets:
        yield OPEN_SECRETS.at((KEY,), None, secrets[0], **_words(len(secrets)))
    # Rewritten encrypted, or deleted, while plain revisions are still in the file.
    for live, rule in ((True, OLD_SECRETS), (False, DELETED_SECRETS)):
        found = [key for key in facts.old_secrets if (key in facts.live) == live]
        if found:
            yield rule.at((KEY,), None, as_text(found[0]), **_words(len(found)))
    if facts.users and not facts.auth:
        yield AUTH_OFF.at((AUTH,))
    for bucket, rule in ((USERS, NO_ROLE), (USERS, NO_PASSWORD), (ROLES, IDLE_ROLE)):
        for name in answers[rule.code]:
            yield rule.at((bucket,), name.encode("utf-8", "surrogateescape"), name)
    size, free = facts.space or (0, 0)
    if free > size / 2:  # from there on a defragmentation is worth its pause, but not for a small file
        fragmented = FRAGMENTED.at((), None, str(free), size=size)
        yield replace(fragmented, severity=WARNING) if size >= 16 << 20 else fragmented


def _of_members(facts: Facts) -> Iterator[Deviation]:
    if facts.members and all(each.configured is False for each in facts.members):
        yield NO_MEMBER_KNOWN.at((META,), b"confState")
        return
    # From 3.6 on the members are those of `members`, and not those of raft.
    version = facts.at.version.split(".")
    by_attribute = all(map(str.isdecimal, version)) and [*map(int, version)] >= [3, 6]
    for each in facts.members:
        place_ = (MEMBERS,), each.key, each.key.decode("utf-8", "replace")
        if each.configured is False:
            yield MEMBER_UNKNOWN.at(*place_)
        elif each.learner_attribute != each.learner:
            called = (CALLED_LEARNER if each.learner_attribute else CALLED_VOTER).at(*place_)
            yield replace(called, severity=ERROR) if by_attribute else called
        if each.learner:
            yield LEARNER.at(*place_)
    conf = facts.configuration
    known = {each.id for each in facts.members}
    for id_ in sorted((conf.voters | conf.learners) - known) if conf is not None and known else ():
        yield MEMBER_MISSING.at((META,), b"confState", f"{id_:x}")


def _words(count: int) -> dict[str, Any]:
    if count == 1:
        return {"count": 1, "s": "", "are": "is", "them": "it", "secrets": "Secret is"}
    return {"count": count, "s": "s", "are": "are", "them": "them", "secrets": "Secrets are"}


def join(audits: Sequence[tuple[str, Audit]]) -> Iterator[tuple[str, AuditFinding]]:
    """Yield what differs between the files of members of the same cluster."""
    found: list[tuple[str, Facts]] = [(path, audit.facts) for path, audit in audits]
    newest_path, newest = max(found, key=lambda each: each[1].at.consistent_index or 0)
    place = (META,), b"consistent_index"
    for path, facts in found:
        if facts is newest or facts.ids.isdisjoint(newest.ids):
            continue  # another cluster's
        at, top = facts.at, newest.at
        both = {"other": newest_path, "revision": at.revision, "newest": top.revision}
        if facts.ids != newest.ids:
            yield path, OTHER_MEMBERS.at((MEMBERS,), **both).finding()
        behind = (top.consistent_index or 0) - (at.consistent_index or 0)
        if behind:
            terms = {"term": at.term, "newest_term": top.term, "until": min(at.revision, top.revision)}
            yield path, BEHIND.at(*place, str(at.consistent_index), behind=behind, **both, **terms).finding()
        elif at.revision != top.revision:
            yield path, OTHER_REVISION.at(*place, str(at.revision), **both).finding()
    yield from _contents(found)


def _contents(found: Sequence[tuple[str, Facts]]) -> Iterator[tuple[str, AuditFinding]]:
    """Yield what differs between each two members next to each other by revision: if those agree, all agree."""
    order = sorted(found, key=lambda each: -each[1].at.revision)
    for number, (path, facts) in enumerate(order):
        newer = next((each for each in reversed(order[:number]) if not facts.ids.isdisjoint(each[1].ids)), None)
        if newer is None:
            continue
        other_path, other = newer
        until = min(facts.at.revision, other.at.revision)
        compacted = max(facts.at.oldest, other.at.oldest)
        if until < compacted:
            yield path, NOT_COMPARED.at((KEY,), None, str(until), other=other_path, compacted=compacted).finding()
            continue
        first = facts.history.first_difference(other.history, compacted, until)
        for here, there in ((path, other_path), (other_path, path)) if first is not None else ():
            yield here, OTHER_CONTENT.at((KEY,), None, str(first), other=there, until=until).finding()
