"""Find the differences between two databases, in key order.

Both trees are walked in parallel. If the next subtree of both has the same page id and is known to be shared, both skip
it; else they are opened, until two leaves are merged.
"""

from __future__ import annotations

from bisect import bisect_left
from operator import eq

from ...errors import BucketNotFound, Corrupted
from ...format.bucket import BucketRef
from ...format.constants import BRANCH_PAGE, ELEMENT_SIZE, LEAF_PAGE, MAX_KEY_SIZE, PAGE_HEADER_SIZE
from ...format.page import EVEN, HEADER, BranchElements, LeafElements, ascend, header_columns
from ...storage.files import read_or_raise
from ...storage.snapshot import Snapshot
from ...tree.bucket import find_bucket
from ...tree.walk import Seen, flat, inline_page, refuse_hiding, within
from ..read.select_items import elements
from .change import Change

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ...format.page import Page
    from ...progress import Progress
    from ...tree.walk import Nested
    from ..read.select_items import Value
    from .change import Path

    Shared = Callable[[int], bool]  # whether all below a page is the same on both sides

_CHUNK = 1 << 16  # bytes compared at a time; larger chunks are slower
_SHARED, _OTHER, _LONG = 1, 2, 3  # states of a page, 0: not known; a leaf with overflow pages


def diff(
    old: Snapshot | None,
    new: Snapshot,
    path: Sequence[bytes] = (),
    *,
    start: bytes = b"",
    stop: bytes | None = None,
    same_file: bool = False,
    progress: Progress | None = None,
) -> Iterator[Change]:
    """Yield the changes from ``old`` (None: nothing) to ``new`` of the bucket at ``path`` and all in it, in key order.

    In that bucket only keys from ``start`` to before ``stop`` are compared. ``same_file``: ``new`` is the transaction
    right after ``old`` in one file; then shared pages are never read. Raises BucketNotFound if neither has the bucket,
    and Corrupted at a damaged page, or after the last change if what was read can't be right.
    """
    found_old, found_new = None if old is None else _find(old, path), _find(new, path)
    if found_old is None and found_new is None:
        raise BucketNotFound(path, new.path)
    is_copy = old is not None and not same_file and old.page_size == new.page_size  # perhaps
    shared = SharedLeaves(old, new).has if old is not None and is_copy else lambda pgid: same_file
    comparison = _Comparison(old or new, new, shared, progress)
    yield from flat(comparison.bucket(tuple(path), found_old, found_new, start, stop))
    for side in (comparison.old, comparison.new):
        if side.damage is not None:
            raise side.damage


def _find(snapshot: Snapshot, path: Sequence[bytes]) -> BucketRef | None:
    try:
        return find_bucket(snapshot, path)
    except BucketNotFound:
        return None


class _Comparison:
    def __init__(self, old: Snapshot, new: Snapshot, shared: Shared, progress: Progress | None) -> None:
        self.old, self.new = _Side(old), _Side(new)
        if progress is not None:
            total = old.used_pages() + new.used_pages()
            for side in (self.old, self.new):
                side.show = lambda: progress(min(self.old.visited + self.new.visited, total), total)
        self._is_shared = shared

    def bucket(
        self, path: Path, old: BucketRef | None, new: BucketRef | None, start: bytes = b"", stop: bytes | None = None
    ) -> Nested[Change]:
        """Yield the changes of a bucket, which one of both may lack, and of all inside it."""
        if old is None and path:
            yield Change("add", path)
        before = old.sequence if old is not None else 0  # that of a new bucket was 0
        if new is not None and before != new.sequence:
            yield Change("change", path, None, before, new.sequence)
        same = old is not None and new is not None and old.root == new.root != 0 and self._is_shared(new.root)
        if not same:
            yield self._compare(path, _Cursor(self.old, old, start, stop), _Cursor(self.new, new, start, stop))
        if new is None:
            yield Change("remove", path)

    def _compare(self, path: Path, old: _Cursor, new: _Cursor) -> Nested[Change]:
        """Yield the changes of one bucket, and the buckets in it that are to be compared."""
        while True:
            if old.is_empty() and new.is_empty():
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

    def _pass_over(self, old: _Cursor, new: _Cursor) -> None:
        """Skip shared subtrees, and open others until both sides are at a leaf."""
        here, there = old.heads, new.heads
        while here and there:
            if here[-1][0] == there[-1][0] and self._is_shared(here[-1][0]):
                old.skip()
                new.skip()
                continue
            branches = [side for side in (old, new) if side.open().flags == BRANCH_PAGE]
            if not branches:
                return
            if len(branches) == 2 and old.is_like(new):
                # Of two copies most pages are shared: those below one branch are read, and skipped, together.
                heads = old.children()
                kept = [head for head in heads if not self._is_shared(head[0])]
                old.replace(heads, kept)
                new.replace(heads, kept)
                continue
            for side in branches:
                heads = side.children()
                side.replace(heads, heads)

    def _merge(self, path: Path, old: _Cursor, new: _Cursor) -> Nested[Change]:
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
            yield self.bucket((*path, key), old, new)  # type: ignore[arg-type]
        elif old != new:
            yield Change("add" if old is None else "remove" if new is None else "change", path, key, old, new)  # type: ignore[arg-type]


