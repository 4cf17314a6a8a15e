"""redact: whatever is damaged, no piece of a value of the sound file is in the copy."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from boltcli.ops.rescue.showable import Element, ElementReader
from tests.damage.leaks import leaks
from tests.support import DATABASES, fixture, freelist, page, pgid, run, small

SECRET = b'{"password":"correct-horse-battery-staple-0123456789"}'
FILES = [path for path in DATABASES if path.stem != "large-values"]


@pytest.mark.sampled(6)
@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_damage_shows_a_value(path: Path, tmp_path: Path) -> None:
    shown = [(mutation.what, keys, found) for mutation, keys, found in leaks(path, tmp_path, 6, "test") if found]
    assert not shown


def _file(tmp_path: Path, change: Callable[[bytearray], None]) -> bytes:
    """The redacted copy of a leaf of four pairs (page 4) in a bucket, of which ``change`` makes a damaged page."""
    leaf = bytearray(page(4, 2, [(b"key-%d" % i, SECRET + b"%d" % i) for i in range(4)]))
    change(leaf)
    root = page(3, 2, [(b"bucket", struct.pack("<QQ", 4, 0), b"\1")])
    path, copy = tmp_path / "a.db", tmp_path / "b.db"
    path.write_bytes(small(freelist(2), root, bytes(leaf)))
    assert run("redact", path, "-o", copy)[0] == 0
    return copy.read_bytes()


def _field(index: int, field: int, value: int) -> Callable[[bytearray], None]:
    return lambda leaf: struct.pack_into("<I", leaf, 16 + 16 * index + 4 * field, value)


def _count(value: int) -> Callable[[bytearray], None]:
    return lambda leaf: struct.pack_into("<H", leaf, 10, value)


@pytest.mark.parametrize("index", range(4))
@pytest.mark.parametrize("size", [6, 25, 40, 300, 3000, 503316488])
def test_a_wrong_key_size_makes_no_key(tmp_path: Path, index: int, size: int) -> None:
    copy = _file(tmp_path, _field(index, 2, size))
    assert b"correct-horse" not in copy
    assert all(b"key-%d" % other in copy for other in range(4) if other != index)


@pytest.mark.parametrize("index", range(4))
@pytest.mark.parametrize("position", [0, 30, 70, 100, 4000, 1 << 31])
def test_a_wrong_position_makes_no_key(tmp_path: Path, index: int, position: int) -> None:
    copy = _file(tmp_path, _field(index, 1, position))
    assert b"correct-horse" not in copy
    assert all(b"key-%d" % other in copy for other in range(4) if other != index)


@pytest.mark.parametrize("count", [1, 3, 5, 8, 20, 60000])
def test_a_wrong_count_makes_no_table(tmp_path: Path, count: int) -> None:
    copy = _file(tmp_path, _count(count))
    assert b"correct-horse" not in copy
    assert all(b"key-%d" % index in copy for index in range(min(count, 4)))


def test_what_was_taken_for_a_table_leads_nowhere(tmp_path: Path) -> None:
    """Filler would be positions outside the file, over which bbolt falls."""
    copy = _file(tmp_path, _count(6))
    first = 4 * 4096 + 16 + 4 * 16
    assert copy[first : first + 32] == b"key-0".ljust(32, b"\0")


def test_a_pair_taken_for_a_bucket_has_no_header(tmp_path: Path) -> None:
    assert b"password" not in _file(tmp_path, _field(1, 0, 1))


def test_a_value_that_begins_with_a_page_id_has_no_sequence(tmp_path: Path) -> None:
    """As docker's do, with a number of their own; its flag says bucket."""
    root = page(3, 2, [(b"bucket", struct.pack("<QQ", 4, 0), b"\1")])
    leaf = page(4, 2, [(b"key", struct.pack("<Q", 3) + SECRET, b"\1"), (b"other", SECRET)])
    path, copy = tmp_path / "a.db", tmp_path / "b.db"
    path.write_bytes(small(freelist(2), root, leaf))
    assert run("redact", path, "-o", copy)[0] == 0
    assert SECRET[:8] not in copy.read_bytes()


def test_the_header_of_an_overflow_page_is_none(tmp_path: Path) -> None:
    """A freed one, whose bytes look like a header of an unknown type."""
    root = page(3, 2, [(b"bucket", struct.pack("<QQ", 4, 0), b"\1")])
    leaf, freed = page(4, 2, [(b"key", b"value")]), (SECRET * 80)[:4096]
    path, copy = tmp_path / "a.db", tmp_path / "b.db"
    path.write_bytes(small(freelist(2, [5]), root, leaf, freed))
    assert run("redact", path, "-o", copy)[0] == 0
    assert copy.read_bytes()[5 * 4096 :] == bytes(4096)


