"""The free pages of a database that is written, allocated as by bbolt's array freelist."""

from __future__ import annotations


class FreeRuns:
    """Free pages as runs, ascending; pages released by a transaction are free from the next one on."""

    __slots__ = ("_runs", "count", "pending", "pending_count")

    def __init__(self) -> None:
        self._runs: list[tuple[int, int]] = []  # first page id, number of pages; no two adjoin
        self.count = 0
        self.pending: list[tuple[int, int]] = []
        self.pending_count = 0

    def allocate(self, pages: int) -> int:
        """Return the first place where so many pages follow each other, or 0."""
        for index, (start, length) in enumerate(self._runs):
            if length >= pages:
                if length == pages:
                    del self._runs[index]
                else:
                    self._runs[index] = (start + pages, length - pages)
                self.count -= pages
                return start
        return 0

    def release(self, start: int, pages: int) -> None:
        """Note that the transaction no longer uses a run."""
        self.pending.append((start, pages))
        self.pending_count += pages

    def begin(self) -> None:
        """Begin a transaction: pages released before may be allocated."""
        self._runs = self._all()
        self.count += self.pending_count
        self.pending = []
        self.pending_count = 0

    def ids(self) -> list[int]:
        """Return all page ids, those just released among them, ascending."""
        return [pgid for start, length in self._all() for pgid in range(start, start + length)]

    def _all(self) -> list[tuple[int, int]]:
        merged: list[tuple[int, int]] = []
        end = -1
        for start, length in sorted(self._runs + self.pending):
            if start == end:
                first, before = merged[-1]
                merged[-1] = (first, before + length)
            else:
                merged.append((start, length))
            end = start + length
        return merged
