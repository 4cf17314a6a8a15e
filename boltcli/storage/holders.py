"""Who holds a file's lock: the system's lock table, where there is one to read (Linux).

``/proc/locks`` lists every lock with its mode, the process that took it, and
the file's device and inode (proc(5)). What the process is, and how it has the
file open, is in ``/proc/PID``, for those who may look there.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .source import Source

_TABLE = "/proc/locks"


class Holder:
    """A process that holds the file's lock, or waits for it (``waits``).

    ``mode`` is exclusive or shared. ``pid`` is 0 and ``command`` empty where
    the system doesn't tell. ``since`` is when the process began, in seconds
    since 1970, or None: the lock isn't older; its own age is recorded nowhere.
    ``writes``: whether the process has the file open for writing and mapped
    under an exclusive lock, as a bbolt writer has; None where it can't be seen.
    """

    __slots__ = ("command", "mode", "pid", "since", "waits", "writes")

    def __init__(self, mode: str, pid: int = 0, *, waits: bool = False) -> None:
        self.mode = mode
        self.pid = pid
        self.waits = waits
        self.command = _command(pid)
        self.since = _since(pid)
        self.writes: bool | None = None

    @property
    def name(self) -> str:
        """The command's name alone."""
        return os.path.basename(self.command.partition(" ")[0])

    def __str__(self) -> str:
        if not self.pid:
            return "another process"
        return f"process {self.pid} ({self.name})" if self.name else f"process {self.pid}"


def describe_holder(source: Source) -> str:
    """Who keeps a reader from the lock, in words for a person."""
    return str(writer(source) or Holder(""))


def writer(source: Source) -> Holder | None:
    """Who holds the lock exclusively, as writers do; None if nobody does."""
    return next((holder for holder in holders(source) if holder.mode == "exclusive" and not holder.waits), None)


def holders(source: Source) -> list[Holder]:
    """Who holds the file's flock(2) lock, and who waits for it; ourselves left out.

    The table is read first. Where it says nothing (another system, or holders
    outside this container) the lock itself is tried, and let go at once: that
    tells whether somebody holds it, not who.
    """
    file = os.fstat(source.fd)
    found = [
        Holder(mode, pid, waits=waits)
        for mode, pid, device, inode, waits in _table()
        if inode == file.st_ino and _same_device(device, file.st_dev, pid, file) and pid != os.getpid()
    ]
    for holder in found:
        if holder.mode == "exclusive" and not holder.waits:
            holder.writes = _writes(holder.pid, file)
    if not found:
        mode = _probe(source.path, file)
        return [Holder(mode)] if mode else []
    return found


def openers(source: Source) -> list[Holder]:
    """Other processes that have the file open, as far as they may be seen; one that waits for its lock among them."""
    file = os.fstat(source.fd)
    try:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []
    return [Holder("open", pid) for pid in pids if pid != os.getpid() and _descriptors(pid, file)]


def _table() -> list[tuple[str, int, tuple[int, int], int, bool]]:
    """The flock(2) entries of the lock table: mode, process, device, inode, and whether it only waits."""
    entries = []
    for line in _read(_TABLE).decode("ascii", "replace").splitlines():
        words = line.split()
        waits = "->" in words
        if waits:
            words.remove("->")
        if len(words) < 6 or words[1] != "FLOCK":
            continue
        try:
            major, minor, inode = words[5].split(":")
            device = int(major, 16), int(minor, 16)
            pid, number = max(int(words[4]), 0), int(inode)
        except ValueError:  # the file is "<none>"
            continue
        entries.append(("exclusive" if words[3] == "WRITE" else "shared", pid, device, number, waits))
    return entries


def _same_device(device: tuple[int, int], st_dev: int, pid: int, file: os.stat_result) -> bool:
    # btrfs and overlayfs give a file another device than the table does: then the process must have it open.
    return device == (os.major(st_dev), os.minor(st_dev)) or bool(_descriptors(pid, file))


def _descriptors(pid: int, file: os.stat_result) -> list[str]:
    """The process's descriptors of ``file``; none if they may not be seen."""
    folder = f"/proc/{pid}/fd"
    found = []
    try:
        for name in os.listdir(folder):
            try:
                if os.path.samestat(os.stat(f"{folder}/{name}"), file):
                    found.append(name)
            except OSError:
                continue  # closed meanwhile
    except OSError:
        pass  # gone, or another user's
    return found


def _writes(pid: int, file: os.stat_result) -> bool | None:
    """Whether the process has ``file`` open for writing and mapped; None if that can't be seen."""
    descriptors = _descriptors(pid, file)
    if not descriptors:
        return None
    flags = b""
    for name in descriptors:
        for line in _read(f"/proc/{pid}/fdinfo/{name}").splitlines():
            if line.startswith(b"flags:") and int(line.split()[1], 8) & 3 == os.O_RDWR:
                flags = line
    maps = _read(f"/proc/{pid}/maps")
    inode = str(file.st_ino).encode()
    return bool(flags) and any(inode in line.split(maxsplit=5)[4:5] for line in maps.splitlines())


def _probe(path: str, file: os.stat_result) -> str:
    """The mode that the file is locked in by others: exclusive, shared, or empty."""
    try:
        import fcntl

        # Opened again: a duplicate would share its lock with the original, and lose us our own.
        other = os.open(path, os.O_RDONLY)
    except (ImportError, OSError):
        return ""
    try:
        if os.path.samestat(os.fstat(other), file):
            for attempt, mode in ((fcntl.LOCK_SH, "exclusive"), (fcntl.LOCK_EX, "shared")):
                try:
                    fcntl.flock(other, attempt | fcntl.LOCK_NB)
                except BlockingIOError:
                    return mode
    except OSError:
        pass  # no locks here
    finally:
        os.close(other)
    return ""


def _command(pid: int) -> str:
    """The process's command line, its words joined by blanks; or its name, or nothing."""
    words = _read(f"/proc/{pid}/cmdline").rstrip(b"\0").replace(b"\0", b" ")
    text = os.fsdecode(words or _read(f"/proc/{pid}/comm").strip())
    # Anybody can call a process anything, and a terminal is where this goes.
    return "".join(char if char.isprintable() else "?" for char in text)


def _since(pid: int) -> float | None:
    try:
        # The name, second, is in parentheses and may hold any character.
        ticks = int(_read(f"/proc/{pid}/stat").rpartition(b")")[2].split()[19])
        booted = next(int(line.split()[1]) for line in _read("/proc/stat").splitlines() if line.startswith(b"btime"))
    except (IndexError, ValueError, StopIteration):
        return None
    return booted + ticks / os.sysconf("SC_CLK_TCK")


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
