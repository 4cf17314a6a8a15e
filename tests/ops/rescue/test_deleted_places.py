"""deleted: a pair that stands elsewhere, too, and what a page without elements says."""

from __future__ import annotations

import struct

from boltcli.ops.rescue.deleted import deleted
from tests.support import freelist, meta, page, pgid, small

K, X = (b"k", b"value"), (b"j", b"other")
ROOT = page(3, 2, [(name, pgid(number) + pgid(0), b"\1") for number, name in ((4, b"a"), (5, b"b"))])


def counted(content: bytes, count: int) -> bytes:
    """The page with another number of elements in its header: what follows is slack."""
    return content[:10] + struct.pack("<H", count) + content[12:]


def found(*pages: bytes) -> list[tuple[bytes, bytes, str]]:
    return [(each.bucket[0], each.key, each.certainty) for each in deleted(small(freelist(2), ROOT, *pages))]


def test_a_pair_that_another_bucket_still_has() -> None:
    """It is deleted if its own bucket is certain; else it may be an old copy of the one that is live."""
    assert found(counted(page(4, 2, [X, K]), 1), page(5, 2, [K])) == [(b"a", b"k", "certain")]
    assert found(page(4, 2, [X]), page(5, 2, [K]), page(6, 2, [K])) == []
    assert found(page(4, 2, [X]), page(5, 2, [X]), page(6, 2, [K])) == [(b"lost+found", b"k", "unknown")]


def test_a_page_without_elements_does_not_say_where_they_were() -> None:
    assert found(counted(page(4, 2, [X, K]), 0), page(5, 2, [X])) == []


def test_slack_of_a_page_that_is_no_leaf() -> None:
    assert found(counted(page(4, 1, [(b"j", pgid(5)), (b"k", pgid(5))]), 1), page(5, 2, [X])) == []


def test_the_bucket_of_a_deleted_pair_by_an_older_root() -> None:
    """One that has the names of the newest, or that the other meta page names whatever it has."""
    live = [freelist(2), ROOT, page(4, 2, [X]), page(5, 2, [X])]
    again = [(name, pgid(number) + pgid(0), b"\1") for number, name in ((7, b"a"), (5, b"b"))]
    other = [(b"z", pgid(7) + pgid(0), b"\1")]
    gone = page(7, 2, [K])
    both = small(*live, page(6, 2, again), gone)
    assert [(each.bucket, each.key, each.certainty) for each in deleted(both)] == [((b"a",), b"k", "certain")]
    before = meta(0, root=6, hwm=8, txid=4) + meta(1, hwm=8, txid=5)
    named = before + b"".join([*live, page(6, 2, other), gone])
    assert [(each.bucket, each.key, each.certainty) for each in deleted(named)] == [((b"z",), b"k", "certain")]
