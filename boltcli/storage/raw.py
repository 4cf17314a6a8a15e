"""Raw reading: any page as it lies in the file, without a lock.

It takes the page size and the high-water mark from meta 0, valid or not, and requires only that a page bears its own
id, so it reads files that a snapshot refuses. The arithmetic is bbolt's (``internal/guts_cli``), with 64-bit overflow.
"""

from __future__ import annotations

import os

from ..errors import DestinationError, DestinationExists, OpenError, Step, UnreadablePage
from ..format.constants import MAGIC, PAGE_HEADER_SIZE
from ..format.meta import Meta
from ..format.page import HEADER, Page
from .files import Closing, Trying, copy_sparse, read_or_raise, write_all
from .source import check_source, open_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .destination import Destination
    from .source import Source

_FIRST = 4096  # bytes that bbolt reads for meta 0
_U32 = 0xFFFFFFFF
_U64 = 0xFFFFFFFFFFFFFFFF
_MAX_OFFSET = 0x7FFFFFFFFFFFFFFF
_MAX_SLICE = 1 << 48  # bytes; Go refuses longer slices


class RawPage(Page):
    """A page run (a page and its overflow pages) as it lies in the file: the header's fields and all bytes."""

    def __init__(self, data: bytes) -> None:
        super().__init__(HEADER.unpack_from(data), data, 0, len(data), 0)
        self.data = data

    def damaged(self, problem: str) -> UnreadablePage:  # type: ignore[override]
        return UnreadablePage(problem, page=self.pgid)


class RawFile(Closing):
    """A database file for raw reading, opened at its first use. Raises SourceNotFound, OpenError."""

    def __init__(self, path: str) -> None:
        check_source(path)
        self.path = path
        self._source: Source | None = None
        self._sizes: tuple[int, int] | None = None

    @property
    def fd(self) -> int:
        if self._source is None:
            self._source = open_source(self.path, "none")
            if self._source.remote is not None:
                self._source.remote.fetch_all()
        return self._source.fd

    @property
    def size(self) -> int:
        return os.fstat(self.fd).st_size

    def close(self) -> None:
        if self._source is not None:
            self._source.close()
            self._source = None

    def page_size_and_hwm(self) -> tuple[int, int]:
        """Return page size in bytes and high-water mark, as meta 0 has them. Raises UnreadablePage."""
        if self._sizes is not None:
            return self._sizes
        head = self._read(_FIRST, 0)
        if len(head) < _FIRST:
            raise UnreadablePage("unexpected EOF" if head else "EOF", path=self.path)
        meta = Meta.at(head, 0)
        if meta.magic != MAGIC:
            raise UnreadablePage("the Meta Page has wrong (unexpected) magic", page=0, path=self.path)
        self._sizes = meta.page_size, meta.hwm
        return self._sizes

    def meta_at(self, slot: int, page_size: int) -> tuple[Meta, bytes]:
        """Return meta page ``slot`` (0 or 1) at this page size, and the first 1024 bytes of the page."""
        data = self.exactly(1024, slot * page_size & _U32)
        return Meta.at(data, slot), data

    def page(self, pgid: int) -> RawPage:
        """Return the page run at ``pgid``. Raises UnreadablePage."""
        with Step("read Page size"):
            page_size, hwm = self.page_size_and_hwm()
        page = self._run(pgid, page_size, 1)
        if page.overflow >= (hwm - 3) & _U32:  # excluding the two metas and the page itself
            claim = f"error: invalid value, Page claims to have {page.overflow} overflow pages (>=hwm={hwm}). "
            raise UnreadablePage(f"{claim}Interrupting to avoid risky OOM", page=pgid, path=self.path)
        return self._run(pgid, page_size, page.overflow + 1) if page.overflow else page

    def first_page(self, pgid: int, page_size: int) -> tuple[int, bytes]:
        """Return the offset and the bytes of the page at ``pgid``, without its overflow pages and without checks."""
        address = pgid * page_size & _U64
        return address, self.exactly(page_size, address)

    def _run(self, pgid: int, page_size: int, pages: int) -> RawPage:
        data = self.exactly(page_size * pages & _U64, pgid * page_size & _U64)
        if len(data) < PAGE_HEADER_SIZE:
            if data:
                raise UnreadablePage(f"a page of {len(data)} bytes has no room for its header", page=pgid)
            raise UnreadablePage("runtime error: index out of range [0] with length 0", page=pgid, path=self.path)
        page = RawPage(data)
        if page.pgid != pgid:
            what = f"error: invalid value due to unexpected Page id: {page.pgid} != {pgid}"
            raise UnreadablePage(what, page=pgid, path=self.path)
        return page

    def exactly(self, length: int, position: int) -> bytes:
        """Return ``length`` bytes from ``position``; raises UnreadablePage if there are fewer."""
        if length >= _MAX_SLICE:
            raise UnreadablePage("runtime error: makeslice: len out of range", path=self.path)
        if position > _MAX_OFFSET:
            raise OpenError("readat", self.path, "negative offset")
        # The length comes from the file: check it against the file's size before allocating memory.
        data = self._read(min(length, max(self.size - position, _FIRST)), position)
        if len(data) < length:
            raise UnreadablePage("EOF", path=self.path)
        return data

    def _read(self, length: int, position: int) -> bytes:
        with Trying("read", self.path):
            return read_or_raise(self.fd, position, length)


def begin_copy(file: RawFile, output: str) -> Destination:
    """Return a destination for ``output`` with a copy of ``file``, for the caller to close. Raises as ``CopyFile``."""
    from .destination import Destination

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
                copy_sparse(source, destination.fd)
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
    """Write bytes at their offsets; extend the file to ``size`` bytes if it is shorter. Raises DestinationError."""
    try:
        if size > os.fstat(destination.fd).st_size:
            os.truncate(destination.fd, size)
        for offset, data in patches:
            if offset >> 63:
                raise DestinationError("writeat", destination.path, ValueError("negative offset"))
            write_all(destination.fd, data, offset)
    except OSError as error:
        raise DestinationError("write", destination.path, error) from error
