"""A batch reader that visits each page once."""

from __future__ import annotations

from .batch import Batch, Irregular, has_overflow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..storage.snapshot import Snapshot

    Progress = Callable[[int, int], None]


class Walk(Batch):
    """A batch reader that notes where it was.

    ``reached`` counts for each page the ways that led to it; that there is one
    at most is known when :meth:`settled` was called.
    """

    __slots__ = ("_glance", "_hwm", "_pages", "progress", "reached")

    def __init__(self, snapshot: Snapshot, progress: Progress | None = None) -> None:
        super().__init__(snapshot)
        self.reached = bytearray(self.limit)
        self._hwm = snapshot.meta.hwm
        self._glance = snapshot.glance
        self._pages = 0  # visited so far
        self.progress = progress

    def mark(self, pgids: list[int], words: list[int]) -> None:
        """Note a visit of pages. Raises Irregular, for a page met again, no later than going in circles would take."""
        self._glance()
        self._pages += len(pgids)
        if self._pages > self.limit:
            raise Irregular
        if self.progress is not None:
            self.progress(self._pages, self._hwm)
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
