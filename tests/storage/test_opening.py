"""Opening a file: page size, metas, sizes, and all that isn't a database."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from boltcli.errors import BoltError, ChecksumError, Corrupted, InvalidDatabase, OpenError, SourceNotFound
from boltcli.storage.snapshot import Snapshot
from tests.live import held
from tests.support import error_line, fixture, freelist, meta, page, pgid, run, small


def _write(directory: Path, content: bytes) -> str:
    path = directory / "test.db"
    path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize("size", [1024, 2048, 4096, 16384, 65536])
def test_page_size_from_either_meta(tmp_path: Path, size: int) -> None:
    rest = freelist(2, page_size=size) + page(3, 2, page_size=size)
    whole = meta(0, page_size=size) + meta(1, page_size=size) + rest
    for content in (whole, bytes(80) + whole[80:]):  # the second with meta 0 wiped: the search finds meta 1
        with Snapshot(_write(tmp_path, content)) as snapshot:
            assert snapshot.page_size == size
            assert snapshot.meta.page == 1
            assert snapshot.page(3).flags == 2


def test_an_invalid_newer_meta_is_passed_over(tmp_path: Path) -> None:
    newer = meta(1, txid=9)[:70] + b"\xff" + meta(1, txid=9)[71:]
    with Snapshot(_write(tmp_path, meta(0, txid=8) + newer + freelist(2) + page(3, 2))) as snapshot:
        assert snapshot.meta.txid == 8
        assert isinstance(snapshot.metas[1].problem(), ChecksumError)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"x", "invalid database"),
        (bytes(4095), "file size too small 4095"),
        (bytes(8192), "invalid database"),
        (b"not a database\n" * 1000, "invalid database"),
        (meta(0), "file size too small 4096"),
        (meta(0, page_size=65536)[:20000], "file size too small 20000"),
    ],
)
def test_not_a_database(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(InvalidDatabase) as caught:
        Snapshot(_write(tmp_path, content))
    assert str(caught.value) == words


@pytest.mark.parametrize("page_size", [0, 8, 1001, 4097])
def test_a_page_size_that_no_page_can_have(tmp_path: Path, page_size: int) -> None:
    """bbolt opens the file, `info` prints the size, and all that reads a page panics."""
    path = _write(tmp_path, meta(0, page_size=page_size).ljust(16384, b"\0"))
    assert run("info", path) == (0, b"Page Size: %d\n" % page_size, b"")
    for words in (["check", path], ["keys", path, "b"], ["pages", path], ["stats", path], ["du", path]):
        status, out, err = run(*words)
        assert (status, out) == (1, b"")
        assert error_line(err) == b"invalid database: page size %d" % page_size


def test_paths_that_lead_nowhere(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound):
        Snapshot(str(tmp_path / "missing"))
    with pytest.raises(SourceNotFound):
        Snapshot("")
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(OpenError, match="Not a directory"):
        Snapshot(str(tmp_path / "file" / "below"))
    with pytest.raises(InvalidDatabase):
        Snapshot(str(tmp_path))
    with pytest.raises(OpenError):
        Snapshot(_write(tmp_path, b""))
    with pytest.raises(OpenError):
        Snapshot("a\0b")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_fifo_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(BoltError):
        Snapshot(str(tmp_path / "fifo"))


def test_failures_leave_no_descriptor_open(tmp_path: Path) -> None:
    path = _write(tmp_path, bytes(8192))
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for _ in range(5):
        with pytest.raises(InvalidDatabase):
            Snapshot(path)
    if before:
        assert len(os.listdir("/proc/self/fd")) == before


def test_a_cut_last_page_reads_as_zeros_up_to_the_hosts_page(tmp_path: Path) -> None:
    whole = small(freelist(2), page(3, 2, [(b"k", b"v")]))
    with Snapshot(_write(tmp_path, whole[:-1])) as snapshot:
        assert snapshot.page(3).buffer[-1] == 0
        assert snapshot.page_count == 4
        with pytest.raises(Corrupted, match="page 4 at offset 16384: the page lies beyond the end of the file"):
            snapshot.page(4, [3, 4])


def test_page_assertions_say_where(tmp_path: Path) -> None:
    path = _write(tmp_path, small(freelist(2), page(9, 2), page(4, 3)))
    with Snapshot(path) as snapshot:
        with pytest.raises(Corrupted) as caught:
            snapshot.page(3, [7, 3])
        assert str(caught.value) == "page 3 at offset 12288: the page identifies itself as page 9 (stack: [7 3])"
        assert (caught.value.page, caught.value.offset, caught.value.path) == (3, 12288, path)
        with pytest.raises(Corrupted, match=r"unexpected page type \(flags: 3\)"):
            snapshot.page(4)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="flock")
@pytest.mark.parametrize(("mode", "free"), [("LOCK_SH", True), ("LOCK_EX", False)])
def test_the_lock_of_another_process(mode: str, free: bool, tmp_path: Path) -> None:
    """By default a snapshot is for those who have no rule for reading without the lock: it fails without it."""
    path = _write(tmp_path, fixture("one-bucket").read_bytes())
    with held(path, mode) as pid:
        if free:
            Snapshot(path).close()
        else:
            with pytest.raises(
                OpenError, match=rf"(process {pid} \(python.*\)|another process) holds the database open for writing"
            ):
                Snapshot(path)
    Snapshot(path).close()


def test_pages_read_one_by_one_are_those_of_the_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boltcli.storage.snapshot.SMALL", 8 * 4096)
    monkeypatch.setattr("boltcli.storage.snapshot._ALONE", 30)
    overflowing = page(4, 2, [(b"k", b"v" * 10000)], overflow=2)
    huge = page(7, 2, [(b"k", b"")])
    pages = [freelist(2), page(3, 2), overflowing, huge[:12] + b"\xff\xff\xff\xff" + huge[16:], page(9, 2)]
    path = _write(tmp_path, small(*pages, *[page(9, 2)] * 10)[:-1])
    with Snapshot(path) as one_by_one, Snapshot(path) as mapped:
        last = one_by_one.page_count - 1
        mapped.buffer  # noqa: B018
        for number in range(20):
            for number_of_page in (0, 2, 3, 4, 7):
                alone, other = one_by_one.page(number_of_page), mapped.page(number_of_page)
                for name in ("pgid", "flags", "count", "overflow", "file_offset"):
                    assert getattr(alone, name) == getattr(other, name), (number, name)
                content = alone.buffer[alone.offset : alone.end]
                assert content == other.buffer[other.offset : other.end]
            for other_page in (8, last, last + 1, 2**60):
                with pytest.raises(Corrupted) as first:
                    one_by_one.page(other_page, [1])
                with pytest.raises(Corrupted) as second:
                    mapped.page(other_page, [1])
                assert str(first.value) == str(second.value)


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="there is no such advice here")
def test_the_system_is_told_that_a_mapped_file_is_read_front_to_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads further ahead then; advice that it can't take is no error."""
    advised: list[int] = []

    def advise(fd: int, start: int, length: int, advice: int) -> None:
        advised.append(advice)
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "posix_fadvise", advise)
    path = fixture("values")  # a small file isn't mapped
    expected = {"check": 1, "stats": 1, "info": 0}
    for command, times in expected.items():
        advised.clear()
        assert run(*command.split(), path)[0] == 0
        assert advised == [os.POSIX_FADV_SEQUENTIAL] * times, command


