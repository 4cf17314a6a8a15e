"""Meta pages, page headers and element columns, on bytes written by hand."""

from __future__ import annotations

import struct

import pytest

from boltcli.errors import ChecksumError, Corrupted, InvalidDatabase, VersionMismatch
from boltcli.format.encode import freelist_bytes, freelist_page
from boltcli.format.meta import Meta, choose, fnv1a64
from boltcli.format.page import BranchElements, LeafElements, find, type_name
from tests.support import as_page, freelist, meta, page, pgid

OTHER_ORDER = "invalid database: it was written on a machine with the opposite byte order"


def test_fnv1a64_known_values() -> None:
    assert fnv1a64(b"") == 0xCBF29CE484222325
    assert fnv1a64(b"a") == 0xAF63DC4C8601EC8C
    assert fnv1a64(b"foobar") == 0x85944171F73967E8


def test_meta_fields() -> None:
    found = Meta.at(meta(1, page_size=1024, root=7, freelist=5, hwm=9, txid=42), 1)
    assert (found.page_size, found.root, found.freelist, found.hwm, found.txid) == (1024, 7, 5, 9, 42)
    assert found.problem() is None
    assert found.has_freelist
    assert not Meta.at(meta(0, freelist=2**64 - 1), 0).has_freelist


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        (meta(0, magic=0xED0CDAEC), InvalidDatabase, "invalid database"),
        (meta(0, magic=0xEDDA0CED), InvalidDatabase, OTHER_ORDER),
        (meta(0, version=3), VersionMismatch, "version mismatch"),
        (meta(0)[:40] + b"\xff" + meta(0)[41:], ChecksumError, "checksum error"),
        (b"", InvalidDatabase, "invalid database"),
    ],
)  # fmt: skip
def test_meta_problems(content: bytes, kind: type[Exception], words: str) -> None:
    problem = Meta.at(content, 0).problem()
    assert type(problem) is kind
    assert str(problem) == words


def test_the_newest_valid_meta_wins() -> None:
    old, new = Meta.at(meta(0, txid=4), 0), Meta.at(meta(1, txid=5), 1)
    broken = Meta.at(meta(1, txid=5, version=9), 1)
    assert choose(old, new) is new
    assert choose(old, broken) is old
    assert choose(Meta.at(meta(0, txid=5), 0), new).page == 0  # a tie goes to meta 0
    with pytest.raises(VersionMismatch):
        choose(Meta.at(meta(0, version=1), 0), Meta.at(b"", 1))  # meta 0's error is the one to tell


def test_leaf_columns() -> None:
    content = page(3, 2, [(b"a", b"xx"), (b"bb", b""), (b"ccc", b"y", b"\1")])
    leaf = LeafElements(as_page(content))
    assert leaf.keys() == [b"a", b"bb", b"ccc"]
    assert leaf.values() == [b"xx", b"", b"y"]
    assert leaf.key(1) == b"bb"
    assert leaf.value(2) == b"y"
    assert leaf.bucket_indexes() == [2]


def test_uniform_keys_take_the_short_way_with_the_same_result() -> None:
    pairs = [(b"key%02d" % i, b"value") for i in range(40)]
    content = page(3, 2, pairs)
    leaf = LeafElements(as_page(content))
    assert leaf.keys() == [key for key, _ in pairs] == [leaf.key(i) for i in range(40)]


def test_branch_columns() -> None:
    content = page(3, 1, [(b"a", pgid(7)), (b"m", pgid(2**63))])
    branch = BranchElements(as_page(content))
    assert branch.keys() == [b"a", b"m"]
    assert branch.pgids == [7, 2**63]


def test_elements_beyond_their_room() -> None:
    content = bytearray(page(3, 2, [(b"a", b"xx"), (b"b", b"")]))
    with pytest.raises(Corrupted, match="300 elements do not fit"):
        LeafElements(as_page(bytes(content), 300))
    struct.pack_into("<I", content, 16 + 8, 5000)  # the first key's size
    leaf = LeafElements(as_page(bytes(content)))
    for access in (leaf.keys, leaf.values, lambda: leaf.key(0), lambda: leaf.value(0)):
        with pytest.raises(Corrupted, match=r"0 ends [0-9]+ bytes beyond its page"):
            access()


