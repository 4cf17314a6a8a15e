"""``check`` of a database: most are sound, so first that is proved; the exact check has the words for all else.

The proof is the kernel's where it is there, else one in batches. Whatever isn't plainly right ends it without a
verdict.
"""

from __future__ import annotations

from ...errors import Corrupted
from ...format.constants import FREELIST_PAGE
from ...tree.kernel_walks import has_kernel, proven_pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...storage.snapshot import Snapshot
    from .findings import Finding

    Progress = Callable[[int, int], None]

# With fewer pages the proof in batches is not worth loading.
FEW_PAGES = 128


def check(snapshot: Snapshot, from_page: int = 0, *, progress: Progress | None = None) -> Iterator[Finding]:
    """Yield what is wrong with the database; nothing if it is sound.

    With ``from_page`` only the tree below that page (and the buckets in it) is
    looked at. Raises nothing for damage: damage is what it finds.
    """
    if from_page or not is_sound(snapshot, progress):
        from .exact_check import exact_check

        yield from exact_check(snapshot, from_page, progress)


def is_sound(snapshot: Snapshot, progress: Progress | None = None) -> bool:
    """Say whether the whole database is plainly sound; False where it is not, or not plain."""
    hwm = snapshot.meta.hwm
    if not 2 < hwm <= snapshot.page_count:
        return False
    others = _other_pages(snapshot)
    trees = _trees(snapshot, progress) if others is not None else None
    if others is None or trees is None:
        return False
    # A byte a page, 0 or 1 in each: their sum is 1 everywhere if each page is of one kind, and no page lost.
    both = int.from_bytes(trees[:hwm], "little") + int.from_bytes(others, "little")
    column = both.to_bytes(hwm, "little")
    if column.count(1) != hwm and (snapshot.meta.has_freelist or column.translate(None, b"\0\1")):
        return False
    if progress is not None:
        progress(trees.count(1), hwm)
    return True


def _trees(snapshot: Snapshot, progress: Progress | None) -> bytes | bytearray | None:
    """Prove that all trees are sound: a byte a page, 1 for theirs; None if that isn't plain."""
    if has_kernel(snapshot):
        return proven_pages(snapshot, progress)
    if snapshot.meta.hwm < FEW_PAGES:
        return None
    from .batch_check import proven_in_batches

    return proven_in_batches(snapshot, progress)


def _other_pages(snapshot: Snapshot) -> bytearray | None:
    """Mark the pages that are no tree's, a byte each: meta pages, freelist, free pages. None if that isn't plain."""
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
