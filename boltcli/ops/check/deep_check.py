"""``check --deep``: the findings of bbolt's check, then those of checks that bbolt doesn't make.

bbolt checks that pages and keys are consistent. The deep check verifies that
everything below the high-water mark is as bbolt writes it: both meta pages
(``both_metas``), the owner of each page (``page_owners``), the layout of
elements (``page_layout``), buckets and the shape of their trees (``tree_shape``).
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

# Kinds of findings about an unusable page, which are reported once.
_SAYS_IT = ("damaged", "multiple-references", "out-of-bounds", "invalid-type", "unexpected-type")


def deep_check(
    snapshot: Snapshot,
    from_page: int = 0,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Finding]:
    """Yield the findings about the database: bbolt's in its order, then all others.

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