def test_freelist_counts() -> None:
    content = freelist(2, [9, 4, 4])
    assert as_page(content).freelist_ids() == [9, 4, 4]
    assert as_page(content).freelist_size(3) == 16 + 3 * 8
    long = struct.pack("<QHHI", 2, 0x10, 0xFFFF, 0) + struct.pack("<3Q", 2, 5, 6)
    assert as_page(long).freelist_ids() == [5, 6]
    assert as_page(long).freelist_size(2) == 16 + 3 * 8
    with pytest.raises(Corrupted, match="3 free page ids do not fit"):
        as_page(content[:36]).freelist_ids()
    huge = struct.pack("<QHHI", 2, 0x10, 0xFFFF, 0) + struct.pack("<Q", 2**63)
    with pytest.raises(Corrupted, match="do not fit"):
        as_page(huge).freelist_ids()


def test_type_names() -> None:
    assert [type_name(flags) for flags in (1, 2, 4, 0x10, 0, 3, 0x8001)] == [
        "branch", "leaf", "meta", "freelist", "unknown<00>", "unknown<03>", "unknown<8001>",
    ]  # fmt: skip


class _Map(bytes):
    """A buffer that, like a map of Python 3.11.2, must not be searched up to its very end."""

    def find(self, needle: bytes, start: int, end: int) -> int:  # type: ignore[override]
        assert end < len(self), "this would read beyond the map"
        return super().find(needle, start, end)


def test_a_search_ends_before_the_end_of_the_map() -> None:
    text = b"abcabcab"
    for start in range(len(text) + 1):
        for end in range(start, len(text) + 3):
            for needle in (b"a", b"b", b"ab", b"cab", b"abcabcab", b"x", b"b" * 20):
                assert find(_Map(text), needle, start, end) == text.find(needle, start, end)


def test_a_count_that_is_too_small() -> None:
    """All elements are read if the missing ones fit between the table and the data, and a page leads here."""
    elements = [(b"a", b"1"), (b"b", b"2"), (b"c", b"3")]
    for count in (1, 2):
        below = as_page(page(3, 2, elements), count)
        below.stack = (4, 3)
        whole = LeafElements(below).verify_whole()
        assert whole is not None
        assert whole.keys() == [b"a", b"b", b"c"]
        with pytest.raises(Corrupted, match="element 0 has its data at byte 64 of the page"):
            LeafElements(as_page(page(3, 2, elements), count)).verify_whole()
    right = as_page(page(3, 2, elements))
    right.stack = (4, 3)
    assert LeafElements(right).verify_whole() is None


@pytest.mark.parametrize(("first", "words"), [(2, ""), (1, "; misplaced elements after it: 1"),
                                              (0, "; misplaced elements after it: 2")])  # fmt: skip
def test_how_many_elements_have_their_data_elsewhere(first: int, words: str) -> None:
    content = bytearray(page(3, 2, [(b"a", b"1"), (b"b", b"2"), (b"c", b"3")]))
    for index in range(first, 3):
        content[16 + 16 * index + 4] += 8
    at = 16 + 48 + 2 * first
    [problem] = LeafElements(as_page(bytes(content))).layout_problems()
    assert problem == f"element {first} has its data at byte {at + 8} of the page, expected at {at}{words}"


def test_batches_of_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """No batch is empty, and of one whose values are too long for memory each is a batch."""
    monkeypatch.setattr("boltcli.format.page._AT_ONCE", 10)
    leaf = LeafElements(as_page(page(3, 2, [(b"%d" % i, bytes(size)) for i, size in enumerate([20, 5, 5, 1, 11])])))
    assert list(leaf.batches(0, 5)) == [(0, 1), (1, 3), (3, 4), (4, 5)]
    assert list(leaf.batches(1, 3)) == [(1, 3)]


@pytest.mark.parametrize("count", [0, 1, 0xFFFE, 0xFFFF, 0x10000])
def test_the_size_of_a_freelist(count: int) -> None:
    ids = range(2, 2 + count)
    content = freelist_page(7, 1, ids)
    assert len(content) == freelist_bytes(count)
    assert as_page(content).freelist_ids() == list(ids)
    assert as_page(content).freelist_size(count) == len(content)
