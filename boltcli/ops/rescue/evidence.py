"""What speaks for the bucket of an orphan: pages of the same bucket, older trees, what the bucket's pairs look like.

A branch page, of a free page too, leads to the pages that begin with its keys: those are of its bucket still. The
elements of older pages of buckets name the root page that a bucket had; it may have been used for another since,
so many of them are asked.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from itertools import islice

from ...format.constants import BRANCH_PAGE, BUCKET_HEADER_SIZE
from .elements import first_key, is_reused, page_elements
from .orphans import (
    UNRANKED,
    Group,
    Pairs,
    Path,
    Shape,
    kinds_of,
    likeness,
    sample,
    shape_of,
    wanted_of,
)
from .pages import PageTable
from .roots import BucketPages
from .tree import Bucket, RecoveredTree, find_keys

_SIBLINGS = 16  # buckets beside one that are looked at
_FEW = 2  # of them are taken for what a bucket looks like
_LONG_RUN = 5  # pages one after the other that are hardly so by chance
_VOTE = 20.0  # points for the bucket that all older pages name


class SameBucket:
    """Pages of one bucket have the same number in ``of``. ``votes`` counts what older pages say, by that number."""

    __slots__ = ("_pages", "_parents", "_table", "votes")

    def __init__(self, table: PageTable, trees: list[RecoveredTree], pages: BucketPages) -> None:
        """``trees``: the recovered tree and older ones; ``pages``: the leaf pages of buckets."""
        self._table = table
        self._parents = array("Q", range(table.pages))
        for page in range(2, table.pages):
            if table.kind[page] == BRANCH_PAGE and table.is_tree(page):
                self._join(page)
        self.votes: dict[int, Counter[Path]] = {}
        self._pages: dict[Path, dict[int, None]] = {}
        self._ask(trees, pages)

    def of(self, page: int) -> int:
        """Return the number of the page's family."""
        parents = self._parents
        while parents[page] != page:
            parents[page] = parents[parents[page]]
            page = parents[page]
        return page

    def name(self, page: int) -> Path | None:
        """Return the path that most older pages give the page's family; None if they say nothing."""
        votes = self.votes.get(self.of(page))
        return votes.most_common(1)[0][0] if votes else None

    def versions(self, path: Path) -> list[int]:
        """Return present and former leaf pages of the bucket of buckets at ``path``."""
        return [page for page in self._pages.get(path, ()) if self.name(page) == path]

    def _join(self, page: int) -> None:
        """Join a branch page with the children that are still what its keys say."""
        found = page_elements(self._table, page)
        if found is None:
            return
        for child, key in zip(found.pgids, found.keys):
            if first_key(self._table, child) == key:
                self._parents[self.of(child)] = self.of(page)

    def _ask(self, trees: list[RecoveredTree], pages: BucketPages) -> None:
        """Ask the pages of buckets whose path is known, from the trees or from pages with the same names."""
        paths: dict[int, Path] = {}
        for tree in reversed(trees):
            for bucket in tree.buckets:
                path = bucket.path()
                for page in bucket.leaves:
                    if page in pages.family:
                        paths[page] = path
        known: dict[int, set[Path]] = {}
        for page, path in paths.items():
            known.setdefault(pages.family[page], set()).add(path)
        for page, number in pages.family.items():
            alike = known.get(number, ())
            if page not in paths and len(alike) == 1:
                paths[page] = next(iter(alike))
        for page, path in paths.items():
            self._note(page, path, pages)

    def _note(self, page: int, path: Path, pages: BucketPages) -> None:
        """Count what a page says of the buckets in it."""
        table = self._table
        found = page_elements(table, page)
        if found is None:
            return
        for i, flag in enumerate(found.flags):
            if flag and found.ends[i] - found.mids[i] >= BUCKET_HEADER_SIZE:
                root = int.from_bytes(found.value(i)[:8], "little")
                if root and table.is_tree(root) and not is_reused(table, found.keys, root):
                    inner = (*path, found.keys[i])
                    self.votes.setdefault(self.of(root), Counter())[inner] += 1
                    if root in pages.family:
                        self._pages.setdefault(inner, {})[root] = None


