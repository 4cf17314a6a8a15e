"""``check``: the compiled kernel first, as most databases are sound; where it gives up, the exact check says why."""

from __future__ import annotations

from ...errors import Corrupted
from ...format.constants import FREELIST_PAGE
from ...kernel import kernel_for, verify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...storage.snapshot import Snapshot
    from .findings import Finding

    Progress = Callable[[int, int], None]


def check(snapshot: Snapshot, from_page: int = 0, *, progress: Progress | None = None) -> Iterator[Finding]:
    """Yield the findings about the database; none if it is sound.

    With ``from_page`` only the tree below that page (and the buckets in it) is
    checked. Damage is a finding and raises nothing.
    """
    if from_page or not is_sound(snapshot, progress):
        from .exact_check import exact_check

        yield from exact_check(snapshot, from_page, progress)


def is_sound(snapshot: Snapshot, progress: Progress | None = None) -> bool:
    """Return whether the kernel finds the whole database sound; False also if it is irregular or there is no kernel."""
    hwm = snapshot.meta.hwm
    if not 2 < hwm <= snapshot.page_count or kernel_for(snapshot) is None:
        return False
    others = _other_pages(snapshot)
    trees = verify(snapshot, progress) if others is not None else None
    if others is None or trees is None:
        return False
    # One byte a page, 0 or 1: the sum is 1 everywhere if each page has exactly one use.
    both = int.from_bytes(trees[:hwm], "little") + int.from_bytes(others, "little")
    column = both.to_bytes(hwm, "little")
    if column.count(1) != hwm and (snapshot.meta.has_freelist or column.translate(None, b"\0\1")):
        return False
    if progress is not None:
        progress(trees.count(1), hwm)
    return True


def _other_pages(snapshot: Snapshot) -> bytearray | None:
    """Return a byte for each page, 1 for meta pages, the freelist and free pages; None if it is irregular."""
    meta = snapshot.meta
    marks = bytearray(meta.hwm)
    marks[:2] = b"\1\1"
    try:
        for pgid in (0, 1):
            snapshot.page(pgid)
        if not meta.has_freelist:
            return marks
        page = snapshot.page(meta.freelist)
        if page.flags != FREELIST_PAGE or meta.freelist + page.overflow >= meta.hwm:
            return None
        free = page.freelist_ids(page.end, meta.hwm)
        for pgid in (*free, *range(meta.freelist, meta.freelist + page.overflow + 1)):
            marks[pgid] = 1
    except (Corrupted, IndexError):
        return None
    return marks if marks.count(1) == 3 + page.overflow + len(free) else None  # no page twice
