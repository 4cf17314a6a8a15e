"""What bbolt's own tests of its commands assert, asserted of boltcli.

One test here for each in bbolt's ``cmd/bbolt/command/*_test.go`` (except those of ``bench``, which is left out), with
the same input and the same expectations. Their databases are written by bbolt;
these are built by hand to the same content.
"""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from boltcli.storage.raw import RawFile, RawPage
from tests.support import error_line, freelist, meta, page, pgid, run, small

SIZE = 4096
NO_FREELIST = 2**64 - 1


def database(folder: Path, *pages: bytes, **fields: int) -> Path:
    """A database of the metas and ``pages``, by default as bbolt creates one: a freelist and an empty root page."""
    path = folder / "db"
    path.write_bytes(small(*(pages or (freelist(2), page(3, 2))), **fields))
    return path


def with_buckets(folder: Path, **pairs: list[tuple[bytes, bytes]]) -> Path:
    """A database of one bucket a name; each is a page of its own."""
    names = sorted(pairs)
    root = page(3, 2, [(name.encode(), pgid(4 + index) + pgid(0), b"\1") for index, name in enumerate(names)])
    leaves = [page(4 + index, 2, sorted(pairs[name])) for index, name in enumerate(names)]
    return database(folder, freelist(2), root, *leaves)


def varint(number: int) -> bytes:
    """Go's ``binary.PutVarint``."""
    number = number << 1 if number >= 0 else ~number << 1 | 1
    parts = []
    while number >= 0x80:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def unchanged(path: Path, *argv: str | Path) -> tuple[int, bytes, bytes]:
    """Run a command and see that it leaves its database as it is (``requireDBNoChange``)."""
    before = path.read_bytes()
    result = run(*argv)
    assert path.read_bytes() == before
    return result


def succeeds(path: Path, *argv: str | Path) -> bytes:
    status, out, err = unchanged(path, *argv)
    more = (b"boltcli: check of ", b"hint: ", b"warning: meta page ")
    lines = [line for line in err.splitlines() if not line.startswith(more)]
    assert (status, lines) == (0, [])
    return out


def raw_page(path: Path, number: int) -> RawPage:
    with RawFile(str(path)) as file:
        return file.page(number)


def elements(found: RawPage) -> list[tuple[bytes, ...]]:
    """Key and page id of a branch's elements; flags, key and value of a leaf's."""
    result: list[tuple[bytes, ...]] = []
    for index in range(found.count):
        at = 16 + 16 * index
        if found.flags == 1:
            pos, ksize, child = struct.unpack_from("<IIQ", found.data, at)
            result.append((found.data[at + pos : at + pos + ksize], pgid(child)))
        else:
            flags, pos, ksize, vsize = struct.unpack_from("<IIII", found.data, at)
            start = at + pos
            value = found.data[start + ksize : start + ksize + vsize]
            result.append((bytes([flags]), found.data[start : start + ksize], value))
    return result


# command_buckets_test.go, command_check_test.go, command_info_test.go


def test_buckets(tmp_path: Path) -> None:
    path = with_buckets(tmp_path, foo=[], bar=[], baz=[])
    assert succeeds(path, "buckets", path) == b"bar\nbaz\nfoo\n"


@pytest.mark.parametrize(
    ("flags", "status", "expected"),
    [
        ([], 0, b"OK\n"),
        (["--from-page", "3"], 0, b"OK\n"),
        (["--from-page", "1"], 1, b"page ID (1) out of range [2, 4)"),
    ],
)
def test_check(tmp_path: Path, flags: list[str], status: int, expected: bytes) -> None:
    path = database(tmp_path)
    found, out, err = unchanged(path, "check", path, *flags)
    assert found == status
    assert expected in out
    assert status == 0 or error_line(err) == b"invalid value"


def test_info(tmp_path: Path) -> None:
    path = database(tmp_path)
    assert succeeds(path, "info", path) == b"Page Size: 4096\n"


# command_keys_test.go, command_get_test.go


