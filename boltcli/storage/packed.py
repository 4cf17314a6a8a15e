"""Unpack databases (gzip, xz, bzip2, zstandard, zip, tar, also nested) once, to an unnamed file.

The first bytes of a file say how it is packed, not its name. In an archive, the only member that is a bolt database is
used, or the named one: ``FILE!member``. Limits on size and ratio stop archives made to fill the disk: they hold for
each layer (what a decompressor yields, skipped members included), and for what is written.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from copy import copy
from io import BytesIO
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import ArgumentError, BoltError, UnpackError
from ..extras import need
from ..format.magic import TAR, ZEROS, ZIP, is_bolt, is_packed, kind_of
from .files import Unnamed

if TYPE_CHECKING:
    from ..progress import Progress

Read = Callable[[int], bytes]
Allow = Callable[[int], None]  # raises if a layer has yielded more bytes than it may

MAX_UNPACKED = 64 << 30  # bytes
MAX_RATIO = 1000
_FREE = 256 << 20  # bytes that any file may unpack to, as new databases are mostly zeros
_CHUNK = 1 << 20
HEAD = 64 << 10  # bytes read to recognise a file
_DEPTH = 4  # levels of nested packing
_LISTED = 12  # members listed in an error
_PEEKED = 64 << 20  # bytes of each layer that are unpacked only to recognise a file
_TAR_HEADS = 4 << 20  # bytes of the headers of one member of a tar: long names, pax headers, maps of sparse files
_ZIP_TABLE = 16 << 20  # bytes of a zip's table of members, which is kept in memory at 20 times its size
_BZIP2, _LZMA, _ZSTANDARD = 12, 14, 93  # methods of zip whose decompressors zipfile calls without a limit

BOLT = "a bolt database"


def unpack(fd: int, path: str, members: list[str], max_size: int, progress: Progress | None) -> int:
    """Return the descriptor of an unnamed file with the database that is packed in the file ``fd``.

    ``members`` are the names after ``!``, one for each nested archive. ``max_size`` is the limit in bytes (0: 64 GiB,
    and a thousand times the packed size). Raises UnpackError if the file is damaged or too large, ArgumentError if a
    member doesn't exist or must be chosen, MissingExtra for zstandard.
    """
    work = _Unpacking(fd, path, max_size, progress)
    try:
        with work.file, Unnamed(path) as target:
            work.database(Stream(work.file.read), work.file, members, target, 0)
            return target.take(work.mode)
    except BoltError:
        raise
    except _errors() as error:
        what = str(error) or type(error).__name__
        raise UnpackError(path, f"it is damaged or cut short ({what})") from None


def look_inside(path: str, head: bytes) -> str | None:
    """Return the kind of what is packed in a file that begins with ``head``: BOLT for a database. Raises OSError."""
    if kind_of(head) != ZIP:
        return _inner_kind(Stream(BytesIO(head).read), path)
    with open(path, "rb") as file:
        return _kind_of_archive(islice(_zip_members(file, path), _LISTED), path, ZIP)


def _kind_of_archive(members: Iterator[tuple[str, Read]], path: str, kind: str) -> str:
    """Return BOLT if one of ``members`` holds a database, else ``kind``, as far as the archive isn't damaged."""
    try:
        return BOLT if any(_inner_kind(Stream(read), path) == BOLT for _, read in members) else kind
    except _errors():
        return kind


def _inner_kind(stream: Stream, path: str) -> str | None:
    """Return the kind of the unpacked content of ``stream``, as far as that isn't damaged."""

    def allow(size: int) -> None:
        if size > _PEEKED:
            raise UnpackError(path, f"its first {_PEEKED} bytes hold no bolt database")

    for _ in range(_DEPTH + 1):
        head = _some(stream, 4096 + 64)
        kind = kind_of(head)
        if kind == TAR:
            return _kind_of_archive(_tar_members(_TarStream(stream.read, path, allow), allow), path, TAR)
        if kind not in _OPENERS:
            return BOLT if is_bolt(head) else kind
        stream = Stream(_OPENERS[kind](stream).read, allow)
    return kind


