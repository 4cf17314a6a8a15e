"""Verify that a database is sound, many pages at a time, in Python; used if there is no compiled kernel.

It requires everything that the exact check does, and a little more (data within
their pages, in the order of the elements). At the first irregularity it ends
without a verdict.
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

_LEAVES = 256  # leaf pages read at once, whose keys are in memory together
_BRANCHES = 16  # branch pages whose children are visited together
_DEEPEST = 64  # levels; with two keys in each branch page, a deeper tree has more pages than any file

_FIRST = itemgetter(0)
_LAST = itemgetter(-1)


class _Above:
    """An upper bound above every key, for pages without a bound."""

    def __gt__(self, other: object) -> bool:
        return True


_ABOVE: Any = _Above()


def proven_in_batches(snapshot: Snapshot, progress: Progress | None = None) -> bytearray | None:
    """Verify the trees of all buckets; return a byte for each page, 1 if a tree has it. None if one is irregular."""
    try:
        with _Proof(snapshot, progress) as proof:
            return proof.run(snapshot.meta.root, snapshot.meta.hwm)
    except Irregular:
        return None


class _Branch:
    """A visited branch page whose children are still to be visited: its position, and the bounds of its keys."""

    __slots__ = ("high", "low", "offset", "word")

    def __init__(self, offset: int, word: int, low: bytes, high: Any) -> None:
        self.offset = offset
        self.word = word
        self.low = low
        self.high = high


class _Proof(Walk):
    """The state of one verification.

    A level is three lists: page ids, and the lower (inclusive) and upper
    (exclusive) bounds of their keys.
    """

    __slots__ = ("nested",)

    def run(self, root: int, hwm: int) -> bytearray:
        """Visit the tree at ``root`` and those of all nested buckets; return a byte for each page, 1 if visited."""
        self.nested = [root]  # roots of trees still to visit
        while self.nested:
            roots, self.nested = self.nested, []
            self._trees(roots, [b""] * len(roots), [_ABOVE] * len(roots))
        reached = self.settled()
        if any(reached[hwm:]):
            raise Irregular
        return reached

    def _trees(self, pgids: list[int], lows: list[bytes], highs: list[Any], depth: int = 0) -> None:
        """Visit the pages of a level, and all pages below them."""
        if depth > _DEEPEST:
            raise Irregular
        for start in range(0, len(pgids), _LEAVES):
            stop = start + _LEAVES
            branches = self._visit(pgids[start:stop], lows[start:stop], highs[start:stop])
            for first in range(0, len(branches), _BRANCHES):
                self._trees(*self._children(branches[first : first + _BRANCHES]), depth + 1)

    def _visit(self, pgids: list[int], lows: list[bytes], highs: list[Any]) -> list[_Branch]:
        """Visit the pages of a level; check the leaves, and return the branches."""
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
        """Check that the keys of leaves are in order and within bounds; collect nested buckets."""
        pages = self.leaves(offsets, words, self.nested)
        if not all(pages):
            raise Irregular  # a leaf without elements
        keys = list(chain.from_iterable(pages))
        # The keys of one tree ascend from page to page; if several trees are mixed, only within each page.
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
    """Raise Irregular unless first keys are not below ``lows`` and last keys are below ``highs``."""
    firsts = list(map(_FIRST, pages))
    if firsts != lows and not all(map(le, lows, firsts)):
        raise Irregular
    if not all(map(lt, map(_LAST, pages), highs)):
        raise Irregular