@pytest.mark.parametrize(
    ("bucket", "keys", "expected"),
    [
        ("foo", [b"foo-0", b"foo-1", b"foo-2"], b"foo-0\nfoo-1\nfoo-2\n"),
        ("bar", [varint(100001), varint(100002), varint(100003)], b"c29a0c\nc49a0c\nc69a0c\n"),
    ],
)
def test_keys(tmp_path: Path, bucket: str, keys: list[bytes], expected: bytes) -> None:
    path = with_buckets(tmp_path, **{bucket: [(key, b"\0") for key in keys]})
    assert succeeds(path, "keys", path, bucket) == expected


@pytest.mark.parametrize(
    ("bucket", "key", "value", "expected"),
    [
        ("foo", "foo-1", b"value-foo-1", b"value-foo-1\n"),
        ("bar", "100001", varint(100001), b"c29a0c\n"),
    ],
)
def test_get(tmp_path: Path, bucket: str, key: str, value: bytes, expected: bytes) -> None:
    path = with_buckets(tmp_path, **{bucket: [(key.encode(), value)]})
    assert succeeds(path, "get", path, bucket, key) == expected


# command_stats_test.go


def test_stats_of_an_empty_database(tmp_path: Path) -> None:
    path = database(tmp_path)
    out = succeeds(path, "stats", path)
    assert out.startswith(b"Aggregate statistics for 0 buckets\n\nPage count statistics\n")
    numbers = [line.split(b": ")[1] for line in out.splitlines() if b": " in line]
    assert numbers == [b"0"] * 7 + [b"0 (0%)", b"0", b"0 (0%)", b"0", b"0 (0%)", b"0 (0%)"]


def test_stats(tmp_path: Path) -> None:
    """The three buckets of bbolt's test: foo and baz inline, bar with a page of its own."""

    def inline(pairs: list[tuple[bytes, bytes]]) -> bytes:
        content = page(0, 2, pairs)
        return pgid(0) + pgid(0) + content[: 16 + sum(16 + len(key) + len(value) for key, value in pairs)]

    numbers = sorted(str(number).encode() for number in range(100))
    foo = inline([(key, key) for key in sorted(str(number).encode() for number in range(10))])
    root = page(
        3, 2,
        [(b"bar", pgid(4) + pgid(0), b"\1"), (b"baz", inline([(b"key", b"value")]), b"\1"), (b"foo", foo, b"\1")],
    )  # fmt: skip
    path = database(tmp_path, freelist(2), root, page(4, 2, [(number, number) for number in numbers]))
    assert succeeds(path, "stats", path) == (
        b"Aggregate statistics for 3 buckets\n\n"
        b"Page count statistics\n"
        b"\tNumber of logical branch pages: 0\n"
        b"\tNumber of physical branch overflow pages: 0\n"
        b"\tNumber of logical leaf pages: 1\n"
        b"\tNumber of physical leaf overflow pages: 0\n"
        b"Tree statistics\n"
        b"\tNumber of keys/value pairs: 111\n"
        b"\tNumber of levels in B+tree: 1\n"
        b"Page size utilization\n"
        b"\tBytes allocated for physical branch pages: 0\n"
        b"\tBytes actually used for branch data: 0 (0%)\n"
        b"\tBytes allocated for physical leaf pages: 4096\n"
        b"\tBytes actually used for leaf data: 1996 (48%)\n"
        b"Bucket statistics\n"
        b"\tTotal number of buckets: 3\n"
        b"\tTotal number on inlined buckets: 2 (66%)\n"
        b"\tBytes used for inlined buckets: 236 (11%)\n"
    )


# command_inspect_test.go, command_pages_test.go, command_page_test.go, command_page_item_test.go, command_dump_test.go


def test_inspect(tmp_path: Path) -> None:
    path = database(tmp_path)
    assert succeeds(path, "inspect", path) == b'{\n    "name": "root",\n    "keyN": 0\n}\n'


def test_pages(tmp_path: Path) -> None:
    pairs = {name: [(f"{name}-{i}".encode(), f"val-{name}-{i}".encode()) for i in range(3)] for name in ("foo", "bar")}
    path = with_buckets(tmp_path, **pairs)
    assert succeeds(path, "pages", path).count(b"\n") == 2 + 6


