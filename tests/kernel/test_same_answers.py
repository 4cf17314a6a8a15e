"""The kernel, or Python many pages at a time, finds what reading a page at a time finds: in sound and damaged files."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from boltcli.errors import BoltError
from boltcli.fleet import engine
from boltcli.format.bucket import BucketRef, buckets_in
from boltcli.ops.check import database_check as check
from boltcli.ops.read import key_pages as keys_module
from boltcli.ops.read.key_pages import all_keys, keyed_leaves
from boltcli.ops.stats import buckets as stats
from boltcli.storage.snapshot import Snapshot
from boltcli.text.values import lines
from boltcli.tree.bucket import root_bucket
from boltcli.tree.walk import leaf_pages
from tests.damage.mutations import sample
from tests.damage.test_damage import SOURCES
from tests.support import DATABASES, fixture, freelist, page, pgid, small

MUTANTS = 40
Findings = list[bytes]


@pytest.fixture
def few_pages_at_once(walks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file gets to all the code, too."""
    monkeypatch.setattr(keys_module, "_PAGES", 2)


def _never(*_: object, **__: object) -> bool:
    return False


def _check(snapshot: Snapshot) -> Findings:
    return [finding.line() for finding in check.check(snapshot)]


def _stats(snapshot: Snapshot) -> object:
    try:
        count, total = stats.database_stats(snapshot)
    except BoltError as error:
        return str(error)
    return count, total.numbers()


def _buckets(snapshot: Snapshot) -> Iterator[BucketRef]:
    """As many buckets as can be read, each before those inside it; of a damaged file, a hundred at most."""
    todo = [root_bucket(snapshot)]
    for _ in range(100):
        if not todo:
            return
        bucket = todo.pop()
        yield bucket
        try:
            for leaf_page in leaf_pages(snapshot, bucket):
                todo += buckets_in(leaf_page)
        except BoltError:
            continue


def _write(keys: list[bytes]) -> bytes:
    return lines(keys, "hex")


def _keys(snapshot: Snapshot, bucket: BucketRef) -> list[bytes | str]:
    written: list[bytes] = []
    try:
        for keys in all_keys(snapshot, bucket):
            written.append(_write(keys))
    except BoltError as error:
        return [b"".join(written), str(error)]
    return [b"".join(written)]


def _keys_one_by_one(snapshot: Snapshot, bucket: BucketRef) -> list[bytes | str]:
    written: list[bytes] = []
    try:
        for _, keys in keyed_leaves(snapshot, bucket):
            written.append(_write(keys))
    except BoltError as error:
        return [b"".join(written), str(error)]
    return [b"".join(written)]


def _assert_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        snapshot = Snapshot(str(path))
    except BoltError:
        return  # nothing to read
    with snapshot:
        quick = _check(snapshot), _stats(snapshot)
        with monkeypatch.context() as patch:
            patch.setattr(check, "is_sound", _never)
            patch.setenv("BOLTCLI_KERNEL", "0")
            careful = _check(snapshot), _stats(snapshot)
        assert quick == careful
        for bucket in _buckets(snapshot):
            if bucket.root:
                assert _keys(snapshot, bucket) == _keys_one_by_one(snapshot, bucket)


