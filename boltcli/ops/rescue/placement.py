"""Find the pages that nothing refers to, with what they lead to, and put them where they belong.

The evidence, the surest first: a page's first key is the one at which a gap begins; an older tree leads to the very
page; an older tree holds the same pairs in the same bucket; the page lies just before the lost one.
A wrong bucket is worse than none: what is in doubt goes to lost+found.

Names of buckets come back from older versions, and in the end whole pages do. Of where an older version leads only that
is taken which other old pages don't contradict: branch pages, free ones too, lead to pages of their bucket; elements of
buckets name the root page that the bucket had, which may have been used for another since, so many are asked.
"""

from array import array
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

from .elements import Elements, fits, is_reused, page_elements, readable
from .pages import Path
from .roots import Candidate, Link, PageGraph, newest_first, whole_ones
from .tree import OLDER, OTHER_BUCKET, PLACED, Bucket, Gap, Hits, Pairs, RecoveredTree, Recovery, find_keys, sample

_ENOUGH = 4.0  # points that a place must have
_MARGIN = 1.5  # points that it must have more than the next one
_ROUNDS = 50
_MOST_TWINS = 10  # one in so many may be of another bucket
_UNSUITED = -4.0  # points for pairs in a bucket that seems to hold buckets, and the other way round
_LONG_RUN = 5  # pages one after the other that are hardly so by chance
_VOTE = 20.0  # points for the bucket that all older pages name
_UNRANKED = 50
_MOST_LEVELS = 64  # levels of a tree
_MOST_VERSIONS = 16


class SameBucket:
    """Pages of one bucket have the same number in ``of``. ``votes`` counts what older pages say, by that number."""

    def __init__(self, trees: list[RecoveredTree], graph: PageGraph) -> None:
        """Asked are the pages of buckets whose path is known, from ``trees`` or from pages with the same names."""
        table, family = graph.table, graph.family
        self._parents = array("Q", range(table.pages))
        for page, links in graph.links.items():
            for link in links:
                if link.by_key and link.right:  # a child that is still what the branch's key says
                    self._parents[self.of(link.page)] = self.of(page)
        self.votes: dict[int, Counter[Path]] = {}
        self.pages: dict[Path, dict[int, None]] = {}  # present and former ones of a bucket of buckets
        ordered = ((bucket, page) for tree in reversed(trees) for bucket in tree.buckets for page in bucket.leaves)
        paths = {page: bucket.path() for bucket, page in ordered if page in family}
        known: dict[int, set[Path]] = {}
        for page, path in paths.items():
            known.setdefault(family[page], set()).add(path)
        for page, number in family.items():
            if page not in paths and len(known.get(number, ())) == 1:
                [paths[page]] = known[number]
        for page, found in readable(table, paths):
            for _, name, root, _ in found.roots():
                if root and table.is_tree(root) and not is_reused(table, found.keys, root):
                    inner = (*paths[page], name)
                    self.votes.setdefault(self.of(root), Counter())[inner] += 1
                    if root in family:
                        self.pages.setdefault(inner, {})[root] = None

    def of(self, page: int) -> int:
        parents = self._parents
        while parents[page] != page:
            parents[page] = page = parents[parents[page]]
        return page

    def name(self, page: int) -> Path | None:
        votes = self.votes.get(self.of(page))
        return votes.most_common(1)[0][0] if votes else None