def test_page(tmp_path: Path) -> None:
    path = database(tmp_path)
    assert succeeds(path, "page", path, "0") == (
        b"Page ID:    0\n"
        b"Page Type:  meta\n"
        b"Total Size: 4096 bytes\n"
        b"Overflow pages: 0\n"
        b"Version:    2\n"
        b"Page Size:  4096 bytes\n"
        b"Flags:      00000000\n"
        b"Root:       <pgid=3>\n"
        b"Freelist:   <pgid=2>\n"
        b"HWM:        <pgid=4>\n"
        b"Txn ID:     0\n"
        b"Checksum:   07516e114689fdee\n\n"
    )


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["", "--all"], None),
        (["0", ""], None),
        (["0", "--all"], b"invalid args: either use '--all' or 'pageid...'"),
    ],
)
def test_page_by_number_or_all(tmp_path: Path, words: list[str], error: bytes | None) -> None:
    path = database(tmp_path)
    status, _, err = unchanged(path, "page", path, *words)
    assert status == (0 if error is None else 1)
    assert error is None or error_line(err) == error


@pytest.mark.parametrize(
    ("pairs", "key", "value"),
    [
        ([(b"key_%d" % i, b"value_%d" % i) for i in range(100)], b"key_0", b"value_0"),
        ([(varint(i + 1), varint(i + 2)) for i in range(100)], b"02", b"04"),
    ],
)
def test_page_item(tmp_path: Path, pairs: list[tuple[bytes, bytes]], key: bytes, value: bytes) -> None:
    path = with_buckets(tmp_path, data=pairs)
    assert succeeds(path, "page-item", path, "4", "0") == key + b"\n" + value + b"\n"


def test_dump(tmp_path: Path) -> None:
    path = database(tmp_path)
    assert b"0000010 edda 0ced 0200 0000 0010 0000 0000 0000\n" in succeeds(path, "dump", path, "0")


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("compact", b"requires at least 1 arg(s), only received 0"),
        ("dump", b"requires at least 2 arg(s), only received 0"),
        ("get", b"requires at least 3 arg(s), only received 0"),
        ("info", b"accepts 1 arg(s), received 0"),
        ("keys", b"requires at least 2 arg(s), only received 0"),
        ("page", b"requires at least 1 arg(s), only received 0"),
        ("page-item", b"accepts 3 arg(s), received 0"),
        ("pages", b"accepts 1 arg(s), received 0"),
        ("stats", b"accepts between 1 and 2 arg(s), received 0"),
    ],
)
def test_no_arguments(command: str, error: bytes) -> None:
    status, out, err = run(command)
    assert (status, out) == (1, b"")
    assert error in error_line(err)


# command_surgery_test.go, command_surgery_freelist_test.go, command_surgery_meta_test.go


def operate(path: Path, *words: str) -> Path:
    """Run ``surgery`` with an output beside ``path``, which it leaves as it is; returns the output."""
    output = path.with_name("output")
    succeeds(path, "surgery", *words, path, "--output", output)
    return output


def test_surgery_revert_meta_page(tmp_path: Path) -> None:
    path = database(tmp_path)
    output = operate(path, "revert-meta-page")
    older = raw_page(path, 0).data[8:]
    assert raw_page(output, 0).data[8:] == older
    assert raw_page(output, 1).data[8:] == older


def filled(folder: Path) -> Path:
    """Twenty pairs in a bucket, on page 4; the root page is 3."""
    return with_buckets(folder, data=[(b"%04d" % k, bytes(10)) for k in range(20)])


def test_surgery_copy_page(tmp_path: Path) -> None:
    path = filled(tmp_path)
    output = operate_with_warning(path, "copy-page", "--from-page", "3", "--to-page", "2")
    assert raw_page(output, 3).data == raw_page(path, 3).data
    assert raw_page(output, 2).data[8:] == raw_page(path, 3).data[8:]