class _Side(Seen):
    """A database that is compared: the guard of its walk, which enters each page at most once."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(snapshot)
        self.snapshot = snapshot
        self.damage: Corrupted | None = None  # the first thing that was read and can't be right

    def visit(self, page: Page) -> None:
        super().visit(page)
        beyond = page.file_offset + (page.overflow + 1) * self.snapshot.page_size - self.snapshot.size
        if beyond > 0:
            self.note(page, f"its last {beyond} bytes lie beyond the end of the file")

    def note(self, page: Page, problem: str) -> None:
        if self.damage is None:
            self.damage = page.damaged(f"{problem}: the differences shown for {self.snapshot.path} may be wrong")


class _Cursor:
    """The elements of ``bucket`` (None: of none) from ``start`` to before ``stop``. Raises Corrupted."""

    def __init__(self, side: _Side, bucket: BucketRef | None, start: bytes = b"", stop: bytes | None = None) -> None:
        self._side = side
        self._bucket = bucket
        self._start, self._stop = start, stop
        self.keys: list[bytes] = []  # the current ones, from index ``at`` on
        self.values: list[Value] = []
        self.at = 0
        # The subtrees to come, the next one last: page id, depth below the root, and the key that is in front of it.
        self.heads: list[tuple[int, int, bytes]] = [(bucket.root, 0, b"")] if bucket is not None and bucket.root else []
        self._last = b""  # the last key of the leaf before; no key is empty
        self._page: Page | None = None  # the page of the head, if it was opened
        # The rest of the leaf of the current elements.
        self._rest: Iterator[tuple[list[bytes], list[Value]]] = iter(())
        if bucket is not None and not bucket.root:
            self._rest = self._parts(inline_page(side.snapshot, bucket), b"")

    def is_empty(self) -> bool:
        """Return whether there are no more elements before the head."""
        if self.at == len(self.keys):
            self.keys, self.values = next(self._rest, ([], []))
            self.at = 0
        return self.at == len(self.keys)

    def skip(self) -> None:
        """Skip the head. Raises Corrupted if it was met before: then it can't be in the same place on both sides."""
        pgid = self.heads.pop()[0]
        if self._page is None:
            self._enter([pgid])
        self._page = None

    def is_like(self, other: _Cursor) -> bool:
        """Return whether the pages of both heads have the same bytes, and so the same place."""
        page, others = self.open(), other.open()
        return page.buffer[page.offset : page.end] == others.buffer[others.offset : others.end]

    def children(self) -> list[tuple[int, int, bytes]]:
        """Return the subtrees of the head, a branch page, the next one last."""
        page = self.open()
        branch = BranchElements(page)
        keys = branch.keys()
        if not ascend(keys):
            self._side.note(page, "keys that are not in order")
        wanted = within(keys, self._start, self._stop)
        depth = self.heads[-1][1] + 1
        return [(child, depth, key) for child, key in zip(branch.pgids[wanted], keys[wanted])][::-1]

    def replace(self, heads: list[tuple[int, int, bytes]], kept: list[tuple[int, int, bytes]]) -> None:
        """Replace the head by the ``kept`` ones of its subtrees, ``heads``, and skip the others. Raises Corrupted."""
        if len(kept) < len(heads):
            stay = {head[0] for head in kept}
            self._enter([head[0] for head in heads if head[0] not in stay])
        self._page = None
        self.heads[-1:] = kept

    def _enter(self, pgids: list[int]) -> None:
        again = self._side.enter_all(pgids)
        if again is not None:
            raise self._side.snapshot.corrupted("the page is referenced more than once", again, bucket=self._bucket)

    def fill(self) -> bool:
        """Read more elements if there are no current ones; return whether there are any."""
        while self.is_empty():
            if not self.heads:
                return False
            page = self.open()
            if page.flags == BRANCH_PAGE:
                heads = self.children()
                self.replace(heads, heads)
            else:
                self._rest = self._parts(page, self.heads.pop()[2])
                self._page = None
        return True

    def open(self) -> Page:
        """Return the page of the head."""
        if self._page is None:
            pgid, depth, _ = self.heads[-1]
            page = self._side.snapshot.page(pgid, (), self._bucket)
            self._side.visit(page)
            refuse_hiding(page, below=depth > 0)
            self._page = page
        return self._page

    def _parts(self, page: Page, least: bytes) -> Iterator[tuple[list[bytes], list[Value]]]:
        """Yield the elements of a leaf page, whose keys should not be below ``least``, a batch at a time."""
        self._side.snapshot.poll()
        leaf = LeafElements(page)
        keys = leaf.keys()
        # Two sides are merged by the order of their keys: those that no sound leaf has are noted.
        if keys and (not keys[0] or max(leaf.key_sizes) > MAX_KEY_SIZE):
            self._side.note(page, "a key of an impossible size")
        elif keys and not (keys[0] > self._last and keys[0] >= least and ascend(keys)):
            self._side.note(page, "keys that are not in order")
        self._last = keys[-1] if keys else self._last
        low = bisect_left(keys, self._start) if self._start else 0
        high = len(keys) if self._stop is None else bisect_left(keys, self._stop, low)
        for first, last in leaf.batches(low, high):
            yield elements(leaf, keys, first, last)


