"""Write a recovered tree as a sound database: in key order, dense, each key once."""

from __future__ import annotations

from ...format.constants import BUCKET_HEADER_SIZE, ELEMENT_SIZE
from ...format.page import BUCKET_HEADER, HEADER, ascend
from ..write.compact.dense import Dense
from ..write.compact.leaf_slices import element, elements
from ..write.compact.page_writer import NoWriter
from ..write.compact.source_reader import Child
from .elements import inline_elements, page_elements
from .tree import IN_TREE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..write.compact.leaf_slices import Chunk
    from .elements import Elements
    from .tree import Bucket, RecoveredTree

    Path = tuple[bytes, ...]
    # Elements to write, how many pairs and buckets are in them, whether there are buckets; or a bucket to enter.
    Part = tuple[Chunk, int, int, bool] | tuple[bytes, int, Iterator["Part"]]

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
        self._view = memoryview(tree.table.buffer)

    def count(self) -> None:
        """Count what would be written."""
        writer = Dense(-1, self.tree.table.page_size, 100)
        writer.writer = NoWriter(self.tree.table.page_size)
        self._write(writer, None)

    def write(self, fd: int, page_size: int, progress: Callable[[int, int], None] | None = None) -> int:
        """Write the database to ``fd``; returns its size in bytes. Raises OSError."""
        return self._write(Dense(fd, page_size, 100), progress)

    def _write(self, writer: Dense, progress: Callable[[int, int], None] | None) -> int:
        stack = [self._bucket(self.tree.top, 0)]
        total, reported = self.tree.table.pages, 0
        while stack:
            part = next(stack[-1], None)
            if part is None:
                stack.pop()
                if stack:
                    self._path.pop()
                    writer.leave()
            elif len(part) == 4:
                chunk, pairs, buckets, mixed = part
                self.pairs += pairs
                self.buckets += buckets
                if self._path and self._path[0] == self._special:
                    self.within += pairs
                if mixed:
                    writer.mixed(chunk, [])
                else:
                    writer.pairs([chunk])
            else:
                name, sequence, parts = part
                self.buckets += 1
                self._path.append(name)
                writer.enter(Child(name, sequence, iter(())))
                stack.append(parts)
            if progress is not None and self.pages - reported > 255:
                reported = self.pages
                progress(reported, total)
        writer.finish()
        return writer.size

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
            count, data = found.count, found.starts[0]
            yield (self._view, found.first, count, data, found.ends[-1] - data), count, 0, False
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
        batch = _Batch()
        previous = b""
        for found, i, page in wanted:
            key = found.keys[i]
            if key <= previous:
                self.duplicates += 1
                self.dropped.append((tuple(self._path), page, key))
                continue
            previous = key
            if added and added[-1] <= key:
                yield from batch.flush()
                yield from self._added(bucket, depth, added, key)
            if bucket is not None and key in bucket.added:
                continue  # that bucket was written from elsewhere
            if found.flags[i]:
                inner = self._inner(bucket, depth, found, i, page)
                if inner is None:
                    continue
                if isinstance(inner, tuple):
                    yield from batch.flush()
                    yield key, *inner
                    continue
                self.pairs += inner
            batch.add(found.flags[i], key, found.value(i))
            if batch.is_full():
                yield from batch.flush()
        yield from batch.flush()
        yield from self._added(bucket, depth, added)

    def _added(
        self, bucket: Bucket | None, depth: int, names: list[bytes], last: bytes | None = None
    ) -> Iterator[Part]:
        """Yield the nested buckets ``names`` (in descending order) up to ``last``, and drop them from the list."""
        while bucket is not None and names and (last is None or names[-1] <= last):
            child = bucket.children[names.pop()]
            yield child.name, child.sequence, self._bucket(child, depth + 1)

    def _inner(
        self, bucket: Bucket | None, depth: int, found: Elements, index: int, page: int
    ) -> int | tuple[int, Iterator[Part]] | None:  # fmt: skip
        """Return how many pairs an inline bucket holds that is copied as it is; else sequence and parts of the bucket.

        None for a value that is no bucket, of which nothing can be had.
        """
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
        packed = inner.sound and inner.dense and not inner.has_buckets() and _packed(inner, start, stop)
        if packed and stop - start <= self.tree.table.page_size // 4 and depth + 1 >= len(self.only):
            return inner.count
        order = sorted(range(inner.count), key=inner.keys.__getitem__)
        return sequence, self._elements(None, depth + 1, [(inner, i, page) for i in order], [])

    def _note_lost(self, name: bytes, page: int, what: str) -> None:
        self.lost.append(((*self._path, name), page, what))


class _Batch:
    """Elements that are written together."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._flags: list[int] = []
        self._keys: list[bytes] = []
        self._values: list[bytes] = []
        self._size = 0

    def add(self, flag: int, key: bytes, value: bytes) -> None:
        self._flags.append(flag)
        self._keys.append(key)
        self._values.append(value)
        self._size += len(key) + len(value)

    def is_full(self) -> bool:
        return len(self._keys) == _BATCH or self._size > _BATCH_BYTES

    def flush(self) -> Iterator[Part]:
        """Yield what was added, and begin anew."""
        flags, keys, values, buckets = self._flags, self._keys, self._values, sum(self._flags)
        self._clear()
        if len(keys) == 1:
            yield element(flags[0], keys[0], bytes(values[0])), 1 - buckets, buckets, bool(buckets)
        elif keys:
            yield elements(flags, keys, values), len(keys) - buckets, buckets, bool(buckets)


def _packed(inner: Elements, start: int, stop: int) -> bool:
    """Return whether an inline page is as bbolt writes it: nothing in its header but type and count, no bytes between.

    The value of its bucket stands from ``start`` to ``stop``.
    """
    pgid, _, _, overflow = HEADER.unpack_from(inner.buffer, start + BUCKET_HEADER_SIZE)
    end = inner.first + ELEMENT_SIZE * inner.count
    return not (pgid or overflow) and (
        inner.starts[0] == end and inner.ends[-1] == stop if inner.count else end == stop
    )


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
