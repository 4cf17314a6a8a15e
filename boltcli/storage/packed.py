"""Unpack databases (gzip, xz, bzip2, zstandard, zip, tar, also nested) once, to an unnamed file.

The first bytes of a file say how it is packed, not its name. In an archive, the only member that is a bolt
database is used, or the named one: ``FILE!member``. Limits on size and ratio stop archives made to fill the disk.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError, BoltError, UnpackError
from ..extras import need
from ..format.magic import ZEROS, is_bolt, kind_of
from .files import Unnamed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    Read = Callable[[int], bytes]
    Progress = Callable[[int, int], None]

MAX_UNPACKED = 64 << 30  # bytes
MAX_RATIO = 1000
_FREE = 256 << 20  # bytes that any file may unpack to, as new databases are mostly zeros
_CHUNK = 1 << 20
HEAD = 64 << 10  # bytes read to recognise a file
_DEPTH = 4  # levels of nested packing
_LISTED = 12  # members listed in an error

_STREAMS = ("gzip", "xz", "bzip2", "zstandard")
_ARCHIVES = ("a zip archive", "a tar archive")


def is_packed(head: bytes) -> bool:
    """Return whether :func:`unpack` can unpack a file that begins with ``head``."""
    return kind_of(head) in (*_STREAMS, *_ARCHIVES)


def unpack(fd: int, path: str, members: list[str], max_size: int = 0, progress: Progress | None = None) -> int:
    """Return the descriptor of an unnamed file with the database that is packed in the file ``fd``.

    ``members`` are the names after ``!``, one for each nested archive.
    ``max_size`` is the limit in bytes (0: 64 GiB, and a thousand times the
    packed size). ``progress(done, total)`` counts packed bytes. Raises
    :class:`~boltcli.errors.UnpackError` if the file is damaged or too large,
    :class:`~boltcli.errors.ArgumentError` if a member doesn't exist or must be
    chosen, :class:`~boltcli.errors.MissingExtra` for zstandard.
    """
    return _Unpacking(fd, path, max_size, progress).run(members)


def peek(path: str, head: bytes, kind: str) -> bool:
    """Return whether a packed file of ``kind`` that begins with ``head`` seems to contain a bolt database.

    Reads only ``head``, and for a zip archive the beginnings of its first members.
    """
    from io import BytesIO

    try:
        if kind == "a zip archive":
            import zipfile

            with zipfile.ZipFile(path) as archive:
                for info in archive.infolist()[:_LISTED]:
                    if not info.is_dir() and not info.flag_bits & 1:
                        with archive.open(info) as member:
                            if _begins_as_bolt(Stream(member.read)):
                                return True
            return False
        return _begins_as_bolt(Stream(BytesIO(head).read))
    except _errors():
        return False


def inner_kind(head: bytes) -> str | None:
    """Return the kind of what is compressed in a file that begins with ``head``; None if it can't be told."""
    from io import BytesIO

    stream = Stream(BytesIO(head).read)
    kind = kind_of(head)
    for _ in range(_DEPTH):
        if kind not in _STREAMS:
            break
        try:
            stream = Stream(_opened(kind, stream).read)
        except _errors():
            return None
        kind = kind_of(_some(stream, 4096))
    return kind


def _begins_as_bolt(stream: Stream) -> bool:
    """Return whether the unpacked content of ``stream`` begins with a meta page."""
    for _ in range(_DEPTH):
        kind = kind_of(_some(stream, 512))
        if kind == "a tar archive":
            import tarfile

            try:
                with tarfile.open(fileobj=stream, mode="r|") as tar:  # type: ignore[call-overload]
                    for entry in tar:
                        if entry.isreg() and (content := tar.extractfile(entry)) is not None:
                            part = Stream(content.read)
                            if _begins_as_bolt(part):
                                return True
            except _errors():
                pass
            return False
        if kind not in _STREAMS:
            break
        stream = Stream(_opened(kind, stream).read)
    return is_bolt(_some(stream, 4096 + 64))


