"""The proof that a database is sound, many pages at a time, in Python: for where there is no kernel.

It asks for all that the exact check asks for, and a little more (data in their
own pages, in the order of their elements). Whatever isn't plainly right ends
it without a verdict.
"""

from __future__ import annotations

from itertools import chain, islice
from operator import itemgetter, le, lt

from ...format.constants import BRANCH_PAGE, LEAF_PAGE
from ...format.page import ascend
from ...tree.batch import Irregular, of_type
from ...tree.batch_reader import Walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TypeVar

    from ...storage.snapshot import Snapshot
    from ...tree.batch_reader import Progress

    T = TypeVar("T")
    _Level = tuple[list[int], list[bytes], list[Any]]

_LEAVES = 256  # pages read at once: their keys are in memory together
_BRANCHES = 16  # of these the children are
_DEEPEST = 64  # levels; with two keys a branch page, more pages than a file has

_FIRST = itemgetter(0)
_LAST = itemgetter(-1)


class _Above:
    """The bound of what has no bound: every key is below it."""

    def __gt__(self, other: object) -> bool:
        return True


_ABOVE: Any = _Above()


def proven_in_batches(snapshot: Snapshot, progress: Progress | None = None) -> bytearray | None:
    """Prove that the trees of all buckets are sound: a byte a page, 1 for theirs. None if that is not plain."""
    try:
        with _Proof(snapshot, progress) as proof:
            return proof.run(snapshot.meta.root, snapshot.meta.hwm)
    except Irregular:
        return None


class _Branch:
    """A branch page that was visited, its children not yet: where it is, and the bounds of its keys."""

    __slots__ = ("high", "low", "offset", "word")

    def __init__(self, offset: int, word: int, low: bytes, high: Any) -> None:
        self.offset = offset
        self.word = word
        self.low = low
        self.high = high


class _Proof(Walk):
    """The state of one attempt.

    A level, here, is three lists: page ids, and for each the bounds of its
    keys, from low up to below high.
    """

    __slots__ = ("nested",)

    def run(self, root: int, hwm: int) -> bytearray:
        """Visit the tree at ``root`` and those of all buckets below; returns a byte a page, 1 for theirs."""
        self.nested = [root]  # roots of trees still to visit
        while self.nested:
            roots, self.nested = self.nested, []
            self._trees(roots, [b""] * len(roots), [_ABOVE] * len(roots))
        reached = self.settled()
        if any(reached[hwm:]):
            raise Irregular
        return reached

    def _trees(self, pgids: list[int], lows: list[bytes], highs: list[Any], depth: int = 0) -> None:
        """Visit the pages of a level, and all below them."""
        if depth > _DEEPEST:
            raise Irregular
        for start in range(0, len(pgids), _LEAVES):
            stop = start + _LEAVES
            branches = self._visit(pgids[start:stop], lows[start:stop], highs[start:stop])
            for first in range(0, len(branches), _BRANCHES):
                self._trees(*self._children(branches[first : first + _BRANCHES]), depth + 1)

    def _visit(self, pgids: list[int], lows: list[bytes], highs: list[Any]) -> list[_Branch]:
        """Visit the pages of a level: all of a leaf, of a branch what it is; returns the branches."""
        offsets, words = self.heads(pgids)
        self.mark(pgids, words)
        leaves = of_type(words, LEAF_PAGE)
        if len(leaves) == len(words):
            self._leaves(offsets, words, lows, highs)
            return []
        branches = of_type(words, BRANCH_PAGE)
        if len(leaves) + len(branches) < len(words):
            raise Irregular
        if leaves:
            self._leaves(_at(offsets, leaves), _at(words, leaves), _at(lows, leaves), _at(highs, leaves))
        return [_Branch(offsets[index], words[index], lows[index], highs[index]) for index in branches]

    def _leaves(self, offsets: list[int], words: list[int], lows: list[bytes], highs: list[Any]) -> None:
        """The keys of leaves: in order, within their bounds; and the buckets among their values."""
        pages = self.leaves(offsets, words, self.nested)
        if not all(pages):
            raise Irregular  # a leaf without elements
        keys = list(chain.from_iterable(pages))
        # In order from page to page, as one tree's leaves are; those of several trees are so in each page only.
        if not (ascend(keys) or all(map(ascend, pages))):
            raise Irregular
        _must_bound(pages, lows, highs)

    def _children(self, branches: list[_Branch]) -> _Level:
        """Return the level below ``branches``."""
        below: list[int] = []
        lows: list[bytes] = []
        highs: list[Any] = []
        pages = []
        for branch in branches:
            keys, pgids = self.branch(branch.offset, branch.word)
            if not ascend(keys):
                raise Irregular
            pages.append(keys)
            below += pgids
            lows += keys
            highs += islice(keys, 1, None)
            highs.append(branch.high)
        _must_bound(pages, [branch.low for branch in branches], [branch.high for branch in branches])
        return below, lows, highs


def _at(column: list[T], indexes: list[int]) -> list[T]:
    return [column[index] for index in indexes]


def _must_bound(pages: Sequence[Sequence[bytes]], lows: list[bytes], highs: list[Any]) -> None:
    """First keys not below ``lows``, last ones below ``highs``; Irregular where not."""
    firsts = list(map(_FIRST, pages))
    if firsts != lows and not all(map(le, lows, firsts)):
        raise Irregular
    if not all(map(lt, map(_LAST, pages), highs)):
        raise Irregular
