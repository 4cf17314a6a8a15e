"""The proof that a database is sound, a thousand pages at a time.

Most files are sound, so ``check`` first tries to prove that: that the trees of
all buckets hold together, are in order, and share no page. Whatever isn't
plainly right ends the attempt without a verdict, and the careful check, which
finds the words for what is wrong, begins from the start.

The proof asks for all that the careful check asks for, and a little more (data
in their own pages, in the order of their elements).
"""

from __future__ import annotations

from itertools import chain, islice
from operator import itemgetter, le, lt

from ..format.constants import BRANCH_PAGE, BUCKET_HEADER_SIZE, LEAF_PAGE
from ..tree.batch import Batch, Irregular, has_overflow, of_type
from .forked import Died, dealt, in_turn, jobs_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from ..format.layout import LeafLayout
    from ..storage.snapshot import Snapshot

    _Level = tuple[list[int], list[bytes], list[Any]]

_LEAVES = 1024  # pages read at once: their keys are in memory together
_BRANCHES = 16  # of these the children are
_WIDE = 64  # pages on a level that can be dealt out to several processes
_DEEPEST = 64  # levels; with two keys a branch page, more pages than a file has

_FIRST = itemgetter(0)
_LAST = itemgetter(-1)


class _Above:
    """The bound of what has no bound: every key is below it."""

    def __gt__(self, other: object) -> bool:
        return True


_ABOVE: Any = _Above()


