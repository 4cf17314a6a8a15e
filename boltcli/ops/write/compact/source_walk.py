"""What bbolt's compaction reads of a source, element by element, whatever the order of its keys."""

from __future__ import annotations

from ....format.constants import BUCKET_LEAF_FLAG, LEAF_PAGE
from ....format.page import DamagedElements
from ....tree.bucket import child_bucket, children, damaged, inline_page, leaf_elements, root_bucket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ....storage.snapshot import Page, Snapshot
    from ....tree.bucket import BucketRef

    # A pair: its key and value. A bucket to go into: its name and sequence. The end of that: None, 0.
    Event = tuple[bytes, bytes] | tuple[bytes, int] | tuple[None, int]

_VISITS = 64  # pages may be met along several ways: so many visits a page, on average, are followed
_MORE = 1 << 19


def walk(snapshot: Snapshot, progress: Callable[[int, int], None] | None = None) -> Iterator[Event]:
    """Yield what the database holds in the order of its pages; a bucket is looked up by its name, as bbolt does.

    Pairs of the root bucket are among it, where bbolt panics. Raises
    :class:`~boltcli.errors.Corrupted` for what cannot be read whole, and where bbolt panics else.
    """
    visits = _Visits(snapshot, progress)
    bucket = root_bucket(snapshot)
    pending = [_elements(snapshot, bucket, visits)]
    buckets = [bucket]
    roots = {bucket.root}
    while pending:
        element = next(pending[-1], None)
        if element is None:
            pending.pop()
            roots.discard(buckets.pop().root)
            if pending:
                yield None, 0
            continue
        page, name, value = element
        if value is not None:
            yield name, value
            continue
        child = child_bucket(snapshot, buckets[-1], name)
        if child is None:
            raise snapshot.corrupted(f"the bucket {name!r} cannot be found by its name", page.pgid)
        if child.root in roots and child.root:
            raise snapshot.corrupted("the bucket is nested in itself", child.root)
        yield name, child.sequence
        roots.add(child.root)
        buckets.append(child)
        pending.append(_elements(snapshot, child, visits))


class _Visits:
    """Counts the pages that were read, and says when it is enough."""

    def __init__(self, snapshot: Snapshot, progress: Callable[[int, int], None] | None) -> None:
        self._snapshot = snapshot
        self._progress = progress
        self._done = 0
        self._most = _VISITS * snapshot.page_count + _MORE

    def note(self, pgid: int) -> None:
        snapshot = self._snapshot
        snapshot.glance()
        self._done += 1
        if self._done > self._most:
            raise snapshot.corrupted("pages are referenced so often that a copy would have no end", pgid)
        if self._progress is not None:
            self._progress(min(self._done, snapshot.meta.hwm), snapshot.meta.hwm)


def _elements(snapshot: Snapshot, bucket: BucketRef, visits: _Visits) -> Iterator[tuple[Page, bytes, bytes | None]]:
    """The leaf elements of one bucket: their page, key, and value, which is None for a bucket."""
    if not bucket.root:
        yield from _of_leaf(snapshot, inline_page(snapshot, bucket))
        return
    stack: list[int] = []
    above: set[int] = set()
    pending = [iter((bucket.root,))]
    while pending:
        pgid = next(pending[-1], None)
        if pgid is None:
            pending.pop()
            if stack:
                above.discard(stack.pop())
            continue
        visits.note(pgid)
        page = snapshot.page(pgid, stack)
        if page.flags == LEAF_PAGE:
            yield from _of_leaf(snapshot, page)
        elif pgid in above:
            raise snapshot.corrupted("the page is its own ancestor", pgid)
        elif not page.count:
            raise snapshot.corrupted("a branch page without elements", pgid, stack)
        else:
            pending.append(iter(children(snapshot, page)))
            stack.append(pgid)
            above.add(pgid)


def _of_leaf(snapshot: Snapshot, page: Page) -> Iterator[tuple[Page, bytes, bytes | None]]:
    leaf = leaf_elements(snapshot, page)
    try:
        for index, flags in enumerate(leaf.flags):
            yield page, leaf.key(index), None if flags & BUCKET_LEAF_FLAG else leaf.value(index)
    except DamagedElements as damage:
        raise damaged(snapshot, page, damage) from None