def operate_with_warning(path: Path, *words: str) -> Path:
    output = path.with_name("output")
    out = succeeds(path, "surgery", *words, path, "--output", output)
    assert out.startswith(b"WARNING: ")
    return output


def test_surgery_clear_page(tmp_path: Path) -> None:
    path = filled(tmp_path)
    cleared = raw_page(operate(path, "clear-page", "--pageId", "3"), 3)
    assert (cleared.count, cleared.overflow) == (0, 0)


LEAF, BRANCH = 4, 3


def many(folder: Path) -> Path:
    """A branch (page 3) of twelve leaves of fifty pairs each; the first is page 4."""
    leaves = [
        page(LEAF + i, 2, [(b"%04d" % (100 * i + k), bytes([k] * 10)) for k in range(50)]) for i in range(12)
    ]  # fmt: skip
    return database(
        folder, freelist(2), page(BRANCH, 1, [(b"%04d" % (100 * i), pgid(LEAF + i)) for i in range(12)]), *leaves
    )


@pytest.mark.parametrize("number", [LEAF, BRANCH])
@pytest.mark.parametrize(
    ("start", "end"),
    [(4, 8), (4, -1), (0, -1), (0, 7), (4, None), (0, 1), (6, 7), (-1, None)],
)
def test_surgery_clear_page_elements(tmp_path: Path, number: int, start: int, end: int | None) -> None:
    """None stands for the number of elements, and -1 as the start then for the last of them."""
    path = many(tmp_path)
    before = elements(raw_page(path, number))
    stop = len(before) if end is None else end
    if start == -1:
        start = len(before) - 1
    words = ("--pageId", str(number), "--from-index", str(start), "--to-index", str(stop))
    operator = operate_with_warning if number == BRANCH else operate
    after = elements(raw_page(operator(path, "clear-page-elements", *words), number))
    assert after == before[:start] + (before[stop:] if stop != -1 else [])


@pytest.mark.parametrize(("start", "end"), [(-1, 4), (-1, 5), (3, 3), (5, 3), (3, -2), (3, 1000000)])
def test_surgery_clear_page_elements_of_an_abnormal_range(tmp_path: Path, start: int, end: int) -> None:
    path = many(tmp_path)
    words = ("--pageId", str(LEAF), "--from-index", str(start), "--to-index", str(end))
    output = tmp_path / "output"
    status, out, err = unchanged(path, "surgery", "clear-page-elements", path, "--output", output, *words)
    assert (status, out) == (1, b"")
    assert error_line(err).startswith(b"clear-page-element command failed: ")
    assert not output.exists()


