"""Write a recovered tree as a sound database: in key order, dense, each key once."""

from __future__ import annotations

from ...format.bucket import MAX_NESTING
from ...format.constants import BUCKET_HEADER_SIZE
from ...format.page import BUCKET_HEADER, ascend
from ..read.content import LEAVE, Enter, Pairs, write
from ..write.dense import DenseWriter
from .elements import inline_elements, page_elements
from .tree import IN_TREE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..read.content import Event
    from .elements import Elements
    from .tree import Bucket, RecoveredTree

    Path = tuple[bytes, ...]
    # Pairs to write; or a bucket to enter, and what is in it.
    Part = Pairs | tuple[Enter, Iterator["Part"]]

_BATCH = 256
_BATCH_BYTES = 1 << 16


class Emission:
    """One writing of a tree. ``pairs`` and ``buckets`` count what was written, ``duplicates`` second versions of keys.

    ``lost`` holds what could not be read of inline buckets: the path, the page, and what it is. ``changed`` is what
    stands otherwise in the file: path, page, key (None: all of it), and why; ``dropped`` the pairs of pages of the tree
    that are left out as second versions: path, page, key. ``within`` counts the pairs below the top-level bucket of the
    name that it is made with.
    """

    def __init__(self, tree: RecoveredTree, within: bytes | None = None, only: tuple[bytes, ...] = ()) -> None:
        """``only``: the bucket that is wanted, with those that lead to it."""
        self.tree = tree
        self.only = only
        self.pairs = 0
        self.buckets = 0
        self.duplicates = 0
        self.pages = 0
        self.within = 0
        self.lost: list[tuple[Path, int | None, str]] = []
        self.changed: list[tuple[Path, int | None, bytes | None, str]] = []
        self.dropped: list[tuple[Path, int, bytes]] = []
        self._special = within
        self._path: list[bytes] = []

    def count(self) -> None:
        """Count what would be written."""
        self._write(DenseWriter(None, self.tree.table.page_size), None)

    def write(self, fd: int, page_size: int, progress: Callable[[int, int], None] | None = None) -> int:
        """Write the database to ``fd``; returns its size in bytes. Raises OSError."""
        return self._write(DenseWriter(fd, page_size), progress)

    def _write(self, writer: DenseWriter, progress: Callable[[int, int], None] | None) -> int:
        self.pairs, self.buckets = write(self._content(progress), writer)
        return writer.size

    def _content(self, progress: Callable[[int, int], None] | None) -> Iterator[Event]:
        """Yield what is written."""
        stack = [self._bucket(self.tree.top, 0)]
        total, reported = self.tree.table.pages, 0
        while stack:
            part = next(stack[-1], None)
            if part is None:
                stack.pop()
                if stack:
                    self._path.pop()
                    yield LEAVE
            elif isinstance(part, Pairs):
                if self._path and self._path[0] == self._special:
                    self.within += len(part.keys)
                yield part
            elif len(self._path) > MAX_NESTING:
                what = f"buckets are nested deeper than {MAX_NESTING} levels: this one is left out, with what is in it"
                self._note_lost(part[0].name, None, what)
            else:
                self._path.append(part[0].name)
                yield part[0]
                stack.append(part[1])
            if progress is not None and self.pages - reported > 255:
                reported = self.pages
                progress(reported, total)

    def _bucket(self, bucket: Bucket, depth: int) -> Iterator[Part]:
        """Yield what is in a bucket, in key order."""
        if bucket.index in self.tree.joined:
            other = Emission(self.tree.joined[bucket.index])
            yield from other._bucket(other.tree.top, depth)
            self.pages += other.pages
            self.duplicates += other.duplicates
            here = tuple(self._path)
            self.lost += [((*here, *path), page, what) for path, page, what in other.lost]
            self.changed += [((*here, *path), page, key, why) for path, page, key, why in other.changed]
            self.dropped += [((*here, *path), page, key) for path, page, key in other.dropped]
            return
        pages = sorted_leaves(self.tree, bucket)
        added = sorted(bucket.added, reverse=True)
        if added:
            yield from self._merged(bucket, depth, [page for page, _, _ in pages], added)
            return
        at = 0
        while at < len(pages):
            stop, last = at + 1, pages[at][2]
            while stop < len(pages) and pages[stop][1] <= last:
                last = max(last, pages[stop][2])
                stop += 1
            if stop == at + 1:
                yield from self._page(bucket, depth, pages[at][0])
            else:
                yield from self._merged(bucket, depth, [page for page, _, _ in pages[at:stop]], [])
            at = stop

    def _page(self, bucket: Bucket, depth: int, page: int) -> Iterator[Part]:
        """Yield what is in a page that shares its keys with no other."""
        self.pages += 1
        found = page_elements(self.tree.table, page)
        if found is None or not found.count:
            return
        if found.sound and found.dense and not found.has_buckets() and depth >= len(self.only):
            yield Pairs(found.keys, list(map(found.buffer.__getitem__, map(slice, found.mids, found.ends))))
            return
        order = list(range(found.count))
        if not ascend(found.keys):
            order.sort(key=found.keys.__getitem__)
        yield from self._elements(bucket, depth, [(found, i, page) for i in order], [])

    def _merged(self, bucket: Bucket, depth: int, pages: list[int], added: list[bytes]) -> Iterator[Part]:
        """Yield the content of pages that share keys; of two versions, that of the earlier page in ``leaves``."""
        rank = {page: (bucket.origins[i], i) for i, page in enumerate(bucket.leaves)}
        chosen: dict[bytes, tuple[Elements, int, int]] = {}
        for page in sorted(pages, key=rank.__getitem__):
            self.pages += 1
            found = page_elements(self.tree.table, page)
            if found is None:
                continue
            for i, key in enumerate(found.keys):
                if key in chosen:
                    self.duplicates += 1
                    if rank[page][0] == IN_TREE:
                        self.dropped.append((tuple(self._path), page, key))
                else:
                    chosen[key] = found, i, page
        yield from self._elements(bucket, depth, [chosen[key] for key in sorted(chosen)], added)

    def _elements(
        self, bucket: Bucket | None, depth: int, wanted: list[tuple[Elements, int, int]], added: list[bytes]
    ) -> Iterator[Part]:
        """Yield elements one by one, and the nested buckets ``added`` (in descending order) where their names come.

        ``wanted``: the elements of a page, the index in them, and the page's id.
        """
        if depth < len(self.only):
            name = self.only[depth]
            wanted = [entry for entry in wanted if entry[0].flags[entry[1]] and entry[0].keys[entry[1]] == name]
            added = [each for each in added if each == name]
        keys: list[bytes] = []
        values: list[bytes] = []
        size, previous = 0, b""
        for found, i, page in wanted:
            key = found.keys[i]
            if key <= previous:
                self.duplicates += 1
                self.dropped.append((tuple(self._path), page, key))
                continue
            previous = key
            if keys and (found.flags[i] or (added and added[-1] <= key)):
                yield Pairs(keys, values)
                keys, values, size = [], [], 0
            yield from self._added(bucket, depth, added, key)
            if bucket is not None and key in bucket.added:
                continue  # that bucket was written from elsewhere
            if found.flags[i]:
                inner = self._inner(bucket, depth, found, i, page)
                if inner is None:
                    continue
                yield Enter(key, inner[0]), inner[1]
                continue
            value = found.value(i)
            keys.append(key)
            values.append(value)
            size += len(key) + len(value)
            if len(keys) == _BATCH or size > _BATCH_BYTES:
                yield Pairs(keys, values)
                keys, values, size = [], [], 0
        if keys:
            yield Pairs(keys, values)
        yield from self._added(bucket, depth, added)

    def _added(
        self, bucket: Bucket | None, depth: int, names: list[bytes], last: bytes | None = None
    ) -> Iterator[Part]:
        """Yield the nested buckets ``names`` (in descending order) up to ``last``, and drop them from the list."""
        while bucket is not None and names and (last is None or names[-1] <= last):
            child = bucket.children[names.pop()]
            yield Enter(child.name, child.sequence), self._bucket(child, depth + 1)

    def _inner(
        self, bucket: Bucket | None, depth: int, found: Elements, index: int, page: int
    ) -> tuple[int, Iterator[Part]] | None:
        """Return sequence and parts of a nested bucket; None for a value that is no bucket, with nothing in it."""
        start, stop, name = found.mids[index], found.ends[index], found.keys[index]
        if stop - start < BUCKET_HEADER_SIZE:
            if bucket is None:  # else it is known from the walk
                self._note_lost(name, page, "a bucket's value that is too small")
            return None
        root, sequence = BUCKET_HEADER.unpack_from(found.buffer, start)
        if root:
            child = bucket.children.get(name) if bucket is not None else None
            if child is None:
                if bucket is None:
                    self._note_lost(name, root, "the root page of a bucket that lies in an inline bucket")
                return sequence, iter(())
            return sequence, self._bucket(child, depth + 1)
        inner = inline_elements(found.buffer, start, stop)
        if inner is None:
            self._note_lost(name, page, "the inline page of the bucket cannot be read")
            return sequence, iter(())
        if inner.lost:
            self._note_lost(name, page, f"{inner.lost} damaged elements of an inline bucket")
        for key, why in inner.mended:
            self.changed.append(((*self._path, name), page, key, why))
        order = sorted(range(inner.count), key=inner.keys.__getitem__)
        return sequence, self._elements(None, depth + 1, [(inner, i, page) for i in order], [])

    def _note_lost(self, name: bytes, page: int | None, what: str) -> None:
        self.lost.append(((*self._path, name), page, what))


def sorted_leaves(tree: RecoveredTree, bucket: Bucket) -> list[tuple[int, bytes, bytes]]:
    """Return a bucket's leaf pages with their least and greatest keys, ordered by the least; skip empty pages."""
    ranges = []
    for page in bucket.leaves:
        found = page_elements(tree.table, page)
        if found is not None and found.count:
            low, high = (found.keys[0], found.keys[-1]) if found.ordered else (min(found.keys), max(found.keys))
            ranges.append((page, low, high))
    ranges.sort(key=lambda entry: entry[1])
    return ranges