def _some(stream: Stream, size: int) -> bytes:
    """Return the first ``size`` bytes of ``stream``, or fewer if it ends early or is damaged."""
    for wanted in (size, 64, 20):
        try:
            return stream.head(wanted)
        except _errors():
            if len(stream._head) >= 20:
                break
    return stream._head


class Stream:
    """A byte stream whose first bytes can be looked at; ``allow`` is asked with the number of bytes read so far."""

    def __init__(self, read: Read, allow: Allow = lambda _: None) -> None:
        self._source = read
        self._allow = allow
        self._head = b""
        self.size = 0

    def _read(self, size: int) -> bytes:
        part = self._source(size)
        self.size += len(part)
        self._allow(self.size)
        return part

    def head(self, size: int = HEAD) -> bytes:
        """Return the first ``size`` bytes, or all if there are fewer; call this before reading."""
        while len(self._head) < size:
            part = self._read(size - len(self._head))
            if not part:
                break
            self._head += part
        return self._head

    def read(self, size: int) -> bytes:
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

    def database(self, stream: Stream, file: BinaryIO | None, members: list[str], target: Unnamed, depth: int) -> None:
        """Write the database in ``stream`` to ``target``; ``file`` is the same stream if it is seekable, else None."""
        while is_packed(head := stream.head(512)):
            kind = kind_of(head)
            if depth > _DEPTH:
                raise UnpackError(self.path, f"it is packed in more than {_DEPTH} layers")
            depth += 1
            if kind in (ZIP, TAR):
                self._member(self._members(kind, stream, file), kind, members, target, depth)
                return
            stream, file = Stream(_OPENERS[kind](stream).read, self._allow_layer), None
        if members:
            raise ArgumentError(f"{self.path}: it has no member {members[0]!r}, because it is not an archive")
        inner = kind_of(stream.head())
        if inner is not None and inner != ZEROS:  # for unknown content, opening the database reports what is wrong
            raise UnpackError(self.path, f"it contains {inner}, not a bolt database")
        self._copy(stream, target)

    def _member(
        self, parts: Iterator[tuple[str, Stream]], kind: str, members: list[str], target: Unnamed, depth: int
    ) -> None:
        wanted = members[0] if members else None
        names = _Names()  # all members
        found = _Names()  # the members that are databases
        for name, part in parts:
            names.add(name)
            if wanted is not None:
                if name.removeprefix("./") == wanted.removeprefix("./"):
                    self.database(part, None, members[1:], target, depth)
                    return
                continue
            head = part.head()
            opener = _OPENERS.get(kind_of(head)) if depth <= _DEPTH else None
            if opener is not None:
                head = _some(Stream(opener(Stream(BytesIO(head).read)).read), 4096)
            if is_bolt(head):
                found.add(f"FILE!{name}")
                if found.count == 1:
                    self.database(part, None, [], target, depth)
        if wanted is not None:
            raise ArgumentError(f"{self.path}: {kind} without a member {wanted!r}; it has {names}")
        if found.count > 1:
            raise ArgumentError(f"{self.path}: {kind} with several databases; choose one: {found}")
        if not found.count:
            raise UnpackError(self.path, f"{kind} without a bolt database; it has {names}")

    def _members(self, kind: str, stream: Stream, file: BinaryIO | None) -> Iterator[tuple[str, Stream]]:
        if kind == TAR:
            tar = _TarStream(stream.read, self.path, self._allow_layer, file)
            yield from ((name, Stream(read)) for name, read in _tar_members(tar, self._allow))
            return
        if file is not None:
            yield from self._zip_parts(file)
            return
        with Unnamed(self.path) as spool:  # the table of a zip is at its end
            self._copy(stream, spool)
            descriptor = spool.take()
        with os.fdopen(descriptor, "rb") as spooled:
            yield from self._zip_parts(spooled)

    def _zip_parts(self, file: BinaryIO) -> Iterator[tuple[str, Stream]]:
        file.seek(0)
        total = 0

        def allow_part(size: int) -> None:
            self._allow(total + size)

        for name, read in _zip_members(file, self.path):
            part = Stream(read, allow_part)
            yield name, part
            total += part.size

    def _copy(self, stream: Stream, target: Unnamed) -> None:
        while part := stream.read(_CHUNK):
            self.unpacked += len(part)
            self._allow(self.unpacked)
            target.write(part)
            if self.progress is not None:
                self.progress(self._done(), self.total)

    def _done(self) -> int:
        return min(self.file.tell(), self.total)

    def _allow(self, size: int) -> None:
        """Raise UnpackError if ``size``, the bytes that a layer has yielded, is more than it may be."""
        if self.max_size:
            if size > self.max_size:
                raise UnpackError(self.path, f"it grows beyond {self.max_size} bytes (--max-unpacked sets the limit)")
        elif size > _FREE and (size > MAX_UNPACKED or size > MAX_RATIO * self._done()):
            raise UnpackError(
                self.path,
                f"it grew to {size} bytes from {self._done()}, more than a database should (limits: 64 GiB, "
                f"{MAX_RATIO} times its size; --max-unpacked SIZE allows more)",
            )

    def _allow_layer(self, size: int) -> None:
        """Do the same for a layer that may hold a tar, whose own headers and padding are no reason to refuse it."""
        self._allow(size - (size >> 3) - _CHUNK)


