"""Put pages that nothing refers to where they belong.

The evidence, the surest first: a page's first key is the one at which a gap begins; an older tree leads to the very
page; an older tree holds the same pairs in the same bucket; the page lies just before the lost one; keys look alike.
A wrong bucket is worse than none: what is in doubt goes to lost+found.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from operator import or_
from typing import NamedTuple

from .evidence import BucketShape, Votes, WriteRuns
from .orphans import BUCKETS, Orphans, wanted_of
from .tree import PLACED, find_keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .evidence import SameBucket
    from .orphans import Group, Path
    from .tree import Bucket, Gap, RecoveredTree

_ENOUGH = 4.0  # points that a place must have
_ENOUGH_ALONE = 0.0  # if it is the only one
_MARGIN = 1.5  # points that it must have more than the next one
_ROUNDS = 50
_SURE = 5.0
_UNSUITED = -4.0  # points for pairs in a bucket that seems to hold buckets, and the other way round
_MOST_TWINS = 10  # one in so many may be of another bucket


class Choice(NamedTuple):
    """A gap for a group, and how much speaks for it: all in all, and without what its pairs look like.

    ``only``: the group can be nowhere else.
    """

    points: float
    evidence: float
    group: Group
    gap: Gap
    only: bool = False


class Placement:
    """The placing of orphans of one file: ``placed`` pages, ``dropped`` (stale) ones, ``left`` for lost+found."""

    def __init__(
        self, tree: RecoveredTree, references: list[RecoveredTree], free: bytearray | None, roots: set[int],
        same_bucket: SameBucket, *, all_live: bool = False, torn: bool = False, end: int,
    ) -> None:  # fmt: skip
        """``free`` marks the pages of a freelist that can be trusted. ``roots`` are those of older trees.

        ``all_live``: the root itself is lost. ``torn``: there are pages of later transactions. ``end``: the number of
        pages that may be in use.
        """
        self.tree = tree
        self.table = tree.table
        self.free = free
        self.all_live = all_live
        self.torn = torn
        self.end = end
        self.placed = 0
        self.dropped = 0
        self.left: list[Group] = []
        self._orphans = Orphans(tree, free, roots)
        self._runs = WriteRuns(tree)
        self._votes = Votes(tree, references, same_bucket)
        self._looks = BucketShape(tree, references)
        self._ranges: dict[int, list[tuple[bytes, bytes]]] = {}

    def run(self) -> None:
        """Place what can be placed, drop what is stale, and keep the rest in ``left``."""
        groups = self._orphans.groups()
        self._votes.find(groups)
        self._all_known = self._is_all_known()
        for _ in range(_ROUNDS):
            waiting = [group for group in groups if not self.tree.used[group.page]]
            self._runs.find(groups)
            choices = [choice for group in waiting if (choice := self._choose(group)) is not None]
            chosen = _surest(choices)
            if not chosen:
                break
            # Pages of buckets first: what they lead to is then no orphan any more.
            chosen.sort(key=lambda choice: (not choice.group.holds & BUCKETS, -choice.points))
            kind = chosen[0].group.holds & BUCKETS
            chosen = [choice for choice in chosen if choice.group.holds & BUCKETS == kind]
            small = self._small(choices)
            placed = self.placed
            for choice in chosen:
                if not self._is_doubtful(choice, small):
                    self._place(choice.group, choice.gap)
            if self.placed == placed:
                if not kind:
                    break
                skipped = [choice.group for choice in chosen]
                groups = [group for group in groups if group not in skipped]
                self.left += skipped
        self._sort_out(groups + self.left)

    def _small(self, choices: list[Choice]) -> set[int]:
        """Return the indices of buckets for which less was found than a lost root page makes likely.

        A root branch has two children at least, and more than one page would hold.
        """
        wanting = Counter(choice.gap.bucket.index for choice in choices if choice.gap.is_whole())
        sizes: Counter[int] = Counter()
        for choice in choices:
            sizes[choice.gap.bucket.index] += choice.group.size
        return {index for index in sizes if wanting[index] < 2 or sizes[index] < self.table.page_size // 2}

    def _is_doubtful(self, choice: Choice, small: set[int]) -> bool:
        """Return whether a page is more likely of a bucket whose name is lost than all of a bucket of buckets."""
        group, gap = choice.group, choice.gap
        lone = gap.is_whole() and gap.bucket.index in small and group.leaf and not gap.filled
        return lone and group.evidence.get(gap.bucket.path(), 0.0) < _SURE

    def _is_all_known(self) -> bool:
        """Return whether each page of the file is reached, free, an orphan, or one that is known to be lost."""
        if self.free is None:
            return False
        known = bytearray(map(or_, self.tree.used, self.free))
        for page in self._orphans.pages:
            run = self.table.run(page)
            known[run.start : run.stop] = b"\1" * len(run)
        for gap in self.tree.gaps:
            if gap.page < self.table.pages:
                known[gap.page] = 1
        return all(known[2 : self.end])

    def _sort_out(self, groups: list[Group]) -> None:
        """Of what could not be placed drop what is superseded: pages whose keys all stand in one bucket of the tree."""
        self.left = []
        seen = bytearray(self.tree.used)
        waiting = groups
        while waiting:
            waiting = [group for group in waiting if not seen[group.page]]
            hits = find_keys(self.tree, wanted_of(waiting))
            below: list[int] = []
            for group in waiting:
                seen[group.page] = 1
                if self._is_stale(group, group.found_in(hits)):
                    self.dropped += 1
                    below += self._orphans.below(group.page)  # what an old page leads to may be live
                else:
                    self.left.append(group)
            waiting = [made for page in below if not seen[page] and (made := self._orphans.group(page)) is not None]

    def _choose(self, group: Group) -> Choice | None:
        """Return the place of a group, if one is clearly the best."""
        best: dict[int, Choice] = {}
        for gap in self.tree.gaps:
            choice = self._score(group, gap)
            index = gap.bucket.index
            if choice is not None and (index not in best or choice.points > best[index].points):
                best[index] = choice
        if not best:
            return None
        ranked = sorted(best.values(), key=lambda choice: -choice.points)
        first = ranked[0]
        second = ranked[1].points if len(ranked) > 1 else 0.0
        if self.free is None:
            path = first.gap.bucket.path()
            gone = [points for where, points in group.evidence.items() if self._votes.is_gone(where)]
            second = max([second, *gone, *(share for where, share in group.stale.items() if where != path)])
        enough = _ENOUGH if len(ranked) > 1 or self.torn else _ENOUGH_ALONE if self.free is None else -1.0
        if self._all_known and len(ranked) == 1:
            return first._replace(only=True)
        if first.points < enough or first.points - second < (_MARGIN if len(ranked) > 1 or second else -1.0):
            return None
        return first

    def _score(self, group: Group, gap: Gap) -> Choice | None:
        """Return how well a group fits a gap; None if it cannot be there."""
        if not self._is_possible(group, gap):
            return None
        bucket, path = gap.bucket, gap.bucket.path()
        points = 5.0 if gap.page in group.before else 0.0 if self._suits(group, bucket) else _UNSUITED
        if gap.low and group.first == gap.low:
            points += 10.0
        if gap.low and gap.high is not None:
            points += 4.0
        elif gap.low or gap.high is not None:
            points += 3.0
        points += group.evidence.get(path, 0.0)
        return Choice(points + self._looks.likeness(group, bucket), points, group, gap)

    def _is_possible(self, group: Group, gap: Gap) -> bool:
        bucket = gap.bucket
        if not _could_hold(gap, group):
            return False
        if gap.leaf and not (group.leaf and group.first == gap.low):
            return False  # its page was a leaf: only an older version of that can be here
        if bucket.parent is None and group.holds != BUCKETS:
            return False
        if bucket.parent is None and gap.is_whole() and () not in group.evidence:
            return False  # nested buckets look like a root; as one they would put everything in the wrong place
        if bucket.leaves and not self._suits(group, bucket):
            return False
        return self.free is None or not self._overlaps(group, bucket)

    def _suits(self, group: Group, bucket: Bucket) -> bool:
        """Return whether pairs go to a bucket of pairs, or buckets to one of buckets, as far as that is known."""
        kind = self._looks.kind(bucket)
        return not kind or bool(kind & group.holds)

    def _overlaps(self, group: Group, bucket: Bucket) -> bool:
        """Return whether the bucket has another placed group among whose keys this one's are."""
        ranges = self._ranges.get(bucket.index)
        if not ranges:
            return False
        at = bisect_left(ranges, (group.first, b""))
        return (at < len(ranges) and ranges[at][0] <= group.last) or (at > 0 and ranges[at - 1][1] >= group.first)

    def _place(self, group: Group, gap: Gap) -> None:
        """Put a group into the gap."""
        if self.tree.used[group.page]:
            return
        if self.free is not None and self._overlaps(group, gap.bucket):
            return
        self.tree.walk(gap.bucket, group.page, gap.low, gap.high, PLACED + group.rank, strict=True)
        insort(self._ranges.setdefault(gap.bucket.index, []), (group.first, group.last))
        gap.filled += 1
        self.placed += 1

    def _is_stale(self, group: Group, shares: dict[Path, tuple[int, int]]) -> bool:
        """Return whether a group holds what the tree has elsewhere, or what nothing in it has a place for."""
        if self.free is not None:
            return False  # it is in use, wherever it belongs
        every = len(group.samples)
        # An index has the keys of what it is an index of, but not one of the values.
        if any(same == every and equal for same, equal in shares.values()):
            return True
        return not self.all_live and not any(_could_hold(gap, group) for gap in self.tree.gaps)


