"""Tell which pages are of one bucket, whatever generation they are of, and what older pages say of its name.

A branch page, of a free page too, leads to the pages that begin with its keys: those are of its bucket still. The
elements of older pages of buckets name the root page that a bucket had; it may have been used for another since,
so many of them are asked.
"""

from __future__ import annotations

from array import array
from collections import Counter

from ...format.constants import BRANCH_PAGE, BUCKET_HEADER_SIZE
from .elements import first_key, is_reused, page_elements

TYPE_CHECKING = False
_MOST_LEVELS = 16  # levels of buckets that are asked

if TYPE_CHECKING:
    from .pages import PageTable
    from .roots import BucketPages
    from .tree import RecoveredTree

    Path = tuple[bytes, ...]


class Families:
    """Pages of one bucket have the same number in ``of``. ``votes`` counts what older pages say, by that number."""

    __slots__ = ("_pages", "_parents", "_table", "_with_buckets", "_with_pairs", "votes")

    def __init__(self, table: PageTable, trees: list[RecoveredTree], pages: BucketPages) -> None:
        """``trees``: the recovered tree and older ones; ``pages``: the leaf pages of buckets."""
        self._table = table
        self._parents = array("Q", range(table.pages))
        for page in range(2, table.pages):
            if table.kind[page] == BRANCH_PAGE and table.is_tree(page):
                self._join(page)
        self.votes: dict[int, Counter[Path]] = {}
        self._pages: dict[Path, dict[int, None]] = {}
        self._with_buckets: Counter[Path] = Counter()
        self._with_pairs: Counter[Path] = Counter()
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
        """Return present and former leaf pages of the bucket of buckets at ``path``; none if it seems to hold pairs."""
        if 2 * self._with_pairs[path] >= self._with_buckets[path]:
            return []
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
        asked: set[int] = set()
        for _ in range(_MOST_LEVELS):  # what a page says of a page of buckets lets one ask that, too
            for page in paths.keys() - asked:
                self._note(page, paths[page], pages)
            asked |= paths.keys()
            for path in self._pages:
                for page in self.versions(path):
                    paths.setdefault(page, path)
            if len(paths) == len(asked):
                break

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
                    (self._with_buckets if pages.bucketish[root] else self._with_pairs)[inner] += 1
                    if root in pages.family:
                        self._pages.setdefault(inner, {})[root] = None
