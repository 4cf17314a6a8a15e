"""The elements of damaged pages, one fault each: what is read, what is mended, and what is said of it."""

from __future__ import annotations

import struct

import pytest

from boltcli.ops.rescue.elements import (
    Elements,
    fits,
    inline_elements,
    is_reused,
    page_elements,
    read_elements,
    readable,
    usual_size,
    with_inline,
)
from boltcli.ops.rescue.pages import PageTable
from tests.support import freelist, page, pgid, small

LEAF, BRANCH = 2, 1
WRONG_FIELD = "the position or a size of the element was wrong; it was derived from its neighbours"
INLINE = pgid(0) + pgid(5) + page(0, LEAF, [(b"in", b"side")])[: 16 + 16 + 6]
BUCKET = pgid(7) + pgid(0)
POSITION, KEY_SIZE, VALUE_SIZE = 4, 8, 12  # of an entry of a leaf


def leaf(*elements: tuple[bytes, ...]) -> bytearray:
    return bytearray(page(3, LEAF, elements, page_size=512))


def poke(content: bytearray, index: int, field: int, change: int) -> bytearray:
    """Add ``change`` to a field of an entry."""
    at = 16 + 16 * index + field
    [value] = struct.unpack_from("<I", content, at)
    struct.pack_into("<I", content, at, value + change)
    return content


def read(content: bytes | bytearray, count: int | None = None, *, kind: int = LEAF, end: int | None = None) -> Elements:
    stored = int.from_bytes(content[10:12], "little")
    return read_elements(bytes(content), 0, kind, stored if count is None else count, end or len(content))


def pairs(found: Elements) -> list[tuple[bytes, bytes]]:
    return [(key, found.value(index)) for index, key in enumerate(found.keys)]


@pytest.mark.parametrize(
    ("value", "flag"),
    [
        (b"value", 0),
        (pgid(7) + bytes(7), 0),  # too short for a bucket
        (pgid(7) + bytes(8), 1),
        (pgid(7) + bytes(9), 0),  # too long for one with pages of its own
        (pgid((1 << 40) - 1) + bytes(8), 1),
        (pgid(1 << 40) + bytes(8), 0),
        (bytes(16), 0),
        (bytes(40), 0),
        (INLINE, 1),
    ],
)
def test_flags_that_no_element_has(value: bytes, flag: int) -> None:
    """What the value looks like says whether it is a bucket."""
    found = read(leaf((b"a", b"1"), (b"b", value, b"\1\x80"), (b"c", b"3")))
    assert found.flags == [0, flag, 0]
    assert pairs(found) == [(b"a", b"1"), (b"b", value), (b"c", b"3")]
    assert found.mended == [(b"b", "the element has the flags 8001")]
    assert (found.lost, found.sound) == (0, False)


ABCD = [(b"a", b"one"), (b"b", b"two"), (b"c", b"three"), (b"d", b"four")]


@pytest.mark.parametrize("index", [0, 1, 2])
@pytest.mark.parametrize("change", [4, 200, 4000])
def test_a_wrong_position(index: int, change: int) -> None:
    found = read(poke(leaf(*ABCD), index, POSITION, change))
    assert pairs(found) == ABCD
    assert found.mended == [(ABCD[index][0], WRONG_FIELD)]
    assert found.lost == 0


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("field", [KEY_SIZE, VALUE_SIZE])
@pytest.mark.parametrize("change", [1, 2, 4000])
def test_a_wrong_size(index: int, field: int, change: int) -> None:
    """The keys of the page have one size, so it is known which of both sizes is wrong."""
    found = read(poke(leaf(*ABCD), index, field, change))
    assert pairs(found) == ABCD
    assert found.mended == [(ABCD[index][0], WRONG_FIELD)]


def test_two_wrong_elements() -> None:
    """Where another element is wrong, a gap before the second one says that the first one's size is wrong."""
    elements = [*ABCD, (b"e", b"five")]
    found = read(poke(poke(leaf(*elements), 0, VALUE_SIZE, -1), 3, POSITION, 4000))
    assert pairs(found) == elements
    assert found.mended == [(b"a", WRONG_FIELD), (b"d", WRONG_FIELD)]


def test_a_wrong_size_of_an_element_without_a_value() -> None:
    content = leaf((b"a", b"one"), (b"b", b""), (b"c", b"three"), (b"d", b"four"))
    found = read(poke(content, 1, VALUE_SIZE, 7))
    assert pairs(found)[1] == (b"b", b"")
    assert (found.mended, found.lost) == ([(b"b", WRONG_FIELD)], 0)


def test_an_empty_key_is_no_key() -> None:
    """bbolt writes none: the key's size is wrong."""
    found = read(poke(leaf(*ABCD), 1, KEY_SIZE, -1))
    assert b"" not in found.keys
    assert pairs(found) == ABCD


def test_what_touches_nothing_and_fits_nowhere_is_lost() -> None:
    found = read(poke(leaf((b"a", b"one"), (b"b", b"two")), 0, VALUE_SIZE, 4000))
    assert (pairs(found), found.lost) == ([(b"b", b"two")], 1)


@pytest.mark.parametrize("count", [3, 5, 200])
def test_a_wrong_count(count: int) -> None:
    found = read(leaf(*ABCD), count)
    assert pairs(found) == ABCD[: min(count, 4)]
    if count > 4:
        assert found.mended[-1] == (None, f"its header says {count} elements; 4 of them are in the page")


