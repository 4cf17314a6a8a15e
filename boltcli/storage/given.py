"""A database that a program hands over: bytes, or an open binary file."""

from __future__ import annotations

import io
import os
from stat import S_ISREG
from typing import IO, TYPE_CHECKING

from ..errors import ArgumentError
from .files import Trying, Unnamed
from .source import Source, open_descriptor

if TYPE_CHECKING:
    Content = bytes | bytearray | memoryview | IO[bytes]

_CHUNK = 1 << 20


def given_source(content: Content, offset: int = 0) -> Source:
    """Return a source of what is in ``content`` from the byte ``offset`` on; packed content is unpacked.

    An open file of the system is read where it is, through a duplicate of its descriptor and without its lock; any
    other is read as a whole, from its beginning if it can seek, and stands afterwards where it stood. It is never
    closed. Raises ArgumentError for anything else, and OpenError.
    """
    if not isinstance(offset, int) or offset < 0:
        raise ArgumentError(f"offset {offset!r}: must be a number of bytes, 0 or more")
    if isinstance(content, (bytes, bytearray, memoryview)):
        name = f"<{len(content)} bytes>"
        with Unnamed(name) as made:
            made.write(bytes(content))
            return open_descriptor(made.take(), name, offset, is_own_copy=True)
    if not callable(getattr(content, "read", None)):
        raise ArgumentError(f"{content!r}: must be a path, bytes or a binary file")
    name = str(getattr(content, "name", content))
    if isinstance(getattr(content, "raw", content), io.FileIO) and S_ISREG(os.fstat(content.fileno()).st_mode):
        with Trying("open", name):
            descriptor = os.dup(content.fileno())
        position = os.lseek(descriptor, 0, os.SEEK_CUR)
        try:
            return open_descriptor(descriptor, name, offset)
        finally:  # unpacking moves it
            os.lseek(content.fileno(), position, os.SEEK_SET)
    with Trying("read", name), Unnamed(name) as made:
        stood = content.tell() if hasattr(content, "seekable") and content.seekable() else None
        try:
            if stood is not None:
                content.seek(0)
            while part := content.read(_CHUNK):
                if not isinstance(part, bytes):
                    raise ArgumentError(f"{name}: the file must be binary: open it with 'rb'")
                made.write(part)
        finally:
            if stood is not None:
                content.seek(stood)
        return open_descriptor(made.take(), name, offset, is_own_copy=True)
