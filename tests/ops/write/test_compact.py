"""``compact``: bbolt's file by its committed hash, dense copies, and no copy at all where something is wrong."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import boltcli
from boltcli.errors import (
    ArgumentError,
    BoltError,
    Corrupted,
    DamagedSource,
    DestinationError,
    DestinationExists,
    DestinationIsSource,
)
from boltcli.ops.write import compact as module
from boltcli.storage.snapshot import Snapshot
from tests.compat import compacted
from tests.compat.goldens import sha256
from tests.conftest import HAS_KERNEL
from tests.damage.mutations import sample
from tests.support import DATABASES, FIXTURES, ROOT, error_line, fixture, freelist, page, pgid, run, small

LINES = compacted.load()


def content(bucket: boltcli.Bucket) -> list[object]:
    """All that a bucket holds, nested buckets with their sequence."""
    return [
        (key, value.sequence, content(value)) if isinstance(value, boltcli.Bucket) else (key, value)
        for key, value in bucket.items()
    ]


def settled(items: list[object]) -> list[object]:
    """``items`` of ``content`` in key order; of equal keys the last one stays, as in a database that takes them."""
    found: dict[bytes, object] = {}
    for item in items:
        assert isinstance(item, tuple)
        found[item[0]] = (*item[:2], settled(item[2])) if len(item) == 3 else item
    return [found[key] for key in sorted(found)]


def assert_sound_copy(source: Path, copy: Path) -> None:
    with boltcli.open(source) as before, boltcli.open(copy) as after:
        assert list(after.check()) == []
        assert content(after) == content(before)


@pytest.mark.slow
@pytest.mark.usefixtures("walks")
@pytest.mark.parametrize("name", sorted({line.name for line in LINES}))
def test_the_file_that_bbolt_writes(name: str, tmp_path: Path) -> None:
    for number, line in enumerate(line for line in LINES if line.name == name):
        copy = tmp_path / str(number)
        done = boltcli.compact(
            fixture(name), copy, page_size=line.page_size, tx_max_size=line.tx_max_size, sync=False
        )  # fmt: skip
        assert (done.size, sha256(copy)) == (line.size, line.sha256), line


@pytest.mark.skipif(not HAS_KERNEL, reason="the kernel was not built, or is turned off")
@pytest.mark.parametrize("limit", [-(1 << 70), -1, 0, 1, 3 << 20, 1 << 70], ids=str)
def test_the_kernel_takes_any_limit(limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOLTCLI_KERNEL", "0")
    with Snapshot(str(fixture("values"))) as snapshot:
        plain = module.compact(snapshot, str(tmp_path / "plain"), tx_max_size=limit, sync=False)
    monkeypatch.setenv("BOLTCLI_KERNEL", "1")
    monkeypatch.setattr(module, "_copy", None)  # what the kernel leaves to Python
    with Snapshot(str(fixture("values"))) as snapshot:
        done = module.compact(snapshot, str(tmp_path / "copy"), tx_max_size=limit, sync=False)
    assert sha256(tmp_path / "copy") == sha256(tmp_path / "plain")
    assert done.transactions == plain.transactions


@pytest.mark.skipif(not HAS_KERNEL, reason="the kernel was not built, or is turned off")
@pytest.mark.parametrize("fill_percent", [10, 50, 90, 100])
@pytest.mark.parametrize("name", ["values", "long-keys", "nested-8", "inline"])
def test_both_write_the_same_dense_copy(
    name: str, fill_percent: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = set()
    for kernel in ("0", "1"):
        monkeypatch.setenv("BOLTCLI_KERNEL", kernel)
        for page_size in (1024, 4096):
            copy = tmp_path / f"{kernel}-{page_size}"
            boltcli.compact(
                fixture(name), copy, dense=True, fill_percent=fill_percent, page_size=page_size, sync=False
            )  # fmt: skip
            found.add((page_size, sha256(copy)))
    assert len(found) == 2


def test_every_fixture_is_among_them() -> None:
    assert {line.name for line in LINES} == {path.stem for path in DATABASES}


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"page_size": 1024}, {"page_size": 65536}, {"fill_percent": 50}], ids=str)
@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_dense_copies(path: Path, options: dict[str, int], tmp_path: Path) -> None:
    dense = boltcli.compact(path, tmp_path / "dense", dense=True, sync=False, **options)  # type: ignore[arg-type]
    assert_sound_copy(path, tmp_path / "dense")
    assert (tmp_path / "dense").stat().st_size == dense.size
    with boltcli.open(tmp_path / "dense") as db:
        assert dense.size % db.page_size == 0
        assert not options.get("page_size") or db.page_size == options["page_size"]
    if "fill_percent" not in options:
        plain = boltcli.compact(path, tmp_path / "plain", sync=False, **options)  # type: ignore[arg-type]
        assert dense.size <= plain.size
        assert (dense.pairs, dense.buckets) == (plain.pairs, plain.buckets)


def test_large_values_share_their_pages(tmp_path: Path) -> None:
    values = [(b"%03d" % number, b"x" * 3000) for number in range(100)]
    pages = [page(4 + index, 2, [pair]) for index, pair in enumerate(values)]
    branch = page(104, 1, [(key, pgid(4 + index)) for index, (key, _) in enumerate(values)])
    root = page(3, 2, [(b"b", pgid(104) + pgid(0), b"\1")])
    (tmp_path / "source").write_bytes(small(freelist(2), root, *pages, branch))
    done = boltcli.compact(tmp_path / "source", tmp_path / "copy", dense=True, page_size=4096)
    assert_sound_copy(tmp_path / "source", tmp_path / "copy")
    assert done.size < 90 * 4096  # 100 values of 3000 bytes: 74 pages, were there nothing between them


def test_the_line(tmp_path: Path) -> None:
    status, out, err = run("compact", "-o", tmp_path / "copy", fixture("document"), "--page-size", "4096")
    assert (status, out, err) == (0, b"262144 -> 65536 bytes (gain=4.00x)\n", b"")
    status, out, err = run("compact", "-o", tmp_path / "dense", fixture("document"), "--dense", "--page-size=4096")
    assert (status, out, err) == (0, b"262144 -> 32768 bytes (gain=8.00x)\n", b"")


# What cannot be done.


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"page_size": 3000}, "page size 3000 is not a power of two from 1024 to 65536"),
        ({"page_size": 512}, "page size 512 is not"),
        ({"page_size": 131072}, "page size 131072 is not"),
        ({"dense": True, "fill_percent": 9}, "fill percent 9 is not between 10 and 100"),
        ({"dense": True, "fill_percent": 101}, "fill percent 101 is not"),
        ({"fill_percent": 50}, "fill percent applies to dense copies only"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, int], words: str, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=words):
        boltcli.compact(fixture("empty"), tmp_path / "copy", **options)  # type: ignore[arg-type]
    assert os.listdir(tmp_path) == []


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.write_bytes(b"precious")
    with pytest.raises(DestinationExists):
        boltcli.compact(fixture("inline"), copy)
    status, _, err = run("compact", "-o", copy, fixture("inline"))
    assert (status, copy.read_bytes()) == (1, b"precious")
    assert error_line(err) == f'output file "{copy}" already exists'.encode()
    assert b"hint: --force replaces it\n" in err
    assert run("compact", "--force", "-o", copy, fixture("inline"))[0] == 0
    assert_sound_copy(fixture("inline"), copy)
    assert error_line(run("compact", "--force", "-o", tmp_path, fixture("inline"))[2]).endswith(b"already exists")


def test_the_source_is_never_the_destination(tmp_path: Path) -> None:
    source = tmp_path / "source.db"
    source.write_bytes(fixture("inline").read_bytes())
    (tmp_path / "link").symlink_to(source)
    os.link(source, tmp_path / "hard")
    (tmp_path / "folder").mkdir()
    for path in (source, tmp_path / "link", tmp_path / "hard", tmp_path / "folder" / ".." / "source.db"):
        for replace in (True, False):
            with pytest.raises(DestinationIsSource):
                boltcli.compact(source, path, replace=replace)
        status, _, err = run("compact", "--force", "-o", path, source)
        assert status == 1
        assert error_line(err) == f'output file "{path}" is the source database'.encode()
    assert source.read_bytes() == fixture("inline").read_bytes()


@pytest.mark.usefixtures("walks")
def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for name in ("pwritev", "pwrite"):
        monkeypatch.setattr(os, name, full)
    copy = tmp_path / "copy"
    with pytest.raises(DestinationError, match="No space left on device"):
        boltcli.compact(fixture("inline"), copy)
    assert error_line(run("compact", "-o", copy, fixture("inline"))[2]) == (
        f"write {copy}: no space left on device".encode()
    )
    assert os.listdir(tmp_path) == []


@pytest.mark.usefixtures("walks")
@pytest.mark.parametrize("missing", [(), ("pwritev",), ("pwritev", "pwrite")], ids=str)
def test_systems_without_the_quick_calls(
    missing: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in missing:
        monkeypatch.delattr(os, name)
    boltcli.compact(fixture("values"), tmp_path / "copy", tx_max_size=1000, page_size=4096, sync=False)
    line = next(line for line in LINES if (line.name, line.page_size, line.tx_max_size) == ("values", 4096, 1000))
    assert sha256(tmp_path / "copy") == line.sha256


@pytest.mark.usefixtures("walks")
def test_a_write_that_takes_a_part_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.pwritev

    def part(fd: int, pieces: list[bytes], offset: int) -> int:
        return real(fd, [b"".join(pieces)[:1000]], offset)

    monkeypatch.setattr(os, "pwritev", part)
    monkeypatch.setattr(os, "pwrite", lambda fd, data, offset: real(fd, [data[:700]], offset))
    boltcli.compact(fixture("inline"), tmp_path / "copy", page_size=4096, sync=False)
    line = next(line for line in LINES if (line.name, line.page_size, line.tx_max_size) == ("inline", 4096, 65536))
    assert sha256(tmp_path / "copy") == line.sha256


@pytest.mark.usefixtures("walks")
def test_interrupted_it_leaves_nothing(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        boltcli.compact(fixture("inline"), tmp_path / "copy", progress=stop)
    assert os.listdir(tmp_path) == []


@pytest.mark.usefixtures("walks")
def test_progress_goes_up(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    boltcli.compact(fixture("depth-4"), tmp_path / "copy", progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert 0 < told[-1][0] <= told[-1][1]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that takes a second or so to copy: some fixture's pages again and again."""
    path = tmp_path_factory.mktemp("large") / "large.db"
    leaf = [(b"%08d", b"v" * 84)] * 36
    count = 20000
    pages: list[bytes] = []
    entries: list[tuple[bytes, bytes]] = []
    for number in range(count):
        pairs = [(key % (number * 36 + index), value) for index, (key, value) in enumerate(leaf)]
        entries.append((pairs[0][0], pgid(4 + number)))
        pages.append(page(4 + number, 2, pairs))
    branches: list[bytes] = []
    above: list[tuple[bytes, bytes]] = []
    for start in range(0, count, 150):
        above.append((entries[start][0], pgid(4 + count + len(branches))))
        branches.append(page(4 + count + len(branches), 1, entries[start : start + 150]))
    top = 4 + count + len(branches)
    root = page(3, 2, [(b"b", pgid(top) + pgid(0), b"\1")])
    path.write_bytes(small(freelist(2), root, *pages, *branches, page(top, 1, above)))
    return path


