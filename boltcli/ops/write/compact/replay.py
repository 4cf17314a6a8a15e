"""bbolt's compaction: write everything again, in key order, in transactions of limited size.

The limit is on the bytes of keys and values; a bucket counts with its name. A
pair that would exceed it begins the next transaction, so a transaction exceeds
the limit only if a single pair does.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

from .leaf_slices import cut, fit, holds_buckets
from .target import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .allocator import NewFile
    from .leaf_slices import Chunk
    from .source_reader import Child, Source


class Replay:
    """One compaction by ``transactions`` so far of at most ``limit`` bytes; 0: without limit."""

    def __init__(self, source: Source, file: NewFile, limit: int) -> None:
        self.source = source
        self.file = file
        self.limit = limit
        self.transactions = 0
        self._size = 0  # of the transaction, bytes
        root = Target(file, b"", 0)
        root.pgid, root.pages = file.root, 1
        root.touched = False
        self._path = [root]
        file.begin()

    def enter(self, child: Child) -> None:
        """Create a bucket and go into it."""
        weight = len(child.name)
        if self.limit and self._size + weight > self.limit:
            self._next_transaction()
        self._size += weight
        self._touch()
        self._path.append(Target(self.file, child.name, child.sequence))

    def leave(self) -> None:
        """Complete the innermost bucket."""
        target = self._path.pop()
        if target.touched:
            self._path[-1].place(target.name, target.store(), target.placed)

    def pairs(self, chunks: list[Chunk]) -> None:
        """Put pairs into the innermost bucket."""
        limit = self.limit
        for chunk in chunks:
            if limit and self._size + chunk[4] > limit:
                self._cut_pairs(chunk)
            else:
                self._put(chunk, chunk[4])

    def finish(self) -> None:
        """Commit the last transaction."""
        self._commit()
        self.file.finish()

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.file.size

    def _touch(self) -> None:
        """Something is put into the innermost bucket."""
        path = self._path
        # All buckets that something is put into are filled to the brim; the root bucket never is.
        path[-1].full = len(path) > 1
        for target in reversed(path):
            if target.touched:
                break
            target.touched = True

    def _put(self, chunk: Chunk, weight: int, mixed: bool = False) -> None:
        self._size += weight
        self._touch()
        self._path[-1].append(chunk, mixed)

    def _cut_pairs(self, chunk: Chunk) -> None:
        """Put pairs, by as many transactions as it takes."""
        fresh = False
        while True:
            number = fit(chunk, self.limit - self._size, 0) if self.limit else chunk[2]
            if fresh and not number:
                number = 1  # what doesn't fit into a transaction of its own gets one all the same
            if number == chunk[2]:
                self._put(chunk, chunk[4])
                return
            if number:
                front, chunk = cut(chunk, number)
                self._put(front, front[4])
            self._next_transaction()
            fresh = True

    def mixed(self, chunk: Chunk, weights: list[int]) -> None:
        """Put pairs and inline buckets into the innermost bucket.

        A bucket in which the transaction reaches its limit is entered.
        """
        start = 0
        while True:
            room = self.limit - self._size
            until = list(accumulate(weights[start:] if start else weights))
            number = bisect_right(until, room) if self.limit else len(until)
            if number:
                rest = number < len(until)
                front, chunk = cut(chunk, number) if rest else (chunk, chunk)
                self._put(front, until[number - 1], mixed=True)
                if not rest:
                    return
            start += number + 1
            last = start == len(weights)
            single, chunk = (chunk, chunk) if last else cut(chunk, 1)
            if holds_buckets(single):
                child = self.source.inside(single)
                self.enter(child)
                for part in child.parts:
                    self.pairs(part.chunks)  # type: ignore[union-attr]  # there are no buckets in inline ones
                self.leave()
            else:
                self._cut_pairs(single)
            if last:
                return

    def _next_transaction(self) -> None:
        self._commit()
        self.file.begin()
        self._size = 0

    def _commit(self) -> None:
        """Write what the transaction changed, the innermost bucket first."""
        path = self._path
        for index in range(len(path) - 1, 0, -1):
            target = path[index]
            if target.touched:
                path[index - 1].place(target.name, target.store(), target.placed)
                target.placed = True
                target.touched = target.full = False
        root = path[0]
        self.file.commit(root.spill() if root.touched else self.file.root)
        root.touched = False
        self.transactions += 1
