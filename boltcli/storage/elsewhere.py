"""Databases that aren't plain files at a path: packed, in a data directory, on standard input, in an object store."""

from __future__ import annotations

import os
import stat

from ..errors import OpenError, SourceNotFound
from .members import split_member
from .opened import keep_stdin, kept_stdin, note_unknown, take_stdin
from .source import Source, begins_with_meta, open_for_reading, read_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Progress = Callable[[int, int], None]

_STDIN = 0
_CHUNK = 1 << 20


def open_packed(fd: int, path: str, max_unpacked: int, progress: Progress | None) -> Source | int:
    """Return a source for the packed database at ``path``, or a descriptor if the file isn't packed.

    ``fd`` is the open file, which this function now owns, or -1 for ``FILE!member``. Raises as ``packed.unpack`` does.
    """
    members: list[str] = []
    if fd < 0:
        file, members = split_member(path)
        fd = open_for_reading(file)
    elif stat.S_ISDIR(os.fstat(fd).st_mode):
        from .data_directory import database_of

        try:
            found = database_of(path)
            if found is None:
                return fd  # the reader reports it in bbolt's words
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
        fd = open_for_reading(found)
        if begins_with_meta(fd):
            return fd
    return _unpacked(fd, path, members, max_unpacked, progress)


def open_elsewhere(path: str, max_unpacked: int, progress: Progress | None) -> Source:
    """Open standard input ("-") or an address. Raises OpenError, MissingExtra, and what ``packed.unpack`` raises."""
    if path == "-":
        fd = kept_stdin()
        if fd < 0:
            fd = _stdin(path, max_unpacked)
            keep_stdin(fd)
        if not read_at(fd, 0, 1):  # standard input is empty: "-" is a file name, as for bbolt
            os.close(fd)
            raise SourceNotFound(path)
        found = _unpacked(fd, path, [], max_unpacked, progress)
        return found if isinstance(found, Source) else Source(found, path, is_own_copy=True)
    from .packed import HEAD, is_packed
    from .remote import open_remote
    from .secrets import original_url, redact_url

    note_unknown()
    address, *members = original_url(path).split("!")
    path = redact_url(path)
    remote = open_remote(address, path)
    fd = remote.fd
    try:
        if not members and (begins_with_meta(fd) or not is_packed(read_at(fd, 0, HEAD))):
            return Source(fd, path, is_own_copy=True, remote=remote)
        remote.fetch_all()
        remote.verify()
    except BaseException:
        os.close(fd)
        raise
    packed = _unpacked(fd, path, members, max_unpacked, progress)
    assert isinstance(packed, Source)
    return packed


def _unpacked(fd: int, path: str, members: list[str], max_unpacked: int, progress: Progress | None) -> Source | int:
    """Return ``fd`` if the file is not packed, else close it and return a source for the unpacked database."""
    from .packed import HEAD, is_packed, unpack

    made: Source | None = None
    try:
        if not members and not is_packed(read_at(fd, 0, HEAD)):
            return fd
        made = Source(unpack(fd, path, members, max_unpacked, progress), path, is_own_copy=True)
        made.hold(fd)  # the packed file
    except BaseException:
        os.close(fd)
        if made is not None:
            made.close()
        raise
    os.close(fd)
    return made


def _stdin(path: str, max_unpacked: int) -> int:
    """Return a descriptor of a file that contains all of standard input."""
    from .packed import MAX_UNPACKED
    from .unnamed import Unnamed

    take_stdin("a database")
    target = Unnamed(path)
    limit = max_unpacked or MAX_UNPACKED
    try:
        while part := os.read(_STDIN, _CHUNK):
            target.write(part)
            if target.size > limit:
                raise OpenError("read", "standard input", f"it has more than {limit} bytes (--max-unpacked)")
        return target.take()
    except OSError as error:
        raise OpenError("read", "standard input", error.strerror or str(error)) from error
    finally:
        target.close()