@pytest.mark.sampled(4)
@pytest.mark.slow
@pytest.mark.usefixtures("walks")
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("options", [[], ["--dense"]], ids=["default", "dense"])
def test_killed_at_any_moment(large: Path, options: list[str], tmp_path: Path) -> None:
    before = sha256(large), large.stat().st_mtime_ns
    copy = tmp_path / "copy.db"
    command = [sys.executable, "-m", "boltcli", "compact", *options, "-o", str(copy), str(large)]
    begun = time.monotonic()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    whole = time.monotonic() - begun
    complete = sha256(copy)
    copy.unlink()
    source = random.Random(50)
    killed = 0
    for _ in range(12):  # about fifty in all four ways
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(source.uniform(0, whole))
        process.send_signal(source.choice((signal.SIGKILL, signal.SIGINT, signal.SIGTERM)))
        status = process.wait()
        found = os.listdir(tmp_path)
        if not found:
            killed += 1
            assert status
        else:  # it was done, if perhaps not yet gone
            assert found == ["copy.db"]
            assert sha256(copy) == complete
            copy.unlink()
    assert killed > 2
    assert (sha256(large), large.stat().st_mtime_ns) == before


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.usefixtures("walks")
def test_a_large_database(large: Path, tmp_path: Path) -> None:
    done = boltcli.compact(large, tmp_path / "copy", sync=False)
    assert done.pairs == 720000
    with boltcli.open(tmp_path / "copy") as db:
        assert list(db.check()) == []
        assert len(db.bucket("b")) == 720000


