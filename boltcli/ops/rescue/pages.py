"""Open a file for rescue, and find its pages by their own headers.

A page header has the page's id. So the page size (1 KiB << i) is the one at which most headers have the right id, and
every page is found without a root, a freelist or a meta page.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from functools import cached_property
from itertools import islice
from mmap import mmap
from typing import TYPE_CHECKING

from ...errors import Corrupted
from ...format.constants import (
    BRANCH_PAGE,
    COUNT_IN_FIRST_ID,
    FREELIST_PAGE,
    LEAF_PAGE,
    MAGIC,
    META_SIZE,
    PAGE_HEADER_SIZE,
    PAGE_SIZE_SEARCH,
    PAGE_TYPES,
)
from ...format.meta import Meta
from ...format.page import HEADER, Page, ascend, unload
from ...progress import watched
from ...storage.snapshot import FilePages, Snapshot
from ...storage.source import LOCK_PATIENCE, Source, check_waiting, open_source
from ..write.compact import PAGE_SIZES

if TYPE_CHECKING:
    from ...progress import Progress
    from ...storage.source import Way

Buffer = bytes | mmap
Path = tuple[bytes, ...]  # of a bucket: the names that lead to it
AT_ONCE = 1 << 26  # bytes of a mapped file that are in memory together
_DEFAULT = 4096
_LARGEST = 1 << 24
_MOST_FREELISTS = 64


class MappedFile(AbstractContextManager["MappedFile"]):
    """The bytes of a file. ``buffer`` has ``size`` bytes; ``mode`` is the permission bits.

    Unless ``lock`` is ``none`` the shared lock is taken, and a file whose lock another process holds is refused. Raises
    :class:`~boltcli.errors.SourceNotFound`, :class:`~boltcli.errors.OpenError`, :class:`~boltcli.errors.Locked`.
    """

    def __init__(self, path: str, lock: Way = "wait", timeout: float = LOCK_PATIENCE) -> None:
        check_waiting(lock, timeout)
        # Rescue never reads beside a writer unless it is told to: "auto" is "wait" here.
        self._source: Source = open_source(path, "none" if lock == "none" else "wait", timeout)
        try:
            status = os.fstat(self._source.fd)
            self.mode = status.st_mode & 0o7777
            self._pages = FilePages(self._source, status.st_size, 0)
            self.check_unchanged = self._pages.check_unchanged  # raises Changed if the file was cut short meanwhile
            self.buffer: Buffer = self._pages.whole()
            self.size = len(self.buffer)
        except BaseException:
            self._source.close()
            raise

    def snapshot(self) -> Snapshot:
        """Open the file as a database, which the caller closes. Raises what opening raises."""
        return Snapshot(self._source.path, self._source.duplicate())

    def __exit__(self, *_: object) -> None:
        with suppress(BufferError):  # a view of it is still held: it goes when the view goes
            self._pages.close()
        self._source.close()


class PageTable:
    """What the headers of a file say. All columns have an entry a page.

    ``kind`` is the page type (0: none that exists), ``own`` 1 where the page bears its own id and a type, ``counts``
    and ``overflows`` the header's fields. ``size`` is the number of readable bytes, ``pages`` the number of pages
    (a cut last one counts). What was found when elements were read: ``sound``, 1 for pages whose elements are.
    """

    def __init__(
        self, buffer: Buffer, page_size: int, size: int | None = None, progress: Progress | None = None
    ) -> None:
        """``size``: so many bytes of ``buffer`` are looked at; None: all. ``progress`` shows the headers read."""
        self.buffer = buffer
        self.size = len(buffer) if size is None else size
        self.page_size = page_size
        self.pages = pages = -(-self.size // page_size)
        self.kind = bytearray(pages)
        self.own = bytearray(pages)
        self.sound = bytearray(pages)
        self._visits = 0  # pages whose elements were read since the buffer was unloaded
        self.watch(progress)
        self.counts = array("H", bytes(2 * pages))
        self.overflows = array("I", bytes(4 * pages))
        headers = watched(_headers(buffer, page_size, self.size), progress, pages)
        for pgid, (bears, flags, count, overflow) in enumerate(headers):
            self.counts[pgid] = count
            self.overflows[pgid] = overflow
            if flags in PAGE_TYPES:
                self.kind[pgid] = flags
                self.own[pgid] = bears == pgid

    def watch(self, progress: Progress | None, passes: int = 1) -> None:
        """From now on show the pages whose elements are read, of about so many ``passes`` over all pages."""
        self._progress = progress
        self._read, self._passes = 0, passes

    def visit(self) -> None:
        """Count a page whose elements are read, and limit what of a mapped file is in memory."""
        self._visits += 1
        if self._visits * self.page_size > AT_ONCE:
            self._visits = 0
            unload(self.buffer)
        if self._progress is not None:
            self._read += 1
            self._progress(self._read // self._passes, self.pages)

    def page_bytes(self, pgid: int) -> bytes:
        start = pgid * self.page_size
        return self.buffer[start : start + self.page_size]

    def bears(self, pgid: int) -> int:
        return int.from_bytes(self.page_bytes(pgid)[:8], "little")

    def is_zero(self, pgid: int) -> bool:
        return not any(self.page_bytes(pgid))

    def is_tree(self, pgid: int) -> bool:
        """Return whether there is a branch or leaf at ``pgid`` that bears its own id."""
        return pgid < self.pages and self.own[pgid] == 1 and self.kind[pgid] in (BRANCH_PAGE, LEAF_PAGE)

    def has_tree_from(self, pgid: int) -> bool:
        return any(map(self.is_tree, range(min(pgid, self.pages), self.pages)))

    def run(self, pgid: int) -> range:
        return range(pgid, min(pgid + 1 + self.overflows[pgid], self.pages))

    def bounds(self, pgid: int) -> tuple[int, int]:
        start = pgid * self.page_size
        return start, min(start + (self.overflows[pgid] + 1) * self.page_size, self.size)

    def is_torn(self, pgid: int) -> bool:
        """Return whether another page lies in the run of this one: a younger page has overwritten it."""
        return any(self.own[page] for page in self.run(pgid)[1:])

    def freelist(self, pgid: int) -> tuple[int, bytearray] | None:
        """Return how many pages a freelist lists, and a mark for each of these and of its run; None: it isn't sound."""
        if not (2 <= pgid < self.pages and self.own[pgid] and self.kind[pgid] == FREELIST_PAGE):
            return None
        start, end = self.bounds(pgid)
        header = pgid, FREELIST_PAGE, self.counts[pgid], self.overflows[pgid]
        try:
            ids = Page(header, self.buffer, start, end, start).freelist_ids()
        except Corrupted:
            return None
        # Ascending, and of pages: ids of noise are neither. Those beyond a cut file's end may be right.
        is_short = self.counts[pgid] == COUNT_IN_FIRST_ID and len(ids) < COUNT_IN_FIRST_ID
        if is_short or not ascend(ids) or (ids and ids[0] < 2):
            return None
        return len(ids), self.marks([*self.run(pgid), *ids])

    @cached_property
    def freelists(self) -> list[tuple[int, bytearray]]:
        return list(islice(filter(None, map(self.freelist, range(self.pages))), _MOST_FREELISTS))

    def marks(self, ids: Iterable[int]) -> bytearray:
        marks = bytearray(self.pages)
        for page in ids:
            if page < self.pages:
                marks[page] = 1
        return marks


