"""The pages of a database in an object store: read on demand, and ahead during a walk."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

from ..errors import OpenError
from ..format.constants import BRANCH_PAGE, PAGE_HEADER_SIZE, PAGE_SIZE_SEARCH
from ..format.meta import Meta
from ..format.page import HEADER
from .files import read_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .remote import Remote

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


class RemotePages:
    """The pages of a remote object, which are put at their places in a sparse file, and that is mapped."""

    __slots__ = ("_families", "_fd", "_mapping", "_page_size", "_remote", "_size", "_window")

    def __init__(self, remote: Remote, fd: int, size: int, page_size: int) -> None:
        self._remote = remote
        self._fd = fd
        self._size = size
        self._page_size = page_size
        self._families: dict[int, tuple[_Family, int]] = {}
        self._mapping: mmap.mmap | None = None
        self._window = _FIRST_WINDOW

    def whole(self) -> mmap.mmap:
        """Read the whole object, in large ranges; return its bytes."""
        self._remote.fetch_all()
        return self._mapped()

    def alone(self, pgid: int) -> None:
        """Return None: no page is read apart from the others."""

    def holding(self, pgid: int) -> mmap.mmap:
        """Read the page run ``pgid``, if it isn't there yet; return the bytes of the object that has it."""
        buffer = self._mapped()
        page_size = self._page_size
        start = pgid * page_size
        if start < self._size:
            self._remote.fetch([(page * page_size, (page + 1) * page_size) for page in self._wanted(pgid)])
            head = buffer[start : start + PAGE_HEADER_SIZE].ljust(PAGE_HEADER_SIZE, b"\0")
            bears, flags, count, overflow = HEADER.unpack(head)
            if overflow and bears == pgid and overflow * page_size <= _OVERFLOW:
                self._remote.fetch([(start, start + (overflow + 1) * page_size)])
            if flags == BRANCH_PAGE and bears == pgid:
                first = start + PAGE_HEADER_SIZE
                stop = first + min(count, page_size // _ELEMENT * (overflow + 1)) * _ELEMENT
                self._remember(pgid, buffer[first:stop])
        return buffer

    def check_unchanged(self) -> None:
        """Raise :class:`~boltcli.errors.Changed` unless it is still the same object."""
        self._remote.verify()

    def close(self) -> None:
        """Unmap the bytes. Raises BufferError if a view of them still exists."""
        mapping, self._mapping = self._mapping, None
        if mapping is not None:
            mapping.close()

    def _mapped(self) -> mmap.mmap:
        if self._mapping is None:
            try:
                self._mapping = mmap.mmap(self._fd, self._size, access=mmap.ACCESS_READ)
            except (OSError, ValueError) as error:
                raise OpenError("mmap", self._remote.path, str(error)) from error
        return self._mapping

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
        last = self._size // self._page_size
        return [pgid, *[child for child in found if child <= last]]


def fetch_metas(remote: Remote) -> None:
    """Read what may be a meta page of a remote object."""
    meta = Meta.at(read_at(remote.fd, 0, _META_ROOM).ljust(_META_ROOM, b"\0"), 0)
    where: Sequence[int] = (meta.page_size,) if meta.problem() is None else PAGE_SIZE_SEARCH
    remote.fetch([(at, at + _META_ROOM) for at in where])