class _TarStream:
    """What tarfile reads from: forward only, or by seeking in ``file``. Headers, kept in memory, may take ``room``."""

    def __init__(self, read: Read, path: str, allow: Allow, file: BinaryIO | None = None) -> None:
        if file is not None:
            file.seek(0)
        self._read = read if file is None else file.read
        self._file = file
        self._path = path
        self._allow = allow
        self._at = 0
        self.room = _TAR_HEADS

    def tell(self) -> int:
        return self._at

    def read(self, size: int) -> bytes:
        if self.room >= 0:
            if size > self.room:
                raise UnpackError(self._path, f"a member's name and headers take more than {_TAR_HEADS} bytes")
            self.room -= size
        parts = []
        while size and (part := self._read(min(size, _CHUNK))):
            parts.append(part)
            size -= len(part)
            self._at += len(part)
            self._allow(self._at)
        return b"".join(parts)

    def seek(self, position: int) -> None:
        if self._file is not None:
            self._allow(position)
            self._file.seek(position)
            self._at = position
        while self._at < position and (part := self._read(min(position - self._at, _CHUNK))):
            self._at += len(part)
            self._allow(self._at)


def _tar_members(stream: _TarStream, allow: Allow) -> Iterator[tuple[str, Read]]:
    total = 0
    with tarfile.TarFile(fileobj=stream) as tar:  # type: ignore[arg-type]
        while (entry := tar.next()) is not None:
            tar.members.clear()  # type: ignore[attr-defined]  # it would keep those of an endless archive
            stream.room = -1  # content is not kept
            if entry.isreg() and (content := tar.extractfile(entry)) is not None:
                yield entry.name, content.read
            if not entry.issparse():  # of that one holes are no bytes of the archive
                total += entry.size
                allow(total)
            stream.room = _TAR_HEADS


class _ZipFile:
    """The file that zipfile reads from: the one large read is that of the table of members."""

    def __init__(self, file: BinaryIO, path: str) -> None:
        self._path = path
        self._file = file
        self.seek = file.seek
        self.tell = file.tell
        self.seekable = file.seekable

    def read(self, size: int = -1) -> bytes:
        if size < 0:  # the comment at the end
            at = self.tell()
            size = self.seek(0, os.SEEK_END) - at
            self.seek(at)
        if size > _ZIP_TABLE:
            raise UnpackError(self._path, f"its table of members takes more than {_ZIP_TABLE} bytes")
        return self._file.read(size)


