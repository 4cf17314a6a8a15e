"""Every write writes all, on every system; what can't be read is an error, never the bytes of an earlier attempt."""

from __future__ import annotations

import ast
import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import boltcli
from boltcli.errors import Changed, OpenError
from boltcli.storage import live, private_copy
from boltcli.storage.files import write_all
from boltcli.storage.private_copy import CopyFile
from boltcli.storage.snapshot import Snapshot
from boltcli.storage.source import Source, open_source
from boltcli.tree.page_map import free_pages
from tests.live import PAD, Writer
from tests.support import fixture, run

PACKAGE = Path(boltcli.__file__).parent
PAGE = 4096
# Where a file is read and written at a position, with a substitute for systems that lack these calls; and bytes that
# go to a pipe or a terminal, where a part is as good.
AT_POSITIONS = {"storage/files.py"}
TO_STREAMS = {"cli/streams.py", "__main__.py"}
GUARDED = {"preadv", "pwritev"}  # used behind hasattr

need_pwrite = pytest.mark.skipif(not hasattr(os, "pwrite"), reason="a system without pwrite")


@pytest.mark.slow
def test_files_are_written_in_one_way() -> None:
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "os"):
                continue
            called = node.func.attr
            if called in ("pwrite", "pread"):
                assert name in AT_POSITIONS, f"{name}: os.{called}"
            elif called == "write":
                assert name in AT_POSITIONS | TO_STREAMS, f"{name}: os.write may write a part"
            elif called in GUARDED:
                assert f'hasattr(os, "{called}")' in path.read_text() or "RWF_NOWAIT" in path.read_text(), name


def _short(most: int) -> Callable[[int, memoryview, int], int]:
    """A pwrite that writes a few bytes at a time."""
    real = os.pwrite

    def pwrite(fd: int, data: memoryview, at: int) -> int:
        return real(fd, memoryview(data)[:most], at)

    return pwrite