# Sources that aren't sound.


def _damaged(tmp_path: Path, *pages: bytes) -> Path:
    source = tmp_path / "source.db"
    source.write_bytes(small(*pages))
    return source


LEAF = [(b"a", b"1"), (b"b", b"2")]
ROOT_PAGE = page(3, 2, [(b"bucket", pgid(4) + pgid(0), b"\1")])


@pytest.mark.usefixtures("walks")
@pytest.mark.parametrize(
    ("pages", "words"),
    [
        ((ROOT_PAGE, page(9, 2, LEAF)), "the page identifies itself as page 9"),
        ((ROOT_PAGE, page(4, 1, [(b"a", pgid(4))])), "the page is its own ancestor"),
        ((ROOT_PAGE, page(4, 0x10)), "beyond the end of the file"),  # its first element leads to page 0, that to 4096
        ((page(3, 2, [(b"bucket", b"short", b"\1")]),), "too small to be a bucket"),
        ((page(3, 2, [(b"", pgid(4) + pgid(0), b"\1")]), page(4, 2, LEAF)), "bucket name required"),
        ((ROOT_PAGE, page(4, 1, [(b"a", pgid(2**40))])), "beyond the end of the file"),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_damage_is_the_end(pages: tuple[bytes, ...], words: str, tmp_path: Path) -> None:
    source = _damaged(tmp_path, freelist(2), *pages)
    for options in ([], ["--dense"]):
        status, out, err = run("compact", *options, "-o", tmp_path / "copy", source)
        assert (status, out) == (1, b"")
        assert words in error_line(err).decode()
        assert os.listdir(tmp_path) == ["source.db"]
    with pytest.raises((DamagedSource, Corrupted)):
        boltcli.compact(source, tmp_path / "copy")


@pytest.mark.usefixtures("walks")
@pytest.mark.parametrize(
    ("pages", "pairs"),
    [
        ((page(3, 2, [(b"x", pgid(3) + pgid(0), b"\1")]),), None),
        ((ROOT_PAGE, page(4, 2, [(b"x", pgid(4) + pgid(0), b"\1")])), None),
        ((page(3, 2, [(name, pgid(4) + pgid(0), b"\1") for name in (b"x", b"y")]), page(4, 2, LEAF)), 4),
    ],
    ids=["root", "itself", "two-buckets"],
)
def test_copying_comes_to_an_end_whatever_the_check_says(
    pages: tuple[bytes, ...], pairs: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copying must not rely on the check: the file may change meanwhile."""
    monkeypatch.setattr(module, "check", lambda snapshot: iter(()))
    source = _damaged(tmp_path, freelist(2), *pages)
    for dense in (True, False):
        if pairs is None:
            with pytest.raises(Corrupted, match="nested in itself"):
                boltcli.compact(source, tmp_path / "copy", dense=dense)
            assert os.listdir(tmp_path) == ["source.db"]
            continue
        boltcli.compact(source, tmp_path / "copy", dense=dense)
        with boltcli.open(tmp_path / "copy") as db:
            assert list(db.check()) == []
            assert sum(len(bucket) for _, bucket in db.items() if isinstance(bucket, boltcli.Bucket)) == pairs
        (tmp_path / "copy").unlink()


def test_a_bucket_that_two_elements_lead_to_is_copied_twice(tmp_path: Path) -> None:
    """As bbolt does it: what the check says of it is a warning."""
    shared = page(3, 2, [(name, pgid(4) + pgid(0), b"\1") for name in (b"x", b"y")])
    source = _damaged(tmp_path, freelist(2), shared, page(4, 2, LEAF))
    for options in ([], ["--dense"]):
        status, _, err = run("compact", "--force", *options, "-o", tmp_path / "copy", source)
        assert status == 0
        assert err.startswith(b"warning: page 4: multiple references")
        with boltcli.open(tmp_path / "copy") as copy:
            assert dict(copy.bucket("x").range()) == dict(copy.bucket("y").range()) != {}
            assert not list(copy.check())


def test_pages_that_are_lost_are_told(tmp_path: Path) -> None:
    """They are no reason to refuse: a copy is how one gets rid of them, and bbolt makes it."""
    lost = [page(5 + number, 2, LEAF) for number in range(6)]
    source = _damaged(tmp_path, freelist(2), ROOT_PAGE, page(4, 2, LEAF), *lost)
    status, out, err = run("compact", "--page-size=4096", "-o", tmp_path / "copy", source)
    assert (status, out) == (0, b"45056 -> 32768 bytes (gain=1.38x)\n")
    assert err.splitlines() == [
        b"warning: page 5: unreachable unfreed",
        b"warning: page 6: unreachable unfreed",
        b"warning: page 7: unreachable unfreed",
        b"warning: 3 more findings; see boltcli check",
    ]
    assert boltcli.compact(source, tmp_path / "again").warnings[0] == "page 5: unreachable unfreed"


def test_a_freelist_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    source = _damaged(tmp_path, page(2, 2, LEAF), ROOT_PAGE, page(4, 2, LEAF))
    status, _, err = run("compact", "-o", tmp_path / "copy", source)
    assert status == 0
    assert err.startswith(b"warning: page 2 at offset 8192: invalid freelist page, its type is leaf")
    with boltcli.open(tmp_path / "copy") as db:
        assert list(db.check()) == []
        assert dict(db.bucket("bucket")) == dict(LEAF)


@pytest.mark.usefixtures("walks")
def test_pages_laid_out_in_another_way(tmp_path: Path) -> None:
    """With a gap behind the element table, say: such a page is written anew, key by key."""
    moved = bytearray(page(4, 2, LEAF))
    for element in (0, 1):
        moved[16 + 16 * element + 4] += 8
    moved[56:60], moved[48:52] = moved[48:52], bytes(4)
    source = _damaged(tmp_path, freelist(2), ROOT_PAGE, bytes(moved))
    boltcli.compact(source, tmp_path / "copy")
    boltcli.compact(source, tmp_path / "dense", dense=True)
    for copy in ("copy", "dense"):
        assert_sound_copy(source, tmp_path / copy)
    plain = _damaged(tmp_path, freelist(2), ROOT_PAGE, page(4, 2, LEAF))
    boltcli.compact(plain, tmp_path / "plain")
    assert sha256(tmp_path / "plain") == sha256(tmp_path / "copy")


def _can_be_searched(path: Path) -> bool:
    """A copy needs no branch keys, so it may hold what a search, as `content` does it, can't find any more."""
    try:
        with boltcli.open(path) as db:
            content(db)
    except Corrupted:
        return False
    return True


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.usefixtures("walks")
def test_damaged_fixtures_give_the_whole_content_or_an_error(tmp_path: Path) -> None:
    refused = copied = 0
    for path in (fixture("inline"), fixture("after-deletes"), fixture("nested-8"), FIXTURES / "bucket-and-key-mix.db"):
        for mutation in sample(path.read_bytes(), 120, "compact"):
            mutant = tmp_path / "mutant.db"
            mutant.write_bytes(mutation.apply(path.read_bytes()))
            for dense in (False, True):
                try:
                    boltcli.compact(mutant, tmp_path / "copy", dense=dense, sync=False)
                except BoltError:
                    refused += 1
                    assert os.listdir(tmp_path) == ["mutant.db"]
                    continue
                copied += 1
                if _can_be_searched(mutant):
                    with boltcli.open(mutant) as before, boltcli.open(tmp_path / "copy") as after:
                        assert list(after.check()) == []
                        assert content(after) == settled(content(before))
                (tmp_path / "copy").unlink()
    assert refused > 100
    assert copied > 100


@pytest.mark.parametrize("there", ["empty file", "empty database", "database", "text"])
def test_what_is_at_the_destination(there: str, tmp_path: Path) -> None:
    """bbolt writes into an empty file and into a new database; what holds anything stays."""
    output, new, source = tmp_path / "out.db", tmp_path / "new.db", tmp_path / "source.db"
    source.write_bytes(fixture("one-bucket").read_bytes())
    source.chmod(0o644)  # the fixture's mode is the one of the checkout, and no copy is more open than its source
    found = {
        "empty file": b"", "empty database": fixture("empty").read_bytes(),
        "database": fixture("inline").read_bytes(), "text": b"text",
    }[there]  # fmt: skip
    output.write_bytes(found)
    output.chmod(0o640)
    assert run("compact", "-o", new, source)[0] == 0
    status, _, err = run("compact", "-o", output, source)
    if there.startswith("empty"):
        assert (status, output.read_bytes()) == (0, new.read_bytes())
        assert output.stat().st_mode & 0o777 == 0o640
    else:
        assert (status, output.read_bytes()) == (1, found)
        assert error_line(err).endswith(b"already exists")
