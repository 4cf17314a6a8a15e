"""`check` on files with one defect each, built by hand; the words are bbolt's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from boltcli.ops.check.database_check import check, file_warnings, is_sound
from boltcli.storage.snapshot import BEYOND, Snapshot
from tests.support import DATABASES, ROOT, fixture, freelist, page, pgid, run, small

pytestmark = pytest.mark.usefixtures("walks")

LEAF = page(3, 2, [(b"k", b"v")])


def findings(directory: Path, content: bytes, from_page: int = 0) -> list[str]:
    path = directory / "test.db"
    path.write_bytes(content)
    with Snapshot(str(path)) as snapshot:
        return [finding.message for finding in check(snapshot, from_page)]


def bucket(root: int) -> bytes:
    return pgid(root) + pgid(0)


def test_sound(tmp_path: Path) -> None:
    assert findings(tmp_path, small(freelist(2), LEAF)) == []


@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_a_sound_file_needs_the_kernel_alone(path: Path, walks: str) -> None:
    with Snapshot(str(path)) as snapshot:
        assert is_sound(snapshot) == (walks == "kernel")


def test_freed_twice_and_reachable_freed(tmp_path: Path) -> None:
    assert findings(tmp_path, small(freelist(2, [4, 3, 4]), LEAF, page(4, 2))) == [
        "page 4: already freed",
        "page 3: reachable freed",
    ]


def test_unreachable(tmp_path: Path) -> None:
    assert findings(tmp_path, small(freelist(2), LEAF, page(4, 2), page(5, 2))) == [
        "page 4: unreachable unfreed",
        "page 5: unreachable unfreed",
    ]


def test_out_of_bounds_and_multiple_references(tmp_path: Path) -> None:
    branch = page(3, 1, [(b"a", pgid(4)), (b"b", pgid(4)), (b"c", pgid(6))])
    leaves = [page(4, 2, [(b"a", b"")]), page(5, 2), page(6, 2, [(b"c", b"")])]
    assert findings(tmp_path, small(freelist(2, [5]), branch, *leaves, hwm=5)) == [
        "page 4: multiple references (stack: [3 4])",
        "page 6: out of bounds: 5 (stack: [3 6])",
        "the first key[0]=(hex)61 on leaf page(4) needs to be >= the key in the ancestor (62). Stack: [3 4]",
    ]


def test_what_is_below_a_page_with_two_references(tmp_path: Path) -> None:
    """It is followed both times, as by bbolt."""
    root = page(3, 1, [(b"a", pgid(4)), (b"b", pgid(4))])
    pages = [root, page(4, 1, [(b"a", pgid(5))]), page(5, 2, [(b"a", b"")])]
    assert findings(tmp_path, small(freelist(2), *pages))[:2] == [
        "page 4: multiple references (stack: [3 4])",
        "page 5: multiple references (stack: [3 4 5])",
    ]


@pytest.mark.parametrize("beyond", [BEYOND - 1, BEYOND, BEYOND + 1])
def test_a_page_far_beyond_the_file(tmp_path: Path, beyond: int) -> None:
    """At the end of the ids that are kept, and after it."""
    child = 4 + beyond
    content = small(freelist(2), page(3, 1, [(b"a", pgid(child))]))
    assert findings(tmp_path, content) == [
        f"page {child} at offset {child * 4096}: the page lies beyond the end of the file (16384 bytes) "
        f"(stack: [3 {child}])"
    ]


def test_the_end_of_a_file_with_the_length_of_a_snapshot(tmp_path: Path) -> None:
    """Where a page is larger than etcd's unit, only 32 bytes after a whole page are those of a hash."""
    path = tmp_path / "test.db"
    for more, words in ((32, "32 bytes follow the last page, as in"), (544, "the file ends inside a page")):
        path.write_bytes(small(freelist(2), LEAF) + b"\1" * more)
        with Snapshot(str(path)) as snapshot:
            assert next(file_warnings(snapshot)).startswith(words)


