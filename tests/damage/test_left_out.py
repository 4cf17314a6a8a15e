"""Nothing is left out without a word: a backup or a list of ours names the page where something is hidden.

bbolt's own commands pass over such a page, as bbolt does: ``tests/compat`` holds them against it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

import boltcli
from boltcli.database import Database
from boltcli.errors import Corrupted
from boltcli.storage.snapshot import Snapshot
from boltcli.tree.bucket import find_bucket
from boltcli.tree.walk import leaf_ranges
from tests.damage.kernel_truth import assert_kernel_agrees
from tests.damage.mutations import systematic
from tests.support import error_line, fixture, freelist, page, pgid, run, small

ROOT = page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1"), (b"c", b"\0" * 16 + page(0, 2, [(b"k", b"v")])[:34], b"\1")])
LEFT = page(5, 2, [(b"a", b"1"), (b"c", b"2"), (b"e", b"3")])
RIGHT = page(6, 2, [(b"g", b"4"), (b"i", b"5"), (b"k", b"6")])
BRANCH = page(4, 1, [(b"a", pgid(5)), (b"g", pgid(6))])


def changed(content: bytes, offset: int, form: str, value: int) -> bytes:
    """A copy with one field set."""
    copy = bytearray(content)
    struct.pack_into("<" + form, copy, offset, value)
    return bytes(copy)


def database(root: bytes = ROOT, branch: bytes = BRANCH, left: bytes = LEFT, right: bytes = RIGHT) -> bytes:
    return small(freelist(2), root, branch, left, right)


# Pages that hide what is in or below them; the page that is named, and words of the error.
HIDDEN = {
    "branch without elements": (database(branch=changed(BRANCH, 10, "H", 0)), 4, "a branch page without elements"),
    "leaf without elements": (database(left=page(5, 2)), 5, "a leaf without elements below a branch page"),
    "leaf with count 0": (database(right=changed(RIGHT, 10, "H", 0)), 6, "a leaf without elements below a branch page"),
    "child is a freelist": (database(right=freelist(6)), 6, "a tree cannot hold a page of its type (flags: 10)"),
    "root is a freelist": (database(branch=freelist(4)), 4, "a tree cannot hold a page of its type (flags: 10)"),
    "root is a meta page": (database(branch=changed(BRANCH, 8, "H", 4)), 4, "a tree cannot hold a page of its type"),
}
# Pages that a list shows as bbolt does, which is not all that may have been in them.
DOUBTFUL = {
    "leaf's count and a key": (
        database(left=changed(changed(LEFT, 10, "H", 2), 48 + 8, "I", 0)), 5, "bytes after its 3 elements"
    ),
    "branch's count": (database(branch=changed(BRANCH, 10, "H", 1)), 4, "its count leaves out 1 elements"),
    "root leaf's count": (database(branch=changed(page(4, 2, [(b"a", b"1")]), 10, "H", 0)), 4, "bytes after its 0"),
    "size of a value": (database(left=changed(LEFT, 16 + 12, "I", 0)), 5, "element 1 has its data at byte 66"),
    "size of the last value": (database(left=changed(LEFT, 48 + 12, "I", 0)), 5, "bytes after its 3 elements"),
    "flags of an element": (database(left=changed(LEFT, 16, "I", 2)), 5, "element 0 has the flags 2, expected 0 or 1"),
    "inline bucket's count": (database(root=changed(ROOT, 3 * 16 + 2 + 16 + 16 + 10, "H", 0)), 0, "bytes after its 0"),
    "key outside its bounds": (
        database(left=page(5, 2, [(b"a", b"1"), (b"h", b"2")])), 5, "its keys are outside the range",
    ),
    "key below its bounds": (database(right=page(6, 2, [(b"b", b"4")])), 6, "its keys are outside the range"),
    "branch key outside its bounds": (
        small(
            freelist(2), page(3, 1, [(b"a", pgid(4)), (b"c", pgid(7))]),
            page(4, 1, [(b"a", pgid(5)), (b"d", pgid(6))]),
            page(5, 2, [(b"a", b"")]), page(6, 2, [(b"d", b"")]), page(7, 2, [(b"c", b"")]),
        ), 4, "its keys are outside the range",
    ),
    "duplicate key": (database(left=page(5, 2, [(b"a", b"1"), (b"a", b"2")])), 5, "its keys are out of order"),
    "branch keys out of order": (
        database(branch=page(4, 1, [(b"g", pgid(6)), (b"a", pgid(5))])), 4, "its keys are out of order",
    ),
    "page referenced twice": (
        database(branch=page(4, 1, [(b"a", pgid(5)), (b"g", pgid(6)), (b"h", pgid(6))])),
        6, "its keys are outside the range",
    ),
    "two buckets of one tree": (
        database(root=page(3, 2, [(b"b", pgid(5) + pgid(0), b"\1"), (b"c", pgid(5) + pgid(0), b"\1")])),
        5, "the page is referenced more than once",
    ),
    "runs that overlap": (
        small(
            freelist(2), page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1"), (b"c", pgid(5) + pgid(0), b"\1")]),
            page(4, 2, [(b"a", b"1")], overflow=1)[:4096], LEFT,
        ), 4, "there are bytes after its 1 elements",
    ),
}  # fmt: skip
SOUND = database()


def _tables(tmp_path: Path) -> list[tuple[str, ...]]:
    return [("export", "--format", "csv"), ("export", "-o", str(tmp_path / "a.sqlite"))]


def _backups(tmp_path: Path) -> list[tuple[str, ...]]:
    pytest.importorskip("duckdb")
    parquet = ("export", "-o", str(tmp_path / "a.parquet"))
    return [("export",), *_tables(tmp_path), parquet, ("sql", "--csv", "SELECT * FROM pairs")]


@pytest.mark.slow
@pytest.mark.parametrize("name", [*HIDDEN, *DOUBTFUL])
def test_a_backup_names_the_page(name: str, tmp_path: Path, walks: str) -> None:
    content, number, words = (HIDDEN | DOUBTFUL)[name]
    path = tmp_path / "a.db"
    path.write_bytes(content)
    for argv in _backups(tmp_path):
        status, out, err = run(*argv, path)
        line = error_line(err)
        assert (status, line.startswith(b"page %d at offset " % number)) == (1, True), (argv, err)
        assert words.encode() in line
        assert b'{"end":true' not in out
    assert not (tmp_path / "a.sqlite").exists()
    assert not (tmp_path / "a.parquet").exists()
    assert_kernel_agrees(path)


@pytest.mark.parametrize("name", HIDDEN)
def test_a_list_names_the_page(name: str, tmp_path: Path, walks: str) -> None:
    content, number, words = HIDDEN[name]
    path = tmp_path / "a.db"
    path.write_bytes(content)
    other = tmp_path / "sound.db"
    other.write_bytes(SOUND)
    where = b"page %d at offset " % number
    for argv in (
        ("items", path, "b"), ("items", "--limit", "100", path, "b"), ("items", "--prefix", "g", path, "b"),
        ("items", "--recursive", path), ("keys", "--recursive", path, "b"), ("grep", "4", path), ("du", path),
        ("top", path), ("tree", path), ("diff", other, path), ("diff", path, other), ("metrics", path),
    ):  # fmt: skip
        if argv[:3] == ("items", "--prefix", "g") and number == 5:
            continue  # it isn't read
        status, _, err = run(*argv)
        assert status in (1, 2), argv
        assert where in err, argv
        assert words.encode() in err, argv
    with boltcli.open(path) as db:
        bucket = db.bucket("b")
        for read in (
            lambda: list(bucket), lambda: list(bucket.items()), lambda: list(bucket.pairs()), lambda: len(bucket),
            lambda: list(bucket.range(reverse=True)),
        ):  # fmt: skip
            with pytest.raises(Corrupted, match=f"page {number} at offset"):
                read()


def test_a_range_of_keys_is_verified_where_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(DOUBTFUL["key outside its bounds"][0])  # h is on page 5, and looked for on page 6
    assert run("items", path, "b")[0] == 0
    for argv in (("--prefix", "a"), ("--from", "b", "--to", "e")):
        status, _, err = run("items", *argv, path, "b")
        assert (status, err[:12]) == (1, b"Error: page "), argv
    with boltcli.open(path) as db, pytest.raises(Corrupted, match="page 5"):
        list(db.bucket("b").prefix("a"))


def test_sound_files_are_whole(tmp_path: Path, walks: str) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(SOUND)
    for argv in _backups(tmp_path):
        assert run(*argv, path)[0] == 0, argv
    many = tmp_path / "many.db"  # more pages than a guard remembers by their ids, and a run of several
    leaves = [page(number, 2, [(b"%06d" % number, b"v")]) for number in range(6, 206)]
    large = page(206, 2, [(b"000206", b"x" * 9000)], overflow=2)
    children = [(b"%06d" % number, pgid(number)) for number in range(6, 207)]
    root = page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")])
    many.write_bytes(small(freelist(2), root, page(4, 1, children, overflow=1), *leaves, large))
    status, out, err = run("export", many)
    assert (status, err) == (0, b"")
    assert out.endswith(b'{"end":true,"pairs":201,"buckets":1}\n')


# What can't be seen in the file: a bucket's element that says it is a pair; a bucket that leads to the sound tree of
# another time; a zero byte that moves from the rest of the page into the last value, or from behind an inline page.
UNSEEN = (": flags = 0", "root of its bucket = ", "ksize = ", "vsize = ", "ksize in its inline", "vsize in its inline")


@pytest.mark.sampled(4)
@pytest.mark.slow
@pytest.mark.parametrize("name", ["document", "depth-4", "page-1024", "inline"])
def test_an_export_is_the_whole_truth_or_an_error(name: str, tmp_path: Path, walks: str) -> None:
    content = fixture(name).read_bytes()
    truth = run("export", fixture(name))[1]
    path = tmp_path / "mutant.db"
    counted = 0
    for number, mutation in enumerate(systematic(content, 1)):
        if mutation.kind not in ("page header", "branch element", "leaf element", "bucket") or number % 7:
            continue
        path.write_bytes(mutation.apply(content))
        status, out, err = run("export", path)
        counted += 1
        if status == 0 and out != truth and b": its count leaves out " not in err:
            assert any(words in mutation.what for words in UNSEEN), mutation.what
    assert counted > 100


def test_elements_that_surgery_took_out_are_reported(tmp_path: Path, walks: str) -> None:
    """Such a file is sound: what the count leaves out leads to free pages, or to others of the tree."""
    path = tmp_path / "a.db"
    children = [(b"a", pgid(5)), (b"g", pgid(6)), (b"m", pgid(5)), (b"o", pgid(7)), (b"q", pgid(2)), (b"s", pgid(99))]
    left = changed(LEFT, 10, "H", 2)
    path.write_bytes(small(freelist(2, [7]), ROOT, changed(page(4, 1, children), 10, "H", 2), left, RIGHT, page(7, 2)))
    truth = [(b"a", b"1"), (b"c", b"2"), (b"g", b"4"), (b"i", b"5"), (b"k", b"6")]
    for argv in _backups(tmp_path):
        status, out, err = run(*argv, path)
        assert (status, err.count(b"\n")) == (0, 2), argv
        assert b"warning: page 4 at offset 16384: its count leaves out 4 elements that are still in the page" in err
        assert b"warning: page 5 at offset 20480: its count leaves out 1 elements that are still in the page" in err
        if argv == ("export",):
            assert out.count(b'"key"') == len(truth) + 1
    assert run("items", path, "b") == (0, b"".join(b"%s\t%s\n" % pair for pair in truth), b"")
    path.write_bytes(small(freelist(2), ROOT, changed(page(4, 1, children), 10, "H", 2), LEFT, RIGHT, page(7, 2)))
    status, _, err = run("export", path)  # page 7 is in use
    assert (status, error_line(err)[:23]) == (1, b"page 4 at offset 16384:")


def nested_in_itself(path: Path, name: bytes) -> None:
    """Write a copy of the store of a Bacalhau node in which the first bucket inside ``name`` is that bucket itself."""
    content = bytearray(fixture("bacalhau-compute-1.4").read_bytes())
    with Snapshot(str(fixture("bacalhau-compute-1.4"))) as snapshot:
        outer = find_bucket(snapshot, (name,))
        leaf, keys, *_ = next(leaf_ranges(snapshot, outer))
        index = leaf.bucket_indexes()[0]
        start = leaf.page.file_offset + leaf.value_span(index)[0] - leaf.page.offset
        assert keys
    struct.pack_into("<Q", content, start, outer.root)
    path.write_bytes(content)


@pytest.mark.slow
def test_a_bucket_inside_itself_ends_what_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    nested_in_itself(path, b"execution-history")
    words = b"the bucket is nested in itself (bucket: 'execution-history' "
    for argv in (("audit", path), ("view", "--limit", "9", path, "history"), ("items", "--recursive", path)):
        status, _, err = run(*argv)
        assert (status, words in err) == (1, True), (argv, err)
    assert run("export", path)[0] == 1
    assert run("report", "-o", tmp_path / "report.html", path)[0] == 0
    assert b"the bucket is nested in itself" in (tmp_path / "report.html").read_bytes()
    for argv in (
        ("metrics", "--deep", path),
        ("metrics", path),
        ("grep", "nosuch", path),
        ("du", path),
        ("verify", path),
    ):
        assert run(*argv)[0] in (1, 2), argv
    with boltcli.open(path) as db:
        outer = db.bucket("execution-history")
        inner = next(iter(outer))
        for read in (
            lambda: list(outer.items()), lambda: outer[inner], lambda: db.bucket("execution-history", inner),
            lambda: db.audit(), lambda: Database(db._snapshot).get(b"execution-history").get(inner),  # type: ignore[union-attr]
        ):  # fmt: skip
            with pytest.raises(Corrupted, match="nested in itself"):
                read()


def shared_pages(path: Path) -> None:
    """Write a small file whose tree has 60 levels, of which each refers to the next one 50 times: 50**60 leaf pages."""
    levels = range(4, 64)
    children = [b"%04d" % number for number in range(50)]
    branches = [page(level, 1, [(key, pgid(level + 1)) for key in children]) for level in levels]
    path.write_bytes(
        small(
            freelist(2), page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")]), *branches,
            page(64, 2, [(key, b"v") for key in children]),
        )
    )  # fmt: skip


def shared_buckets(path: Path) -> None:
    """Write a small file with buckets nested 60 deep, of which each holds the next one 50 times."""
    names = [b"%04d" % number for number in range(50)]
    leaves = [page(level, 2, [(name, pgid(level + 1) + pgid(0), b"\1") for name in names]) for level in range(3, 63)]
    path.write_bytes(small(freelist(2), *leaves, page(63, 2, [(b"k", b"v")])))


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.parametrize("make", [shared_pages, shared_buckets])
def test_pages_that_are_shared_many_times_end_what_reads_them(
    make: Callable[[Path], None], tmp_path: Path, walks: str
) -> None:
    path = tmp_path / "a.db"
    make(path)
    for argv in _backups(tmp_path):
        status, out, err = run(*argv, path)
        assert (status, error_line(err)[:5], len(out) < 1 << 16) == (1, b"page ", True), argv
    lists: tuple[tuple[str | Path, ...], ...] = (
        ("items", "--recursive", path), ("grep", "nosuch", path), ("du", path), ("tree", path), ("top", path),
        ("metrics", "--deep", path), ("sql", "SELECT * FROM buckets", path), ("diff", fixture("document"), path),
    )  # fmt: skip
    for words in lists:
        status, out, err = run(*words)
        assert status in (1, 2), words
        assert b": page " in err, words
        assert len(out) < 1 << 20
    status, out, _ = run("verify", "--deep", "--json", path)
    assert status == 1
    assert b"page " in out


def test_overlapping_values_end_a_backup(tmp_path: Path) -> None:
    """Each of 4000 values is as large as the whole page."""
    size = 16 * 4096
    content = bytearray(page(4, 2, overflow=15).ljust(size, b"\0"))
    struct.pack_into("<H", content, 10, 4000)
    for index in range(4000):
        at = 16 + 16 * index
        struct.pack_into("<IIII", content, at, 0, size - 1200 - at, 4, 1000)
    path = tmp_path / "a.db"
    path.write_bytes(small(freelist(2), page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")]), bytes(content)))
    for argv in _backups(tmp_path):
        status, out, err = run(*argv, path)
        assert (status, error_line(err)[:24], len(out) < 1 << 16) == (1, b"page 4 at offset 16384: ", True), argv
    assert run("verify", "--deep", path)[0] == 1
