"""The files that are read: a destination is none of them, under whatever name, and isn't open to more users than they.

While a command runs (:class:`Reading`), each file that it opened or that was named to it counts until it ends, as
results are often written after their sources were closed. In a library call those count that are open.
"""

from __future__ import annotations

import os
from itertools import chain

from ..read_errors import OpenError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import BinaryIO

    Key = tuple[int, int]  # device and inode
    Held = tuple[Key, int]  # a file that is read, and its permission bits

_TYPE, _REGULAR = 0o170000, 0o100000
_PRIVATE = 0o600  # the mode of what has none that is known: a pipe, a remote object
_ALL = 0o7777
read_timeout = 30.0  # seconds for which a server may send nothing; 0: for ever
OPEN: list[Held] = []  # each database as often as it is open
_OTHERS: list[Held] = []  # other files that a library call reads
_reading: Reading | None = None  # the command that runs


class Reading:
    """Context manager around a command. It reads ``paths``, and ``rewritten``, which it may also replace."""

    def __init__(self, paths: Iterable[str] = (), rewritten: Iterable[str] = ()) -> None:
        self.paths: list[Iterable[str]] = [list(paths)]  # with those that are found later; there may be millions
        self.rewritten = list(rewritten)
        self.modes: dict[Key, int] = {}  # of the files that were opened
        self.stdin_is = ""  # what was read from standard input
        self.stdin = -1  # the file with a database from there, which may be opened again
        self.streams = {found[0] for stream in (1, 2) if (found := _file(stream)) is not None}
        self._before: Reading | None = None

    def refuse_stream(self, path: str, *, database: bool) -> None:
        """Raise DestinationIsSource if the process's output goes into the file that ``path`` names."""
        for held in _named([[path]]) if self.streams else ():
            self._refuse_stream(held, path, database=database)

    def note(self, held: Held, path: str) -> None:
        """Note that a file is read. Raises DestinationIsSource if the process's output goes there."""
        self._refuse_stream(held, path)
        self.modes[held[0]] = held[1]

    def _refuse_stream(self, held: Held, path: str, *, database: bool = True) -> None:
        if held[0] in self.streams:
            from ..errors import DestinationIsSource

            raise DestinationIsSource(path, database=database)

    def __enter__(self) -> Reading:
        global _reading
        self._before, _reading = _reading, self
        return self

    def __exit__(self, *_: object) -> None:
        global _reading
        _reading = self._before
        if self.stdin >= 0:
            os.close(self.stdin)
            self.stdin = -1


class Read:
    """Context manager: the file at ``place``, a path or what has a descriptor, is read until the end of the block; it
    is a ``database`` or another file."""

    def __init__(self, place: str | BinaryIO, *, database: bool) -> None:
        self._place = place
        self._files = OPEN if database else _OTHERS
        self._held: Held | None = None

    def __enter__(self) -> None:
        place = self._place
        self._held = next(_named([[place]]), None) if isinstance(place, str) else _file_of(place)
        if self._held is not None:
            self._files.append(self._held)

    def __exit__(self, *_: object) -> None:
        if self._held is not None:
            self._files.remove(self._held)


def hold(fd: int, path: str) -> Held:
    """Note that the file ``fd`` is read. Raises DestinationIsSource if the running command's output goes there."""
    return _hold(_held(os.fstat(fd)), path)


def hold_local(address: str, path: str) -> Held | None:
    """Note that a file is read by its address, as :func:`hold`; None if the address is not of a file here."""
    found = _file(_local(address))
    return None if found is None else _hold(found, path)


def _hold(held: Held, path: str) -> Held:
    if _reading is not None:
        _reading.note(held, path)
    OPEN.append(held)
    return held