def test_a_bucket_that_bbolt_does_not_find_by_its_name(tmp_path: Path) -> None:
    """A check from a page looks each bucket up, and passes over one that the order of keys hides."""
    names = [(name, bucket(4 + index), b"\1") for index, name in enumerate((b"c", b"a", b"b"))]
    content = small(freelist(2), page(3, 2, names), freelist(4), page(5, 2), freelist(6))
    found = findings(tmp_path, content, 3)
    assert [words for words in found if "invalid type" in words] == ["page 6: invalid type: freelist (stack: [6])"]


def test_a_page_above_the_high_water_mark(tmp_path: Path) -> None:
    """A page there is out of bounds to bbolt; the very first isn't, nor is one that is only overflow."""
    bucket_leaf = page(3, 2, [(b"a", bucket(4), b"\1"), (b"b", bucket(5), b"\1")])
    content = small(freelist(2), bucket_leaf, page(4, 2, [(b"k", b"")]), page(5, 2, [(b"k", b"")]), hwm=4)
    assert findings(tmp_path, content) == ["page 5: out of bounds: 4 (stack: [5])"]
    assert findings(tmp_path, small(freelist(2), page(3, 2, [(b"a", b"")], overflow=1), hwm=4)) == []


def test_a_bucket_too_small_for_its_inline_page(tmp_path: Path) -> None:
    leaf = page(3, 2, [(b"a", bucket(0), b"\1"), (b"b", bucket(4), b"\1")])
    assert findings(tmp_path, small(freelist(2), leaf, page(4, 2, [(b"k", b"")]))) == [
        "page 3 at offset 12288: element 0 is too small to be a bucket",
    ]


def test_a_bucket_without_a_value(tmp_path: Path) -> None:
    """What follows it could be a bucket's header."""
    leaf = page(3, 2, [(b"", b"", b"\1"), (bucket(4), b"")])
    assert findings(tmp_path, small(freelist(2), leaf, page(4, 2, [(b"k", b"")]))) == [
        "page 3 at offset 12288: element 0 is too small to be a bucket",
        "page 4: unreachable unfreed",
    ]


def test_invalid_type(tmp_path: Path) -> None:
    branch = page(3, 1, [(b"a", pgid(4))])
    assert findings(tmp_path, small(freelist(2), branch, freelist(4))) == [
        "page 4: invalid type: freelist (stack: [3 4])",
        "unexpected page type (flags: 10) for pgId:4",
    ]


def test_order_of_keys(tmp_path: Path) -> None:
    leaf = page(3, 2, [(b"b", b""), (b"a", b""), (b"a", b"")])
    assert findings(tmp_path, small(freelist(2), leaf)) == [
        "key[1]=(hex)61 on leaf page(3) needs to be > (found <) than previous element (hex)62. Stack: [3]",
        "key[2]=(hex)61 on leaf page(3) needs to be > (found =) than previous element (hex)61. Stack: [3]",
    ]


def test_a_key_that_is_that_of_the_next_page(tmp_path: Path) -> None:
    branch = page(3, 1, [(b"a", pgid(4)), (b"m", pgid(5))])
    leaves = [page(4, 2, [(b"a", b""), (b"m", b"")]), page(5, 2, [(b"n", b"")])]
    assert findings(tmp_path, small(freelist(2), branch, *leaves))[0] == (
        "key[1]=(hex)6d on leaf page(4) needs to be < than key of the next element in ancestor (hex)61. "
        "Pages stack: [3 4]"
    )


def test_a_key_beyond_its_branch(tmp_path: Path) -> None:
    branch = page(3, 1, [(b"a", pgid(4)), (b"m", pgid(5))])
    leaves = [page(4, 2, [(b"a", b""), (b"x", b"")]), page(5, 2, [(b"m", b"")])]
    assert findings(tmp_path, small(freelist(2), branch, *leaves)) == [
        "key[1]=(hex)78 on leaf page(4) needs to be < than key of the next element in ancestor (hex)61. "
        "Pages stack: [3 4]",
        "key[1]=(hex)6d on branch page(5) needs to be > (found <) than previous element (hex)78. Stack: [3]",
    ]


