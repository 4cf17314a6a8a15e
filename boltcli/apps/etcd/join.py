"""Members of one cluster compared: what each has applied, and who they say the members are."""

from __future__ import annotations

from ..contract import INFO, WARNING, AuditFinding
from .layout import MEMBERS, META

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..contract import Audit


def join(audits: Sequence[tuple[str, Audit]]) -> Iterator[tuple[str, AuditFinding]]:
    """Yield what differs between the files of members of the same cluster."""
    found = [(path, audit.facts) for path, audit in audits]
    newest_path, newest = max(found, key=lambda each: each[1].index or 0)
    for path, facts in found:
        if facts is newest:
            continue
        ids, others = ({key for key, _ in each.members} for each in (facts, newest))
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
                "consistent_index", WARNING,
                f"It has applied as many entries as {newest_path}, but stands at revision {facts.revision}, not"
                f" {newest.revision}: the members have come apart.",
                bucket=(META,), key=b"consistent_index", subject=str(facts.revision),
                remedy="Find the first difference by `diff`, and replace the member that is wrong.",
            )  # fmt: skip
