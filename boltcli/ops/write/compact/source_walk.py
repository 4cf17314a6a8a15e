"""Read a source as bbolt's compaction does, element by element, whatever the order of its keys."""

from __future__ import annotations

from ....format.constants import BRANCH_PAGE, BUCKET_LEAF_FLAG, LEAF_PAGE
from ....format.page import LeafElements
from ....tree.bucket import child_bucket, root_bucket
from ....tree.walk import Nest, tree_pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ....format.bucket import BucketRef
    from ....format.page import Page
    from ....storage.snapshot import Snapshot

    # A pair: its key and value. A bucket to go into: its name and sequence. The end of that: None, 0.
    Event = tuple[bytes, bytes] | tuple[bytes, int] | tuple[None, int]

_VISITS = 64  # pages may be met along several ways: so many visits a page, on average, are followed
_MORE = 1 << 19


def walk(
    snapshot: Snapshot, progress: Callable[[int, int], None] | None = None, notes: list[str] | None = None
) -> Iterator[Event]:
    """Yield what the database holds in the order of its pages; a bucket is looked up by its name, as bbolt does.

    What bbolt leaves out without a word is added to ``notes``.

    Pairs of the root bucket are among it, where bbolt panics. Raises
    :class:`~boltcli.errors.Corrupted` for what cannot be read whole, and where bbolt panics else.
    """
    visits = _Visits(snapshot, progress, [] if notes is None else notes)
    nest = Nest(snapshot)
    bucket = root_bucket(snapshot)
    nest.enter(bucket)
    pending = [(bucket, _elements(snapshot, bucket, visits))]
    while pending:
        bucket, elements = pending[-1]
        element = next(elements, None)
        if element is None:
            pending.pop()
            nest.leave(bucket.root)
            if pending:
                yield None, 0
            continue
        page, name, value = element
        if value is not None:
            yield name, value
            continue
        child = child_bucket(snapshot, bucket, name)
        if child is None:
            raise page.damaged(f"the bucket {name!r} cannot be found by its name")
        nest.enter(child)
        yield name, child.sequence
        pending.append((child, _elements(snapshot, child, visits)))


class _Visits:
    """The guard of the walk: counts the pages that were read, and says when it is enough."""

    def __init__(
        self, snapshot: Snapshot, progress: Callable[[int, int], None] | None, notes: list[str]
    ) -> None:  # fmt: skip
        self._snapshot = snapshot
        self._notes = notes
        self._progress = progress
        self._done = 0
        self._most = _VISITS * snapshot.page_count + _MORE

    def visit(self, page: Page) -> None:
        snapshot = self._snapshot
        snapshot.poll()
        self._done += 1
        if self._done > self._most:
            raise page.damaged("pages are referenced so often that a copy would have no end")
        if page.pgid in page.stack[:-1]:
            raise page.damaged("the page is its own ancestor")
        if page.flags == BRANCH_PAGE and not page.count:
            self._notes.append(
                f"page {page.pgid}: a branch page without elements: as in bbolt, the copy has what is below its first "
                "one, and nothing else that was there"
            )
        if self._progress is not None:
            self._progress(min(self._done, snapshot.meta.hwm), snapshot.meta.hwm)


def _elements(snapshot: Snapshot, bucket: BucketRef, visits: _Visits) -> Iterator[tuple[Page, bytes, bytes | None]]:
    """Yield the leaf elements of one bucket: their page, key, and value, which is None for a bucket."""
    for page in tree_pages(snapshot, bucket, visits):
        if page.flags == LEAF_PAGE:
            leaf = LeafElements(page)
            for index, flags in enumerate(leaf.flags):
                yield page, leaf.key(index), None if flags & BUCKET_LEAF_FLAG else leaf.value(index)
