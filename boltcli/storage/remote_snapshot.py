"""A snapshot of a database in an object store: pages are read on demand, and ahead during a walk."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

from ..errors import Changed, OpenError
from ..format.constants import BRANCH_PAGE, PAGE_HEADER_SIZE, PAGE_SIZE_SEARCH
from ..format.meta import Meta
from ..format.page import HEADER
from .snapshot import Snapshot
from .source import read_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..format.page import Buffer, Owner, Page

_META_ROOM = 4096  # bytes read for a meta page
_FIRST_WINDOW = 8  # children of a branch page to read ahead in a walk; the number then doubles
_LAST_WINDOW = 512
_OVERFLOW = 64 << 20  # bytes; a larger page run is probably damage, and is not read ahead
_ELEMENT = 16  # bytes of a branch element; the child's page id is its last 8


class _Family:
    """The children of a branch page, and how far they were read: in order (``walked``) or not."""

    __slots__ = ("children", "last", "there", "walked")

    def __init__(self, children: list[int], walked: bool) -> None:
        self.children = children
        self.walked = walked
        self.last = -2
        self.there = bytearray(len(children))


class RemoteSnapshot(Snapshot):
    """A snapshot of a remote object. The closing look verifies that it is still the same object.

    ``buffer`` reads the whole object in large ranges; :meth:`page` reads single pages.
    """

    __slots__ = ("_families", "_mapping", "_window")

    piecemeal = True

    def _open(self, previous: bool) -> None:
        self._families: dict[int, tuple[_Family, int]] = {}
        self._mapping: mmap.mmap | None = None
        self._window = _FIRST_WINDOW
        source = self._source
        assert source.remote is not None
        meta = Meta.at(read_at(source.fd, 0, _META_ROOM).ljust(_META_ROOM, b"\0"), 0)
        if meta.problem() is None:
            where: Sequence[int] = (meta.page_size,)
        else:
            where = PAGE_SIZE_SEARCH
        source.remote.fetch([(at, at + _META_ROOM) for at in where])
        super()._open(previous)

    def _read(self) -> None:
        """Read nothing in advance: the beginning was read on opening."""

    def reopened(self, *, previous: bool = False) -> RemoteSnapshot:
        return RemoteSnapshot(self.path, self._source.duplicate(), previous=previous)

    @property
    def buffer(self) -> Buffer:
        assert self._source.remote is not None
        if not self.closed:
            self._source.remote.fetch_all()
        return self._mapped()

    def _mapped(self) -> mmap.mmap:
        if self._mapping is None:
            self._refuse_odd()
            try:
                self._mapping = mmap.mmap(self._source.fd, self.size, access=mmap.ACCESS_READ)
            except (OSError, ValueError) as error:
                raise OpenError("mmap", self.path, str(error)) from error
            self._buffer = self._mapping
        return self._mapping

    def _lone_page(self, pgid: int, stack: Sequence[int], bucket: Owner | None) -> Page | None:
        return None

    def any_page(self, pgid: int, stack: Sequence[int] = (), bucket: Owner | None = None) -> Page:
        remote = self._source.remote
        assert remote is not None
        buffer = self._mapped()
        page_size = self.page_size
        start = pgid * page_size
        if start < self.size:
            remote.fetch([(page * page_size, (page + 1) * page_size) for page in self._wanted(pgid)])
            head = buffer[start : start + PAGE_HEADER_SIZE].ljust(PAGE_HEADER_SIZE, b"\0")
            bears, flags, count, overflow = HEADER.unpack(head)
            if overflow and bears == pgid and overflow * page_size <= _OVERFLOW:
                remote.fetch([(start, start + (overflow + 1) * page_size)])
            if flags == BRANCH_PAGE and bears == pgid:
                first = start + PAGE_HEADER_SIZE
                stop = first + min(count, page_size // _ELEMENT * (overflow + 1)) * _ELEMENT
                self._remember(pgid, buffer[first:stop])
        return super().any_page(pgid, stack, bucket)

    def _remember(self, pgid: int, table: bytes) -> None:
        """Record the children of a branch page, for :meth:`_wanted`."""
        count = len(table) // _ELEMENT
        children = memoryview(table[: count * _ELEMENT]).cast("Q")[1::2].tolist()
        if not children or children[0] in self._families:
            return
        above = self._families.get(pgid)
        family = _Family(children, above is not None and above[0].walked)
        for index, child in enumerate(children):
            self._families[child] = family, index

    def _wanted(self, pgid: int) -> list[int]:
        """Return the pages to request together: this one and, in a walk, the next ones."""
        known = self._families.get(pgid)
        if known is None:
            return [pgid]
        family, index = known
        backwards = index == family.last - 1 or (family.last < 0 and index == len(family.children) - 1 > 0)
        family.walked = family.walked or abs(index - family.last) == 1
        family.last = index
        if family.there[index] or not family.walked:
            family.there[index] = 1
            return [pgid]
        self._window = min(self._window * 2, _LAST_WINDOW)
        first = max(index + 1 - self._window, 0) if backwards else index
        found = family.children[first : index + 1 if backwards else index + self._window]
        family.there[first : first + len(found)] = b"\1" * len(found)
        last = self.size // self.page_size
        return [pgid, *[child for child in found if child <= last]]

    def verify(self) -> None:
        if self.settled:
            return
        if self.closed:
            raise Changed("the object was closed before the closing look", path=self.path)
        super().verify()
        assert self._source.remote is not None
        self._source.remote.verify()