def _zip_members(file: BinaryIO, path: str) -> Iterator[tuple[str, Read]]:
    with zipfile.ZipFile(_ZipFile(file, path)) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            if info.flag_bits & 1:
                raise UnpackError(path, f"its member {info.filename!r} is encrypted")
            if info.compress_type not in (_BZIP2, _LZMA, _ZSTANDARD):
                with archive.open(info) as member:
                    yield info.filename, member.read
                continue
            raw = copy(info)  # the same bytes, not decompressed
            raw.compress_type, raw.file_size, raw.CRC = zipfile.ZIP_STORED, info.compress_size, None  # type: ignore[assignment]
            with archive.open(raw) as packed:
                yield info.filename, _checked(_zip_opened(info.compress_type, Stream(packed.read)).read, info)


def _zip_opened(method: int, stream: Stream) -> Any:
    if method != _LZMA:
        return _OPENERS["bzip2" if method == _BZIP2 else "zstandard"](stream)
    # The SDK's version (2 bytes), the size of what follows (2: it is 5), then LZMA's properties and dictionary size.
    head = stream.read(9)
    if len(head) < 9 or head[2:4] != b"\5\0" or head[4] >= 9 * 5 * 5:
        raise lzma.LZMAError("no header of LZMA")
    literal, position = head[4] % 45, head[4] // 45
    form = {
        "id": lzma.FILTER_LZMA1, "dict_size": int.from_bytes(head[5:9], "little"),
        "lc": literal % 9, "lp": literal // 9, "pb": position,
    }  # fmt: skip
    return lzma.LZMAFile(stream, format=lzma.FORMAT_RAW, filters=[form])  # type: ignore[arg-type]


def _checked(read: Read, info: Any) -> Read:
    """Return ``read`` with a check of the member's CRC and size at its end, as zipfile does it."""
    crc, size = 0, 0

    def checked(wanted: int) -> bytes:
        nonlocal crc, size
        part = read(min(wanted, info.file_size - size))
        crc, size = zlib.crc32(part, crc), size + len(part)
        if not part and wanted and (crc, size) != (info.CRC, info.file_size):
            raise zipfile.BadZipFile(f"Bad CRC-32 for file {info.filename!r}")
        return part

    return checked


def _zstandard(stream: Any) -> Any:
    zstandard = need("zstandard", "packed", "a file packed by zstd")
    return zstandard.ZstdDecompressor(max_window_size=1 << 31).stream_reader(stream, read_across_frames=True)


# What decompresses a stream of each kind.
_OPENERS: dict[str | None, Callable[[Any], Any]] = {
    "gzip": lambda stream: gzip.GzipFile(fileobj=stream, mode="rb"), "xz": lzma.LZMAFile, "bzip2": bz2.BZ2File,
    "zstandard": _zstandard,
}  # fmt: skip


def _errors() -> tuple[type[Exception], ...]:
    """Return the exceptions for damaged files, those of the decompressors, and for what is too large."""
    zstandard = sys.modules.get("zstandard")
    return (
        EOFError, OSError, ValueError, RuntimeError, NotImplementedError, lzma.LZMAError, tarfile.TarError,
        zipfile.BadZipFile, zlib.error, UnpackError, *([zstandard.ZstdError] if zstandard is not None else []),
    )  # fmt: skip


class _Names:
    """The first names of many, for an error."""

    def __init__(self) -> None:
        self.count = 0
        self._first: list[str] = []

    def add(self, name: str) -> None:
        self.count += 1
        if self.count <= _LISTED:
            self._first.append(name)

    def __str__(self) -> str:
        more = self.count - len(self._first)
        return ", ".join(self._first) + (f" and {more} more" if more else "") or "no members"