def _some(stream: Stream, size: int) -> bytes:
    """Return the first ``size`` bytes of ``stream``, or fewer if it ends early or is damaged."""
    for wanted in (size, 64, 20):
        try:
            return stream.head(wanted)
        except _errors():
            if len(stream._head) >= 20:
                return stream._head
    return stream._head


class Stream:
    """A sequential byte stream whose first bytes can be looked at before reading."""

    __slots__ = ("_head", "_read")

    def __init__(self, read: Read) -> None:
        self._read = read
        self._head = b""

    def head(self, size: int = HEAD) -> bytes:
        """Return the first ``size`` bytes, or all if there are fewer; call this before reading."""
        while len(self._head) < size:
            part = self._read(size - len(self._head))
            if not part:
                break
            self._head += part
        return self._head

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            parts = []
            while part := self.read(_CHUNK):
                parts.append(part)
            return b"".join(parts)
        if self._head:
            part, self._head = self._head[:size], self._head[size:]
            return part
        return self._read(size)


class _Unpacking:
    def __init__(self, fd: int, path: str, max_size: int, progress: Progress | None) -> None:
        self.path = path
        self.max_size = max_size
        self.progress = progress
        self.file = os.fdopen(os.dup(fd), "rb")
        self.file.seek(0)
        status = os.fstat(fd)
        self.total = status.st_size
        self.mode = status.st_mode & 0o666
        self.unpacked = 0  # bytes, in all layers and members

    def run(self, members: list[str]) -> int:
        target = Unnamed(self.path)
        try:
            with self.file:
                found = self._database(Stream(self.file.read), self.file, list(members), target, 0)
            if not found:
                raise UnpackError(self.path, "there is no bolt database in it")
            return target.take(self.mode)
        except BoltError:
            raise
        except _errors() as error:
            what = str(error) or type(error).__name__
            raise UnpackError(self.path, f"it is damaged or cut short ({what})") from None
        finally:
            target.close()

    def _database(self, stream: Stream, file: BinaryIO | None, members: list[str], target: Unnamed, depth: int) -> bool:
        """Write the database in ``stream`` to ``target``; ``file`` is the same stream if it is seekable, else None."""
        kind = kind_of(stream.head(512))
        while kind in _STREAMS:
            if depth > _DEPTH:
                raise UnpackError(self.path, f"it is packed in more than {_DEPTH} layers")
            stream, file = Stream(_opened(kind, stream).read), None
            kind = kind_of(stream.head(512))
            depth += 1
        if kind in _ARCHIVES:
            if depth > _DEPTH:
                raise UnpackError(self.path, f"more than {_DEPTH} packings are inside each other")
            return self._member(self._members(kind, stream, file), kind, members, target, depth + 1)
        if members:
            raise ArgumentError(f"{self.path}: it has no member {members[0]!r}, because it is not an archive")
        inner = kind_of(stream.head())
        if inner is not None and inner != ZEROS:  # for unknown content, opening the database reports what is wrong
            raise UnpackError(self.path, f"it contains {inner}, not a bolt database")
        self._copy(stream, target)
        return True

    def _member(
        self, parts: Iterator[tuple[str, Read]], kind: str, members: list[str], target: Unnamed, depth: int
    ) -> bool:
        wanted = members[0] if members else None
        names: list[str] = []  # all members
        found: list[str] = []  # the members that are databases
        for name, read in parts:
            names.append(name)
            part = Stream(read)
            if wanted is not None:
                if name.removeprefix("./") == wanted.removeprefix("./"):
                    return self._database(part, None, members[1:], target, depth)
            elif is_bolt(part.head()) or self._is_packed_database(part, name, depth):
                found.append(name)
                if len(found) == 1:
                    self._database(part, None, [], target, depth)
        if wanted is not None:
            raise ArgumentError(f"{self.path}: {kind} without a member {wanted!r}; it has {_list(names)}")
        if len(found) > 1:
            raise ArgumentError(
                f"{self.path}: {kind} with several databases; choose one: " + _list([f"FILE!{name}" for name in found])
            )
        if not found:
            raise UnpackError(self.path, f"{kind} without a bolt database; it has {_list(names) or 'no members'}")
        return True

    def _is_packed_database(self, part: Stream, name: str, depth: int) -> bool:
        """Return whether a member is a compressed database, judging by its first bytes."""
        head = part.head()
        kind = kind_of(head)
        if kind not in _STREAMS or depth > _DEPTH:
            return False
        from io import BytesIO

        try:
            return is_bolt(Stream(_opened(kind, Stream(BytesIO(head).read)).read).head(4096))
        except _errors():
            return False

    def _members(self, kind: str, stream: Stream, file: BinaryIO | None) -> Iterator[tuple[str, Read]]:
        if kind == "a tar archive":
            import tarfile

            with tarfile.open(fileobj=stream, mode="r|") as tar:  # type: ignore[call-overload]
                for entry in tar:
                    if entry.isreg() and (content := tar.extractfile(entry)) is not None:
                        yield entry.name, content.read
            return
        import zipfile

        spool: Unnamed | None = None
        if file is None:  # the table of a zip is at its end
            spool = Unnamed(self.path)
            try:
                self._copy(stream, spool)
                file = os.fdopen(spool.take(), "rb")
            finally:
                spool.close()
        file.seek(0)
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                if info.is_dir():
                    continue
                if info.flag_bits & 1:
                    raise UnpackError(self.path, f"its member {info.filename!r} is encrypted")
                with archive.open(info) as member:
                    yield info.filename, member.read
        if spool is not None:
            file.close()

    def _copy(self, stream: Stream, target: Unnamed) -> None:
        while part := stream.read(_CHUNK):
            self.unpacked += len(part)
            done = min(self.file.tell(), self.total)
            if self.max_size and self.unpacked > self.max_size:
                raise UnpackError(self.path, f"it grows beyond {self.max_size} bytes (--max-unpacked sets the limit)")
            if not self.max_size and (
                self.unpacked > MAX_UNPACKED or self.unpacked > max(_FREE, MAX_RATIO * max(done, 1))
            ):
                raise UnpackError(
                    self.path,
                    f"it grew to {self.unpacked} bytes from {done}, more than a database should (limits: 64 GiB, "
                    f"{MAX_RATIO} times its size; --max-unpacked SIZE allows more)",
                )
            target.write(part)
            if self.progress is not None:
                self.progress(done, self.total)


def _opened(kind: str, stream: Stream) -> Any:
    """Return a reader that decompresses ``stream``."""
    file: Any = stream
    if kind == "gzip":
        import gzip

        return gzip.GzipFile(fileobj=file, mode="rb")
    if kind == "xz":
        import lzma

        return lzma.LZMAFile(file)
    if kind == "bzip2":
        import bz2

        return bz2.BZ2File(file)
    zstandard = need("zstandard", "packed", "a file packed by zstd")
    return zstandard.ZstdDecompressor(max_window_size=1 << 31).stream_reader(file, read_across_frames=True)


def _errors() -> tuple[type[Exception], ...]:
    """Return the exceptions that the decompressors raise for damaged files."""
    import lzma
    import sys
    import tarfile
    import zipfile
    import zlib

    found: list[type[Exception]] = [
        EOFError, OSError, ValueError, RuntimeError, NotImplementedError, lzma.LZMAError, tarfile.TarError,
        zipfile.BadZipFile, zlib.error,
    ]  # fmt: skip
    zstandard = sys.modules.get("zstandard")
    if zstandard is not None:
        found.append(zstandard.ZstdError)
    return tuple(found)


def _list(names: list[str]) -> str:
    shown = ", ".join(names[:_LISTED])
    return shown + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")
