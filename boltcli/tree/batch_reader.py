"""A batch reader that visits each page once."""

from __future__ import annotations

from .batch import Batch, Irregular, has_overflow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..storage.snapshot import Snapshot

    Progress = Callable[[int, int], None]


class Walk(Batch):
    """A batch reader that counts visits.

    ``reached`` has a counter for each page. :meth:`settled` verifies that no
    page was visited twice.
    """

    __slots__ = ("_glance", "_hwm", "_pages", "progress", "reached")

    def __init__(self, snapshot: Snapshot, progress: Progress | None = None) -> None:
        super().__init__(snapshot)
        self.reached = bytearray(self.limit)
        self._hwm = snapshot.meta.hwm
        self._glance = snapshot.poll
        self._pages = 0  # visited so far
        self.progress = progress

    def mark(self, pgids: list[int], words: list[int]) -> None:
        """Count a visit of each of ``pgids``. Raises Irregular early enough to end a walk in a cycle."""
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
        except ValueError:  # the page was visited 256 times
            raise Irregular from None

    def settled(self) -> bytearray:
        """Return ``reached``: 1 for each page of a tree, else 0. Raises Irregular if a page was visited twice."""
        if self.reached.translate(None, b"\0\1"):
            raise Irregular
        return self.reached