def _could_hold(gap: Gap, group: Group) -> bool:
    """Return whether the group may come from the gap: its keys are in the range."""
    return group.first >= gap.low and (gap.high is None or group.last < gap.high)


def _surest(choices: list[Choice]) -> list[Choice]:
    """Return the choices with evidence; else those that look like their bucket; else those without an alternative.

    Of the latter two none if their keys overlap: then there is another bucket that looks the same, or has lost its
    name.
    """
    sure = [choice for choice in choices if choice.evidence >= _ENOUGH or choice.only or not choice.gap.is_whole()]
    if sure:
        return sure
    for least in (_ENOUGH, -1.0):
        some = [choice for choice in choices if choice.points >= least]
        counts = Counter(choice.gap.bucket.index for choice in some)
        overlaps: Counter[int] = Counter()
        ends: dict[int, bytes] = {}
        for choice in sorted(some, key=lambda choice: choice.group.first):
            index = choice.gap.bucket.index
            overlaps[index] += choice.group.first <= ends.get(index, b"")
            ends[index] = max(ends.get(index, b""), choice.group.last)
        clear = {index for index, count in counts.items() if _MOST_TWINS * overlaps[index] <= count}
        some = [choice for choice in some if choice.gap.bucket.index in clear]
        if some:
            return some
    return []
