"""Find the processes that hold a file's lock, from Linux's lock table ``/proc/locks`` and ``/proc/PID`` (proc(5))."""

from __future__ import annotations

import os

from ..record import Record
from .files import release_lock, take_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import Literal, Protocol

    class OpenFile(Protocol):  # a Source
        fd: int
        path: str


_TABLE = "/proc/locks"


class Holder(Record):
    """A process that holds the file's lock (``mode`` exclusive or shared), or ``waits`` for it.

    ``pid``, ``command`` and ``since``, the start of the process in UTC, are None if unknown. ``writes``: whether it has
    the file open for writing and mapped, like a bbolt writer; None if unknown.
    """

    __slots__ = ("mode", "waits", "pid", "command", "since", "writes", "_name")  # noqa: RUF023
    if TYPE_CHECKING:
        mode: str
        waits: bool
        pid: int | None
        command: str | None
        since: datetime | None
        writes: bool | None
        _name: str

    def __init__(self, mode: str, pid: int = 0, *, waits: bool = False, writes: bool | None = None) -> None:
        words = _words(pid)
        command = " ".join(words)
        super().__init__(mode, waits, pid or None, command or None, _since(pid), writes, os.path.basename(words[0]))

    def __str__(self) -> str:
        return f"process {self.pid}" + (f" ({self._name})" if self._name else "") if self.pid else "another process"


class Holders(tuple[Holder, ...]):
    """The other processes that hold a file's lock, or wait for it."""

    __slots__ = ()

    @property
    def mode(self) -> Literal["exclusive", "shared"] | None:
        """The mode in which they hold it; None if none does."""
        modes = {holder.mode for holder in self if not holder.waits}
        return "exclusive" if "exclusive" in modes else "shared" if modes else None


def describe_holder(source: OpenFile) -> str:
    """Return a description of the process that prevents a reader from locking."""
    return str(writer(source) or Holder(""))


def writer(source: OpenFile) -> Holder | None:
    """Return the process that holds the exclusive lock; None if there is none."""
    return next((holder for holder in holders(source) if holder.mode == "exclusive" and not holder.waits), None)


def holders(source: OpenFile) -> Holders:
    """Return the other processes that hold the flock(2) lock or wait for it; if the system lists none, try the lock."""
    file = os.fstat(source.fd)
    found = [
        Holder(mode, pid, waits=waits, writes=_writes(pid, file) if mode == "exclusive" and not waits else None)
        for mode, pid, waits in _table(file)
        if pid != os.getpid()
    ]
    if not found and (mode := _probe(source.path, file)):
        found = [Holder(mode)]
    return Holders(found)


def openers(source: OpenFile) -> list[Holder]:
    """Return other processes that have the file open, including those that wait for its lock, as far as visible."""
    file = os.fstat(source.fd)
    try:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []
    return [Holder("open", pid) for pid in pids if pid != os.getpid() and _descriptors(pid, file)]


def _table(file: os.stat_result) -> Iterator[tuple[str, int, bool]]:
    """Yield the flock(2) entries of ``file`` in the lock table: mode, process, and whether it only waits."""
    for line in _read(_TABLE).decode("ascii", "replace").splitlines():
        try:
            kind, _, mode, number, place = line.replace("-> ", "").split()[1:6]
            major, minor, inode = place.split(":")
            device, pid = (int(major, 16), int(minor, 16)), max(int(number), 0)
        except ValueError:  # the file is "<none>"
            continue
        if kind != "FLOCK" or inode != str(file.st_ino):
            continue
        # On btrfs and overlayfs the table has another device than stat; then the process must have the file open.
        if device == (os.major(file.st_dev), os.minor(file.st_dev)) or _descriptors(pid, file):
            yield "exclusive" if mode == "WRITE" else "shared", pid, "->" in line


def _descriptors(pid: int, file: os.stat_result) -> list[str]:
    folder = f"/proc/{pid}/fd"
    found = []
    try:
        for name in os.listdir(folder):
            try:
                if os.path.samestat(os.stat(f"{folder}/{name}"), file):
                    found.append(name)
            except OSError:
                continue  # closed in the meantime
    except OSError:
        pass  # the process has ended, or belongs to another user
    return found


def _writes(pid: int, file: os.stat_result) -> bool | None:
    descriptors = _descriptors(pid, file)
    if not descriptors:
        return None
    facts = [line for name in descriptors for line in _read(f"/proc/{pid}/fdinfo/{name}").splitlines()]
    if not any(line.startswith(b"flags:") and int(line.split()[1], 8) & 3 == os.O_RDWR for line in facts):
        return False
    inode = str(file.st_ino).encode()
    return any(inode in line.split(maxsplit=5)[4:5] for line in _read(f"/proc/{pid}/maps").splitlines())


def _probe(path: str, file: os.stat_result) -> str:
    """Return the mode that the file is locked in by others: exclusive, shared, or empty."""
    try:
        # Open the file again: a duplicated descriptor shares its lock, and releasing it would release our own.
        other = os.open(path, os.O_RDONLY)
    except OSError:
        return ""
    try:
        if os.path.samestat(os.fstat(other), file):
            for exclusive, mode in ((False, "exclusive"), (True, "shared")):
                try:
                    take_lock(other, exclusive=exclusive)
                    release_lock(other)
                except BlockingIOError:
                    return mode
    except OSError:
        pass  # this file system has no locks
    finally:
        os.close(other)
    return ""


def _words(pid: int) -> list[str]:
    """Return the words of the process's command line; else its name; else an empty word."""
    text = os.fsdecode(_read(f"/proc/{pid}/cmdline").rstrip(b"\0") or _read(f"/proc/{pid}/comm").strip())
    # A process can choose any name, and this is shown on a terminal: escape control characters.
    return ["".join(char if char.isprintable() else "?" for char in word) for word in text.split("\0")]


def _since(pid: int) -> datetime | None:
    try:
        # The name, second, is in parentheses and may hold any character.
        ticks = int(_read(f"/proc/{pid}/stat").rpartition(b")")[2].split()[19])
        booted = next(int(line.split()[1]) for line in _read("/proc/stat").splitlines() if line.startswith(b"btime"))
    except (IndexError, ValueError, StopIteration):
        return None
    from ..text.times import utc_time

    return utc_time(int((booted + ticks / os.sysconf("SC_CLK_TCK")) * 1000) * 1_000_000)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
