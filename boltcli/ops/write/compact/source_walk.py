"""Read a source as bbolt's compaction does, element by element, whatever the order of its keys."""

from __future__ import annotations

from ....format.constants import BRANCH_PAGE, BUCKET_LEAF_FLAG, LEAF_PAGE
from ....format.page import LeafElements
from ....tree.bucket import child_bucket, root_bucket
from ....tree.walk import Seen, flat, refuse_nested, tree_pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ....format.bucket import BucketRef
    from ....format.page import Page
    from ....storage.snapshot import Snapshot
    from ....tree.walk import Nested

    # A pair: its key and value. A bucket to go into: its name and sequence. The end of that: None, 0.
    Event = tuple[bytes, bytes] | tuple[bytes, int] | tuple[None, int]


def walk(
    snapshot: Snapshot, progress: Callable[[int, int], None] | None = None, notes: list[str] | None = None
) -> Iterator[Event]:
    """Yield what the database holds in the order of its pages; a bucket is looked up by its name, as bbolt does.

    What bbolt leaves out without a word is added to ``notes``.

    Pairs of the root bucket are among it, where bbolt panics. Raises
    :class:`~boltcli.errors.Corrupted` for what cannot be read whole, and where bbolt panics else.
    """
    visits = _Visits(snapshot, progress, [] if notes is None else notes)
    return flat(_bucket(snapshot, root_bucket(snapshot), visits))


def _bucket(snapshot: Snapshot, bucket: BucketRef, visits: _Visits) -> Nested[Event]:
    for page in tree_pages(snapshot, bucket, visits):
        if page.flags != LEAF_PAGE:
            continue
        leaf = LeafElements(page)
        for index, flags in enumerate(leaf.flags):
            name = leaf.key(index)
            if not flags & BUCKET_LEAF_FLAG:
                yield name, leaf.value(index)
                continue
            child = child_bucket(snapshot, bucket, name)
            if child is None:
                raise page.damaged(f"the bucket {name!r} cannot be found by its name")
            refuse_nested(snapshot, child)
            yield name, child.sequence
            yield _bucket(snapshot, child, visits)
            yield None, 0


class _Visits(Seen):
    """The guard of the walk, which shows its progress."""

    __slots__ = ("_done", "_notes", "_progress", "_snapshot")

    def __init__(self, snapshot: Snapshot, progress: Callable[[int, int], None] | None, notes: list[str]) -> None:
        super().__init__(snapshot, twice=True)
        self._snapshot = snapshot
        self._notes = notes
        self._progress = progress
        self._done = 0

    def visit(self, page: Page) -> None:
        snapshot = self._snapshot
        snapshot.glance()
        super().visit(page)
        self._done += 1
        if page.flags == BRANCH_PAGE and not page.count:
            self._notes.append(
                f"page {page.pgid}: a branch page without elements: as in bbolt, the copy has what is below its first "
                "one, and nothing else that was there"
            )
        if self._progress is not None:
            self._progress(min(self._done, snapshot.meta.hwm), snapshot.meta.hwm)