@dataclass(slots=True, eq=False)
class Group:
    """An orphan page and what it leads to. ``first`` and ``last`` are its least and greatest keys, ``size`` is bytes.

    ``samples`` are some of its pairs; ``holds`` has 0 for pairs and 1 for buckets. ``evidence`` has points by bucket
    path, ``stale`` the same for parts of the tree where nothing is missing. ``before``: the lost pages that it was
    written before. ``rank``: of two versions of a key the lower one stays.
    """

    page: int
    leaf: bool
    size: int
    first: bytes
    last: bytes
    samples: Pairs
    holds: set[int]
    evidence: dict[Path, float] = field(default_factory=dict)
    stale: dict[Path, float] = field(default_factory=dict)
    before: set[int] = field(default_factory=set)
    rank: int = _UNRANKED

    def found_in(self, hits: Hits) -> dict[Path, tuple[int, int]]:
        """Return how many of the samples stand in a bucket, and how many of them with the same value, not empty."""
        found: Counter[Path] = Counter()
        equal: Counter[Path] = Counter()
        for key, (flag, value) in self.samples.items():
            places = [(path, digest == hash(value)) for path, kind, digest in hits.get(key, ()) if kind == flag]
            found.update({path for path, _ in places})
            equal.update({path for path, same in places if same and value})
        return {path: (count, equal[path]) for path, count in found.items()}

    def points_in(self, hits: Hits) -> dict[Path, float]:
        """Return up to 20 points for a bucket that holds the samples, up to 10 if only the keys are the same."""
        each = 10.0 / max(1, len(self.samples))
        return {path: each * (same + equal) for path, (same, equal) in self.found_in(hits).items()}

    def could_be_in(self, gap: Gap) -> bool:
        return self.first >= gap.low and (gap.high is None or self.last < gap.high)


class Choice(NamedTuple):
    points: float
    group: Group
    gap: Gap


