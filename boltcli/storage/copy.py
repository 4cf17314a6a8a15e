"""A copy of a file, to be changed before it appears at its place."""

from __future__ import annotations

import os

from ..errors import DestinationError, DestinationExists, Step
from .destination import Destination
from .source import read_or_raise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .raw import RawFile

_CHUNK = 1 << 20  # bytes


def begin_copy(file: RawFile, output: str) -> Destination:
    """A destination for ``output`` that holds what ``file`` holds; the caller commits or closes it.

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
                # That is how bbolt comes to say that the source is a folder.
                wrong = ValueError(f"copy_file_range: {reason[:1].lower()}{reason[1:]}")
                raise DestinationError("write", output, wrong) from error
    except BaseException:
        destination.close()
        raise
    return destination


def write_patches(destination: Destination, patches: Iterable[tuple[int, bytes]], size: int = 0) -> None:
    """Write byte strings at their offsets, into a file that is made ``size`` bytes long if it is shorter.

    Raises :class:`~boltcli.errors.DestinationError`.
    """
    try:
        if size > os.fstat(destination.fd).st_size:
            os.truncate(destination.fd, size)
        for offset, data in patches:
            if offset >> 63:
                raise DestinationError("writeat", destination.path, ValueError("negative offset"))
            _write_at(destination.fd, data, offset)
    except OSError as error:
        raise DestinationError("write", destination.path, error) from error


def _copy(source: int, target: int) -> None:
    position = 0
    if hasattr(os, "copy_file_range"):
        try:
            while count := os.copy_file_range(source, target, 1 << 30, position, position):
                position += count
            if position:
                return
        except OSError:
            pass  # not between these file systems: byte by byte then, which says what is wrong if anything is
    while data := read_or_raise(source, position, _CHUNK):
        _write_at(target, data, position)
        position += len(data)


def _write_at(fd: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        if hasattr(os, "pwrite"):
            count = os.pwrite(fd, view, offset)
        else:
            os.lseek(fd, offset, os.SEEK_SET)
            count = os.write(fd, view)
        view = view[count:]
        offset += count
