"""Buckets whose value has another size than it should: bbolt looks at its header, and so far at its size as it must.

Where the value is aligned it reads the file, whatever the size; else a copy of the value, which Go fills with zeros
up to 16 or 32 bytes.
"""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.support import error_line, freelist, meta, page, pgid, run, small

INSIDE = page(4, 2, [(b"one", b"1"), (b"two", b"2")])


def _write(tmp_path: Path, name: bytes, value: bytes, size: int) -> Path:
    """A database with one bucket, whose element claims ``size`` bytes of value."""
    root = bytearray(page(3, 2, [(name, value, b"\1"), (b"z", bytes(16) + struct.pack("<QHHI", 0, 2, 0, 0), b"\1")]))
    struct.pack_into("<I", root, 16 + 12, size)
    path = tmp_path / "test.db"
    path.write_bytes(small(freelist(2, [] if any(value[:8]) else [4]), bytes(root), INSIDE))
    return path


def _inline() -> bytes:
    leaf = struct.pack("<QHHI", 0, 2, 1, 0) + struct.pack("<IIII", 0, 16, 3, 5) + b"keyvalue"
    return bytes(16) + leaf


@pytest.mark.parametrize("name", [b"aligned8", b"not-aligned"])
@pytest.mark.parametrize("size", [8, 15, 16, 17, 5000, 1 << 30])
def test_a_bucket_with_a_page_of_its_own(tmp_path: Path, name: bytes, size: int) -> None:
    path = _write(tmp_path, name, pgid(4) + pgid(0), size)
    assert run("keys", path, name.decode()) == (0, b"one\ntwo\n", b"")
    assert run("get", path, name.decode(), "two") == (0, b"2\n", b"")
    assert b'"keyN": 2' in run("inspect", path)[1]
    assert b"Number of keys/value pairs: 2\n" in run("stats", path)[1]


@pytest.mark.parametrize("size", [32, 50, 55, 56, 57])
def test_an_inline_bucket_that_is_aligned(tmp_path: Path, size: int) -> None:
    path = _write(tmp_path, b"aligned8", _inline(), size)
    assert run("keys", path, "aligned8") == (0, b"key\n", b"")
    assert run("get", path, "aligned8", "key") == (0, b"value\n", b"")
    assert run("check", path)[:2] == (0, b"OK\n")
    assert run("compact", "-o", tmp_path / "copy.db", path)[0] == 0
    assert run("get", tmp_path / "copy.db", "aligned8", "key")[1] == b"value\n"
    assert (b"inline page" in run("check", "--deep", path)[1]) == (size != 56)


def test_an_inline_bucket_that_is_not_aligned(tmp_path: Path) -> None:
    path = _write(tmp_path, b"not-aligned", _inline(), 55)
    status, out, err = run("get", path, "not-aligned", "key")
    assert (status, out) == (1, b"")
    assert b"value 0 ends 1 bytes beyond its page" in error_line(err)


def test_no_value_is_no_bucket(tmp_path: Path) -> None:
    path = _write(tmp_path, b"b", pgid(4) + pgid(0), 0)
    status, _, err = run("keys", path, "b")
    assert status == 1
    assert b"element 0 is too small to be a bucket" in error_line(err)


