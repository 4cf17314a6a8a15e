"""Members of one cluster compared: what each has applied, and who they say the members are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..contract import ERROR, INFO, WARNING, Audit, AuditFinding
from ..rules import Rule
from .audit import Facts
from .layout import KEY, MEMBERS, META

RULES = (
    OTHER_MEMBERS := Rule(
        "members", WARNING, "Its members are not those that {other} has.",
        "If it isn't an older backup, compare `view FILE members`.",
    ),
    BEHIND := Rule(
        "consistent_index", INFO,
        "It has applied {behind} entries fewer than {other} (revision {revision} to {newest}, term {term} to"
        " {newest_term}).",
        "Compare both by `view FILE hashkv --rev {until}`.",
    ),
    OTHER_REVISION := Rule(
        "consistent_index", ERROR,
        "It has applied as many entries as {other}, but stands at revision {subject}, not {newest}: the members have"
        " come apart.",
        "Find the first difference by `diff`, and replace the member that is wrong.",
    ),
    NOT_COMPARED := Rule(
        "content", INFO,
        "Its content was not compared with that of {other}: it ends at revision {subject}, and the other was"
        " compacted at {compacted}.",
        "Take copies of both at about the same time.",
    ),
    OTHER_CONTENT := Rule(
        "content", ERROR,
        "At revision {until} its content is not that of {other}: they differ from revision {subject} on. The members"
        " have come apart.",
        "Find out which member is wrong (`view FILE hashkv --rev {until}` of all members, `diff`), and replace it.",
    ),
)  # fmt: skip


def join(audits: Sequence[tuple[str, Audit]]) -> Iterator[tuple[str, AuditFinding]]:
    """Yield what differs between the files of members of the same cluster."""
    found: list[tuple[str, Facts]] = [(path, audit.facts) for path, audit in audits]
    newest_path, newest = max(found, key=lambda each: each[1].index or 0)
    place = (META,), b"consistent_index"
    for path, facts in found:
        if facts is newest or _ids(facts).isdisjoint(_ids(newest)):
            continue  # another cluster's
        both = {"other": newest_path, "revision": facts.revision, "newest": newest.revision}
        if _ids(facts) != _ids(newest):
            yield path, OTHER_MEMBERS.at((MEMBERS,), **both).finding()
        behind = (newest.index or 0) - (facts.index or 0)
        if behind:
            terms = {"term": facts.term, "newest_term": newest.term, "until": min(facts.revision, newest.revision)}
            yield path, BEHIND.at(*place, str(facts.index), behind=behind, **both, **terms).finding()
        elif facts.revision != newest.revision:
            yield path, OTHER_REVISION.at(*place, str(facts.revision), **both).finding()
    yield from _contents(found)


def _contents(found: Sequence[tuple[str, Facts]]) -> Iterator[tuple[str, AuditFinding]]:
    """Yield for each two members, next to each other by revision, whether what they hold is the same.

    If each agrees with the next newer one, all agree: up to a revision there is one history. As etcd's hash of it
    (hashKV) does, this leaves out what either has compacted.
    """
    order = sorted(found, key=lambda each: -each[1].revision)
    for number, (path, facts) in enumerate(order):
        ids = _ids(facts)
        newer = next((each for each in reversed(order[:number]) if not ids.isdisjoint(_ids(each[1]))), None)
        if newer is None:
            continue
        other_path, other = newer
        until = min(facts.revision, other.revision)
        compacted = max(each or 0 for one in (facts, other) for each in (one.compacted, one.scheduled))
        if until < compacted:
            yield path, NOT_COMPARED.at((KEY,), None, str(until), other=other_path, compacted=compacted).finding()
            continue
        first = facts.history.first_difference(other.history, compacted, until)
        for here, there in ((path, other_path), (other_path, path)) if first is not None else ():
            yield here, OTHER_CONTENT.at((KEY,), None, str(first), other=there, until=until).finding()


def _ids(facts: Facts) -> set[bytes]:
    return {each.key for each in facts.members}