def find_page_size(buffer: Buffer) -> tuple[int, str]:
    """Return the page size in bytes, and how it was found: ``meta`` (a valid one says so), ``ids`` or ``none``."""
    metas = [meta_at(buffer, position) for position in (0, *PAGE_SIZE_SEARCH)]
    for meta in metas:
        if meta.problem() is None and 256 <= meta.page_size <= _LARGEST and meta.page_size % 8 == 0:
            return meta.page_size, "meta"
    best, page_size = max((own_ids(buffer, page_size), -page_size) for page_size in PAGE_SIZES)
    if best:
        return -page_size, "ids"
    # Not one page bears its id. A damaged meta page may still say it.
    for meta in metas:
        if meta.magic == MAGIC and meta.page_size in PAGE_SIZES:
            return meta.page_size, "meta"
    return _DEFAULT, "none"


def own_ids(buffer: Buffer, page_size: int) -> int:
    """Return how many whole pages bear their own ids at this page size, but for page 0, as which zeros would count."""
    headers = enumerate(_headers(buffer, page_size, len(buffer) // page_size * page_size))
    return sum(bears == pgid and pgid > 0 and flags in PAGE_TYPES for pgid, (bears, flags, _, _) in headers)


def _headers(buffer: Buffer, page_size: int, size: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield the header of each page of the first ``size`` bytes: id, type, number of elements, overflow."""
    strip = max(1, AT_ONCE // page_size) * page_size
    for position in range(0, size - PAGE_HEADER_SIZE + 1, page_size):
        if not position % strip:
            unload(buffer)
        yield HEADER.unpack_from(buffer, position)


def meta_at(buffer: Buffer, position: int, page: int = 0) -> Meta:
    return Meta.at(buffer[position : position + PAGE_HEADER_SIZE + META_SIZE], page)


def find_metas(table: PageTable) -> list[Meta]:
    """Return the usable meta pages, the newest first: valid ones, and those that one flipped bit makes valid."""
    found = []
    for slot in (0, 1):
        start = slot * table.page_size + PAGE_HEADER_SIZE
        content = table.buffer[start : start + META_SIZE]
        flips = (0, *(1 << bit for bit in range(8 * len(content))))
        tried = ((int.from_bytes(content, "little") ^ flip).to_bytes(META_SIZE, "little") for flip in flips)
        meta = next((meta for each in tried if (meta := Meta(each, slot)).problem() is None), None)
        if meta is not None and meta.page_size == table.page_size:
            found.append(meta)
    return sorted(found, key=lambda meta: (-meta.txid, meta.page))