@pytest.mark.parametrize("way", ["whole", "short", "without"])
@pytest.mark.parametrize("at", [0, 5, None])
def test_all_is_written(way: str, at: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if way == "without":
        monkeypatch.delattr(os, "pwrite", raising=False)
    elif way == "short":
        real = os.write
        if hasattr(os, "pwrite"):
            monkeypatch.setattr(os, "pwrite", _short(3))
        monkeypatch.setattr(os, "write", lambda fd, data: real(fd, memoryview(data)[:3]))
    path = tmp_path / "file"
    path.write_bytes(b"-" * 20)
    fd = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    os.lseek(fd, 2, os.SEEK_SET)
    for data in (b"0123456789", bytearray(b"0123456789"), memoryview(b"0123456789")):
        write_all(fd, data, at)
        if at is None:
            os.lseek(fd, 2, os.SEEK_SET)
    os.close(fd)
    start = 2 if at is None else at
    assert path.read_bytes() == b"-" * start + b"0123456789" + b"-" * (10 - start)


@need_pwrite
@pytest.mark.parametrize("way", ["short", "without"])
@pytest.mark.parametrize("line", [
    "compact -o DEST FILE", "compact --dense -o DEST FILE", "redact -o DEST FILE", "redact --keys -o DEST FILE",
    "recover -o DEST FILE", "import -o DEST LINES", "patch -o DEST FILE CHANGES", "check - ",
    "surgery revert-meta-page --output DEST FILE", "surgery freelist abandon --output DEST FILE",
])  # fmt: skip
def test_results_are_the_same(line: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system writes a part at a time, and where it has no pwrite, pread and so on (Windows)."""
    source, lines, changes = fixture("document"), tmp_path / "lines", tmp_path / "changes"
    lines.write_bytes(run("export", source)[1])
    changes.write_bytes(b'{"op":"add","bucket":["new"]}\n')
    named = {"FILE": source, "LINES": lines, "CHANGES": changes}

    def made(name: str) -> bytes:
        dest = tmp_path / name
        words = [dest if word == "DEST" else named.get(word, word) for word in line.split()]
        if "-" in words:
            with source.open("rb") as given:
                before = os.dup(0)
                os.dup2(given.fileno(), 0)
                try:
                    return run(*words)[1]
                finally:
                    os.dup2(before, 0)
                    os.close(before)
        assert run(*words)[0] == 0
        return dest.read_bytes()

    whole = made("whole")
    monkeypatch.delattr(os, "copy_file_range", raising=False)
    monkeypatch.delattr(os, "pwritev", raising=False)
    if way == "short":
        monkeypatch.setattr(os, "pwrite", _short(1000))
    else:
        for name in ("pwrite", "pread", "preadv"):
            monkeypatch.delattr(os, name, raising=False)
    assert made(way) == whole


@need_pwrite
def test_a_backup_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also on a file system without links, where it is copied."""

    def no_link(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    path, changes = tmp_path / "db", tmp_path / "changes"
    path.write_bytes(fixture("document").read_bytes())
    changes.write_bytes(b'{"op":"add","bucket":["new"]}\n')
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    monkeypatch.setattr(os, "link", no_link)
    monkeypatch.setattr(os, "pwrite", _short(1000))
    assert run("patch", path, changes, "--in-place")[0] == 0
    assert (tmp_path / "db.bak").read_bytes() == fixture("document").read_bytes()


class _BadSector:
    """Makes reads of a file fail, or end, from a position on: those that begin at or go beyond it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, *, cut: bool = False) -> None:
        self.at = at
        self.cut = cut
        self.on = True
        self._pread = os.pread
        self._preadv = os.preadv
        monkeypatch.setattr(os, "pread", self._one)
        monkeypatch.setattr(os, "preadv", self._many)
        monkeypatch.delattr(os, "copy_file_range", raising=False)

    def _size(self, position: int, size: int) -> int:
        """How much can be read. Raises OSError in the bad sector."""
        if not self.on or position + size <= self.at:
            return size
        if self.cut:
            return max(self.at - position, 0)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def _one(self, fd: int, size: int, position: int) -> bytes:
        return self._pread(fd, self._size(position, size), position)

    def _many(self, fd: int, parts: list[memoryview], position: int, *flags: int) -> int:
        (part,) = parts
        return self._preadv(fd, [part[: self._size(position, len(part))]], position, *flags)


@contextmanager
def _source(path: Path) -> Iterator[Source]:
    source = open_source(str(path), "none")
    try:
        yield source
    finally:
        source.close()


need_preadv = pytest.mark.skipif(not hasattr(os, "preadv"), reason="a system without preadv")


@need_preadv
@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("commits", [0, 1, 2])
@pytest.mark.parametrize("cut", [False, True])
def test_a_copy_is_of_the_last_state(
    in_memory: bool, commits: int, cut: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing stays of an attempt that failed; pages that are left out are zeros."""
    monkeypatch.setattr(private_copy, "clone", lambda fd, path: -1)
    monkeypatch.setattr(private_copy, "_CHUNK", 4 * PAGE)
    monkeypatch.setattr(private_copy, "_GAP", 1)  # no free page is copied
    if not in_memory:
        monkeypatch.setattr("boltcli.storage.files.IN_MEMORY", 0)
    writer = Writer(tmp_path / "db", size=1 << 20)
    sector = _BadSector(monkeypatch, (PAD + 20) * PAGE, cut=cut)
    with _source(writer.path) as source, CopyFile(source, free_pages) as copy:
        with pytest.raises(Changed if cut else OpenError, match=r"cut short" if cut else r"^read .*: Input/output"):
            copy.fill()
        sector.on = False
        for _ in range(commits):
            writer.commit()
        copy.fill()
        with copy.snapshot() as there, Snapshot(str(writer.path)) as here:
            assert there.meta.txid == here.meta.txid == writer.txid
            assert there.mode == here.mode
            free = free_pages(here)
            content, here_content = there.buffer, here.buffer
            for page in range(2, here.page_count):
                start, stop = page * PAGE, (page + 1) * PAGE
                if page not in free:
                    assert content[start:stop] == here_content[start:stop], page
                elif commits != 1:  # then they are those of the state before, which was followed
                    assert content[start:stop] == bytes(PAGE), page
            assert any(here_content[page * PAGE : (page + 1) * PAGE] != bytes(PAGE) for page in free)


def test_only_long_runs_of_free_pages_are_left_out() -> None:
    free = [2, 3, 5, 6, 7, 9, 20]
    for gap, left_out in ((1, [2, 3, 5, 6, 7, 9]), (2, [2, 3, 5, 6, 7]), (3, [5, 6, 7]), (4, [])):
        spans = private_copy._missing(bytearray(10), free, 10, gap, 3)
        assert [page for first, last in spans for page in range(first, last)] == [
            page for page in range(2, 10) if page not in left_out
        ]
    assert list(private_copy._missing(bytearray(10), [8, 9], 10, 2, 4)) == [(2, 6), (6, 8)]


@need_preadv
@pytest.mark.parametrize("cut", [False, True])
def test_a_page_that_was_not_read_is_not_copied(cut: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_copy, "clone", lambda fd, path: -1)
    monkeypatch.setattr(private_copy, "_CHUNK", PAGE)
    writer = Writer(tmp_path / "db", size=1 << 20)
    _BadSector(monkeypatch, (PAD + 20) * PAGE, cut=cut)
    with _source(writer.path) as source, pytest.raises(Changed if cut else OpenError) as caught:
        CopyFile(source, free_pages).fill()
    if not cut:
        assert str(caught.value) == f"read {writer.path}: Input/output error"


@need_preadv
@pytest.mark.parametrize("command", ["keys", "export", "check"])
def test_a_disk_that_fails_is_an_error(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the copy on, as if the tries on the file itself had met a busy writer."""
    monkeypatch.setattr(private_copy, "clone", lambda fd, path: -1)
    monkeypatch.setattr(live, "_DIRECT", ())
    monkeypatch.setattr(live, "_COPIES", (0.0, 0.0, 0.0))
    monkeypatch.setattr(live, "_PAUSES", (0.0, 0.0, 0.0))
    writer = Writer(tmp_path / "db", size=3 << 20)
    words = [command, "--no-lock", str(writer.path), *(["data"] if command == "keys" else [])]
    assert run(*words)[0] == 0
    sector = _BadSector(monkeypatch, (PAD + 300) * PAGE)
    status, out, err = run(*words)
    assert (status, out) == (1, b"")
    assert err.startswith(f"Error: read {writer.path}: input/output error\n".encode())
    sector.on = False
    assert run(*words)[0] == 0


@need_preadv
def test_a_failure_is_not_one_of_the_attempt_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would count as another change of the file, and be hidden by more attempts."""
    monkeypatch.setattr(private_copy, "clone", lambda fd, path: -1)
    writer = Writer(tmp_path / "db", size=3 << 20)
    with live.Live(open_source(str(writer.path), "none")) as attempts:
        with pytest.raises(Changed), attempts.snapshot():
            writer.commit()
        _BadSector(monkeypatch, (PAD + 300) * PAGE)
        with pytest.raises(OpenError):
            attempts.snapshot(copy=True)
        attempts.check_unchanged()
