"""Members of one cluster compared: what each has applied, and who they say the members are."""

from __future__ import annotations

from ..contract import ERROR, INFO, WARNING, AuditFinding
from .layout import KEY, MEMBERS, META

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..contract import Audit
    from .audit import Facts


def join(audits: Sequence[tuple[str, Audit]]) -> Iterator[tuple[str, AuditFinding]]:
    """Yield what differs between the files of members of the same cluster."""
    found = [(path, audit.facts) for path, audit in audits]
    newest_path, newest = max(found, key=lambda each: each[1].index or 0)
    for path, facts in found:
        if facts is newest:
            continue
        ids, others = _ids(facts), _ids(newest)
        if ids.isdisjoint(others):
            continue  # another cluster's
        if ids != others:
            yield path, AuditFinding(
                "members", WARNING, f"Its members are not those that {newest_path} has.",
                bucket=(MEMBERS,), remedy="If it isn't an older backup, compare `view FILE members`.",
            )  # fmt: skip
        behind = (newest.index or 0) - (facts.index or 0)
        if behind:
            yield path, AuditFinding(
                "consistent_index", INFO,
                f"It has applied {behind} entries fewer than {newest_path} (revision {facts.revision} to"
                f" {newest.revision}, term {facts.term} to {newest.term}).",
                bucket=(META,), key=b"consistent_index", subject=str(facts.index),
                remedy=f"Compare both by `view FILE hashkv --rev {min(facts.revision, newest.revision)}`.",
            )  # fmt: skip
        elif facts.revision != newest.revision:
            yield path, AuditFinding(
                "consistent_index", ERROR,
                f"It has applied as many entries as {newest_path}, but stands at revision {facts.revision}, not"
                f" {newest.revision}: the members have come apart.",
                bucket=(META,), key=b"consistent_index", subject=str(facts.revision),
                remedy="Find the first difference by `diff`, and replace the member that is wrong.",
            )  # fmt: skip
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
            yield path, AuditFinding(
                "content", INFO,
                f"Its content was not compared with that of {other_path}: it ends at revision {until}, and the other"
                f" was compacted at {compacted}.",
                bucket=(KEY,), subject=str(until), remedy="Take copies of both at about the same time.",
            )  # fmt: skip
            continue
        first = facts.history.first_difference(other.history, compacted, until)
        for here, there in ((path, other_path), (other_path, path)) if first is not None else ():
            yield here, AuditFinding(
                "content", ERROR,
                f"At revision {until} its content is not that of {there}: they differ from revision {first} on. The"
                " members have come apart.",
                bucket=(KEY,), subject=str(first),
                remedy=f"Find out which member is wrong (`view FILE hashkv --rev {until}` of all members, `diff`), and"
                " replace it.",
            )  # fmt: skip


def _ids(facts: Facts) -> set[bytes]:
    return {each.key for each in facts.members}
