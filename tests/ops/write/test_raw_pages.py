"""The pieces under the commands that look at pages: raw reads, the dump, JSON, CSV, ranges of keys, free pages."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boltcli.cli.csv_record import first_record
from boltcli.cli.values import parse_decimal, parse_string_slice, parse_uint32
from boltcli.errors import ArgumentError, BoltError, Corrupted, OpenError, SourceNotFound
from boltcli.ops.read.select_items import keys_with_prefix
from boltcli.ops.stats.buckets import inspect
from boltcli.render.page_text import hexdump
from boltcli.storage.raw import RawFile, begin_copy, write_patches
from boltcli.storage.snapshot import Snapshot
from boltcli.text.golang import json_string
from boltcli.tree.bucket import root_bucket
from boltcli.tree.page_map import free_pages, unreached_pages
from tests.support import DATABASES, fixture, freelist, meta, page, pgid, run, small

LEAF = page(3, 2, [(b"k", b"v")])


def written(folder: Path, content: bytes) -> str:
    path = folder / "db"
    path.write_bytes(content)
    return str(path)


# Raw reads: the words are bbolt's.


@pytest.mark.parametrize(
    ("content", "number", "words"),
    [
        (small(freelist(2), LEAF), 4, "EOF"),
        (small(freelist(2), page(7, 2)), 3, "error: invalid value due to unexpected Page id: 7 != 3"),
        (small(freelist(2), LEAF), 1 << 52, f"error: invalid value due to unexpected Page id: 0 != {1 << 52}"),
        (b"", 0, "read Page size: EOF"),
        (bytes(100), 0, "read Page size: unexpected EOF"),
        (bytes(4096), 0, "read Page size: the Meta Page has wrong (unexpected) magic"),
        (meta(0, page_size=4096)[:24] + bytes(4) + meta(0)[28:], 0,
         "runtime error: index out of range [0] with length 0"),
        (small(freelist(2), page(3, 2)[:12] + struct.pack("<I", 1) + page(3, 2)[16:]), 3,
         "error: invalid value, Page claims to have 1 overflow pages (>=hwm=4). Interrupting to avoid risky OOM"),
        (small(freelist(2), page(3, 2)[:12] + struct.pack("<I", 1) + page(3, 2)[16:], hwm=9), 3, "EOF"),
    ],
)  # fmt: skip
def test_pages_that_cannot_be_read(tmp_path: Path, content: bytes, number: int, words: str) -> None:
    with RawFile(written(tmp_path, content)) as file, pytest.raises(BoltError) as caught:
        file.page(number)
    assert str(caught.value) == words


def test_a_negative_offset(tmp_path: Path) -> None:
    path = written(tmp_path, small(freelist(2), LEAF))
    with RawFile(path) as file, pytest.raises(OpenError, match="negative offset"):
        file.page(1 << 51)


def test_a_page_with_overflow_is_read_whole(tmp_path: Path) -> None:
    run_of_three = page(3, 2, [(b"k", bytes(9000))], overflow=2)
    with RawFile(written(tmp_path, small(freelist(2), run_of_three, hwm=9))) as file:
        assert file.page(3).data == run_of_three


@pytest.mark.parametrize(
    ("output", "words"), [("new/", "Is a directory"), ("there/new/", "Is a directory"), ("gone/new/", "No such file")]
)
def test_a_copy_whose_name_ends_as_that_of_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    path = written(tmp_path, small(freelist(2), LEAF))
    with RawFile(path) as file, pytest.raises(BoltError, match=f"(?i){words}"):
        begin_copy(file, output)


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound):
        RawFile(str(tmp_path / "missing"))
    with RawFile(str(tmp_path)) as file, pytest.raises(OpenError, match="directory"):
        file.page_size_and_hwm()


def test_a_locked_database_is_read_raw(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    path = written(tmp_path, small(freelist(2), LEAF))
    holder = os.open(path, os.O_RDWR)
    fcntl.flock(holder, fcntl.LOCK_EX)
    try:
        for command in (["page", path, "3"], ["dump", path, "3"], ["surgery", "clear-page", path, "--pageId", "3"]):
            output = ["--output", str(tmp_path / "out")] if command[0] == "surgery" else []
            assert run(*command, *output)[0] == 0
    finally:
        os.close(holder)


# Elements that leave their page.


def test_what_precedes_damage_is_shown(tmp_path: Path) -> None:
    leaf = bytearray(page(3, 2, [(b"a", b"1"), (b"b", b"2"), (b"c", b"3")]))
    struct.pack_into("<I", leaf, 16 + 16 + 12, 5000)  # the size of the second value
    path = written(tmp_path, small(freelist(2), bytes(leaf)))
    status, out, _ = run("page", path, "3", "2")
    assert status == 0
    assert b'\n\n"a": 1\nPrining page 3 failed: value 1 ends ' in out
    assert out.endswith(b"Item Count: 0\nOverflow: 0\n\n\n")
    assert run("page-item", path, "3", "0") == (0, b"a\n1\n", b"")
    assert run("page-item", "--key-only", path, "3", "1") == (0, b"b\n", b"")
    status, out, err = run("page-item", path, "3", "1")
    assert (status, out) == (1, b"b\n")
    assert err.startswith(b"Error: value 1 ends ")


@pytest.mark.slow
def test_a_high_water_mark_beyond_all_bounds_ends(tmp_path: Path) -> None:
    path = written(tmp_path, small(freelist(2), LEAF, hwm=1 << 60))
    status, out, err = run("page", "--all", path)
    assert status == 1
    assert out.count(b"failed: EOF") > 1000
    assert b"far beyond the end of the file" in err
    status, out, err = run("pages", path)
    assert status == 1
    assert out.endswith(b"3        leaf       1            \n")
    assert err.startswith(b"Error: page 4 at offset 16384: the page lies beyond the end of the file")


# The dump.


def test_repeated_lines_are_left_out_but_never_the_last() -> None:
    zeros, other = bytes(16), bytes(range(16))
    assert hexdump(zeros + zeros + zeros + other + zeros + zeros, 0x1000) == (
        b"0001000 0000 0000 0000 0000 0000 0000 0000 0000\n"
        b"0001010 *\n"
        b"0001030 0001 0203 0405 0607 0809 0a0b 0c0d 0e0f\n"
        b"0001040 0000 0000 0000 0000 0000 0000 0000 0000\n"
        b"0001050 0000 0000 0000 0000 0000 0000 0000 0000\n\n"
    )


@given(st.lists(st.sampled_from([bytes(16), bytes(range(16)), b"\xff" * 16]), min_size=1, max_size=30))
def test_a_dump_can_be_read_back(lines: list[bytes]) -> None:
    found: list[bytes] = []
    for line in hexdump(b"".join(lines), 0).decode().splitlines()[:-1]:
        address, rest = line.split(" ", 1)
        while len(found) < int(address, 16) // 16:
            found.append(found[-1])  # what the * before stands for
        if rest != "*":
            found.append(bytes.fromhex(rest))
    assert found == lines


# JSON, CSV and numbers as Go reads and writes them.


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"plain", b'"plain"'),
        (b'"\\/', b'"\\"\\\\/"'),
        (b"<a>&", b'"\\u003ca\\u003e\\u0026"'),
        (b"\b\f\n\r\t\x00\x1f\x7f", b'"\\b\\f\\n\\r\\t\\u0000\\u001f\x7f"'),
        (b"\xff\xc3(", b'"\\ufffd\\ufffd("'),
        ("é\u2028\u2029😀".encode(), '"é\\u2028\\u2029😀"'.encode()),
    ],
)
def test_json_strings(data: bytes, expected: bytes) -> None:
    assert json_string(data) == expected


@given(st.text())
def test_json_strings_are_json(text: str) -> None:
    assert json.loads(json_string(text.encode("utf-8", "surrogatepass"))) == text or not text.isprintable()


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("a,b", ["a", "b"]), (",", ["", ""]), ('"a""b",c', ['a"b', "c"]), ('""', [""]), ("a\nb", ["a"]),
        ("\r\n\na\r\nb", ["a"]), ('"a\r\nb",c\nd', ["a\nb", "c"]), ("a\r", ["a"]),
    ],
)  # fmt: skip
def test_records_of_csv(text: str, fields: list[str]) -> None:
    assert first_record(text) == fields
    assert parse_string_slice(text) == fields


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\n", "EOF"),
        ('a"b', 'parse error on line 1, column 2: bare " in non-quoted-field'),
        ('"a', 'parse error on line 1, column 3: extraneous or missing " in quoted-field'),
        ('"a\nb"x', 'record on line 1; parse error on line 2, column 2: extraneous or missing " in quoted-field'),
    ],
)
def test_what_is_no_csv(text: str, words: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        first_record(text)
    assert str(caught.value) == words


@pytest.mark.parametrize("text", ["", "0x2", "+2", "-1", "1_0", "x", " 1", "٣"])
def test_page_ids_are_decimal(text: str) -> None:
    with pytest.raises(ArgumentError, match="invalid syntax"):
        parse_decimal(text)


def test_numbers_that_are_too_large() -> None:
    assert parse_decimal("0" * 5000 + "7") == 7
    for text in ("18446744073709551616", "9" * 5000):
        with pytest.raises(ArgumentError, match="value out of range"):
            parse_decimal(text)
    with pytest.raises(ArgumentError, match=r'^strconv.ParseUint: parsing "4294967296": value out of range$'):
        parse_uint32("4294967296")


# Trees by level and by range.


@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_the_walk_finds_what_the_freelist_says(path: Path) -> None:
    with Snapshot(str(path)) as snapshot:
        free = free_pages(snapshot)
        found = set(unreached_pages(snapshot))
        if snapshot.meta.has_freelist:
            # Pages that hold the freelist are in no tree.
            kept = snapshot.meta.freelist
            assert found - set(free) == set(range(kept, kept + 1 + snapshot.page(kept).overflow))
        assert found >= set(free)


@pytest.mark.parametrize(
    ("pages", "words"),
    [
        ([page(3, 1, [(b"a", pgid(3))])], "page 3 at offset 12288"),
        ([page(3, 2, [(b"b", pgid(3) + pgid(0), b"\1")])], "page 3 at offset 12288"),
        ([page(3, 1, [(b"a", pgid(4)), (b"b", pgid(4))]), page(4, 2)], "page 4 at offset 16384"),
        ([page(3, 1, [(b"a", pgid(9))])], "page 9 at offset 36864: the page lies beyond the end of the file"),
        ([page(3, 2, [(b"b", b"", b"\1")])], "element 0 is too small to be a bucket"),
    ],
)
def test_trees_that_have_no_end(tmp_path: Path, pages: list[bytes], words: str) -> None:
    path = written(tmp_path, small(freelist(2), *pages))
    with Snapshot(path) as snapshot:
        twice = words == "page 4 at offset 16384"  # bbolt's inspect follows every reference
        for walk in (unreached_pages,) if twice else (inspect, unreached_pages):
            with pytest.raises(Corrupted) as caught:
                walk(snapshot)
            assert words in str(caught.value)


@settings(deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=3), min_size=1, max_size=60, unique=True), st.binary(max_size=3))
def test_ranges_of_keys(tmp_path_factory: pytest.TempPathFactory, keys: list[bytes], prefix: bytes) -> None:
    keys.sort()
    parts = [keys[at : at + 7] for at in range(0, len(keys), 7)]
    leaves = [page(4 + i, 2, [(key, b"") for key in part]) for i, part in enumerate(parts)]
    branch = page(3, 1, [(part[0], pgid(4 + i)) for i, part in enumerate(parts)])
    path = tmp_path_factory.mktemp("range") / "db"
    path.write_bytes(small(freelist(2), branch, *leaves))
    expected = [key for key in keys if key.startswith(prefix)]
    with Snapshot(str(path)) as snapshot:
        root = root_bucket(snapshot)
        assert [key for key, _ in keys_with_prefix(snapshot, root, prefix)] == expected
        assert [key for key, _ in keys_with_prefix(snapshot, root, prefix, reverse=True)] == expected[::-1]


# Copies that are changed.


def test_a_copy_is_there_when_it_is_complete(tmp_path: Path) -> None:
    source, output = fixture("one-bucket"), tmp_path / "out"
    with RawFile(str(source)) as file, begin_copy(file, str(output)) as copy:
        write_patches(copy, [(10, b"abc")], source.stat().st_size + 5)
        assert not output.exists()
        copy.commit()
    content = source.read_bytes()
    assert output.read_bytes() == content[:10] + b"abc" + content[13:] + bytes(5)


def test_a_copy_without_the_systems_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "copy_file_range", raising=False)
    source, output = fixture("values"), tmp_path / "out"
    with RawFile(str(source)) as file, begin_copy(file, str(output)) as copy:
        copy.commit()
    assert output.read_bytes() == source.read_bytes()


def test_a_surgery_that_fails_leaves_nothing(tmp_path: Path) -> None:
    status, out, err = run("surgery", "clear-page", fixture("document"), "--output", tmp_path / "out", "--pageId", "99")
    assert (status, out) == (1, b"")
    assert err.startswith(b"Error: clear-page command failed: ReadPage failed: EOF\n")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("change", "txid"), [(0, 7), (3, 7), (4099, 7), (0, (1 << 64) - 1)])
def test_a_freelist_in_spite_of_the_ids_of_meta_pages(change: int, txid: int, tmp_path: Path) -> None:
    """bbolt doesn't ask for them; and after the last transaction comes 0."""
    metas = [meta(slot, root=3, freelist=2**64 - 1, hwm=5, txid=txid - slot) for slot in (0, 1)]
    content = bytearray(b"".join((*metas, page(2, 2), page(3, 2), page(4, 2))))
    content[change] ^= 8 if change else 0
    path = written(tmp_path, bytes(content))
    assert run("surgery", "freelist", "rebuild", path, "--output", tmp_path / "out")[0] == 0
    made = (tmp_path / "out").read_bytes()
    assert made[8192 : 8192 + 32] == freelist(2, [4])[:24] + bytes(8)
    slot = (txid + 1) % 2
    assert made[4096 * slot : 4096 * slot + 4096] == meta(slot, root=3, hwm=5, txid=(txid + 1) % (1 << 64))


def test_a_damaged_database_gets_no_freelist(tmp_path: Path) -> None:
    metas = [meta(slot, root=3, freelist=2**64 - 1, hwm=5, txid=2 + slot) for slot in (0, 1)]
    disorder = page(3, 2, [(b"b", b""), (b"a", b"")])
    path = written(tmp_path, b"".join((*metas, page(2, 2), disorder, page(4, 2))))
    status, out, err = run("surgery", "freelist", "rebuild", path, "--output", tmp_path / "out")
    assert (status, out) == (1, b"")
    assert err.startswith(
        b"Error: [freelist rebuild] open db file failed: page 3: it is not known which pages are free: key[1]="
    )
    assert os.listdir(tmp_path) == ["db"]


def test_bench_is_refused() -> None:
    status, out, err = run("bench", "--count", "1000")
    assert (status, out) == (1, b"")
    assert err.startswith(b"Error: boltcli has no bench: ")
