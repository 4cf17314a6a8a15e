"""Which places of orphan pages are sure, and what contradicts one."""

from __future__ import annotations

import pytest

from boltcli.ops.rescue.placement import Choice, Group, SameBucket, _surest, bring_back_names
from boltcli.ops.rescue.tree import Bucket, Gap, RecoveredTree, newest_tree
from tests.support import freelist, page, pgid, small

BUCKET = Bucket(None, b"", 3, 0)
WHOLE = Gap(BUCKET, b"", None, 3, "lost")


def choice(first: bytes, last: bytes, points: float = 0.0, gap: Gap = WHOLE) -> Choice:
    return Choice(points, Group(4, True, 100, first, last, {}, {0}), gap)


@pytest.mark.parametrize(
    ("ranges", "sure"),
    [
        ([(b"a", b"c"), (b"d", b"f")], True),
        ([(b"a", b"d"), (b"d", b"f")], False),  # the same key in both
        ([(b"a", b"e"), (b"d", b"f")], False),
        ([(b"a", b"z"), (b"b", b"c"), (b"x", b"y")], False),
    ],
)
def test_pages_without_evidence_whose_keys_overlap(ranges: list[tuple[bytes, bytes]], sure: bool) -> None:
    """They are of two buckets, so none of them is placed."""
    choices = [choice(*each) for each in ranges]
    assert _surest(choices) == (choices if sure else [])


def test_one_in_ten_may_overlap() -> None:
    ranges = [(b"%02d" % i, b"%02d" % i) for i in range(9)]
    choices = [choice(*each) for each in [*ranges, (b"08", b"10")]]
    assert len(_surest(choices)) == 10
    assert _surest(choices[1:]) == []


@pytest.mark.parametrize(("points", "sure"), [(-1.5, 0), (-1.0, 1), (3.9, 1), (4.0, 1)])
def test_points_that_are_enough(points: float, sure: int) -> None:
    assert len(_surest([choice(b"a", b"b", points)])) == sure
    with_evidence = choice(b"a", b"b", 4.0)
    assert _surest([with_evidence, choice(b"c", b"d", points)])[:1] == [with_evidence]
    assert len(_surest([with_evidence, choice(b"c", b"d", points)])) == 1 + (points >= 4.0)


def test_a_page_fits_a_gap_up_to_its_end() -> None:
    gap = Gap(BUCKET, b"c", b"f", 3, "lost")
    for first, last, fits in ((b"c", b"e", True), (b"b", b"e", False), (b"c", b"f", False), (b"c", b"ez", True)):
        assert choice(first, last).group.could_be_in(gap) == fits
        assert choice(first, last).group.could_be_in(Gap(BUCKET, b"c", None, 3, "lost")) == (first >= b"c")


class Known(SameBucket):
    """What older pages say: page 6 was the bucket's, page 7 is that of the bucket in it."""

    def __init__(self) -> None:
        self.pages = {(b"outer",): {6: None}}

    def name(self, page: int) -> tuple[bytes, ...] | None:
        return {6: (b"outer",), 7: (b"outer", b"inner")}.get(page)


def file_without_a_root() -> RecoveredTree:
    """The root page, 4, of a bucket of buckets is lost; page 6 is an older version of it."""
    outer, inner = (page(at, 2, [(name, pgid(to) + pgid(0), b"\1")]) for at, name, to in (
        (3, b"outer", 4), (6, b"inner", 7),
    ))  # fmt: skip
    content = small(freelist(2), outer, bytes(4096), page(5, 2), inner, page(7, 2, [(b"k", b"v")]))
    return newest_tree(content)[0]


@pytest.mark.parametrize("free", [None, [6], []])
def test_names_of_a_lost_page_come_back_from_an_older_version(free: list[int] | None) -> None:
    tree = file_without_a_root()
    marks = None if free is None else tree.table.marks(free)
    bring_back_names(tree, Known(), marks)
    assert {made.path(): list(made.leaves) for made in tree.buckets} == {
        (): [3], (b"outer",): [6], (b"outer", b"inner"): [7],
    }  # fmt: skip
    assert [gap.filled for gap in tree.gaps] == [1]


def test_a_page_that_was_freed_does_not_come_back() -> None:
    tree = file_without_a_root()
    bring_back_names(tree, Known(), tree.table.marks([6, 7]))
    assert [(gap.bucket.path(), gap.page) for gap in tree.gaps] == [((b"outer",), 4), ((b"outer", b"inner"), 7)]


@pytest.mark.parametrize("change", ["leaves", "low", "elements"])
def test_names_come_back_only_where_a_whole_bucket_is_lost(change: str) -> None:
    tree = file_without_a_root()
    [gap] = tree.gaps
    if change == "leaves":
        gap.bucket.add_leaf(5, 0)
    elif change == "low":
        gap.low = b"m"
    else:
        gap.elements = 1
    bring_back_names(tree, Known(), None)
    assert gap.filled == 0