@pytest.mark.parametrize("place", [0, 1, 4])
def test_a_page_overwritten_with_an_overflow_page(tmp_path: Path, place: int) -> None:
    """The overflow page is still there, too; or it changed places with a page that is needed."""
    value = (b"0123456789abcdefghijklmnopqrstuvwxyz-" * 300)[:9000]
    root = page(3, 2, [(b"bucket", struct.pack("<QQ", 4, 0), b"\1")])
    leaf, large = page(4, 2, [(b"key", b"value")]), page(5, 2, [(b"large", value)], overflow=2)
    content = small(freelist(2), root, leaf, large)
    for swap in (False, True):
        mutant = bytearray(content)
        mutant[place * 4096 : (place + 1) * 4096] = content[6 * 4096 : 7 * 4096]
        if swap:
            mutant[6 * 4096 : 7 * 4096] = content[place * 4096 : (place + 1) * 4096]
        path, copy = tmp_path / "a.db", tmp_path / f"{swap}.db"
        path.write_bytes(mutant)
        assert run("redact", path, "-o", copy)[0] == 0
        made = copy.read_bytes()
        assert not any(value[i : i + 12] in made for i in range(37))


def test_a_leaf_of_the_type_freelist_shows_no_ids(tmp_path: Path) -> None:
    values = [(b"k%d" % i, SECRET) for i in range(4)]
    leaf = bytearray(page(2, 2, values))
    struct.pack_into("<HH", leaf, 8, 0x10, 400)
    path, copy = tmp_path / "a.db", tmp_path / "b.db"
    path.write_bytes(small(bytes(leaf), page(3, 2)))
    assert run("redact", path, "-o", copy)[0] == 0
    assert b"correct-horse" not in copy.read_bytes()
    assert b"twice" not in run("check", copy)[1] + run("check", "--deep", copy)[1]


def _elements(content: bytes, count: int) -> list[Element]:
    kind = content[8]
    return ElementReader(content, 0, kind, count, len(content), highest=100).elements()


def test_sound_pages_are_proven() -> None:
    zeros = page(4, 2, [(b"key-000000000001", bytes(100)), (b"key-000000000002", bytes(100))])
    bucket = page(4, 2, [(b"a bucket of some length", struct.pack("<QQ", 7, 0), b"\1")])
    branch = page(4, 1, [(b"a", pgid(5)), (b"b", pgid(6))])
    for content, count in ((zeros, 2), (bucket, 1), (branch, 2)):
        assert [(each.sound, each.entry) for each in _elements(content, count)] == [(True, True)] * count


def test_a_last_key_whose_end_is_open_is_not_shown() -> None:
    (alone,) = _elements(page(4, 2, [(b"a key of its own", b"\1" + bytes(14))]), 1)
    assert not alone.sound
    assert alone.key == bytes(16)
    reader = ElementReader(
        page(4, 2, [(b"a key of its own", bytes(14))]), 0, 2, 1, 4096, highest=9, first_key=b"a key of its own"
    )
    assert reader.elements()[0].sound
    (few,) = _elements(page(4, 2, [(b"a key of its own", b"\1" + bytes(11))]), 1)
    assert few.sound


def test_keys_in_an_overflow_page_of_another_run(tmp_path: Path) -> None:
    """The table says where keys should be, but the page has been overwritten."""
    values = [(b"key-of-size-twenty-%d" % i, bytes([0x21 + i]) * 3000) for i in range(3)]
    leaf = bytearray(page(4, 2, values, overflow=2))
    leaf[4096:8192] = page(9, 2, [(b"x", SECRET * 60)])
    root = page(3, 2, [(b"bucket", struct.pack("<QQ", 4, 0), b"\1")])
    path, copy = tmp_path / "a.db", tmp_path / "b.db"
    path.write_bytes(small(freelist(2), root, bytes(leaf)))
    assert run("redact", path, "-o", copy)[0] == 0
    made = copy.read_bytes()
    assert b"key-of-size-twenty-0" in made
    assert not any((SECRET * 2)[i : i + 12] in made for i in range(len(SECRET)))


def test_the_fixture_with_a_count_of_60000(tmp_path: Path) -> None:
    content = fixture("document").read_bytes()
    size = int.from_bytes(content[24:28], "little")
    for number in range(2, len(content) // size):
        if content[number * size + 8] != 2:
            continue
        path, copy = tmp_path / "a.db", tmp_path / "b.db"
        path.write_bytes(content[: number * size + 10] + b"\x60\xea" + content[number * size + 12 :])
        assert run("redact", "--force", path, "-o", copy)[0] == 0
        assert b'":"' not in copy.read_bytes()