@pytest.mark.parametrize(
    ("start", "sizes", "overflow"),
    [
        (3, [500, 500, 500, 2600], 0),
        (0, [2600, 500, 500, 500], 0),
        (1, [500, 2600, 500, 500], 0),
        (3, [500, 500, 3100, 100], 1),
        (0, [100, 500, 3100, 500], 1),
        (1, [500, 100, 3100, 500], 1),
        (3, [500, 500, 4096 * 5, 100], 5),
        (0, [100, 500, 4096 * 6, 500], 6),
        (1, [500, 100, 4096 * 4, 500], 4),
        (3, [500, 500, 500, 4096 * 5], 0),
        (0, [4096 * 5, 500, 500, 500], 0),
        (1, [500, 4096 * 5, 500, 500], 0),
    ],
)
def test_surgery_clear_page_elements_with_overflow(tmp_path: Path, start: int, sizes: list[int], overflow: int) -> None:
    pairs = [(b"%04d" % i, bytes([i + 1]) * size) for i, size in enumerate(sizes)]
    used = 16 + sum(16 + 4 + size for size in sizes)
    leaf = page(4, 2, pairs, overflow=(used - 1) // SIZE)
    path = database(tmp_path, freelist(2), page(3, 2, [(b"data", pgid(4) + pgid(0), b"\1")]), leaf)
    before = raw_page(path, 4)
    assert before.overflow > 0
    words = ("--pageId", "4", "--from-index", str(start), "--to-index", str(start + 1))
    operator = operate if before.overflow == overflow else operate_with_warning
    after = raw_page(operator(path, "clear-page-elements", *words), 4)
    assert after.overflow == overflow
    expected = elements(before)
    del expected[start]
    assert elements(after) == expected


@pytest.mark.parametrize(
    ("line", "missing"),
    [
        ("revert-meta-page db", "output"),
        ("copy-page db --from-page 3 --to-page 2", "output"),
        ("clear-page db --pageId 3", "output"),
        ("clear-page-elements db --pageId 4 --from-index 3 --to-index 5", "output"),
        ("freelist abandon db", "output"),
        ("freelist rebuild db", "output"),
        ("copy-page db --output db --to-page 2", "from-page"),
        ("copy-page db --output db --from-page 2", "to-page"),
        ("clear-page db --output db", "pageId"),
        ("clear-page-elements db --output newdb --from-index 3 --to-index 5", "pageId"),
        ("clear-page-elements db --output newdb --pageId 2 --to-index 5", "from-index"),
        ("clear-page-elements db --output newdb --pageId 2 --from-index 3", "to-index"),
    ],
)
def test_surgery_required_flags(line: str, missing: str) -> None:
    status, out, err = run("surgery", *line.split())
    assert (status, out) == (1, b"")
    assert error_line(err) == f'required flag(s) "{missing}" not set'.encode()


def test_surgery_freelist_abandon(tmp_path: Path) -> None:
    output = operate(database(tmp_path), "freelist", "abandon")
    with RawFile(str(output)) as file:
        assert [file.meta_at(slot, SIZE)[0].freelist for slot in (0, 1)] == [NO_FREELIST, NO_FREELIST]


def test_surgery_freelist_rebuild(tmp_path: Path) -> None:
    path = tmp_path / "db"
    pages = (page(2, 2), page(3, 2), page(4, 2))
    metas = [meta(slot, root=3, freelist=NO_FREELIST, hwm=5, txid=2 + slot) for slot in (0, 1)]
    path.write_bytes(b"".join((*metas, *pages)))
    output = operate(path, "freelist", "rebuild")
    with RawFile(str(output)) as file:
        newest = max((file.meta_at(slot, SIZE)[0] for slot in (0, 1)), key=lambda each: each.txid)
        assert 1 < newest.freelist < newest.hwm
        assert newest.problem() is None
    assert run("check", output) == (0, b"OK\n", b"")


def test_surgery_freelist_rebuild_of_one_that_is_there(tmp_path: Path) -> None:
    path = database(tmp_path)
    status, out, err = unchanged(path, "surgery", "freelist", "rebuild", path, "--output", tmp_path / "output")
    assert (status, out) == (1, b"")
    assert error_line(err) == (
        b"the file already has freelist, please consider to abandon the freelist to forcibly rebuild it"
    )


def test_surgery_meta_validate(tmp_path: Path) -> None:
    path = database(tmp_path)
    assert succeeds(path, "surgery", "meta", "validate", path) == (
        b"The meta page 0 is valid!\nThe meta page 1 is valid!\n"
    )


@pytest.mark.parametrize("slot", [0, 1])
@pytest.mark.parametrize(
    "fields",
    [
        {"root": 50},
        {"freelist": 40},
        {"pgid": 600},
        {"root": 45, "freelist": 46},
        {"pgid": 256, "freelist": 47},
        {"root": 43, "freelist": 62, "pgid": 256},
    ],
)
def test_surgery_meta_update(tmp_path: Path, slot: int, fields: dict[str, int]) -> None:
    words = ",".join(f"{name}:{value}" for name, value in fields.items())
    output = operate(database(tmp_path), "meta", "update", "--meta-page", str(slot), "--fields", words)
    with RawFile(str(output)) as file:
        found, _ = file.meta_at(slot, SIZE)
    assert (found.magic, found.version) == (0xED0CDAED, 2)
    assert found.problem() is None
    assert (found.root, found.freelist, found.hwm) == (
        fields.get("root", 3), fields.get("freelist", 2), fields.get("pgid", 4),
    )  # fmt: skip
