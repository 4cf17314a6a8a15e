"""What the jobs that read in bulk share: visiting pages once, and dealing them out to processes."""

from __future__ import annotations

import os

from .batch import Batch, Irregular, has_overflow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, TypeVar

    from ..storage.snapshot import Snapshot

    T = TypeVar("T")

    Progress = Callable[[int, int], None]

# Pages that one process has to have for a second one to pay: below, starting it costs more than it gains.
_WORTH = 4096
_MOST = 8  # processes; memory, not they, is the limit then


class Walk(Batch):
    """A batch reader that notes where it was. ``jobs`` is a number of processes, 0 for as many as pay.

    ``reached`` counts for each page the ways that led to it; that there is one
    at most is known when :meth:`settled` was called.
    """

    __slots__ = ("_glance", "_hwm", "_pages", "_processes", "jobs", "progress", "reached")

    def __init__(self, snapshot: Snapshot, jobs: int = 1, progress: Progress | None = None) -> None:
        super().__init__(snapshot)
        self.jobs = jobs
        self.reached = bytearray(self.limit)
        self._hwm = snapshot.meta.hwm
        self._glance = snapshot.glance
        self._pages = 0  # visited so far
        self._processes = 1  # at work now
        self.progress = progress

    def mark(self, pgids: list[int], words: list[int]) -> None:
        """Note a visit of pages. Raises Irregular, for a page met again, no later than going in circles would take."""
        self._glance()
        self._pages += len(pgids)
        if self._pages > self.limit:
            raise Irregular
        if self.progress is not None:
            self.progress(self._pages * self._processes, self._hwm)
        reached = self.reached
        try:
            if not has_overflow(words):
                for pgid in pgids:
                    reached[pgid] += 1
            else:
                for pgid, word in zip(pgids, words):
                    stop = pgid + (word >> 32) + 1
                    if reached.find(1, pgid, stop) >= 0:
                        raise Irregular
                    reached[pgid:stop] = b"\1" * (stop - pgid)
        except ValueError:  # 256 ways to one page
            raise Irregular from None

    def settled(self) -> bytearray:
        """``reached``, which is 1 for pages of trees and 0 for others; raises Irregular if one was met twice."""
        if self.reached.translate(None, b"\0\1"):
            raise Irregular
        return self.reached

    def share_out(self, work: Callable[[int], T], jobs: int) -> list[T]:
        """The results of ``work(0)`` to ``work(jobs - 1)``, each in a process of its own; the first here.

        They may mark pages, and must return what ``marshal`` writes. Raises
        Irregular if one does, if two met at a page, or if a process was lost.
        """
        from ..storage.forked import Died, in_turn

        before = int.from_bytes(self.reached, "little")

        def share(number: int) -> Iterator[tuple[bytes, T] | None]:
            self.reached = bytearray(self.limit)
            self._processes = jobs
            try:
                result = work(number)
                yield bytes(self.settled()), result
            except Irregular:
                yield None

        results = []
        try:
            for done in in_turn(share, jobs):
                if done is None:
                    raise Irregular
                reached = int.from_bytes(done[0], "little")
                if reached & before:
                    raise Irregular
                before |= reached
                results.append(done[1])
        except Died:
            raise Irregular from None
        self.reached = bytearray(before.to_bytes(self.limit, "little"))
        self._processes = 1
        return results


def dealt(items: Sequence[Any], number: int, jobs: int, size: int) -> Iterator[Any]:
    """Share ``number`` of ``items`` dealt out to ``jobs`` in runs of ``size``: the runs."""
    for start in range(number * size, len(items), jobs * size):
        yield items[start : start + size]


def jobs_for(pages: int, asked: int = 0) -> int:
    """How many processes to use for so many pages: ``asked``, or by size and processors if that is 0."""
    if not hasattr(os, "fork"):
        return 1
    if asked:
        return min(asked, max(pages, 1))
    affinity = getattr(os, "sched_getaffinity", None)
    processors = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(processors, _MOST, pages // _WORTH))
