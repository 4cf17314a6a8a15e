"""Parts of buckets: the filters against a filter over the full list, and which pages a range takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boltcli.errors import Corrupted
from boltcli.format.bucket import BucketRef
from boltcli.ops.read.select_items import items
from boltcli.storage.snapshot import Snapshot
from boltcli.tree.bucket import find_bucket, get, root_bucket
from boltcli.tree.walk import bounds, leaf_pages, successor
from tests.support import DATABASES, error_line, fixture, freelist, page, pgid, run, small

Row = tuple[tuple[bytes, ...], bytes, "bytes | None"]


def rows(snapshot: Snapshot, bucket: BucketRef, **filters: Any) -> list[Row]:
    return [
        (part.path, key, None if isinstance(value, BucketRef) else value)
        for part in items(snapshot, bucket, **filters)
        for key, value in zip(part.keys, part.values)
    ]


KEYS = st.one_of(
    st.none(),
    st.binary(max_size=2),
    st.sampled_from([b"e-", b"key", b"\xff", b"\xff\xff", b"v2_events", b"execution"]),
    st.integers(0, 2**64 - 1).map(lambda number: number.to_bytes(8, "big")),
)


@pytest.mark.slow
@settings(max_examples=250, deadline=None)
@given(
    st.sampled_from(DATABASES), st.data(), KEYS, KEYS, st.booleans(), st.integers(0, 5), st.booleans(), st.booleans()
)
def test_filters_are_a_filter_over_the_full_list(
    path: Path, data: st.DataObject, low: bytes | None, high: bytes | None,
    reverse: bool, limit: int, recursive: bool, buckets: bool,
) -> None:  # fmt: skip
    with Snapshot(str(path)) as snapshot:
        bucket = root_bucket(snapshot)
        names = [key for _, key, value in rows(snapshot, bucket) if value is None]
        inside: bool = data.draw(st.booleans())
        if names and inside:
            bucket = find_bucket(snapshot, [data.draw(st.sampled_from(names))])
        given_key: bool = data.draw(st.booleans())
        everything = rows(snapshot, bucket, recursive=recursive)
        some = sorted({row[0][0] if row[0] else row[1] for row in everything})
        if some and given_key:
            low = data.draw(st.sampled_from(some))
        prefix = data.draw(st.sampled_from([b"", (low or b"")[:3], b"\xff"]))
        pattern = data.draw(st.sampled_from([None, rb"1", rb"^e-[0-9a]", rb"\x00"]))
        start, stop = bounds(prefix, low or b"", high)

        def wanted(key: bytes, value: object) -> bool:
            return bool(re.search(pattern or b"", key))

        found = rows(
            snapshot, bucket, start=start, stop=stop, reverse=reverse, limit=limit, recursive=recursive,
            buckets=buckets, wanted=wanted if pattern else None,
        )  # fmt: skip
        expected = [
            row
            for row in everything
            for outermost in [row[0][0] if row[0] else row[1]]
            if outermost.startswith(prefix)
            and (low or b"") <= outermost
            and (high is None or outermost < high)
            and (buckets or row[2] is not None)
            and (pattern is None or re.search(pattern, row[1]))
        ]
        if reverse:
            expected.reverse()
        assert found == (expected[:limit] if limit else expected)


@given(st.binary(max_size=3), st.binary(max_size=4))
def test_the_successor_ends_a_prefix(prefix: bytes, key: bytes) -> None:
    end = successor(prefix)
    assert (prefix <= key and (end is None or key < end)) == key.startswith(prefix)


def three_levels() -> bytes:
    """A bucket of 512 leaves of 32 keys in 16 branch pages: ``kLLLLII``, leaf and index in it."""
    branches, leaves = [], []
    for number in range(512):
        leaves.append(page(22 + number, 2, [(b"k%04d%02d" % (number, i), b"v" * 40) for i in range(32)]))
    for number in range(16):
        children = range(32 * number, 32 * number + 32)
        branches.append(page(6 + number, 1, [(b"k%04d00" % child, pgid(22 + child)) for child in children]))
    top = page(5, 1, [(b"k%04d00" % (32 * number), pgid(6 + number)) for number in range(16)])
    root = page(3, 2, [(b"many", pgid(5) + pgid(0), b"\1")])
    return small(freelist(2), root, page(4, 2), top, *branches, *leaves)


@pytest.fixture
def touched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ids of the pages that are read."""
    read: list[int] = []
    real = Snapshot.page

    def page(self: Snapshot, number: int, *arguments: Any, **options: Any) -> Any:
        read.append(number)
        return real(self, number, *arguments, **options)

    monkeypatch.setattr(Snapshot, "page", page)
    return read


@pytest.mark.slow
@pytest.mark.parametrize(
    ("filters", "path", "count"),
    [
        (["--prefix", "k010005"], [3, 5, 9, 122], 1),
        (["--prefix", "k0100"], [3, 5, 9, 121, 122], 32),  # "k0100" itself would be in 121
        (["--from", "k010031", "--to", "k010101"], [3, 5, 9, 122, 123], 2),
        (["--from", "k010000", "--limit", "3"], [3, 5, 9, 122], 3),
        (["--reverse", "--limit", "2"], [3, 5, 21, 533], 2),
        (["--reverse", "--to", "k010002", "--limit", "2"], [3, 5, 9, 122], 2),
        (["--prefix", "a"], [3, 5, 6, 22], 0),
        (["--prefix", "z"], [3, 5, 21, 533], 0),
    ],
)
@pytest.mark.parametrize("command", ["items", "keys"])
def test_a_range_reads_the_pages_on_its_way(
    command: str, filters: list[str], path: list[int], count: int, touched: list[int], tmp_path: Path
) -> None:
    file = tmp_path / "db"
    file.write_bytes(three_levels())
    status, out, err = run(command, file, "many", *filters)
    assert (status, err) == (0, b"")
    assert len(out.splitlines()) == count
    assert list(dict.fromkeys(touched)) == path