def test_a_page_that_fails_an_assertion_does_not_end_the_check(tmp_path: Path) -> None:
    branch = page(3, 1, [(b"a", pgid(4)), (b"m", pgid(5))])
    leaves = [page(9, 2, [(b"a", b"")]), page(5, 2, [(b"n", b""), (b"m", b"")])]
    assert findings(tmp_path, small(freelist(2), branch, *leaves)) == [
        "page 4 at offset 16384: the page identifies itself as page 9 (stack: [3 4])",
        "key[1]=(hex)6d on leaf page(5) needs to be > (found <) than previous element (hex)6e. Stack: [3 5]",
        "page 4: unreachable unfreed",
    ]


@pytest.mark.parametrize("child", [3, 4])
def test_cycles_end(tmp_path: Path, child: int) -> None:
    pages = [page(3, 1, [(b"a", pgid(4))]), page(4, 1, [(b"a", pgid(child))])]
    stack = "3 4 3" if child == 3 else "3 4 4"
    assert findings(tmp_path, small(freelist(2), *pages)) == [f"page {child}: multiple references (stack: [{stack}])"]


def test_a_bucket_nested_in_itself_ends(tmp_path: Path) -> None:
    leaf = page(3, 2, [(b"self", bucket(3), b"\1")])
    assert findings(tmp_path, small(freelist(2), leaf)) == ["page 3 at offset 12288: the bucket is nested in itself"]


@pytest.mark.sampled(2)
@pytest.mark.slow
def test_many_ways_to_a_page_are_not_all_followed(tmp_path: Path) -> None:
    """40 levels of branches whose 200 elements all lead to the next: 200**40 ways."""
    levels = 40
    pages = [page(3 + i, 1, [(b"%03d" % j, pgid(4 + i)) for j in range(100)]) for i in range(levels)]
    found = findings(tmp_path, small(freelist(2), *pages, page(3 + levels, 2, [(b"x", b"")])))
    assert found[-1].endswith("not all references were followed: there are more findings")
    status, out, err = run("check", tmp_path / "test.db")
    assert status == 1
    assert out.splitlines()[-1] == b"at least %d errors found" % (len(found) - 1)
    assert b"warning: pages are referenced so often" in err
    verdict = json.loads(run("check", "--json", tmp_path / "test.db")[1])
    assert verdict["at_least"] is True
    assert verdict["errors"] == len(found) - 1


@pytest.mark.parametrize(
    ("hwm", "more"),
    [
        (6, ["page 5: unreachable unfreed"]),  # one: as bbolt has it
        (7, ["2 of the pages 5 to 6, beyond the end of the file: unreachable unfreed"]),
        (1 << 33, ["8589934587 of the pages 5 to 8589934591, beyond the end of the file: unreachable unfreed"]),
    ],
)
def test_a_high_water_mark_beyond_the_file(tmp_path: Path, hwm: int, more: list[str]) -> None:
    found = findings(tmp_path, small(freelist(2), LEAF, page(4, 2), hwm=hwm))
    assert found == ["page 4: unreachable unfreed", *more]


def test_freed_pages_beyond_the_file_are_not_counted(tmp_path: Path) -> None:
    found = findings(tmp_path, small(freelist(2, [5, 7]), LEAF, page(4, 2), hwm=9))
    assert found[1:] == ["2 of the pages 5 to 8, beyond the end of the file: unreachable unfreed"]


