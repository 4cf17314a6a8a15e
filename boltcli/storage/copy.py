"""Copy a file to a destination, to be changed before it appears there."""

from __future__ import annotations

import errno
import os

from ..errors import DestinationError, DestinationExists, Step
from .destination import Destination
from .positions import write_all
from .raw import RawFile
from .source import read_or_raise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CHUNK = 1 << 20  # bytes


def begin_copy(file: RawFile, output: str) -> Destination:
    """Return a destination for ``output`` with a copy of ``file``; the caller commits or closes it.

    Raises :class:`~boltcli.errors.DestinationExists` or
    :class:`~boltcli.errors.StepFailed`, in the words and the order of bbolt's ``CopyFile``.
    """
    try:
        os.stat(output)
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        raise DestinationError("stat", output, error) from error
    else:
        raise DestinationExists(output)
    with Step("failed to open source file {}", file.path):
        source = file.fd
    with Step("failed to create output file {}", output):
        if output.endswith(os.sep) and os.path.isdir(os.path.dirname(output.rstrip(os.sep)) or os.curdir):
            raise DestinationError("open", output, ValueError("Is a directory"))
        destination = Destination(output)
    try:
        with Step("failed to copy database file from {} to {}", file.path, output):
            try:
                _copy(source, destination.fd)
            except OSError as error:
                reason = error.strerror or str(error)
                # bbolt reports a folder as source at this point, so boltcli does too.
                wrong = ValueError(f"copy_file_range: {reason[:1].lower()}{reason[1:]}")
                raise DestinationError("write", output, wrong) from error
    except BaseException:
        destination.close()
        raise
    return destination


def write_patches(destination: Destination, patches: Iterable[tuple[int, bytes]], size: int = 0) -> None:
    """Write byte strings at their offsets; extend the file to ``size`` bytes if it is shorter.

    Raises :class:`~boltcli.errors.DestinationError`.
    """
    try:
        if size > os.fstat(destination.fd).st_size:
            os.truncate(destination.fd, size)
        for offset, data in patches:
            if offset >> 63:
                raise DestinationError("writeat", destination.path, ValueError("negative offset"))
            write_all(destination.fd, data, offset)
    except OSError as error:
        raise DestinationError("write", destination.path, error) from error


def copy_to(source: str, target: str) -> None:
    """Copy the database ``source`` over ``target``; holes stay holes. Raises OSError, and what opening raises."""
    with RawFile(source) as reading, open(target, "wb") as writing:
        _copy(reading.fd, writing.fileno())


def _copy(source: int, target: int) -> None:
    """Copy a whole file; holes stay holes. Raises OSError."""
    end = 0
    for start, end in _data(source):
        _copy_range(source, target, start, end)
    size = os.fstat(source).st_size
    if size > end:  # a hole at the end, or data appended in the meantime
        os.truncate(target, size)


def _data(fd: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges of a file that hold data; the whole file if the system doesn't report holes."""
    size = os.fstat(fd).st_size
    position = 0
    if hasattr(os, "SEEK_DATA"):
        try:
            while position < size:
                start = os.lseek(fd, position, os.SEEK_DATA)
                position = os.lseek(fd, start, os.SEEK_HOLE)
                yield start, position
            return
        except OSError as error:
            if error.errno == errno.ENXIO:  # no data from here on
                return
    yield position, max(size, 1)  # reading a folder must raise an error, even where its size is 0


def _copy_range(source: int, target: int, position: int, end: int) -> None:
    if hasattr(os, "copy_file_range"):
        try:
            while position < end and (
                count := os.copy_file_range(source, target, min(end - position, 1 << 30), position, position)
            ):
                position += count
        except OSError:
            pass  # not supported between these file systems: read and write, which reports real errors
    while position < end and (data := read_or_raise(source, position, min(end - position, _CHUNK))):
        write_all(target, data, position)
        position += len(data)