class Placement:
    """The placing of orphans of one file. Counts in ``done``, and leaves there the pages for lost+found."""

    def __init__(
        self, done: Recovery, references: list[RecoveredTree], graph: PageGraph, roots: set[int],
        same_bucket: SameBucket, *, all_live: bool,
    ) -> None:  # fmt: skip
        """``references``: older trees; ``roots`` are those of all. ``all_live``: the root itself is lost."""
        self.done = done
        self.tree = tree = done.tree
        self.table = done.table
        self.free = done.free
        self.all_live = all_live
        self.links = graph.links
        unreached = tree.unreached(done.free)
        self._orphans = [page for page in unreached if page not in roots and not self.table.is_torn(page)]
        orphans = set(self._orphans)
        self._onward = {  # how orphans lead to others
            page: [link for link in graph.links[page] if link.page in orphans and link.page != page] for page in orphans
        }
        self._ranges: dict[Bucket, list[tuple[bytes, bytes]]] = {}  # by bucket, of the groups that were placed in it
        self._reached = bytes(tree.used)
        self._groups = [group for page in self._tops() if (group := self._group(page)) is not None]
        self._find_evidence(references, same_bucket)
        self._whole = {bucket.path(): not bucket.gaps for bucket in tree.buckets}
        self._kinds: dict[Bucket, set[int]] = {}  # 0: a bucket holds pairs, 1: buckets

    def run(self) -> None:
        groups, skipped = self._groups, []
        for _ in range(_ROUNDS):
            self._find_runs(groups)
            choices = [choice for group in groups if not self.tree.used[group.page] and (choice := self._choose(group))]
            chosen = _surest(choices)
            if not chosen:
                break
            # Pages of buckets first: what they lead to is then no orphan any more.
            chosen.sort(key=lambda choice: (1 not in choice.group.holds, -choice.points))
            kind = 1 in chosen[0].group.holds
            chosen = [choice for choice in chosen if (1 in choice.group.holds) == kind]
            placed = self.done.placed
            for choice in chosen:
                group, gap = choice.group, choice.gap
                taken = self.tree.used[group.page] or (self.free is not None and self._overlaps(group, gap.bucket))
                if taken or self._is_doubtful(choice, choices):
                    continue
                self.tree.walk(gap.bucket, group.page, gap.low, gap.high, PLACED + group.rank)
                insort(self._ranges.setdefault(gap.bucket, []), (group.first, group.last))
                gap.filled += 1
                self.done.placed += 1
            if self.done.placed == placed:
                if not kind:
                    break
                skipped += [choice.group for choice in chosen]
                groups = [group for group in groups if group not in skipped]
        self._sort_out(groups + skipped)

    def _below(self, page: int) -> list[int]:
        return [link.page for link in self._onward[page] if link.right]

    def _tops(self) -> list[int]:
        """Return the orphans without a parent among the orphans, except branch pages older than their children."""
        parents: dict[int, set[int]] = {}  # by page the orphans that lead to it
        branches: dict[int, set[int]] = {}  # those that do by its first key
        older: list[int] = []  # a child was used for other keys since
        for page in self._orphans:
            for child, by_key, right in self._onward[page]:
                if right:
                    parents.setdefault(child, set()).add(page)
                    branches.setdefault(child, set()).update([page] * by_key)
                else:
                    older.append(page)
        # Of two versions of a branch page at most one is live. What leads to an older page is older, too.
        older += [page for above in branches.values() if len(above) > 1 for page in above]
        dissolved = _reached(older, lambda page: branches.get(page, ()))
        live = [page for page in self._orphans if page not in dissolved]
        tops = [page for page in live if parents.get(page, dissolved) <= dissolved]
        # Pages in a ring lead to each other: all of them are tops.
        seen = _reached(tops, self._below)
        return tops + [page for page in live if page not in seen]

    def _group(self, page: int) -> Group | None:
        top = page_elements(self.table, page)
        leaf, end = self._outermost(page, iter), self._outermost(page, reversed)
        if top is None or leaf is None or end is None:
            return None
        size = max(leaf.ends) - leaf.table.start if top.leaf else self.table.page_size
        last = max(top.keys[-1], end.keys[-1], end.keys[0])
        return Group(page, top.leaf, size, top.keys[0], last, sample(leaf) | sample(end), {*leaf.flags, *end.flags})

    def _outermost(self, page: int | None, order: Callable[[list[Link]], Iterator[Link]]) -> Elements | None:
        """Return the first leaf below a page, in this ``order`` of the pages that a branch leads to."""
        for _ in range(_MOST_LEVELS):
            found = page_elements(self.table, page) if page is not None else None
            if page is None or found is None or not found.count or found.leaf:
                return found if found is not None and found.count else None
            page = next((link.page for link in order(self.links[page]) if link.right), None)
        return None

    def _find_evidence(self, references: list[RecoveredTree], same_bucket: SameBucket) -> None:
        groups = self._groups
        wanted = {key for group in groups for key in group.samples}
        for number, reference in enumerate(references, 1):
            hits = find_keys(reference, wanted)
            for group in groups:
                if reference.owner[group.page]:
                    group.rank = min(group.rank, number)
                for path, points in group.points_in(hits).items():
                    group.evidence[path] = max(group.evidence.get(path, 0.0), points)
        families: dict[int, list[Group]] = {}
        for group in groups:
            families.setdefault(same_bucket.of(group.page), []).append(group)
        for number, family in families.items():
            # What is known of one is known of all.
            votes = same_bucket.votes.get(number, Counter())
            every = votes.total()
            shared = {path: _VOTE * (count / every) * min(1.0, (1 + count) / 3) for path, count in votes.items()}
            for path, points in (each for group in family for each in group.evidence.items()):
                shared[path] = max(shared.get(path, 0.0), points)
            for group in family:
                group.evidence.update(shared)
        hits = find_keys(self.tree, wanted)
        for group in groups:
            if group.leaf and group.rank == _UNRANKED:
                group.rank = 0  # no page leads to it: it comes from the lost tree
            group.stale = group.points_in(hits)

    def _find_runs(self, groups: list[Group]) -> None:
        """Note which orphans were written in the order of their keys just before a lost page, as children are."""
        by_page = {group.page: group for group in groups}
        own = self.table.own
        lost_pages = {gap.page for gap in self.tree.gaps if gap.page < self.table.pages}
        for lost in lost_pages:
            run: list[Group] = []
            page = lost - 1
            while True:
                while page > 1 and not (self._reached[page] or page in lost_pages or page in by_page or own[page]):
                    page -= 1  # the overflow pages of the one before
                group = by_page.get(page)
                if group is None or (run and not group.last < run[-1].first):
                    break
                run.append(group)
                page -= 1
            # A run that ends at an orphan, of another transaction, says little if it isn't long.
            for each in run if group is None or len(run) >= _LONG_RUN else ():
                each.before.add(lost)

    def _is_doubtful(self, choice: Choice, choices: list[Choice]) -> bool:
        """Return whether a page is hardly all of a bucket: its lost root branch had two children at least."""
        group, gap = choice.group, choice.gap
        if not gap.is_whole() or not group.leaf or gap.filled or group.evidence.get(gap.bucket.path(), 0.0) >= 5.0:
            return False
        others = [each for each in choices if each.gap.bucket is gap.bucket]
        size = sum(each.group.size for each in others)
        return sum(each.gap.is_whole() for each in others) < 2 or size < self.table.page_size // 2

    def _sort_out(self, groups: list[Group]) -> None:
        """Of what could not be placed drop what is superseded: pages whose keys all stand in one bucket of the tree."""
        seen = bytearray(self.tree.used)
        waiting = groups
        while waiting:
            waiting = [group for group in waiting if not seen[group.page]]
            hits = find_keys(self.tree, {key for group in waiting for key in group.samples})
            below: list[int] = []
            for group in waiting:
                seen[group.page] = 1
                if self._is_stale(group, hits):
                    self.done.stale += 1
                    below += self._below(group.page)  # what an old page leads to may be live
                else:
                    self.done.left.append(group.page)
            waiting = [made for page in below if not seen[page] and (made := self._group(page)) is not None]

    def _choose(self, group: Group) -> Choice | None:
        best: dict[Bucket, Choice] = {}
        for choice in filter(None, (self._score(group, gap) for gap in self.tree.gaps)):
            if choice.points > best.setdefault(choice.gap.bucket, choice).points:
                best[choice.gap.bucket] = choice
        if not best:
            return None
        first, *others = sorted(best.values(), key=lambda choice: -choice.points)
        second = others[0].points if others else 0.0
        if self.free is None:
            path = first.gap.bucket.path()
            # A bucket that the newest tree doesn't have any more, though its parent is whole, is a place too.
            whole = self._whole
            gone = (here for at, here in group.evidence.items() if at not in whole and whole.get(at[:-1], False))
            second = max([second, *gone, *(share for where, share in group.stale.items() if where != path)])
        enough = _ENOUGH if others or self.done.torn else 0.0 if self.free is None else -1.0
        margin = _MARGIN if others or second else -1.0
        return None if first.points < enough or first.points - second < margin else first

    def _score(self, group: Group, gap: Gap) -> Choice | None:
        bucket, is_whole = gap.bucket, gap.is_whole()
        if not group.could_be_in(gap):
            return None
        if gap.leaf and not (group.leaf and group.first == gap.low):
            return None  # the lost page was a leaf: only an older version of that can be here
        # Nested buckets look like a root; as one they would put everything in the wrong place.
        if bucket.parent is None and (group.holds != {1} or (is_whole and () not in group.evidence)):
            return None
        kinds = self._kinds.get(bucket)
        if not kinds:
            leaves = readable(self.table, bucket.some_leaves())
            kinds = self._kinds[bucket] = {flag for _, found in leaves for flag in found.flags}
        # Pairs go to a bucket of pairs, or buckets to one of buckets, as far as that is known.
        suits = not kinds or bool(kinds & group.holds)
        if (bucket.leaves and not suits) or (self.free is not None and self._overlaps(group, bucket)):
            return None
        points = 5.0 if gap.page in group.before else 0.0 if suits else _UNSUITED
        points += 10.0 * bool(gap.low and group.first == gap.low)
        points += 0.0 if is_whole else 4.0 if gap.low and gap.high is not None else 3.0
        return Choice(points + group.evidence.get(bucket.path(), 0.0), group, gap)

    def _overlaps(self, group: Group, bucket: Bucket) -> bool:
        ranges = self._ranges.get(bucket, ())
        at = bisect_left(ranges, (group.first, b""))
        return (at < len(ranges) and ranges[at][0] <= group.last) or (at > 0 and ranges[at - 1][1] >= group.first)

    def _is_stale(self, group: Group, hits: Hits) -> bool:
        if self.free is not None:
            return False  # it is in use, wherever it belongs
        every = len(group.samples)
        # An index has the keys of what it is an index of, but not one of the values.
        elsewhere = any(same == every and equal for same, equal in group.found_in(hits).values())
        return elsewhere or not (self.all_live or any(map(group.could_be_in, self.tree.gaps)))