@pytest.mark.slow
def test_deeper_than_python_recurses(tmp_path: Path) -> None:
    """As for bbolt, neither buckets 3000 deep nor a chain of branches as long are damage; at most 1000 are read."""
    depth = 3000
    nest = [page(3 + i, 2, [(b"b", bucket(4 + i), b"\1")]) for i in range(depth)]
    assert findings(tmp_path, small(freelist(2), *nest, page(3 + depth, 2))) == []
    chain = [page(3 + i, 1, [(b"b", pgid(4 + i))]) for i in range(depth)]
    assert findings(tmp_path, small(freelist(2), *chain, page(3 + depth, 2))) == []
    path = tmp_path / "test.db"
    path.write_bytes(small(freelist(2), *nest[:1000], page(1003, 2)))
    status, out, _ = run("stats", path)
    assert status == 0
    assert b"Number of levels in B+tree: 1000\n" in out


def test_statistics_of_a_leaf_that_claims_too_many_elements(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    content = bytearray(small(freelist(2), page(3, 2, [(b"b", bucket(4), b"\1")]), page(4, 2)))
    content[4 * 4096 + 10 : 4 * 4096 + 12] = b"\xff\x0f"
    path.write_bytes(content)
    status, out, err = run("stats", path)
    assert (status, out) == (1, b"")
    assert err.startswith(b"Error: page 4 at offset 16384: 4095 elements do not fit")


def test_a_bad_freelist_is_a_finding_and_the_trees_are_checked(tmp_path: Path) -> None:
    disorder = page(3, 2, [(b"b", b""), (b"a", b"")])
    assert findings(tmp_path, small(page(2, 2), disorder)) == [
        "page 2 at offset 8192: invalid freelist page, its type is leaf",
        "key[1]=(hex)61 on leaf page(3) needs to be > (found <) than previous element (hex)62. Stack: [3]",
    ]


def test_progress_is_told_of_every_page(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    branch = page(3, 1, [(b"a", pgid(4)), (b"m", pgid(5))])
    told: list[tuple[int, int]] = []
    for last in (b"z", b"a"):  # a sound file, and one with keys out of order
        path.write_bytes(small(freelist(2), branch, page(4, 2, [(b"a", b"")]), page(5, 2, [(b"m", b""), (last, b"")])))
        told.clear()
        with Snapshot(str(path)) as snapshot:
            found = list(check(snapshot, progress=lambda done, total: told.append((done, total))))
        assert bool(found) == (last == b"a")
        assert told[-1] == (3, 6)


def test_from_page(tmp_path: Path) -> None:
    content = small(freelist(2), LEAF, page(4, 2, [(b"b", b""), (b"a", b"")]), page(7, 2))
    assert findings(tmp_path, content, 3) == []
    assert len(findings(tmp_path, content, 4)) == 1
    assert findings(tmp_path, content, 1) == ["page ID (1) out of range [2, 6)"]
    assert findings(tmp_path, content, 6) == ["page ID (6) out of range [2, 6)"]
    assert findings(tmp_path, content, 5) == [
        "panic: assertion failed: Page expected to be: 5, but self identifies as 7"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("overflow", [1 << 20, 0xFFFFFFFF])
def test_a_freelist_that_claims_more_pages_than_the_file_has(overflow: int, tmp_path: Path) -> None:
    """No page that isn't there takes memory. bbolt's check has no objection, ours has one if it is deep."""
    content = bytearray(fixture("many-free").read_bytes())
    with Snapshot(str(fixture("many-free"))) as snapshot:
        at = snapshot.meta.freelist * snapshot.page_size
    content[at + 12 : at + 16] = overflow.to_bytes(4, "little")
    path = tmp_path / "claims.db"
    path.write_bytes(content)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30)); "
    program = limit * (sys.platform == "linux") + "from boltcli.cli.app import main; raise SystemExit(main())"
    for words in (["check"], ["check", "--deep"], ["du"], ["map"]):
        done = subprocess.run([sys.executable, "-c", program, *words, str(path)], capture_output=True, cwd=ROOT)
        assert b"out of memory" not in done.stderr, (words, done.stderr)
        assert done.returncode == ("--deep" in words), (words, done.stdout[-300:], done.stderr)