def test_a_key_that_leaves_the_file_is_compared_as_far_as_it_must_be(tmp_path: Path) -> None:
    """A comparison ends at the first byte that differs."""
    branch = bytearray(page(4, 1, [(b"a", pgid(5)), (b"m", pgid(6))]))
    struct.pack_into("<I", branch, 16 + 16 + 4, 1 << 20)  # the second key's size
    leaves = page(5, 2, [(b"a", b"1")]), page(6, 2, [(b"x", b"2")])
    path = tmp_path / "test.db"
    path.write_bytes(small(freelist(2), page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")]), bytes(branch), *leaves))
    assert run("get", path, "b", "a") == (0, b"1\n", b"")
    assert run("get", path, "b", "x") == (0, b"2\n", b"")


@pytest.mark.parametrize("flags", [1, 2])
def test_a_page_that_claims_more_elements_than_it_has_room_for(tmp_path: Path, flags: int) -> None:
    """A search comes only to some of them: here all but the first have a key above all others."""
    file = bytearray(small(freelist(2), page(3, 2, [(b"bkt", pgid(4) + pgid(0), b"\1")]), page(4, flags), INSIDE))
    struct.pack_into("<Q", file, 5 * 4096, 5)
    file += bytes(40000 - len(file))
    table, key, last = 4 * 4096 + 16, 4 * 4096 + 700, 39010
    file[key : key + 4], file[last : last + 1] = b"one1", b"z"
    for index in (1, 2, 3, 4, 7, 15, 31, 62, 125, 250):
        struct.pack_into("<II" if flags == 1 else "<4xII", file, table + 16 * index, last - table - 16 * index, 1)
    if flags == 1:
        struct.pack_into("<IIQ", file, table, key - table, 1, 5)
    else:
        struct.pack_into("<IIII", file, table, 0, key - table, 3, 1)
    path = tmp_path / "test.db"
    for count, wanted in ((500, 0), (60000, 1)):
        struct.pack_into("<H", file, 4 * 4096 + 10, count)
        path.write_bytes(file)
        status, out, err = run("get", path, "bkt", "one")
        assert status == wanted
        assert out == b"1\n" if not wanted else b"60000 elements do not fit" in err


def test_inspect_needs_the_names_of_buckets_only(tmp_path: Path) -> None:
    leaf = bytearray(page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1"), (b"pair", b"v")]))
    struct.pack_into("<I", leaf, 16 + 16 + 4, 1 << 20)  # where the pair's key lies
    path = tmp_path / "test.db"
    path.write_bytes(small(freelist(2), bytes(leaf), INSIDE))
    status, out, _ = run("inspect", path)
    assert status == 0
    assert b'"keyN": 1,' in out
    assert b'"keyN": 2' in out


def test_check_from_a_page_whose_bucket_has_no_inline_page(tmp_path: Path) -> None:
    path = _write(tmp_path, b"aligned8", bytes(16), 16)
    assert b"element 0 is too small to hold its inline bucket" in run("check", "--from-page", "3", path)[1]


def test_statistics_of_an_inline_page_that_is_a_branch(tmp_path: Path) -> None:
    value = bytes(16) + struct.pack("<QHHI", 0, 1, 1, 3) + struct.pack("<IIQ", 16, 1, 9) + b"k"
    path = _write(tmp_path, b"b", value, len(value))
    out = run("stats", path, "b")[1]
    assert b"Number of logical branch pages: 1\n" in out
    assert b"Number of physical branch overflow pages: 3\n" in out
    assert b"Bytes actually used for branch data: 33 (0%)\n" in out


def test_compaction_refuses_in_the_words_of_bbolt(tmp_path: Path) -> None:
    twice = page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1"), (b"b", pgid(4) + pgid(0), b"\1")])
    no_key = page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")])
    path = tmp_path / "test.db"
    for pages, words in (
        ((twice, INSIDE), b"bucket already exists"),
        ((no_key, page(4, 2, [(b"", b"v")])), b"key required"),
    ):
        path.write_bytes(small(freelist(2), *pages))
        status, out, err = run("compact", "-o", tmp_path / "copy.db", path)
        assert (status, out, error_line(err)) == (1, b"", words)
        assert b"hint: boltcli recover" in err


def test_page_size_of_a_meta_that_is_searched_for(tmp_path: Path) -> None:
    """Only the second meta page is valid, and says that pages have 8 bytes: then it isn't where it should be."""
    path = tmp_path / "test.db"
    path.write_bytes(bytes(4096) + meta(1, page_size=8).ljust(4096, b"\0"))
    assert error_line(run("info", path)[2]) == b"invalid database"


@pytest.mark.parametrize("flags", [4, 0x10])
def test_a_branch_page_of_another_type(tmp_path: Path, flags: int) -> None:
    """bbolt's cursor takes every page that is no leaf for a branch; a search panics there."""
    branch = page(4, flags, [(b"one", pgid(5) + bytes(8))])
    branch = branch[:16] + struct.pack("<IIQ", 16, 3, 5) + branch[32:]
    leaf = page(5, 2, [(b"one", b"1"), (b"two", b"2")])
    path = tmp_path / "test.db"
    path.write_bytes(small(freelist(2), page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")]), branch, leaf))
    assert run("keys", path, "b") == (0, b"one\ntwo\n", b"")
    assert b'"keyN": 2' in run("inspect", path)[1]
    assert run("compact", "-o", tmp_path / "copy.db", path)[0] == 0
    assert run("keys", tmp_path / "copy.db", "b")[1] == b"one\ntwo\n"
    assert run("check", path)[0] == 1
    assert run("get", path, "b", "one")[0] == 1