def _surest(choices: list[Choice]) -> list[Choice]:
    """Return the choices with evidence; else those without an alternative, unless they overlap as two buckets do."""
    sure = [choice for choice in choices if choice.points >= _ENOUGH or not choice.gap.is_whole()]
    buckets: dict[Bucket, list[Choice]] = {}
    for choice in sorted(choices, key=lambda choice: choice.group.first):
        if choice.points >= -1.0 and not sure:
            buckets.setdefault(choice.gap.bucket, []).append(choice)
    for some in buckets.values():
        ends = accumulate((choice.group.last for choice in some), max)
        if _MOST_TWINS * sum(choice.group.first <= end for choice, end in zip(some[1:], ends)) <= len(some):
            sure += some
    return sure


def _reached(pages: Iterable[int], onward: Callable[[int], Iterable[int]]) -> set[int]:
    seen: set[int] = set()
    waiting = list(pages)
    while waiting:
        page = waiting.pop()
        if page not in seen:
            seen.add(page)
            waiting += onward(page)
    return seen


def bring_back_names(tree: RecoveredTree, same_bucket: SameBucket, free: bytearray | None) -> None:
    """For each bucket of buckets whose root page is lost: the names in the newest older version of that page."""
    for gap in tree.gaps:  # those that are found on the way, too
        bucket = gap.bucket
        if bucket.parent is None or bucket.leaves or not gap.is_whole() or gap.elements:
            continue
        path = bucket.path()
        former = (page for page in same_bucket.pages.get(path, ()) if same_bucket.name(page) == path)
        versions = [page for page in former if not tree.owner[page]][:_MOST_VERSIONS]
        if versions:
            live = [page for page in versions if free is not None and not free[page]]
            made = newest_first(whole_ones([Candidate(tree.table, page) for page in live or versions]))
            _take(tree, bucket, made[0].root, same_bucket, free)
            gap.filled += 1