@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
@pytest.mark.usefixtures("few_pages_at_once")
def test_sound_files(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _assert_same(path, monkeypatch)


@pytest.mark.sampled(3)
@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.usefixtures("few_pages_at_once")
def test_damaged_files(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = fixture(name).read_bytes()
    path = tmp_path / "mutant.db"
    for number, mutation in enumerate(sample(content, MUTANTS, f"bulk {name}")):
        path.write_bytes(mutation.apply(content))
        try:
            _assert_same(path, monkeypatch)
        except AssertionError as error:
            raise AssertionError(f"{name} mutant {number}: {mutation.what}") from error


def _tree_with_a_leaf_twice() -> bytes:
    """Two branches below a root, and a leaf that both lead to."""
    leaves = [page(6, 2, [(b"a", b""), (b"b", b"")]), page(7, 2, [(b"c", b""), (b"d", b"")])]
    branches = [page(4, 1, [(b"a", pgid(6)), (b"c", pgid(7))]), page(5, 1, [(b"e", pgid(7)), (b"f", pgid(6))])]
    bucket = page(8, 1, [(b"a", pgid(4)), (b"e", pgid(5))])
    root = page(3, 2, [(b"b", pgid(8) + pgid(0), b"\1")])
    return small(freelist(2), root, *branches, *leaves, bucket)


@pytest.mark.usefixtures("few_pages_at_once")
def test_a_page_met_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "test.db"
    path.write_bytes(_tree_with_a_leaf_twice())
    _assert_same(path, monkeypatch)
    with Snapshot(str(path)) as snapshot:
        bucket = BucketRef(8, 0)
        (text,) = _keys(snapshot, bucket)
        assert text == _write([b"a", b"b", b"c", b"d", b"c", b"d", b"a", b"b"])


@pytest.mark.usefixtures("few_pages_at_once")
def test_a_page_of_two_buckets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "test.db"
    shared = pgid(4) + pgid(0)
    root = page(3, 2, [(b"a", shared, b"\1"), (b"b", shared, b"\1")])
    path.write_bytes(small(freelist(2), root, page(4, 2, [(b"k", b"v")])))
    _assert_same(path, monkeypatch)
    with Snapshot(str(path)) as snapshot:
        assert _check(snapshot) == [b"page 4: multiple references (stack: [4])"]


def test_a_bucket_that_ends_beyond_its_page(tmp_path: Path, walks: str) -> None:
    inner = pgid(5) + bytes(8)
    content = bytearray(small(freelist(2), page(3, 2, [(b"a", pgid(4) + bytes(8), b"\1")]),
                              page(4, 2, [(b"b", inner, b"\1")]), page(5, 2, [])))  # fmt: skip
    path = tmp_path / "a.db"
    for size in (16, 4096 - 16, 1 << 31):
        content[4 * 4096 + 28 : 4 * 4096 + 32] = size.to_bytes(4, "little")
        path.write_bytes(content)
        with Snapshot(str(path)) as snapshot:
            if size == 16:
                assert stats.database_stats(snapshot)[1].buckets == 2
                continue
            with pytest.raises(BoltError, match="beyond its page"):
                stats.database_stats(snapshot)


@pytest.mark.usefixtures("walks")
def test_an_inline_page_of_another_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """bbolt's statistics count such a bucket, and not what is in it."""
    path = tmp_path / "test.db"
    value = pgid(0) + pgid(0) + page(0, 2, [(b"k", b"v")], page_size=64)
    for inline, keys in ((value, 3), (value[:24] + b"\1" + value[25:], 2)):
        leaf = page(4, 2, [(b"inline", inline, b"\1"), (b"pair", b"")])
        path.write_bytes(small(freelist(2), page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")]), leaf))
        _assert_same(path, monkeypatch)
        with Snapshot(str(path)) as snapshot:
            assert stats.database_stats(snapshot)[1].keys == keys


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The ids of the processes that a test makes, all of which must be gone at its end."""
    pids: list[int] = []
    fork = os.fork

    def recorded() -> int:
        pid = fork()
        pids.append(pid)
        return pid

    monkeypatch.setattr(os, "fork", recorded)
    yield pids
    for pid in pids:
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


@pytest.mark.parametrize("ending", ["raises", "is killed", "is killed as it answers"])
def test_a_process_that_dies_is_an_error(ending: str, forked: list[int]) -> None:
    def dies(item: int) -> bytes:
        if item == 5:
            if ending == "raises":
                raise MemoryError
            if ending == "is killed":
                os.kill(os.getpid(), signal.SIGKILL)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            return bytes(1 << 28)
        return b""

    with pytest.raises(BoltError, match="a worker process ended unexpectedly"):
        list(engine.run(dies, range(8), range(8), jobs=2))
    assert len(forked) == 2


def test_processes_are_ended_with_whoever_reads_them(forked: list[int]) -> None:
    def slow(item: int) -> bytes:
        time.sleep(1000 if item > 7 else 0)
        return bytes(100_000)

    rows = engine.run(slow, range(100), range(100), jobs=3)
    assert isinstance(rows, Generator)
    assert [len(next(rows)[1]) for _ in range(7)] == [100_000] * 7
    began = time.monotonic()
    rows.close()
    assert len(forked) == 3
    assert time.monotonic() - began < 5


@pytest.mark.slow
def test_items_as_they_come(forked: list[int]) -> None:
    def slow_at_first(item: int) -> int:
        time.sleep(0.5 if item == 0 else 0)
        return item * item

    assert list(engine.run(slow_at_first, range(3), range(3), jobs=2))[-1] == (0, 0)
    assert len(forked) == 2
    assert list(engine.run(slow_at_first, range(3), [2], jobs=2)) == [(2, 4)]
    assert len(forked) == 2  # one item needs no process


def _inline(count: int, flags: int = 2, root: int = 0) -> bytes:
    """The value of an inline bucket of ``count`` pairs, as long as any other of them."""
    pairs = [(b"%02d" % number, b"v") for number in range(count)]
    return (pgid(root) + pgid(0) + page(0, flags, pairs, page_size=16)).ljust(160, b"\0")


@pytest.mark.parametrize(
    "odd",
    [_inline(0), _inline(3), _inline(1, flags=1), _inline(1)[:26] + b"\x0b" + _inline(1)[27:], _inline(1, root=20)],
    ids=["empty", "full", "a branch", "more elements than fit", "not inline"],
)
@pytest.mark.usefixtures("few_pages_at_once")
def test_inline_buckets_in_pages_laid_out_alike(odd: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [[b"%d%d" % (leaf, number) for number in range(4)] for leaf in range(9)]
    values = [[_inline((leaf + number) % 2 + 1) for number in range(4)] for leaf in range(9)]
    values[7][2] = odd
    leaves = [
        page(5 + leaf, 2, [(name, value, b"\1") for name, value in zip(names[leaf], values[leaf])]) for leaf in range(9)
    ]
    branch = page(4, 1, [(names[leaf][0], pgid(5 + leaf)) for leaf in range(9)])
    root = page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")])
    more = [page(number, 2, [(b"k", b"v")]) for number in range(14, 21)]
    path = tmp_path / "test.db"
    path.write_bytes(small(freelist(2, range(14, 20)), root, branch, *leaves, *more))
    _assert_same(path, monkeypatch)