def prove(
    snapshot: Snapshot,
    freed: bytearray,
    reached: bytearray,
    *,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> bool:
    """Whether the trees of all buckets are plainly sound.

    ``freed`` and ``reached`` have a byte a page, 1 for pages that are free, or
    in use already; no tree may have any of those. If the answer is yes, the
    trees' pages are put into ``reached``. ``jobs`` is the number of processes,
    0 for as many as pay.
    """
    try:
        with _Proof(snapshot, jobs, progress) as proof:
            trees = proof.run()
    except (Irregular, Died):
        return False
    size = len(trees)
    mine = int.from_bytes(trees, "little")
    others = int.from_bytes(reached[:size], "little")
    if mine & (others | int.from_bytes(freed[:size], "little")):
        return False
    reached[:size] = (mine | others).to_bytes(size, "little")
    return True


class _Branch:
    """A branch page that was visited, its children not yet: where it is, and the bounds of its keys."""

    __slots__ = ("high", "low", "offset", "word")

    def __init__(self, offset: int, word: int, low: bytes, high: Any) -> None:
        self.offset = offset
        self.word = word
        self.low = low
        self.high = high


class _Proof(Batch):
    """The state of one attempt.

    A level, here, is three lists: page ids, and for each the bounds of its
    keys, from low up to below high.
    """

    __slots__ = ("jobs", "nested", "pages", "processes", "progress", "reached", "snapshot")

    def __init__(self, snapshot: Snapshot, jobs: int, progress: Callable[[int, int], None] | None) -> None:
        super().__init__(snapshot)
        self.snapshot = snapshot
        self.jobs = jobs
        self.processes = 1  # at work now
        self.progress = progress
        self.reached = bytearray(self.limit)  # how many ways lead to each page
        self.pages = 0  # visited so far
        self.nested: list[int] = []  # roots of the buckets found in leaves, still to visit

    def run(self) -> bytearray:
        """Visit all trees; returns a byte a page, 1 for theirs. Raises Irregular."""
        meta = self.snapshot.meta
        self.nested = [meta.root]
        while self.nested:
            roots, self.nested = self.nested, []
            self._forest(roots)
        if self.reached.translate(None, b"\0\1") or any(self.reached[meta.hwm :]):
            raise Irregular
        return self.reached

    def _forest(self, roots: list[int]) -> None:
        """Visit the trees at ``roots``, in several processes if they are large."""
        level: _Level = roots, [b""] * len(roots), [_ABOVE] * len(roots)
        while len(level[0]) < _WIDE:
            level = self._children(self._visit(*level))
            if not level[0]:
                return
        _, words = self.heads(level[0][:_LEAVES])
        below = sum(word >> 16 & 0xFFFF if word & BRANCH_PAGE else 1 for word in words)
        jobs = jobs_for(below * len(level[0]) // len(words), self.jobs)
        if jobs == 1:
            self._trees(*level)
        else:
            self._share_out(level, jobs)

    def _share_out(self, level: _Level, jobs: int) -> None:
        def share(number: int) -> Iterator[tuple[bytes, list[int]] | None]:
            self.reached = bytearray(self.limit)
            self.nested = []
            self.processes = jobs
            try:
                for part in zip(*(dealt(column, number, jobs, _BRANCHES) for column in level)):
                    self._trees(*part)
            except Irregular:
                yield None
            else:
                yield bytes(self.reached), self.nested

        nested = self.nested
        reached = int.from_bytes(self.reached, "little")
        for result in in_turn(share, jobs):
            part = int.from_bytes(result[0], "little") if result else reached
            if reached & part or result[0].translate(None, b"\0\1"):
                raise Irregular
            reached |= part
            nested += result[1]
        self.reached = bytearray(reached.to_bytes(self.limit, "little"))
        self.nested = nested
        self.processes = 1

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
        self._mark(pgids, words)
        leaves = of_type(words, LEAF_PAGE)
        if len(leaves) == len(words):
            self._leaves(offsets, words, lows, highs)
            return []
        branches = of_type(words, BRANCH_PAGE)
        if len(leaves) + len(branches) < len(words):
            raise Irregular
        if leaves:
            self._leaves(*([column[index] for index in leaves] for column in (offsets, words, lows, highs)))
        return [_Branch(offsets[index], words[index], lows[index], highs[index]) for index in branches]

    def _mark(self, pgids: list[int], words: list[int]) -> None:
        self.pages += len(pgids)
        if self.pages > self.limit:
            raise Irregular  # some page must have been visited twice: don't go in circles
        if self.progress is not None:
            self.progress(self.pages * self.processes, self.snapshot.meta.hwm)
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

    def _leaves(self, offsets: list[int], words: list[int], lows: list[bytes], highs: list[Any]) -> None:
        """The keys of leaves: in order, within their bounds; and the buckets among their values."""
        buffer = self.buffer
        layouts = self.leaves(offsets, words)
        pages = [layout.keys(buffer, offset) for layout, offset in zip(layouts, offsets)]
        if not all(pages):
            raise Irregular  # a leaf without elements
        keys = list(chain.from_iterable(pages))
        # In order from page to page, as one tree's leaves are; those of several trees are so in each page only.
        if not (all(map(lt, keys, islice(keys, 1, None))) or all(map(_ascends, pages))):
            raise Irregular
        _must_bound(pages, lows, highs)
        for layout, offset in zip(layouts, offsets):
            if layout.buckets:
                self._buckets(layout, offset)

    def _buckets(self, layout: LeafLayout, offset: int) -> None:
        roots = layout.roots(self.buffer, offset)
        if any(roots):
            self.nested += filter(None, roots)
        for root, (_, size) in zip(roots, layout.buckets) if layout.bare else ():
            if not root and size <= BUCKET_HEADER_SIZE:
                raise Irregular  # an inline bucket without its page

    def _children(self, branches: list[_Branch]) -> _Level:
        """The level below ``branches``."""
        below: list[int] = []
        lows: list[bytes] = []
        highs: list[Any] = []
        pages = []
        for branch in branches:
            keys, pgids = self.branch(branch.offset, branch.word)
            if not _ascends(keys):
                raise Irregular
            pages.append(keys)
            below += pgids
            lows += keys
            highs += islice(keys, 1, None)
            highs.append(branch.high)
        _must_bound(pages, [branch.low for branch in branches], [branch.high for branch in branches])
        return below, lows, highs


def _ascends(keys: Sequence[bytes]) -> bool:
    return all(map(lt, keys, islice(keys, 1, None)))


def _must_bound(pages: list[Sequence[bytes]], lows: list[bytes], highs: list[Any]) -> None:
    """First keys not below ``lows``, last ones below ``highs``; Irregular where not."""
    firsts = list(map(_FIRST, pages))
    if firsts != lows and not all(map(le, lows, firsts)):
        raise Irregular
    if not all(map(lt, map(_LAST, pages), highs)):
        raise Irregular