def _take(tree: RecoveredTree, bucket: Bucket, page: int, same_bucket: SameBucket, free: bytearray | None) -> None:
    """Give ``bucket`` the names in ``page``, and of their pages those that are still theirs."""
    table = tree.table
    live = free is not None and not free[page]
    for _, found in readable(table, [page]):
        bucket.add_leaf(page, PLACED if live else OLDER)
        tree.used[page] = 1
        tree.owner[page] = bucket
        for _, name, root, sequence in found.roots():
            if not root or name in bucket.children:
                continue
            made = tree.bucket(bucket, name, root, sequence)
            if live or (table.is_tree(root) and not (free and free[root]) and same_bucket.name(root) == made.path()):
                tree.walk(made, root, origin=PLACED)
            else:
                tree.gap(made, b"", None, root, OTHER_BUCKET)


def take_skeleton(tree: RecoveredTree, reference: RecoveredTree) -> None:
    """With the root lost: the buckets of an older root, and of their pages those that may still be theirs."""
    top = tree.top
    for page in reference.top.leaves[:1]:
        top.add_leaf(page, OLDER)
        tree.names.update(reference.names)
        for name, child in reference.top.children.items():
            if name not in top.children:
                tree.walk(tree.bucket(top, name, child.root, child.sequence), child.root, origin=PLACED)
    tree.gaps[:] = [gap for gap in tree.gaps if gap.bucket is not top]


def fill_from_older(tree: RecoveredTree, references: list[RecoveredTree]) -> int:
    """Fill gaps to which nothing was found from the newest older tree that has something; return the leaves added."""
    pages = 0
    for reference in references:
        by_path = {bucket.path(): bucket for bucket in reference.buckets}
        for gap in list(tree.gaps):
            source = by_path.get(gap.bucket.path())
            if source is None or gap.filled or gap.complete or gap.elements:
                continue
            before = len(gap.bucket.leaves)
            for page, found in readable(tree.table, (page for page in source.leaves if not tree.owner[page])):
                if fits(found, gap.low, gap.high, 3):
                    tree.walk(gap.bucket, page, gap.low, gap.high, OLDER)
                    gap.filled += 1
            pages += len(gap.bucket.leaves) - before
    return pages
