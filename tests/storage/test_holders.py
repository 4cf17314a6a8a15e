"""Who holds a lock: by real processes, and by the lock table's text."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from boltcli.storage import holders as module
from boltcli.storage.holders import Holder, holders
from boltcli.storage.source import Source, open_source
from tests.live import held
from tests.support import fixture, run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="flock")
linux = pytest.mark.skipif(sys.platform != "linux", reason="the lock table is Linux's")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    copy = tmp_path / "test.db"
    copy.write_bytes(fixture("one-bucket").read_bytes())
    return copy


@pytest.fixture
def source(path: Path) -> Iterator[Source]:
    opened = open_source(str(path), "none")
    yield opened
    opened.close()


def test_nobody(path: Path) -> None:
    assert run("lock", path) == (0, b"not locked\n", b"")
    status, out, err = run("lock", f"{path}x")
    assert (status, out) == (1, b"")
    assert err.startswith(b"Error: source database file ")


@linux
def test_a_writer(path: Path, source: Source) -> None:
    with held(path) as pid:
        (holder,) = holders(source)
        assert (holder.pid, holder.mode, holder.waits) == (pid, "exclusive", False)
        assert holder.writes is False  # it hasn't mapped the file: not bbolt's way
        status, out, err = run("lock", path)
    assert (status, err) == (3, b"")
    lines = out.decode().splitlines()
    assert lines[0:2] == ["Lock: exclusive", f"Process: {pid}"]
    assert lines[2].startswith(f"Command: {sys.executable} -c ?import fcntl")
    assert lines[3].startswith("Running since: 20")
    assert lines[4:] == ["Writer: no"]


@linux
@pytest.mark.parametrize(("mode", "writes"), [("r+b", True), ("rb", False)])
def test_a_writer_as_bbolt_is_one(mode: str, writes: bool, path: Path, source: Source) -> None:
    script = (
        "import fcntl, mmap, sys; f = open(sys.argv[1], sys.argv[2]); fcntl.flock(f, fcntl.LOCK_EX); "
        "m = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ); print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, path, mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert [holder.writes for holder in holders(source)] == [writes]
        process.communicate()


@linux
def test_readers(path: Path) -> None:
    with held(path, "LOCK_SH", "rb") as first, held(path, "LOCK_SH", "rb") as second:
        status, out, _ = run("lock", path)
    assert status == 2
    assert out.count(b"Lock: shared\n") == 2
    assert b"Writer" not in out
    for pid in first, second:
        assert f"\nProcess: {pid}\n".encode() in out


@linux
def test_who_waits(path: Path, source: Source) -> None:
    script = "import fcntl, sys; f = open(sys.argv[1], 'rb'); print(flush=True); fcntl.flock(f, fcntl.LOCK_SH)"
    with held(path) as pid:
        waiter = subprocess.Popen([sys.executable, "-c", script, path], stdout=subprocess.PIPE)
        assert waiter.stdout is not None
        waiter.stdout.readline()
        until = time.monotonic() + 20
        while len(found := holders(source)) < 2 and time.monotonic() < until:
            time.sleep(0.01)
        assert {(holder.pid, holder.mode, holder.waits) for holder in found} == {
            (pid, "exclusive", False),
            (waiter.pid, "shared", True),
        }
        assert b"Lock: shared, waiting for it\n" in run("lock", path)[1]
    waiter.communicate()


@pytest.mark.parametrize(("mode", "status", "word"), [("LOCK_EX", 3, "exclusive"), ("LOCK_SH", 2, "shared")])
def test_without_a_lock_table(mode: str, status: int, word: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another system, or a holder outside of the container: that somebody holds it can be told, not who."""
    monkeypatch.setattr(module, "_TABLE", os.devnull)
    with held(path, mode):
        unknown = "Process: unknown\nCommand: unknown\nRunning since: unknown\n"
        writer = "Writer: unknown\n" if word == "exclusive" else ""
        assert run("lock", path) == (status, f"Lock: {word}\n{unknown}{writer}".encode(), b"")
        if word == "exclusive":
            said = run("info", path, "--lock=try")[2]
            assert said.startswith(b"boltcli: another process holds the lock; without it, reading transaction ")
    assert run("lock", path) == (0, b"not locked\n", b"")


def test_odd_tables(path: Path, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    file = os.fstat(source.fd)
    place = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
    table = f"""\
1: POSIX  ADVISORY  WRITE 77 {place} 0 EOF
2: FLOCK  ADVISORY  WRITE 78 {place}1 0 EOF
3: FLOCK  ADVISORY  WRITE 79 ff:ff:{file.st_ino} 0 EOF
4: FLOCK  ADVISORY  READ {os.getpid()} {place} 0 EOF
5: FLOCK  ADVISORY  WRITE -1 {place} 0 EOF
5: -> FLOCK  ADVISORY  READ 81 {place} 0 EOF
6: LEASE  ACTIVE    READ 82 {place} 0 EOF
7: FLOCK  ADVISORY  WRITE 83 <none>:0 0 EOF
8:
"""
    read = module._read
    monkeypatch.setattr(module, "_read", lambda name: table.encode() if name == "/proc/locks" else read(name))
    assert [(holder.mode, holder.pid, holder.waits) for holder in holders(source)] == [
        ("exclusive", None, False),
        ("shared", 81, True),
    ]


def test_names_for_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_read", lambda name: b"/bin/\x1b[31mred\0serve\0" if name.endswith("cmdline") else b"")
    assert str(Holder("exclusive", 7)) == "process 7 (?[31mred)"
    monkeypatch.setattr(module, "_read", lambda _: b"")
    assert str(Holder("exclusive", 7)) == "process 7"
    assert str(Holder("exclusive")) == "another process"
