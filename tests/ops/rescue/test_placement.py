"""Which places of orphan pages are sure, and what contradicts one."""

from __future__ import annotations

import pytest

from boltcli.ops.rescue.placement import Choice, Group, _surest
from boltcli.ops.rescue.tree import Bucket, Gap

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
