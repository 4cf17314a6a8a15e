"""Find files: by name or pattern, in a list, in folders."""

from __future__ import annotations

import os
import stat

from ..errors import OpenError, refused
from ..format.magic import is_bolt, kind_of
from ..storage.opened import take_stdin
from ..storage.source import is_elsewhere

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HEAD = 64 << 10  # bytes read to recognise a file
_STDIN = 0
_PACKED = {"gzip": "gzip", "xz": "xz", "bzip2": "bzip2", "zstandard": "zstandard",
           "a zip archive": "zip", "a tar archive": "tar"}  # fmt: skip


def walk(folder: str) -> Iterator[str]:
    """Yield the regular files under ``folder`` in the order of their names; links are not followed.

    Unreadable subfolders are skipped. Raises :class:`~boltcli.errors.OpenError` for ``folder`` itself.
    """
    try:
        os.listdir(folder)
    except OSError as error:
        raise refused("open", folder, error) from error
    for here, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(here, name)
            try:
                if stat.S_ISREG(os.lstat(path).st_mode):
                    yield path
            except OSError:
                continue


def kind(path: str) -> str | None:
    """Return how the bolt database at ``path`` is packed (bolt, gzip, zip, ...); None if it isn't a database.

    Reads only the first 64 KiB, and the table of a zip archive. Raises OSError.
    """
    with open(path, "rb") as file:
        head = file.read(HEAD)
    found = kind_of(head)
    if found in _PACKED:
        return _PACKED[found] if _holds_bolt(path, head, found) else None
    return "bolt" if is_bolt(head) else None


def kind_of_file(path: str) -> str:
    """Return how the database at ``path`` is packed, by its first bytes; bolt if it isn't, remote or "-" elsewhere."""
    if is_elsewhere(path):
        return "stdin" if path == "-" else "remote"
    from ..storage.members import split_member

    file, members = split_member(path)
    try:
        with open(file if members else path, "rb") as opened:
            return _PACKED.get(kind_of(opened.read(512)) or "", "bolt")
    except IsADirectoryError:
        return "directory"
    except OSError:
        return "unknown"


def _holds_bolt(path: str, head: bytes, packing: str) -> bool:
    from ..storage.packed import peek

    return peek(path, head, packing)


def expand(arguments: Iterable[str], *, recursive: bool) -> Iterator[str]:
    """Yield the files that ``arguments`` select, each once; with ``recursive`` also the databases in folders.

    An argument with ``*``, ``?`` or ``[`` that is not the name of a file is a
    pattern, in which ``**`` matches any number of folders. Raises OpenError.
    """
    seen: set[str] = set()
    for argument in arguments:
        for path in _meant(argument, recursive):
            if path not in seen or path == argument:  # a file that is named twice is yielded twice
                seen.add(path)
                yield path


def _meant(argument: str, recursive: bool) -> Iterator[str]:
    if is_elsewhere(argument):
        yield from _elsewhere(argument, recursive)
        return
    if recursive and os.path.isdir(argument):
        for path in walk(argument):
            try:
                if kind(path) is not None:
                    yield path
            except OSError:
                yield path  # errors are reported when it is opened
        return
    yield from matching(argument) or [argument]


def _elsewhere(argument: str, recursive: bool) -> Iterator[str]:
    if argument != "-" and (recursive or "*" in argument or "[" in argument):
        from ..storage import remote_folder

        if remote_folder.is_pattern(argument):
            found = list(remote_folder.matching(argument))
            yield from found or [argument]
            return
        if recursive:
            yield from remote_folder.databases_below(argument)
            return
    yield argument


def matching(pattern: str) -> list[str]:
    """Return the files that match ``pattern``, sorted; none if it is a file name. Links to folders are not followed."""
    parts = pattern.split(os.sep)
    first = next((index for index, part in enumerate(parts) if any(char in part for char in "*?[")), -1)
    if first < 0 or os.path.lexists(pattern):
        return []
    from pathlib import Path

    base = Path(os.sep.join(parts[:first]) + os.sep if first else os.curdir)
    try:
        return sorted(str(path) for path in base.glob(os.sep.join(parts[first:])) if path.is_file())
    except (OSError, ValueError, NotImplementedError):
        return []


def listed(path: str) -> list[str]:
    """Return the names in the file ``path`` ("-": standard input), one a line, or separated by NUL.

    Raises :class:`~boltcli.errors.OpenError`.
    """
    try:
        if path == "-":
            take_stdin("a list of files")
            parts = []
            while part := os.read(_STDIN, 1 << 20):
                parts.append(part)
            content = b"".join(parts)
        else:
            with open(path, "rb") as file:
                content = file.read()
    except OSError as error:
        raise OpenError("read", path, error.strerror or str(error)) from error
    names = content.split(b"\0") if b"\0" in content else content.splitlines()
    return [os.fsdecode(name) for name in names if name]
