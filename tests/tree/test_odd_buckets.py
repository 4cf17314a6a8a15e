"""Buckets whose value has another size than it should: their header must be there, and what is read lies in the value.

bbolt reads past the end of a value, and of a page, what is there. Here that is damage.
"""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from boltcli.errors import Corrupted
from boltcli.storage.snapshot import Snapshot
from boltcli.tree.bucket import find_bucket, get
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
@pytest.mark.parametrize("size", [16, 17])
def test_a_bucket_with_a_page_of_its_own(tmp_path: Path, name: bytes, size: int) -> None:
    path = _write(tmp_path, name, pgid(4) + pgid(0), size)
    assert run("keys", path, name.decode()) == (0, b"one\ntwo\n", b"")
    assert run("get", path, name.decode(), "two") == (0, b"2\n", b"")
    assert b'"keyN": 2' in run("inspect", path)[1]
    assert b"Number of keys/value pairs: 2\n" in run("stats", path)[1]


@pytest.mark.parametrize("name", [b"aligned8", b"not-aligned"])
@pytest.mark.parametrize(
    ("size", "words"),
    [(0, b"too small to be a bucket"), (8, b"too small to be a bucket"), (15, b"too small to be a bucket"),
     (5000, b"bytes beyond its page"), (1 << 30, b"bytes beyond its page")],
)  # fmt: skip
@pytest.mark.usefixtures("walks")
def test_a_header_that_is_not_in_its_value(tmp_path: Path, name: bytes, size: int, words: bytes) -> None:
    path = _write(tmp_path, name, pgid(4) + pgid(0), size)
    for call in (("keys", path, name), ("get", path, name, "two"), ("inspect", path), ("stats", path), ("du", path)):
        status, out, err = run(*(word.decode() if isinstance(word, bytes) else word for word in call))
        assert (status, out) == (1, b""), call
        assert words in error_line(err), call
    status, out, _ = run("check", path)
    assert status == 1
    assert out.startswith(b"page 3 at offset 12288: ")
    assert words in out.splitlines()[0]


@pytest.mark.parametrize("name", [b"aligned8", b"not-aligned"])
@pytest.mark.parametrize("size", [56, 57])
def test_an_inline_bucket(tmp_path: Path, name: bytes, size: int) -> None:
    path = _write(tmp_path, name, _inline(), size)
    assert run("keys", path, name.decode()) == (0, b"key\n", b"")
    assert run("get", path, name.decode(), "key") == (0, b"value\n", b"")
    assert run("check", path)[:2] == (0, b"OK\n")
    assert run("compact", "-o", tmp_path / "copy.db", path)[0] == 0
    assert run("get", tmp_path / "copy.db", name.decode(), "key")[1] == b"value\n"
    assert (b"inline page" in run("check", "--deep", path)[1]) == (size != 56)


@pytest.mark.parametrize("name", ["aligned8", "not-aligned"])
@pytest.mark.parametrize(
    ("size", "words"), [(55, b"value 0 ends 1 bytes beyond its page"), (32, b"1 elements do not fit")]
)
def test_an_inline_bucket_whose_pair_leaves_it(tmp_path: Path, name: str, size: int, words: bytes) -> None:
    path = _write(tmp_path, name.encode(), _inline(), size)
    status, out, err = run("get", path, name, "key")
    assert (status, out) == (1, b"")
    assert words in error_line(err)
    assert b"in its inline page" in run("check", "--deep", path)[1]


def test_a_key_that_leaves_its_page_is_compared_as_far_as_it_must_be(tmp_path: Path) -> None:
    """A comparison ends at the first byte that differs."""
    branch = bytearray(page(4, 1, [(b"a", pgid(5)), (b"m", pgid(6))]))
    struct.pack_into("<I", branch, 16 + 16 + 4, 1 << 20)  # the second key's size
    leaves = page(5, 2, [(b"a", b"1")]), page(6, 2, [(b"x", b"2")])
    path = tmp_path / "test.db"
    path.write_bytes(small(freelist(2), page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")]), bytes(branch), *leaves))
    assert run("get", path, "b", "a") == (0, b"1\n", b"")
    assert run("get", path, "b", "x") == (0, b"2\n", b"")
    status, out, _ = run("check", path)
    assert status == 1
    assert b"page 4 at offset 16384: key 1 ends " in out


@pytest.mark.parametrize("flags", [1, 2])
@pytest.mark.parametrize("count", [256, 3000])
def test_a_page_that_claims_more_elements_than_it_has_room_for(tmp_path: Path, flags: int, count: int) -> None:
    odd = bytearray(page(4, flags, [(b"one", pgid(5)), (b"two", pgid(5))]))
    struct.pack_into("<H", odd, 10, count)
    path = tmp_path / "test.db"
    path.write_bytes(small(freelist(2), page(3, 2, [(b"bkt", pgid(4) + pgid(0), b"\1")]), bytes(odd), page(5, 2)))
    words = b"page 4 at offset 16384: %d elements do not fit" % count
    for call in (("get", path, "bkt", "one"), ("keys", path, "bkt"), ("stats", path), ("inspect", path)):
        status, out, err = run(*call)
        assert (status, out) == (1, b""), call
        assert words in error_line(err), call
    status, out, _ = run("check", path)
    assert status == 1
    assert out.startswith(words)


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
    assert b"element 0 is too small to be a bucket" in run("check", "--from-page", "3", path)[1]


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


def test_an_inline_bucket_whose_page_is_a_branch(tmp_path: Path) -> None:
    inline = pgid(0) + pgid(0) + page(0, 1, [(b"a", pgid(4))])[:33]
    path = tmp_path / "db"
    path.write_bytes(small(freelist(2), page(3, 2, [(b"b", inline, b"\1")]), page(4, 2, [(b"a", b"1")])))
    with Snapshot(str(path)) as snapshot, pytest.raises(Corrupted, match="an inline bucket's page must be a leaf"):
        get(snapshot, find_bucket(snapshot, [b"b"]), b"a")