def take_stdin(what: str, name: str = "standard input") -> None:
    """Note that standard input is read as ``what``: changes, say. Raises OpenError if it is closed or was read."""
    import sys

    if sys.stdin is None:  # it was closed at the start; its descriptor may belong to another file now
        raise OpenError("read", name, "Bad file descriptor")
    if _reading is None:
        return
    if _reading.stdin_is:
        raise OpenError("read", name, f"it was already read as {_reading.stdin_is}")
    _reading.stdin_is = what
    try:
        found = _file(sys.stdin.fileno())
    except (OSError, ValueError):  # not a file
        return
    if found is None:
        note_unknown()
    else:
        _reading.note(found, name)


def stdin_file(read: Callable[[], int]) -> int:
    """Return the file with the database from standard input, which ``read`` makes once for the running command."""
    if _reading is None:
        return read()
    if _reading.stdin < 0:
        _reading.stdin = read()
    return os.dup(_reading.stdin)


def name(paths: Iterable[str]) -> None:
    """Note that the running command reads these files, perhaps in other processes."""
    if _reading is not None:
        _reading.paths.append(paths)


def note_unknown() -> None:
    """Note that the running command reads something whose permissions aren't known."""
    if _reading is not None:
        _reading.modes[-1, len(_reading.modes)] = _PRIVATE


def refuse(path: str, found: os.stat_result) -> None:
    """Raise DestinationIsSource if the file at ``path``, with this status, is one of those."""
    from ..errors import DestinationIsSource

    key = _held(found)[0]
    if key in dict(OPEN) or (_reading is not None and key in _reading.modes):
        raise DestinationIsSource(path)
    if key in dict(_OTHERS) or (_reading is not None and any(key == other for other, _ in _named(_reading.paths))):
        raise DestinationIsSource(path, database=False)


def refuse_output(stream: BinaryIO) -> None:
    """Raise DestinationIsSource if what is written to ``stream`` goes into one of those."""
    if _file_of(stream) is not None:
        refuse(str(getattr(stream, "name", stream)), os.fstat(stream.fileno()))


def strictest(mode: int = _ALL) -> int:
    """Return the permission bits that ``mode`` and all files that are read have in common."""
    files: Iterable[Held] = [*OPEN, *_OTHERS]
    if _reading is not None:
        files = chain(_reading.modes.items(), _named([*_reading.paths, _reading.rewritten]))
    for _, other in files:
        mode &= other
    return mode


def split_member(path: str) -> tuple[str, list[str]]:
    """Split ``FILE!member`` into the file and the names of the members; there are none if FILE doesn't exist."""
    at = path.find("!")
    while at >= 0:
        if at and path[at + 1 :] and os.path.isfile(path[:at]):
            return path[:at], path[at + 1 :].split("!")
        at = path.find("!", at + 1)
    return path, []


def _named(names: Iterable[Iterable[str]]) -> Iterator[Held]:
    """Return the files of these names, also those that could not be opened."""
    return filter(None, (_file(split_member(_local(path))[0]) for path in chain.from_iterable(names)))


def _local(name: str) -> str:
    """Return the path of a file here that is named by an address of fsspec's, perhaps below others; else the name."""
    protocol, mark, path = name.rpartition("::")[2].partition("://")
    return os.path.expanduser(path) if mark and protocol in ("file", "local") else name


def _file(place: int | str) -> Held | None:
    """Return the regular file that is open as ``place``, or at that path; None if it is something else, or nothing."""
    try:
        found = os.stat(place)
    except (OSError, ValueError):  # an address, standard input, a closed descriptor
        return None
    return _held(found) if found.st_mode & _TYPE == _REGULAR else None


def _file_of(stream: BinaryIO) -> Held | None:
    """Return the regular file that ``stream`` reads or writes; None if it is something else."""
    try:
        return _file(stream.fileno())
    except (AttributeError, OSError, ValueError):  # it has no descriptor, or is closed
        return None


def _held(found: os.stat_result) -> Held:
    mode = found.st_mode & _ALL if found.st_mode & _TYPE == _REGULAR else _PRIVATE
    return (found.st_dev, found.st_ino), mode
