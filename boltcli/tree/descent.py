"""The guard of every walk over a tree: no page below itself, and an end to it.

A page may be referenced more than once, as bbolt allows: each reference is followed. Then a small file can
describe a walk that never ends in practice, so the number of pages visited is bounded, far above what a sound
tree of that file can have.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..storage.snapshot import Snapshot

_TIMES = 4
_LEAST = 1 << 20


class Descent:
    """The visits that a walk has left. One for each walk, over however many buckets that goes."""

    __slots__ = ("_left", "_snapshot")

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._left = _TIMES * snapshot.page_count + _LEAST

    def visit(self, stack: Sequence[int]) -> None:
        """Count a visit of the last page of ``stack``, which is the way to it.

        Raises :class:`~boltcli.errors.Corrupted` for a page below itself, and
        when the visits are used up.
        """
        pgid = stack[-1]
        self._left -= 1
        if len(stack) > 1 and stack.index(pgid) != len(stack) - 1:
            raise self._snapshot.corrupted("the page is below itself", pgid, stack)
        if self._left < 0:
            raise self._snapshot.corrupted(
                "pages refer to each other so often that a walk over all of them does not end", pgid, stack
            )
