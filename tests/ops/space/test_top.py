"""`top` against a naive count over the library."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import boltcli
from boltcli.ops.space.pages import Usage
from boltcli.ops.space.top import guess_separator, space_top, top_levels
from boltcli.storage.snapshot import Snapshot
from boltcli.text import sizes
from boltcli.tree.page_map import free_pages
from tests.support import DATABASES, freelist, page, pgid, run, small

Path_ = tuple[bytes, ...]


def _pairs(bucket: boltcli.Bucket, path: Path_ = ()) -> Iterator[tuple[Path_, bytes, bytes]]:
    for key, value in bucket.range():
        if isinstance(value, bytes):
            yield path, key, value
        else:
            yield from _pairs(value, (*path, key))


@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_counts_what_is_there(path: Path, walks: str) -> None:
    with Snapshot(str(path)) as snapshot:
        found = space_top(snapshot, separator=b"", most=5)
    with boltcli.open(path) as db:
        pairs = list(_pairs(db))
    assert found.pairs == len(pairs)
    assert found.key_sizes == Counter(len(key).bit_length() for _, key, _ in pairs)
    assert found.value_sizes == Counter(len(value).bit_length() for _, _, value in pairs)
    sizes = Counter[Path_]()
    for names, key, value in pairs:
        sizes[names[:1]] += 16 + len(key) + len(value)
    assert {names: group.bytes for (names, _), group in found.groups.items()} == sizes
    largest = sorted((len(key) + len(value) for _, key, value in pairs), reverse=True)[:5]
    assert [size for size, _, _ in found.largest] == largest


@pytest.mark.slow
@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_free_lost_and_what_copies_need(path: Path, walks: str) -> None:
    with Snapshot(str(path)) as snapshot:
        found, used = space_top(snapshot), Usage(snapshot)
        free = free_pages(snapshot)
    assert (found.size, found.free, found.lost) == (used.size, used.free, used.lost)
    runs, last = [0], -1
    for number in free:
        if number != last + 1:
            runs.append(0)
        runs[-1] += 1
        last = number
    assert found.free_runs == Counter(run.bit_length() for run in runs if run)
    record = json.loads(run("top", "--json", path)[1])
    assert record["dense_size_estimate"] == json.loads(run("du", "--json", path)[1])["dense_size"]


def test_levels_of_buckets_and_a_bucket_alone(walks: str) -> None:
    with boltcli.open("fixtures/nested-8.db") as db:
        pairs = list(_pairs(db))
    for levels in (1, 2, 3, 9):
        with Snapshot("fixtures/nested-8.db") as snapshot:
            found = space_top(snapshot, separator=b"", levels=levels)
        naive = Counter(names[:levels] for names, _, _ in pairs)
        assert {names: group.pairs for (names, _), group in found.groups.items()} == naive
    name = pairs[-1][0][0]
    with Snapshot("fixtures/nested-8.db") as snapshot:
        alone = space_top(snapshot, [name], separator=b"")
        assert alone.free == found.free
    assert alone.pairs == sum(names[0] == name for names, _, _ in pairs)


def test_a_bucket_that_holds_all_is_looked_into(tmp_path: Path, walks: str) -> None:
    rows = tmp_path / "rows.ndjson"
    rows.write_text(
        "".join(
            f'{{"bucket": ["v1", "{name}", "x"], "key": "{n:04}", "value": ""}}\n' for name in "ab" for n in range(300)
        )
    )
    assert run("import", "--partial", "-o", tmp_path / "a.db", rows)[0] == 0
    with Snapshot(str(tmp_path / "a.db")) as snapshot:
        found = top_levels(snapshot)
        assert [names for names, _ in found.groups] == [(b"v1", b"a"), (b"v1", b"b")]
        assert found.deeper == 2
        assert not space_top(snapshot, levels=3).deeper
        assert [names for names, _ in top_levels(snapshot, [b"v1", b"a"]).groups] == [(b"v1", b"a", b"x")]
    many = "".join(f'{{"bucket": ["b", "{n:04}"], "key": "k", "value": ""}}\n' for n in range(1001))
    rows.write_text(many)
    assert run("import", "--partial", "-o", tmp_path / "b.db", rows)[0] == 0
    with Snapshot(str(tmp_path / "b.db")) as snapshot:
        found = top_levels(snapshot)
        assert ([names for names, _ in found.groups], found.deeper) == ([(b"b",)], 1001)
    with Snapshot("fixtures/page-4096.db") as snapshot:
        assert not top_levels(snapshot).deeper


@pytest.mark.slow
def test_prefixes_of_any_depth_are_counted_as_one_by_one(tmp_path: Path, walks: str) -> None:
    rows = tmp_path / "rows.ndjson"
    keys = sorted(f"{'abcdefgh'[a % 8]}/{b}/{c:04}" for a in range(8) for b in range(3) for c in range(100 * a * a))
    keys += ["none", "x/y"]
    rows.write_text("".join(f'{{"bucket": ["b"], "key": "{key}", "value": "{len(key)}"}}\n' for key in keys))
    assert run("import", "--partial", "-o", tmp_path / "a.db", rows)[0] == 0
    for depth in (1, 2, 3):
        naive = Counter("".join(part + "/" for part in key.split("/")[:-1][:depth]) for key in keys)
        with Snapshot(str(tmp_path / "a.db")) as snapshot:
            found = space_top(snapshot, [b"b"], depth=depth)
        assert {prefix.decode(): group.pairs for (_, prefix), group in found.groups.items()} == naive


def test_an_overflow_that_no_file_has(tmp_path: Path, walks: str) -> None:
    content = bytearray(small(freelist(2), page(3, 2, [(b"a", b"1")])))
    content[3 * 4096 + 12 : 3 * 4096 + 16] = b"\xff" * 4
    (tmp_path / "a.db").write_bytes(content)
    with Snapshot(str(tmp_path / "a.db")) as snapshot:
        found = space_top(snapshot)
    assert (found.pairs, found.overflow_pages, len(found.fills)) == (1, 0, 10)


def test_pages_that_many_ways_lead_to(tmp_path: Path, walks: str) -> None:
    """Nine levels of branch pages, all of whose elements lead to the same page below: a billion ways to the leaf."""
    levels = [page(3 + n, 1, [(b"%03d" % at, pgid(4 + n)) for at in range(10)]) for n in range(9)]
    (tmp_path / "a.db").write_bytes(small(freelist(2), *levels, page(12, 2, [(b"a", b"1")])))
    with Snapshot(str(tmp_path / "a.db")) as snapshot, pytest.raises(boltcli.BoltError, match="more than once"):
        space_top(snapshot)


def test_groups_by_prefix(walks: str) -> None:
    with Snapshot("fixtures/bacalhau-compute-1.4.db") as snapshot:
        by_first_digit = space_top(snapshot, [b"execution"], separator=b"-", depth=2)
    with boltcli.open("fixtures/bacalhau-compute-1.4.db") as db:
        naive = Counter(b"-".join(key.split(b"-")[:2]) + b"-" for key in db.bucket("execution"))
    assert {prefix: group.pairs for (_, prefix), group in by_first_digit.groups.items()} == naive


@pytest.mark.parametrize(
    ("keys", "separator"),
    [
        ([b"/registry/pods/a", b"/registry/pods/b", b"/registry/nodes/c"], b"/"),
        ([b"user:1", b"user:2", b"group:1", b"group:2"], b":"),
        ([b"e-1", b"e-2", b"e-3"], b""),
        ([b"\x00/\x01", b"\x00/\x02", b"\x00/\x03"], b""),
        ([b"a", b"b"], b""),
    ],
)
def test_guesses_separators(keys: list[bytes], separator: bytes) -> None:
    assert guess_separator(keys) == separator


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1536, "1.5 KiB"),
        (1 << 20, "1.0 MiB"),
        (10**12, "931 GiB"),
        (1 << 80, "1048576 EiB"),
    ],
)
def test_sizes_for_people(count: int, text: str) -> None:
    assert sizes.size(count) == text


@pytest.mark.sampled(4)
@pytest.mark.slow
@pytest.mark.parametrize("uniform", [True, False])
def test_of_a_cut_file_the_missing_bytes_are_zeros(uniform: bool, walks: str, tmp_path: Path) -> None:
    """As everywhere: a page that is cut in the middle of its elements is read like one that ends in zeros."""
    words = [b"k/%03d" % number if uniform else b"k/%d" % number**3 for number in range(30, 90)]
    pages = [page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")]), page(4, 2, [(word, bytes(30)) for word in words])]
    content = small(freelist(2), *pages)
    cut, filled = tmp_path / "cut.db", tmp_path / "filled.db"
    for size in (*range(4 * 4096 + 17, 4 * 4096 + 3300, 61), len(content) - 1):
        cut.write_bytes(content[:size])
        filled.write_bytes(content[:size].ljust(len(content), b"\0"))
        told = [run("top", "--json", path) for path in (cut, filled)]
        assert [status for status, _, _ in told] == [0, 0]
        facts = [json.loads(out) for _, out, _ in told]
        assert len({json.dumps([each["pairs"], each["groups"], each["largest"]]) for each in facts}) == 1, size
        assert run("report", "--force", "-o", tmp_path / "report.html", cut)[0] == 0
