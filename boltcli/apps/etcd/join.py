"""Members of one cluster compared: what each has applied, and who they say the members are."""

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
    """Yield for each two members, next to each other by revision, whether what they hold is the same.

    If each agrees with the next newer one, all agree: up to a revision there is one history. As etcd's hash of it
    (hashKV) does, this leaves out what either has compacted.
    """
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
