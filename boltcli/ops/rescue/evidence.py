"""What speaks for the bucket of an orphan: older trees and pages, keys in the tree, pages written with it."""

from __future__ import annotations

from collections import Counter

from .orphans import follows, likeness, looks_like, patterns, points_of, wanted_of
from .tree import find_keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .families import Families
    from .orphans import Group, Path
    from .tree import RecoveredTree

_LONG_RUN = 5  # pages one after the other that are hardly so by chance
_MOST_OTHERS = 4  # times the pages of a run, of pages that look like it
ALIKE = 3.0  # points for pairs that look like a bucket's
_VOTE = 20.0  # points for the bucket that all older pages name


class Evidence:
    """What the tree, older ones and families of pages say of groups."""

    def __init__(self, tree: RecoveredTree, references: list[RecoveredTree], families: Families) -> None:
        self._tree = tree
        self._references = references
        self._families = families
        self._paths: dict[Path, bool] = {}  # of the buckets that the tree has; whether nothing is missing in them

    def find(self, groups: list[Group]) -> None:
        """Look the samples up in the tree and in the older ones."""
        wanted = wanted_of(groups)
        for number, reference in enumerate(self._references, 1):
            paths = [bucket.path() for bucket in reference.buckets]
            hits = find_keys(reference, wanted)
            for group in groups:
                if reference.owner_of(group.page) is not None:
                    group.rank = min(group.rank, number)
                for path, points in points_of(group, hits, paths).items():
                    group.evidence[path] = max(group.evidence.get(path, 0.0), points)
        self._ask_families(groups)
        paths = [bucket.path() for bucket in self._tree.buckets]
        self._paths = {path: not bucket.gaps for path, bucket in zip(paths, self._tree.buckets)}
        hits = find_keys(self._tree, wanted)
        for group in groups:
            if group.leaf and group.rank == 50:
                group.rank = 0
            group.stale = points_of(group, hits, paths)
            for known in (group.evidence, group.stale):
                for path, points in known.items():
                    for pattern in patterns(path):
                        group.beside[pattern] = max(group.beside.get(pattern, 0.0), points)

    def _ask_families(self, groups: list[Group]) -> None:
        """Share what is known of a group among those of its family, and take what older pages say of that."""
        members: dict[int, list[Group]] = {}
        for group in groups:
            members.setdefault(self._families.of(group.page), []).append(group)
        for number, family in members.items():
            votes = self._families.votes.get(number, Counter())
            every = votes.total()
            shared = {path: _VOTE * (count / every) * min(1.0, (1 + count) / 3) for path, count in votes.items()}
            for group in family:
                for path, points in group.evidence.items():
                    shared[path] = max(shared.get(path, 0.0), points)
            for group in family:
                group.evidence.update(shared)

    def is_gone(self, path: Path) -> bool:
        """Return whether there was a bucket that the newest tree doesn't have any more."""
        return path not in self._paths and self._paths.get(path[:-1], False)


class Runs:
    """The runs of orphans before the lost pages of a tree."""

    def __init__(self, tree: RecoveredTree) -> None:
        self.tree = tree
        self.table = tree.table
        self._marks = bytearray(tree.used)
        self._lost_pages: set[int] = set()

    def find(self, groups: list[Group]) -> None:
        """Note which orphans were written one after the other just before a lost page, as children before their parent.

        Their keys ascend and look alike. Where the run ends at an orphan that doesn't go on with it, the file was
        written in many transactions, and neighbours say little: then only a long run counts.
        """
        by_page = {group.page: group for group in groups}
        lost_pages = {gap.page for gap in self.tree.gaps if gap.page < self.table.pages} - self._lost_pages
        self._lost_pages |= lost_pages
        for lost in lost_pages:
            self._marks[lost] = 1
        whole = {gap.page for gap in self.tree.gaps if gap.is_whole()}
        for lost in lost_pages:
            run: list[Group] = []
            page = lost - 1
            clean = False
            while True:
                above = page
                while page > 1 and not self._marks[page] and page not in by_page and not self.table.own[page]:
                    page -= 1  # the overflow pages of the one before
                group = by_page.get(page)
                if group is None:
                    clean = True
                    break
                if run and not (follows(group, run[-1]) and (group.end > above or looks_like(group, run[-1]))):
                    break
                run.append(group)
                page -= 1
            if len(run) >= _LONG_RUN or (clean and not (lost in whole and self._goes_on(run, groups))):
                for group in run:
                    group.before.add(lost)

    def _goes_on(self, run: list[Group], groups: list[Group]) -> bool:
        """Return whether there are many more pages like those of a run: then it is hardly all of a bucket."""
        others = 0
        for group in groups:
            beyond = run and (group.last < run[-1].first or group.first > run[0].last)
            if beyond and not self.tree.used[group.page] and likeness(group.shape, run[0].shape) >= ALIKE:
                others += 1
                if others > _MOST_OTHERS * len(run):
                    return True
        return False