def test_a_lookup_reads_the_pages_on_its_way(touched: list[int], tmp_path: Path) -> None:
    file = tmp_path / "db"
    file.write_bytes(three_levels())
    assert run("get", file, "many", "k010005") == (0, b"v" * 40 + b"\n", b"")
    assert touched == [3, 5, 9, 122]
    with Snapshot(str(file)) as snapshot:
        bucket = find_bucket(snapshot, [b"many"])
        assert get(snapshot, bucket, b"k999999") is None
        assert sum(leaf.count for leaf in leaf_pages(snapshot, bucket)) == 512 * 32


def test_text() -> None:
    path = fixture("document")
    _, keys, _ = run("keys", path, "execution")
    assert run("keys", "--reverse", path, "execution")[1].splitlines() == keys.splitlines()[::-1]
    _, out, _ = run("items", path, "execution")
    assert [line.split(b"\t")[0] for line in out.splitlines()] == keys.splitlines()
    values = b"".join(run("get", path, "execution", key)[1] for key in keys.decode().split())
    assert run("items", "--values-only", path, "execution")[1] == values
    assert run("items", path, "execution-history")[1] == keys  # buckets: no value
    assert run("items", "--values-only", path, "execution-history")[1] == b""
    _, out, _ = run("keys", "--recursive", "--limit", "3", path, "execution-history")
    first = keys.split()[0]
    assert out == first + b"\n" + first + b"\t001\n" + first + b"\t002\n"
    _, out, _ = run("items", "--recursive", "--format", "redacted", path, "execution-history")
    assert len(out.splitlines()) == 13
    assert {line.count(b"\t") for line in out.splitlines()} == {2}
    _, out, _ = run("items", "--grep", "timed out", path, "execution", "--key-format", "hex")
    assert out.split(b"\t")[0] == first.hex().encode()
    assert len(out.splitlines()) == 1
    assert run("keys", "--grep", '"State":8', path, "execution")[1] == b""
    assert run("keys", "--grep", "^e-[9d]", path, "execution")[1] == b"".join(keys.splitlines(keepends=True)[1:3])


def test_what_makes_no_sense() -> None:
    path = fixture("document")
    assert error_line(run("items", "--grep", "(", path, "execution")[2]).startswith(b"--grep (: ")
    assert error_line(run("items", path, "nosuch")[2]) == b"bucket not found"
    assert error_line(run("items", "--format", "yaml", path, "execution")[2]).endswith(b"unsupported format: yaml")


@pytest.mark.parametrize(
    "leaves",
    [
        [page(4, 1, [(b"a", pgid(3)), (b"b", pgid(5))]), page(5, 2)],  # its own ancestor
        [page(4, 1, [(b"a", pgid(99))])],
        [page(4, 0x10)],
        [page(4, 2, [(b"in", pgid(3) + pgid(0), b"\1")])],  # a bucket in itself
    ],
)
@pytest.mark.parametrize("reverse", [False, True])
def test_damage(leaves: list[bytes], reverse: bool, tmp_path: Path) -> None:
    file = tmp_path / "db"
    root = page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")])
    file.write_bytes(small(freelist(2), root, *leaves))
    with Snapshot(str(file)) as snapshot, pytest.raises(Corrupted):
        list(items(snapshot, root_bucket(snapshot), recursive=True, reverse=reverse))


def test_a_page_that_is_referenced_twice_comes_twice(tmp_path: Path) -> None:
    file = tmp_path / "db"
    root = page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")])
    file.write_bytes(
        small(freelist(2), root, page(4, 1, [(b"a", pgid(5)), (b"b", pgid(5))]), page(5, 2, [(b"a", b"1")]))
    )
    assert run("keys", file, "b")[1] == b"a\na\n"
    assert run("items", file, "b")[1] == b"a\t1\na\t1\n"


def test_pairs_in_the_root_bucket(tmp_path: Path) -> None:
    path = tmp_path / "db"
    inline = pgid(0) + pgid(7) + page(0, 2, [], page_size=16)
    path.write_bytes(small(freelist(2), page(3, 2, [(b"a", b"1"), (b"b", inline, b"\1"), (b"c", b"3")])))
    assert run("items", path) == (0, b"a\t1\nb\nc\t3\n", b"")
    assert run("get", path, "c") == (0, b"3\n", b"")
    for words in ((path, "b"), (path, "d"), (tmp_path / "none", "a")):
        status, out, err = run("get", *words)
        assert (status, out) == (1, b"")
        assert err.startswith(b"Error: requires at least 3 arg(s), only received 2\n")
    status, out, err = run("check", "--deep", path)
    assert (status, out) == (0, b"OK\n")
    assert err == b"warning: the root bucket holds 2 pairs besides buckets: 'a', 'c'; `boltcli items` lists them\n"