class BucketShape:
    """What the buckets of a tree that is being filled hold: kinds and shapes."""

    def __init__(self, tree: RecoveredTree, references: list[RecoveredTree]) -> None:
        """``references``: older trees."""
        self._table = tree.table
        self._older = [{each.path(): each.leaves for each in tree.buckets if each.leaves} for tree in references]
        self._kinds: dict[int, int] = {}
        self._shapes: dict[int, tuple[int, Shape | None]] = {}

    def kind(self, bucket: Bucket) -> int:
        """Return whether a bucket holds pairs (1), buckets (2) or both (3); 0 if nothing tells."""
        kind = self._kinds.get(bucket.index)
        if kind is None:
            kind = 0
            for page in bucket.leaves[:4]:
                found = page_elements(self._table, page)
                if found is not None and found.keys:
                    kind |= kinds_of(found.flags)
            if bucket.leaves:
                self._kinds[bucket.index] = kind
        return kind

    def likeness(self, group: Group, bucket: Bucket) -> float:
        """Return points for pairs that look like the bucket's, or like what it had; negative ones if they don't."""
        shape = self._shape(bucket)
        return 0.0 if shape is None else likeness(group.shape, shape)

    def _peers(self, bucket: Bucket) -> list[Pairs]:
        """Return pairs of buckets that should look like a nested one: of its name beside its parent's, or beside it."""
        parent = bucket.parent
        if parent is None or parent.parent is None:
            return []
        cousins = [each.children.get(bucket.name) for each in islice(parent.parent.children.values(), _SIBLINGS)]
        if parent.parent.parent is None or not any(each for each in cousins if each is not bucket):
            cousins = list(islice(parent.children.values(), _SIBLINGS))
        some = [self._pairs(each) for each in cousins if each is not None and each is not bucket]
        return [pairs for pairs in some if pairs]

    def _shape(self, bucket: Bucket) -> Shape | None:
        """Return what the bucket's pairs look like, as far as they are known."""
        size = len(bucket.leaves)
        known = self._shapes.get(bucket.index)
        if known is None or (size and size >= 2 * known[0]):
            pairs = self._pairs(bucket)
            if not pairs:
                peers = self._peers(bucket)[:_FEW]
                if peers and likeness(shape_of(peers[0]), shape_of(peers[-1])) > 0:
                    pairs = peers[0] | peers[-1]
            self._shapes[bucket.index] = known = size, shape_of(pairs) if pairs else None
        return known[1]

    def _pairs(self, bucket: Bucket) -> Pairs:
        """Return some pairs of the bucket, or that it had."""
        leaves: Sequence[int] = bucket.leaves
        if not leaves:
            path = bucket.path()
            leaves = next((older[path] for older in self._older if path in older), leaves)
        pairs: Pairs = {}
        for number in {0, len(leaves) // 2, len(leaves) - 1} if leaves else ():
            found = page_elements(self._table, leaves[number])
            if found is not None and found.keys:
                pairs.update(sample(found))
        return pairs


class Votes:
    """What the tree, older ones and families of pages say of groups."""

    def __init__(self, tree: RecoveredTree, references: list[RecoveredTree], same_bucket: SameBucket) -> None:
        self._tree = tree
        self._references = references
        self._same_bucket = same_bucket
        self._paths: dict[Path, bool] = {}  # of the buckets that the tree has; whether nothing is missing in them

    def find(self, groups: list[Group]) -> None:
        """Look the samples up in the tree and in the older ones."""
        wanted = wanted_of(groups)
        for number, reference in enumerate(self._references, 1):
            hits = find_keys(reference, wanted)
            for group in groups:
                if reference.owner_of(group.page) is not None:
                    group.rank = min(group.rank, number)
                for path, points in group.points_in(hits).items():
                    group.evidence[path] = max(group.evidence.get(path, 0.0), points)
        self._ask_same_bucket(groups)
        paths = [bucket.path() for bucket in self._tree.buckets]
        self._paths = {path: not bucket.gaps for path, bucket in zip(paths, self._tree.buckets)}
        hits = find_keys(self._tree, wanted)
        for group in groups:
            if group.leaf and group.rank == UNRANKED:
                group.rank = 0
            group.stale = group.points_in(hits)

    def _ask_same_bucket(self, groups: list[Group]) -> None:
        """Share what is known of a group among those of its family, and take what older pages say of that."""
        members: dict[int, list[Group]] = {}
        for group in groups:
            members.setdefault(self._same_bucket.of(group.page), []).append(group)
        for number, family in members.items():
            votes = self._same_bucket.votes.get(number, Counter())
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


class WriteRuns:
    """The runs of orphans before the lost pages of a tree."""

    def __init__(self, tree: RecoveredTree) -> None:
        self.tree = tree
        self.table = tree.table
        self._marks = bytearray(tree.used)
        self._lost_pages: set[int] = set()

    def find(self, groups: list[Group]) -> None:
        """Note which orphans were written one after the other just before a lost page, as children before their parent.

        Their keys ascend. Where the run ends at an orphan that doesn't go on with it, the file was
        written in many transactions, and neighbours say little: then only a long run counts.
        """
        by_page = {group.page: group for group in groups}
        lost_pages = {gap.page for gap in self.tree.gaps if gap.page < self.table.pages} - self._lost_pages
        self._lost_pages |= lost_pages
        for lost in lost_pages:
            self._marks[lost] = 1
        for lost in lost_pages:
            run: list[Group] = []
            page = lost - 1
            clean = False
            while True:
                while page > 1 and not self._marks[page] and page not in by_page and not self.table.own[page]:
                    page -= 1  # the overflow pages of the one before
                group = by_page.get(page)
                if group is None:
                    clean = True
                    break
                if run and not group.last < run[-1].first:
                    break
                run.append(group)
                page -= 1
            if clean or len(run) >= _LONG_RUN:
                for group in run:
                    group.before.add(lost)