def _leading_to(pos: int, leaf: bytes) -> bytes:
    """``leaf`` with another position of its first element's data, which is counted from that element."""
    return leaf[:20] + pos.to_bytes(4, "little") + leaf[24:]


@pytest.mark.parametrize("kernel", ["0", "1"])
@pytest.mark.parametrize("command", ["check", "get b k", "keys b", "stats"])
def test_what_lies_outside_a_page_is_not_read(
    command: str, kernel: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """bbolt finds it there. Here an element that leads there is damage, the same with pages read by themselves."""
    monkeypatch.setenv("BOLTCLI_KERNEL", kernel)
    nested = [(b"n", pgid(5) + pgid(0), b"\1")]
    if command == "stats":  # the nested bucket is two pages on
        leaf = _leading_to(2 * 4096 + 16, page(4, 2, nested))
    else:  # "k" is in the next page
        leaf = _leading_to(4096 + 16, page(4, 2, [(b"k", b"v"), (b"m", b"w")]))
    root = page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")])
    pages = page(2, 2), root, leaf, page(5, 2, [(b"k", b"v")]), page(6, 2, nested)
    path = _write(tmp_path, small(*pages, freelist=2**64 - 1))
    name, *more = command.split()
    done = run(name, path, *more)
    assert done[0] == 1
    said = done[1] if command == "check" else done[2]
    assert b"page 4 at offset 16384: " in said
    assert b" bytes beyond its page" in said