class SharedLeaves:
    """The leaf pages that two files with one page size share: one may be a copy of the other. Takes a byte a page.

    Equal bytes of a branch page, or of a leaf that holds a bucket, prove nothing about what is below: between two
    copies a child may have been freed and written again at its old place. So these are read.
    """

    def __init__(self, old: Snapshot, new: Snapshot) -> None:
        self._old, self._new = old, new
        self._per_chunk = max(_CHUNK // new.page_size, 1)
        self._states = bytearray(min(old.size, new.size) // new.page_size)

    def has(self, pgid: int) -> bool:
        """Return whether page ``pgid`` is the same leaf without buckets in both."""
        states = self._states
        if pgid >= len(states):
            return False
        if not states[pgid]:
            self._compare(pgid - pgid % self._per_chunk)
        if states[pgid] == _LONG:
            states[pgid] = _SHARED if self._is_same_run(pgid) else _OTHER
        return states[pgid] == _SHARED

    def _compare(self, first: int) -> None:
        self._new.poll()
        self._old.poll()
        last = min(first + self._per_chunk, len(self._states))
        page_size = self._new.page_size
        size = (last - first) * page_size
        old, new = (_piece(side, first * page_size, size) for side in (self._old, self._new))
        equal = old == new
        _, heads = header_columns(new, page_size, last - first)
        states = self._states
        for pgid, at, word in zip(range(first, last), range(0, size, page_size), heads.tolist()):
            state = _OTHER
            if word & 0xFFFF == LEAF_PAGE:
                if word >> 32:
                    state = _LONG
                # Leaves of one page without buckets, like most pages of a file.
                elif equal or old[at : at + page_size] == new[at : at + page_size]:
                    end = PAGE_HEADER_SIZE + ELEMENT_SIZE * (word >> 16)
                    flags = new[at + PAGE_HEADER_SIZE : at + end : ELEMENT_SIZE]
                    if end <= page_size and not flags.translate(None, EVEN):
                        state = _SHARED
            states[pgid] = state

    def _is_same_run(self, pgid: int) -> bool:
        """Compare a leaf and its overflow pages, a piece at a time: its values may be large."""
        start = pgid * self._new.page_size
        _, _, count, overflow = HEADER.unpack(_piece(self._new, start, PAGE_HEADER_SIZE))
        end, stop = start + PAGE_HEADER_SIZE + ELEMENT_SIZE * count, start + (overflow + 1) * self._new.page_size
        if max(end, stop) > min(stop, len(self._states) * self._new.page_size):
            return False
        flags = _piece(self._new, start + PAGE_HEADER_SIZE, end - start - PAGE_HEADER_SIZE)[::ELEMENT_SIZE]
        return not flags.translate(None, EVEN) and all(
            _piece(self._old, at, min(_CHUNK, stop - at)) == _piece(self._new, at, min(_CHUNK, stop - at))
            for at in range(start, stop, _CHUNK)
        )


def _piece(snapshot: Snapshot, start: int, size: int) -> bytes:
    """Return a part of the file as bytes, zeros where there is none any more."""
    if isinstance(snapshot.buffer, bytes):
        return snapshot.buffer[start : start + size]
    return read_or_raise(snapshot.fd, start, size).ljust(size, b"\0")
