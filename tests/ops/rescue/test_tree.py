"""What can be reached from a meta page, and which freelist can be trusted beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from boltcli.ops.rescue.pages import PageTable
from boltcli.ops.rescue.recover import add_deleted
from boltcli.ops.rescue.roots import Candidate
from boltcli.ops.rescue.search import _complete as complete
from boltcli.ops.rescue.tree import RecoveredTree, Recovery, best_freelist, free_pages, newest_tree
from tests.schema import run_json
from tests.support import fixture, freelist, page, pgid, small

LEAF = page(3, 2, [(b"a", b"1"), (b"b", b"2")])


def tree_of(*pages: bytes, **fields: int) -> tuple[RecoveredTree, bytearray | None, bytearray | None]:
    """The tree of a file, its free pages by the meta page's freelist, and by the best one."""
    tree, metas = newest_tree(small(*pages, **fields))
    return tree, free_pages(tree, metas), best_freelist(tree)


def test_a_freelist_marks_its_own_and_the_free_pages() -> None:
    tree, free, best = tree_of(freelist(2, [4]), LEAF, page(4, 2))
    assert free == best == bytearray(b"\0\0\1\0\1")
    assert tree.used == bytearray(b"\0\0\0\1\0")
    assert tree.unreached(None) == [4]
    assert tree.unreached(free) == []


def test_a_freelist_with_a_page_of_the_tree_cannot_be_trusted() -> None:
    assert tree_of(freelist(2, [3]), LEAF)[1:] == (None, None)
    # Also if only the overflow page of a run is free.
    assert tree_of(freelist(2, [4]), page(3, 2, [(b"a", bytes(5000))], overflow=1))[1:] == (None, None)


def test_the_longest_freelist_that_fits_is_the_best() -> None:
    others = [freelist(4, [6, 7]), freelist(5, [3, 6, 7]), page(6, 2), page(7, 2)]
    _, free, best = tree_of(freelist(2), LEAF, *others)
    assert free == bytearray(b"\0\0\1\0\0\0\0\0")
    assert best == bytearray(b"\0\0\0\0\1\0\1\1")


def test_an_empty_freelist_is_none() -> None:
    assert tree_of(freelist(2), LEAF)[2] is None


@pytest.mark.parametrize("root", [0, 1, 9])
def test_a_bucket_whose_root_page_is_lost(root: int) -> None:
    """Any page may have been its root: nothing says that it was a leaf."""
    top = page(3, 2, [(b"bucket", pgid(root or 4) + pgid(0), b"\1")])
    tree, _, _ = tree_of(freelist(2), top, bytes(4096))
    [gap] = tree.gaps
    assert (gap.bucket.path(), gap.page, gap.leaf, gap.elements) == ((b"bucket",), root or 4, False, 0)
    reasons = {0: "the page is all zeros", 1: "not a tree page", 9: "the page lies beyond the end of the file"}
    assert gap.reason == reasons[root]


def test_a_lost_page_between_leaves_was_a_leaf() -> None:
    branch = page(3, 1, [(b"a", pgid(4)), (b"b", pgid(5)), (b"c", pgid(6))])
    tree, _, _ = tree_of(freelist(2), branch, page(4, 2, [(b"a", b"")]), bytes(4096), page(6, 2, [(b"c", b"")]))
    [gap] = tree.gaps
    assert (gap.low, gap.high, gap.page, gap.leaf) == (b"b", b"c", 5, True)
    assert list(tree.top.leaves) == [4, 6]


@pytest.mark.parametrize("known", [True, False])
def test_nothing_is_missing_where_all_pages_are_accounted_for(known: bool) -> None:
    """Page 2, too, which is mostly a freelist's: here it may be a leaf that is in use."""
    top = page(3, 2, [(b"bucket", pgid(5) + pgid(0), b"\1")])
    tree, metas = newest_tree(small(page(2, 2), top, freelist(4, [2] if known else []), bytes(4096), freelist=4))
    free = free_pages(tree, metas)
    assert free is not None
    [gap] = tree.gaps
    gap.filled = 1
    complete(Recovery(tree, metas), free)
    assert gap.complete == known


def test_pages_for_which_a_tree_does_not_account() -> None:
    """Those that no freelist has; what both have is worse."""
    for pages, count in (([LEAF], 0), ([LEAF, page(4, 2)], 1), ([LEAF, page(4, 2), freelist(5, [2, 4])], 0)):
        assert Candidate(PageTable(small(freelist(2), *pages), 4096), 3).unaccounted == count
    assert Candidate(PageTable(small(page(2, 2), LEAF), 4096), 3).unaccounted == 1


@pytest.mark.parametrize(("metas", "root"), [(True, "meta"), (False, "pages")])
def test_how_the_root_was_found(tmp_path: Path, metas: bool, root: str) -> None:
    content = fixture("nested-8").read_bytes()
    path = tmp_path / "db"
    path.write_bytes(content if metas else bytes(8192) + content[8192:])
    _, (record,), _ = run_json("recover", path, "-o", tmp_path / "out", "--no-sync")
    assert record["root"] == root


def test_deleted_pages_are_leaves_that_nothing_has_overwritten() -> None:
    torn = page(6, 2, [(b"x", b"")], overflow=1)[:4096]
    others = [page(4, 2, [(b"k", b"v")]), page(5, 1, [(b"b", pgid(4))]), torn, page(7, 2, [(b"y", b"")])]
    tree, metas = newest_tree(small(freelist(2), LEAF, *others, hwm=8))
    add_deleted(Recovery(tree, metas), b"deleted")
    assert [made.root for made in tree.buckets if made.leaves] == [3, 4, 7]
