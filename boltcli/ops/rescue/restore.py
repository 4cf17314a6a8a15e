"""Restore lost bucket names and whole pages from older versions; tell which pages are of one bucket.

The names are what placing the pages of those buckets needs. Of where the older version leads only that is taken which
other old pages don't contradict.

A branch page, of a free page too, leads to the pages that begin with its keys: those are of its bucket still. The
elements of older pages of buckets name the root page that a bucket had; it may have been used for another since,
so many of them are asked.
"""

from __future__ import annotations

from array import array
from collections import Counter

from .elements import fits, is_reused, readable
from .pages import Path
from .roots import Candidate, PageGraph, newest_first, whole_ones
from .tree import OLDER, OTHER_BUCKET, PLACED, Bucket, RecoveredTree

_MOST_VERSIONS = 16


class SameBucket:
    """Pages of one bucket have the same number in ``of``. ``votes`` counts what older pages say, by that number."""

    def __init__(self, trees: list[RecoveredTree], graph: PageGraph) -> None:
        """``trees``: the recovered tree and older ones.

        Asked are the pages of buckets whose path is known, from the trees or from pages with the same names.
        """
        table, family = graph.table, graph.family
        self._parents = array("Q", range(table.pages))
        for page, links in graph.links.items():
            for link in links:
                if link.by_key and link.right:  # a child that is still what the branch's key says
                    self._parents[self.of(link.page)] = self.of(page)
        self.votes: dict[int, Counter[Path]] = {}
        self._pages: dict[Path, dict[int, None]] = {}
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
                        self._pages.setdefault(inner, {})[root] = None

    def of(self, page: int) -> int:
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


def bring_back_names(tree: RecoveredTree, same_bucket: SameBucket, free: bytearray | None) -> None:
    """For each bucket of buckets whose root page is lost: the names in the newest older version of that page.

    ``free`` marks the free pages, if they are known.
    """
    for gap in tree.gaps:  # those that are found on the way, too
        bucket = gap.bucket
        if bucket.parent is None or bucket.leaves or not gap.is_whole() or gap.elements:
            continue
        versions = [page for page in same_bucket.versions(bucket.path()) if not tree.owner[page]][:_MOST_VERSIONS]
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
    """Fill gaps to which nothing was found from the newest older tree that has something there.

    Return the number of leaf pages added.
    """
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