@pytest.mark.parametrize("root", [0, 1, 2, 7])
def test_a_wrong_size_of_the_last_element_which_is_a_bucket(root: int) -> None:
    """Its name's end is where a root page's id or an inline page follows; there is no bucket on pages 0 and 1."""
    value = pgid(root) + pgid(3) if root else INLINE
    content = leaf((b"a", b"one"), (b"bb", b"two"), (b"name", value, b"\1"))
    content += bytes(16384)
    right = pairs(read(content, end=512))
    assert right[2] == (b"name", value)
    found = read(poke(bytearray(content), 2, KEY_SIZE, 600), end=512)
    assert (pairs(found) == right) == (root != 1)


def test_an_inline_bucket_up_to_the_end_of_the_page() -> None:
    content = leaf((b"a", b"one"), (b"name", INLINE, b"\1"))
    end = 16 + 2 * 16 + 4 + 4 + len(INLINE)
    found = read(poke(bytearray(content), 1, KEY_SIZE, 600), end=end)
    assert pairs(found) == [(b"a", b"one"), (b"name", INLINE)]
    assert found.lost == 0


def test_fits() -> None:
    """Of the first, the middle and the last key so many must be in the range."""
    found = read(leaf(*((key, b"") for key in (b"a", b"b", b"c", b"d", b"e"))))
    for low, high, inside in ((b"c", b"d", 1), (b"c", None, 2), (b"a", b"e", 2), (b"a", b"f", 3), (b"b", b"c", 0)):
        assert [fits(found, low, high, enough) for enough in (1, 2, 3)] == [inside >= 1, inside >= 2, inside >= 3]
    assert fits(read(leaf()), b"a", b"b", 3)


@pytest.mark.parametrize(("sizes", "usual"), [([], 0), ([3], 3), ([3, 4], 0), ([3, 3, 4], 3), ([3, 3, 4, 5], 0)])
def test_the_size_that_most_keys_have(sizes: list[int], usual: int) -> None:
    assert usual_size(sizes) == usual


def table_of(*pages: bytes) -> PageTable:
    return PageTable(small(freelist(2), *pages), 4096)


@pytest.mark.parametrize(
    ("inner", "reused"),
    [
        ([], False),
        ([(b"a", BUCKET, b"\1")], False),  # one in common may be by chance
        ([(b"a", BUCKET, b"\1"), (b"b", BUCKET, b"\1")], True),
        ([(b"a", BUCKET, b"\1"), (b"b", BUCKET, b"\1"), (b"x", b"", b"\0")], False),  # not only buckets
        ([(b"a", BUCKET, b"\1"), (b"b", BUCKET, b"\1"), (b"x", BUCKET, b"\1")], True),
        ([(b"a", BUCKET, b"\1"), (b"x", BUCKET, b"\1"), (b"y", BUCKET, b"\1")], False),
    ],
)
def test_a_page_that_was_used_again_for_the_outer_bucket(inner: list[tuple[bytes, ...]], reused: bool) -> None:
    assert is_reused(table_of(page(3, LEAF, inner)), [b"a", b"b", b"c"], 3) == reused
    assert not is_reused(table_of(page(3, BRANCH, [(b"a", pgid(4))])), [b"a"], 3)
    assert not is_reused(table_of(page(3, LEAF, inner)), [], 3)


def test_the_only_name_in_common() -> None:
    assert is_reused(table_of(page(3, LEAF, [(b"a", BUCKET, b"\1"), (b"x", BUCKET, b"\1")])), [b"a"], 3)


def test_pages_that_can_be_read() -> None:
    """Pages without elements and pages of another kind are left out."""
    table = table_of(page(3, LEAF), page(4, LEAF, ABCD), b"\xff" * 4096)
    assert [(number, found.keys) for number, found in readable(table, range(2, table.pages))] == [(4, [*dict(ABCD)])]


@pytest.mark.parametrize(("key", "value"), [(-1, 0), (0, -1), (2, -2)])
def test_the_sizes_of_the_last_bucket_are_found_by_its_root(key: int, value: int) -> None:
    """No element follows the last one, so the bucket's header says where it is."""
    elements = [*ABCD, (b"name", BUCKET, b"\1")]
    content = bytearray(page(3, LEAF, elements))
    poke(content, 4, KEY_SIZE, key)
    poke(content, 4, VALUE_SIZE, value)
    found = page_elements(table_of(bytes(content), *(page(number, LEAF) for number in range(4, 9))), 3)
    assert found is not None
    assert pairs(found) == [*ABCD, (b"name", BUCKET)]
    assert found.mended == [(b"name", WRONG_FIELD)]
    assert not found.sound


@pytest.mark.parametrize("pages", [9, 7, 5])
def test_a_last_bucket_that_is_right_stays(pages: int) -> None:
    """Also if its root page, 7, is after the end of a file that was cut."""
    content = page(3, LEAF, [*ABCD, (b"name", BUCKET, b"\1")])
    found = page_elements(table_of(content, *(page(number, LEAF) for number in range(4, pages))), 3)
    assert found is not None
    assert (found.mended, found.sound) == ([], True)


def test_inline_buckets() -> None:
    found = read(leaf((b"a", INLINE, b"\1"), (b"b", BUCKET, b"\1")))
    inside = [(path, each.keys) for path, each in with_inline((b"top",), found)]
    assert inside == [((b"top",), [b"a", b"b"]), ((b"top", b"a"), [b"in"])]
    assert inline_elements(INLINE, 0, len(INLINE)) is not None
    assert inline_elements(INLINE, 0, 31) is None
    other = bytearray(INLINE)
    other[24] = BRANCH
    assert inline_elements(bytes(other), 0, len(other)) is None
