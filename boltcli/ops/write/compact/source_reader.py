"""Iterate over the source in key order: the largest runs of elements to copy unchanged, and nested buckets to enter.

An inline bucket that can be copied unchanged is treated like any other element.
"""

from __future__ import annotations

from itertools import islice

from ....format.bucket import BucketRef, open_bucket
from ....format.constants import (
    BRANCH_PAGE,
    BUCKET_LEAF_FLAG,
    ELEMENT_SIZE,
    INLINE_HEADERS_SIZE,
    LEAF_PAGE,
    MAX_KEY_SIZE,
    PAGE_HEADER_SIZE,
)
from ....format.page import HEADER, LeafElements, Page, ascend
from ....tree.key_range import leaf_pages
from ....tree.walk import Seen, Walk, refuse_nested
from .inline_pages import Contents, InlineBuckets
from .leaf_slices import element, layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ....storage.snapshot import Snapshot
    from .leaf_slices import Chunk, View

_KNOWN_LIMIT = 1024  # element tables that are remembered
_KNOWN_SIZE = 4096  # bytes; larger ones aren't worth it


class Pairs:
    """Pairs only: ``count`` of them, in chunks."""

    __slots__ = ("chunks", "count")

    def __init__(self, chunks: list[Chunk]) -> None:
        self.chunks = chunks
        self.count = sum([chunk[2] for chunk in chunks])


class Mixed:
    """Pairs and inline buckets that go into the copy as they are."""

    __slots__ = ("chunk", "contents")

    def __init__(self, chunk: Chunk, contents: Contents) -> None:
        self.chunk = chunk
        self.contents = contents


class Child:
    """A bucket to enter: its name, sequence, and parts; ``is_last``: it is the last element of its parent."""

    __slots__ = ("is_last", "name", "parts", "sequence")

    def __init__(self, name: bytes, sequence: int, parts: Iterator[Part], is_last: bool = False) -> None:
        self.name = name
        self.sequence = sequence
        self.parts = parts
        self.is_last = is_last


if TYPE_CHECKING:
    Part = Pairs | Mixed | Child


