"""Find the differences between two databases, in key order.

Both trees are walked in parallel. If the next subtree of both has the same page id and is known to be shared, both skip
it; else the higher one is opened, until two leaves are merged.
"""

from __future__ import annotations

from operator import eq

from ...errors import BucketNotFound
from ...format.bucket import BucketRef
from ...tree.bucket import find_bucket
from ...tree.walk import flat
from .change import Change
from .shared_pages import SharedPages
from .tree_cursor import Side, TreeCursor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ...storage.snapshot import Snapshot
    from ...tree.walk import Nested
    from ..read.select_items import Value
    from .change import Path

    Shared = Callable[[int], bool]  # whether all below a page is the same on both sides


def diff(
    old: Snapshot,
    new: Snapshot,
    path: Sequence[bytes] = (),
    *,
    start: bytes = b"",
    stop: bytes | None = None,
    same_file: bool = False,
) -> Iterator[Change]:
    """Yield the changes from ``old`` to ``new`` of the bucket at ``path`` and everything in it, in key order.

    In that bucket only keys from ``start`` to before ``stop`` are compared. ``same_file``: ``new`` is the transaction
    right after ``old`` in one file; then shared pages are never read. Raises BucketNotFound if neither has the bucket,
    and Corrupted at a damaged page, or after the last change if what was read can't be right.
    """
    found_old, found_new = _find(old, path), _find(new, path)
    if found_old is None and found_new is None:
        raise BucketNotFound(path, new.path)
    is_copy = not same_file and old.page_size == new.page_size  # perhaps
    shared = SharedPages(old, new).has if is_copy else lambda pgid: same_file
    yield from _Comparison(old, new, shared, start, stop).changes(tuple(path), found_old, found_new)


def contents(
    snapshot: Snapshot, path: Sequence[bytes] = (), *, start: bytes = b"", stop: bytes | None = None
) -> Iterator[Change]:
    """Yield all that is in the bucket at ``path`` as added, as if there had been nothing; nothing if it isn't there."""
    bucket = _find(snapshot, path)
    if bucket is not None:
        yield from _Comparison(snapshot, snapshot, lambda pgid: False, start, stop).changes(tuple(path), None, bucket)


def _find(snapshot: Snapshot, path: Sequence[bytes]) -> BucketRef | None:
    try:
        return find_bucket(snapshot, path)
    except BucketNotFound:
        return None


class _Comparison:
    def __init__(self, old: Snapshot, new: Snapshot, shared: Shared, start: bytes, stop: bytes | None) -> None:
        self._old, self._new = Side(old), Side(new)
        self._is_shared = shared
        self._start, self._stop = start, stop

    def changes(self, path: Path, old: BucketRef | None, new: BucketRef | None) -> Iterator[Change]:
        """Yield the changes of a bucket, which one of both may lack, and of all inside it."""
        yield from flat(self._bucket(path, old, new, self._start, self._stop))
        for side in (self._old, self._new):
            if side.damage is not None:
                raise side.damage

    def _bucket(
        self,
        path: Path,
        old: BucketRef | None,
        new: BucketRef | None,
        start: bytes = b"",
        stop: bytes | None = None,
    ) -> Nested[Change]:
        if old is None and path:
            yield Change("add", path)
        before = old.sequence if old is not None else 0  # that of a new bucket was 0
        if new is not None and before != new.sequence:
            yield Change("change", path, None, before, new.sequence)
        same = old is not None and new is not None and old.root == new.root != 0 and self._is_shared(new.root)
        if not same:
            cursors = [TreeCursor(side, ref, start, stop) for side, ref in ((self._old, old), (self._new, new))]
            yield self._compare(path, *cursors)
        if new is None:
            yield Change("remove", path)

    def _compare(self, path: Path, old: TreeCursor, new: TreeCursor) -> Nested[Change]:
        """Yield the changes of one bucket, and the buckets in it that are to be compared."""
        while True:
            if old.is_empty and new.is_empty:
                self._pass_over(old, new)
            has_old, has_new = old.fill(), new.fill()
            if has_old and has_new:
                yield from self._merge(path, old, new)
                continue
            if not has_old and not has_new:
                return
            side = old if has_old else new
            for key, value in zip(side.keys[side.at :], side.values[side.at :]):
                yield self._key(path, key, value if has_old else None, value if has_new else None)
            side.at = len(side.keys)

    def _pass_over(self, old: TreeCursor, new: TreeCursor) -> None:
        """Skip shared subtrees, and open others until both sides are at a leaf."""
        here, there = old.heads, new.heads
        while here and there:
            is_same = here[-1][0] == there[-1][0]
            if is_same and self._is_shared(here[-1][0]):
                old.skip()
                new.skip()
            elif not (old.is_branch() or new.is_branch()):
                return
            else:
                lower = 0 if is_same and old.is_branch() and new.is_branch() else old.height() - new.height()
                if lower >= 0:
                    old.expand()
                if lower <= 0:
                    new.expand()

    def _merge(self, path: Path, old: TreeCursor, new: TreeCursor) -> Nested[Change]:
        """Compare the current elements until one side has no more."""
        at, to = old.at, new.at
        # Compare all elements at once first, as most are equal.
        count = min(len(old.keys) - at, len(new.keys) - to)
        keys, others = old.keys[at : at + count], new.keys[to : to + count]
        if keys == others:
            values, new_values = old.values[at : at + count], new.values[to : to + count]
            old.at, new.at = at + count, to + count
            if values != new_values:
                for index, same in enumerate(map(eq, values, new_values)):
                    if not same:
                        yield from self._key(path, keys[index], values[index], new_values[index])
            return
        keys, others = old.keys, new.keys
        while at < len(keys) and to < len(others):
            key, other = keys[at], others[to]
            if key < other:
                yield self._key(path, key, old.values[at], None)
                at += 1
            elif key > other:
                yield self._key(path, other, None, new.values[to])
                to += 1
            else:
                yield from self._key(path, key, old.values[at], new.values[to])
                at += 1
                to += 1
        old.at, new.at = at, to

    def _key(self, path: Path, key: bytes, old: Value | None, new: Value | None) -> Nested[Change]:
        """Yield the changes of a key, which one side may lack."""
        is_bucket = isinstance(old, BucketRef) or isinstance(new, BucketRef)
        if is_bucket and old is not None and new is not None and type(old) is not type(new):
            yield self._key(path, key, old, None)
            yield self._key(path, key, None, new)
        elif is_bucket:
            yield self._bucket((*path, key), old, new)  # type: ignore[arg-type]
        elif old != new:
            yield Change("add" if old is None else "remove" if new is None else "change", path, key, old, new)  # type: ignore[arg-type]
