"""What a redacted copy shows of damaged elements: what is proven, at the boundaries of the proof."""

from __future__ import annotations

import struct
from itertools import product
from pathlib import Path

import pytest

from boltcli.ops.rescue.showable import Element, ElementReader, is_random
from tests.support import freelist, meta, page, pgid, run, small

ABC = [(b"a", b"one"), (b"b", b"two"), (b"c", b"value\0")]  # its end might be slack
FLAGS, POSITION, KEY_SIZE, VALUE_SIZE = 0, 4, 8, 12
ROOM = 4096 - 16


def elements(content: bytes, *changes: tuple[int, int, int]) -> list[Element]:
    """The elements of a leaf of which some fields (element, field, value) were overwritten."""
    damaged = bytearray(content)
    for index, field, value in changes:
        struct.pack_into("<I", damaged, 16 + 16 * index + field, value)
    count = int.from_bytes(content[10:12], "little")
    return ElementReader(bytes(damaged), 0, 2, count, len(damaged), highest=9).elements()


def test_a_wrong_position_casts_no_doubt_on_the_next_element() -> None:
    found = elements(page(3, 2, ABC), (1, POSITION, 300))
    assert [each.sound for each in found] == [True, False, True]


def test_the_only_entry_with_a_position_of_nothing() -> None:
    """It says that its data are where it is itself: it is an entry all the same, and not data."""
    [found] = elements(page(3, 2, ABC[:1]), (0, POSITION, 0))
    assert (found.entry, found.sound) == (True, False)


@pytest.mark.parametrize(
    ("changes", "entry"),
    [
        ([(1, KEY_SIZE, 1 << 20)], True),  # one field may be wrong
        ([(1, KEY_SIZE, 1 << 20), (1, VALUE_SIZE, ROOM)], True),
        ([(1, KEY_SIZE, 1 << 20), (1, VALUE_SIZE, ROOM + 1)], False),
        ([(1, KEY_SIZE, 1 << 20), (1, FLAGS, 1)], True),
        ([(1, KEY_SIZE, 1 << 20), (1, FLAGS, 2)], False),
    ],
)
def test_an_entry_with_two_wrong_fields_is_none(changes: list[tuple[int, int, int]], entry: bool) -> None:
    assert [each.entry for each in elements(page(3, 2, ABC), *changes)] == [True, entry, True]


def inline(key: bytes, value: bytes, root: int = 0) -> bytes:
    return pgid(root) + pgid(0) + page(0, 2, [(key, value)])[: 32 + len(key) + len(value)]


@pytest.mark.parametrize(("root", "sound"), [(0, True), (1, False)])
def test_an_inline_bucket_proves_the_last_element(root: int, sound: bool) -> None:
    """Its end, zeros, might be slack."""
    found = elements(page(3, 2, [*ABC, (b"name", inline(b"in", bytes(20), root), b"\1")]))
    assert found[-1].sound == sound


@pytest.mark.parametrize("chars", list(product(b"AZ", b"az", b"09")), ids=bytes)
def test_random_words_of_few_characters(chars: tuple[int, int, int]) -> None:
    assert is_random(bytes(chars) * 10)
    assert not is_random(bytes(chars[:2]) * 15)


def redacted(tmp_path: Path, content: bytes) -> bytes:
    path, copy = tmp_path / "a.db", tmp_path / "b.db"
    path.write_bytes(content)
    assert run("redact", path, "-o", copy, "--no-sync")[0] == 0
    return copy.read_bytes()


def bucket(root: int) -> bytes:
    return page(3, 2, [(b"bucket", pgid(root) + pgid(0), b"\1")])


def test_a_key_of_an_inline_bucket_is_proven_by_its_end(tmp_path: Path) -> None:
    root = page(3, 2, [(b"bucket", inline(b"inner-key", bytes(20)), b"\1")])
    assert b"inner-key" in redacted(tmp_path, small(freelist(2), root))


def test_a_bucket_just_after_the_end_of_the_file(tmp_path: Path) -> None:
    copy = redacted(tmp_path, small(freelist(2), bucket(4), hwm=9))
    assert copy[3 * 4096 :] == bucket(4)


@pytest.mark.parametrize(("count", "overflow"), [(2, 0), (0, 1), (0, 0)])
def test_a_header_with_its_own_id_is_kept(tmp_path: Path, count: int, overflow: int) -> None:
    """With the id alone it may be a piece of a value."""
    head = struct.pack("<QHHI", 4, 0, count, overflow)
    copy = redacted(tmp_path, small(freelist(2), bucket(4), head.ljust(8192, b"\0"), hwm=9))
    assert (copy[4 * 4096 :][:16] == head) == bool(count or overflow)


def test_of_a_meta_page_in_the_other_byte_order_only_the_magic_is_shown(tmp_path: Path) -> None:
    content = bytearray(small(freelist(2), page(3, 2, ABC)))
    content[: 16 + 64] = meta(0, magic=0xEDDA0CED)[: 16 + 64]
    content[20:80] = b"S" * 60
    copy = redacted(tmp_path, bytes(content))
    assert copy[:20] == content[:20]
    assert b"S" not in copy[20:80]
