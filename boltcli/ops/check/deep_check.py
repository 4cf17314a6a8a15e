"""``check --deep``: all that bbolt's check finds, then what it never looks at.

bbolt asks whether pages and keys hang together. This asks of every byte below
the high-water mark whether it is as bbolt writes it: both meta pages
(``metas``), who owns each page (``accounts``), how elements lie in their page
(``layout``), buckets and the shape of their trees (``trees``).
"""

from __future__ import annotations

from .both_metas import meta_findings
from .database_check import check
from .findings import Finding
from .page_owners import Accounts
from .tree_shape import tree_findings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...storage.snapshot import Snapshot

# Kinds of findings that say of a page that it can't be used: once is enough.
_SAYS_IT = ("damaged", "multiple-references", "out-of-bounds", "invalid-type", "unexpected-type")


def deep_check(
    snapshot: Snapshot,
    from_page: int = 0,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Finding]:
    """Yield what is wrong with the database: bbolt's findings in its order, then all others.

    ``from_page`` must be 0. Raises nothing for damage.
    """
    assert not from_page
    told: set[int] = set()
    unreachable = False
    for finding in check(snapshot, progress=progress):
        if finding.kind in _SAYS_IT:
            told.add(finding.page)
        unreachable = unreachable or finding.kind == "unreachable-unfreed"
        yield finding
    accounts = Accounts(snapshot)
    for part in (meta_findings(snapshot), accounts.freelist(), tree_findings(snapshot, accounts)):
        for finding in part:
            if finding.kind != "damaged" or finding.page not in told:
                yield finding
    if unreachable:
        yield from accounts.lost()