class Source:
    """The source of a compaction into pages of ``page_size`` bytes.

    ``pages`` counts the leaf pages that were read.

    Everything here raises :class:`~boltcli.errors.Corrupted` for a page that
    cannot be read whole.
    """

    def __init__(self, snapshot: Snapshot, page_size: int) -> None:
        self.snapshot = snapshot
        self.view = memoryview(snapshot.buffer)
        self.pages = 0  # leaf pages that were read
        self._seen = Seen(snapshot, twice=True)
        self._inline = InlineBuckets(page_size)
        self._known: dict[bytes, tuple[int, int]] = {}  # element tables met before, and what layout() says of them

    def parts(self, bucket: BucketRef) -> Iterator[Part]:
        """Yield what is in ``bucket``."""
        if bucket.root == 0:
            for page in leaf_pages(self.snapshot, bucket):
                self._must_ascend(page)
                yield from self._leaf(page, is_whole=True)
            return
        refuse_nested(self.snapshot, bucket)
        for pgids in self._leaf_lists(bucket):
            self.pages += len(pgids)
            done = 0
            while done < len(pgids):
                chunks: list[Chunk] = []
                mixed, headers = self._pair_pages(pgids, done, chunks)
                done += len(chunks)
                if chunks:
                    yield Pairs(chunks)
                if done == len(pgids):
                    break
                if mixed:
                    contents = self._inline.page(mixed, headers)
                    if contents is not None:
                        yield Mixed(mixed, contents)
                    else:
                        yield from self._mixed(pgids[done], mixed)
                else:  # laid out otherwise, empty, or not a sound leaf
                    for page in leaf_pages(self.snapshot, BucketRef(pgids[done]), guard=self._seen):
                        yield from self._leaf(page)
                done += 1

    def _leaf_lists(self, bucket: BucketRef) -> Iterator[list[int]]:
        """Yield the leaf pages of the tree of ``bucket`` in order, a branch page's worth at a time."""
        walk = Walk(self.snapshot, bucket)
        for page in walk:
            self._seen.visit(page)
            if page.flags != BRANCH_PAGE:
                yield [page.pgid]
                continue
            if not page.count:  # bbolt would copy what is below its first element, and lose the rest without a word
                raise page.damaged("a branch page without elements")
            below = page.children()
            if self.snapshot.page(below[0], page.stack, bucket).flags == BRANCH_PAGE:
                walk.enter(below)
            else:
                yield below

    def _pair_pages(self, pgids: list[int], first: int, chunks: list[Chunk]) -> tuple[Chunk | None, bytes]:
        """Put leaf pages, from the one at ``first`` on, into ``chunks`` up to one that isn't of pairs only.

        Returns that and its element table, if it holds buckets too.
        """
        snapshot = self.snapshot
        buffer, view, page_size, size = snapshot.buffer, self.view, snapshot.page_size, snapshot.size
        known = self._known
        for pgid in islice(pgids, first, None):
            start = pgid * page_size
            end = start + page_size
            if end > size:
                return None, b""
            bears, flags, count, overflow = HEADER.unpack_from(buffer, start)
            if bears != pgid or flags != LEAF_PAGE or not count:
                return None, b""
            table = start + PAGE_HEADER_SIZE
            data = table + ELEMENT_SIZE * count
            end += overflow * page_size
            if data > end or end > size:
                return None, b""
            headers = buffer[table:data]
            laid = known.get(headers)
            if laid is None:
                laid = layout(headers, count)
                if laid is None:
                    return None, b""
                # Pages of records of one size have the same element table over and over.
                if len(known) >= _KNOWN_LIMIT:
                    known.clear()
                if len(headers) <= _KNOWN_SIZE:
                    known[headers] = laid
            length, marked = laid
            if data + length > end:
                return None, b""
            chunk = view, table, count, data, length
            if marked:
                return chunk, headers
            chunks.append(chunk)
        return None, b""

    def inside(self, chunk: Chunk) -> Child:
        """Return the first element of ``chunk``, an inline bucket, as a bucket to enter."""
        page = self._page_of(chunk, 0)
        return self._child(LeafElements(page), 0)

    def _leaf(self, page: Page, is_whole: bool = False) -> Iterator[Part]:
        """Yield the parts of any leaf page; ``is_whole``: there is nothing else in its bucket."""
        if not page.count:
            return
        view: View = self.view if page.buffer is self.snapshot.buffer else page.buffer
        table = page.offset + PAGE_HEADER_SIZE
        data = table + ELEMENT_SIZE * page.count
        laid = layout(bytes(view[table:data]), page.count) if data <= page.end else None
        if laid is None or data + laid[0] > page.end:
            yield from self._one_by_one(page, view)
            return
        chunk = view, table, page.count, data, laid[0]
        if laid[1]:
            yield from self._mixed(page.pgid, chunk, is_whole)
        else:
            yield Pairs([chunk])

    def _must_ascend(self, page: Page) -> None:
        """Check that the keys of an inline bucket ascend, which bbolt's check doesn't."""
        keys = LeafElements(page).keys()
        if not ascend(keys):
            raise page.damaged("the keys of an inline bucket are out of order")

    def _one_by_one(self, page: Page, view: View) -> Iterator[Part]:
        """Yield the elements of a page that isn't laid out as bbolt does it: each is a part of its own.

        Nothing is copied: where values overlap, all together may be far more than the page.
        """
        leaf = LeafElements(page)
        starts = leaf.key_starts()
        for index, (flags, ksize, vsize) in enumerate(zip(leaf.flags, leaf.key_sizes, leaf.value_sizes)):
            start, table = starts[index], leaf.start + ELEMENT_SIZE * index
            if start + ksize + vsize > leaf.end:
                raise page.damaged(f"element {index} ends beyond its page")
            if not 0 < ksize <= MAX_KEY_SIZE:
                raise page.damaged(f"key {index} has {ksize} bytes")
            chunk: Chunk = view, table, 1, start, ksize + vsize
            if flags & ~BUCKET_LEAF_FLAG or start < table + ELEMENT_SIZE:
                chunk = element(flags & BUCKET_LEAF_FLAG, leaf.key(index), leaf.value(index))
            if flags & BUCKET_LEAF_FLAG:
                yield from self._mixed(page.pgid, chunk)
            else:
                yield Pairs([chunk])

    def _mixed(self, pgid: int, chunk: Chunk, is_whole: bool = False) -> Iterator[Part]:
        """Yield the parts of a page that holds buckets; ``is_whole`` as for :meth:`_leaf`."""
        _, _, count, data, _ = chunk
        page = self._page_of(chunk, pgid)
        leaf = LeafElements(page)
        place = data
        first, begin = 0, data  # of the stretch that grows
        weights: list[int] = []
        buckets = pairs = 0
        for index, (flag, ksize, vsize) in enumerate(zip(leaf.flags, leaf.key_sizes, leaf.value_sizes)):
            end = place + ksize + vsize
            if not flag:
                weights.append(ksize + vsize)
                pairs += 1
            else:
                inner = self._inline.pairs(page, index, place + ksize, end)
                if inner is None:
                    if weights:
                        yield Mixed(_part(chunk, first, index, begin, place), Contents(weights, buckets, pairs))
                    # Not by a name: this would be kept as long as what it leads to.
                    yield self._child(leaf, index, is_whole and index == count - 1)
                    first, begin, weights, buckets, pairs = index + 1, end, [], 0, 0
                else:
                    weights.append(ksize + vsize - INLINE_HEADERS_SIZE - ELEMENT_SIZE * inner)
                    buckets += 1
                    pairs += inner
            place = end
        if weights:
            contents = Contents(weights, buckets, pairs)
            yield Mixed(_part(chunk, first, count, begin, place), contents)
            if not first:
                self._inline.remember(chunk, contents)

    def _page_of(self, chunk: Chunk, pgid: int) -> Page:
        buffer, table, count, data, length = chunk
        plain = self.snapshot.buffer if isinstance(buffer, memoryview) else buffer  # the only view is ours
        offset, end = table - PAGE_HEADER_SIZE, data + length
        return Page((pgid, LEAF_PAGE, count, 0), plain, offset, end, end, offset, self.snapshot.path)

    def _child(self, leaf: LeafElements, index: int, is_last: bool = False) -> Child:
        bucket = open_bucket(leaf, index)
        return Child(bucket.name, bucket.sequence, self.parts(bucket), is_last)


def _part(chunk: Chunk, first: int, stop: int, begin: int, end: int) -> Chunk:
    buffer, table, _, _, _ = chunk
    return buffer, table + ELEMENT_SIZE * first, stop - first, begin, end - begin
