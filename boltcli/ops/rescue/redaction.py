"""Make a copy without the content, to show to others: same size, same pages, same damage.

Kept are page headers, element tables, keys and names, the headers of buckets, freelists and meta pages. Values become
filler of the same length. All else becomes zeros: free pages, slack, and what lies beyond the high-water mark.
"""

from __future__ import annotations

import os
from hashlib import sha256
from random import Random
from typing import NamedTuple

from ...errors import DestinationError, InvalidDatabase
from ...format.constants import (
    BRANCH_PAGE,
    BUCKET_HEADER_SIZE,
    COUNT_IN_FIRST_ID,
    ELEMENT_SIZE,
    FREELIST_PAGE,
    LEAF_PAGE,
    MAGIC,
    META_SIZE,
    PAGE_HEADER_SIZE,
)
from ...format.meta import Meta, choose
from ...format.page import BRANCH_ELEMENT, HEADER, LEAF_ELEMENT
from ...storage.destination import Destination
from ...storage.files import read_or_raise, write_all
from .mapped_file import MappedFile
from .page_table import PageTable, find_page_size, meta_at
from .private_keys import Renamer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...format.page import Buffer
    from ...storage.source import Way

FILLER = b"x"
_MAGIC_SIZE = 4
_TRAILER = 32  # bytes of a snapshot's SHA-256
_SECTOR = 512
_CHUNK = 1 << 20  # bytes hashed or filled at a time
_LARGE = 4 << 20  # bytes of a page run that isn't put together in memory


class Redaction(NamedTuple):
    """What was done: ``size`` of the copy in bytes, how many ``values`` were replaced, and ``keys`` (0: they stay)."""

    path: str
    output: str
    size: int
    values: int
    value_bytes: int
    keys: int
    pages: int
    wiped: int


class _Element(NamedTuple):
    """Where an element's parts stand in the file."""

    bucket: bool
    start: int
    middle: int
    stop: int
    child: int


def redact(
    path: str, output: str, *, keys: bool = False, seed: int = 0, lock: Way = "wait", timeout: float = 1.0,
    replace: bool = False, sync: bool = True, progress: Callable[[int, int], None] | None = None,
) -> Redaction:  # fmt: skip
    """Write a redacted copy of ``path`` to ``output``; with ``keys`` also keys and names are replaced.

    Replaced keys have the same lengths and the same order; which ones depends on ``seed`` alone. Raises what opening
    raises, :class:`~boltcli.errors.InvalidDatabase` for an empty file, and the errors of a destination.
    """
    with MappedFile(path, lock, timeout) as file:
        if not file.size:
            raise InvalidDatabase("an empty file holds nothing to redact", path=path)
        page_size, _ = find_page_size(file.buffer)
        with Destination(output, mode=file.mode | 0o200, replace=replace, sync=sync) as destination:
            copy = _Copy(PageTable(file.buffer, page_size), destination.fd, Random(seed) if keys else None)
            try:
                copy.run(progress)
            except OSError as error:
                file.check_unchanged()
                raise DestinationError("write", output, error) from error
            file.check_unchanged()
            destination.commit()
        return Redaction(path, output, file.size, copy.values, copy.value_bytes, copy.keys, copy.pages, copy.wiped)


class _Image:
    """A page run of the copy, all zeros at first."""

    def __init__(self, start: int, stop: int) -> None:
        self.start = start
        self.data = bytearray(stop - start)

    def fill(self, at: int, size: int, filler: bytes = FILLER) -> None:
        """Put filler at the place ``at`` of the file."""
        self.put(at, filler * size)

    def put(self, at: int, data: bytes) -> None:
        """Put ``data`` there."""
        at -= self.start
        data = data[: len(self.data) - at]
        self.data[at : at + len(data)] = data

    def write(self, fd: int) -> None:
        """Write the run."""
        write_all(fd, self.data, self.start)


class _LargeImage(_Image):
    """A long run, which is never in memory."""

    def __init__(self, fd: int, start: int, stop: int) -> None:
        self.fd = fd
        self.stop = stop
        self.fill(start, stop - start, b"\0")  # there may be headers of pages that aren't any

    def fill(self, at: int, size: int, filler: bytes = FILLER) -> None:
        filler *= min(size, _CHUNK)
        for place in range(at, at + size, _CHUNK):
            self.put(place, filler[: at + size - place])

    def put(self, at: int, data: bytes) -> None:
        write_all(self.fd, data[: self.stop - at], at)

    def write(self, fd: int) -> None:
        pass


class _Copy:
    """The copy that is being written: all zeros at first, then what is kept and the fillers."""

    def __init__(self, table: PageTable, fd: int, chance: Random | None) -> None:
        self.table = table
        self.buffer: Buffer = table.buffer
        self.fd = fd
        self.chance = chance
        self.values = self.value_bytes = self.keys = self.pages = self.wiped = 0
        self._met = bytearray(table.pages)
        self._late: list[int] = []

    def run(self, progress: Callable[[int, int], None] | None) -> None:
        """Write the whole copy. Raises OSError."""
        table = self.table
        os.ftruncate(self.fd, table.size)
        metas = [meta_at(self.buffer, slot * table.page_size, slot) for slot in (0, 1)]
        for meta in metas:
            start = meta.page * table.page_size
            # The beginning of the magic number says why a meta page without it is refused.
            self._keep(start, start + PAGE_HEADER_SIZE + (META_SIZE if meta.magic == MAGIC else _MAGIC_SIZE))
        ruling = _ruling(metas)
        self._keep_headers(ruling.hwm if ruling is not None else table.pages)
        if ruling is not None:
            self._freelist(ruling.freelist)
            self._tree(ruling.root, progress)
        else:
            # Nothing says where the tree begins: every page that bears its own id may be of it.
            for page in range(2, table.pages):
                if table.own[page] and table.kind[page] == FREELIST_PAGE:
                    self._freelist(page)
                elif table.is_tree(page) and not self._met[page]:
                    self._tree(page, progress)
        for start in self._late:
            self._keep(start, start + BUCKET_HEADER_SIZE)
        self._trailer()
        self.wiped = table.pages - self.pages

    def _put(self, start: int, data: bytes) -> None:
        write_all(self.fd, data[: self.table.size - start], start)

    def _keep(self, start: int, stop: int) -> None:
        """Copy these bytes as they are."""
        if start < self.table.size:
            self._put(start, self.buffer[start:stop])

    def _keep_headers(self, hwm: int) -> None:
        """Copy the header of each page; those of overflow pages are overwritten with what they hold."""
        table = self.table
        for page in range(2, table.pages):
            start = page * table.page_size
            if table.kind[page] or (page < hwm and (table.counts[page] or table.overflows[page])):
                self._keep(start, start + PAGE_HEADER_SIZE)
            elif page >= hwm and not table.is_zero(page):
                self._put(start, FILLER)  # that there is something can still be seen

    def _freelist(self, page: int) -> None:
        table = self.table
        if not 2 <= page < table.pages or table.kind[page] != FREELIST_PAGE:
            return
        start = page * table.page_size
        end = min(start + (table.overflows[page] + 1) * table.page_size, table.size)
        count = table.counts[page]
        if count == COUNT_IN_FIRST_ID:
            count = 1 + int.from_bytes(self.buffer[start + PAGE_HEADER_SIZE : start + PAGE_HEADER_SIZE + 8], "little")
        self._note(page)
        self._keep(start, min(start + PAGE_HEADER_SIZE + 8 * count, end))

    def _note(self, page: int) -> None:
        """Mark the run of a page as kept, and wipe the headers that seem to lie in it."""
        table = self.table
        for each in table.run(page):
            self.pages += not self._met[each]
            self._met[each] = 1

    def _tree(self, root: int, progress: Callable[[int, int], None] | None) -> None:
        """Redact the pages that ``root`` leads to, bucket by bucket, each in key order."""
        buckets = [root]
        while buckets:
            root = buckets.pop()
            renamer = self._renamer_of(root) if self.chance is not None else None
            for page, elements in self._walk(root, self._met):
                self._note(page)
                self._page(page, elements, renamer)
                buckets += [element.child for element in elements if element.bucket and element.child]
                if progress is not None:
                    progress(self.pages, self.table.pages)

    def _renamer_of(self, root: int) -> Renamer:
        """Return what replaces the keys of a bucket. If they don't ascend, all of them have to be known first."""
        assert self.chance is not None
        last = b""
        ordered = True
        for _, elements in self._walk(root, bytearray(self._met)):
            for each in elements:
                key = self.buffer[each.start : each.middle]
                ordered = ordered and key >= last
                last = key
        if ordered:
            return Renamer(self.chance)
        keys = {
            self.buffer[each.start : each.middle]
            for _, elements in self._walk(root, bytearray(self._met))
            for each in elements
        }
        return Renamer(self.chance, sorted(keys))

    def _walk(self, root: int, met: bytearray) -> Iterator[tuple[int, list[_Element]]]:
        """Yield the pages of one bucket's tree with their elements, in key order, each once (``met`` marks them)."""
        table = self.table
        stack: list[tuple[int, list[_Element] | None]] = [(root, None)]
        while stack:
            page, _ = stack.pop()
            if not 2 <= page < table.pages or met[page] or table.kind[page] not in (BRANCH_PAGE, LEAF_PAGE):
                continue
            met[page] = 1
            start = page * table.page_size
            end = min(start + (table.overflows[page] + 1) * table.page_size, table.size)
            count = table.counts[page]
            if table.kind[page] == BRANCH_PAGE:
                count = max(count, 1)  # bbolt's cursor goes to the first element before it asks for the count
            elements = self._elements(start, table.kind[page], count, end)
            yield page, elements
            if table.kind[page] == BRANCH_PAGE:
                stack += [(element.child, None) for element in reversed(elements)]

    def _elements(self, start: int, kind: int, count: int, end: int) -> list[_Element]:
        """Return the elements whose table entries lie in the page; their data count as far as they do, too."""
        buffer = self.buffer
        found = []
        if kind == BRANCH_PAGE:
            count = max(count, 1)  # bbolt goes to the first one without a look at the count
        for i in range(min(count, (end - start - PAGE_HEADER_SIZE) // ELEMENT_SIZE)):
            place = start + PAGE_HEADER_SIZE + ELEMENT_SIZE * i
            if kind == BRANCH_PAGE:
                position, key, child = BRANCH_ELEMENT.unpack_from(buffer, place)
                flags = value = 0
            else:
                flags, position, key, value = LEAF_ELEMENT.unpack_from(buffer, place)
                child = 0
            begin = place + position
            middle = begin + key
            if flags & 1 and middle + BUCKET_HEADER_SIZE <= self.table.size:  # bbolt doesn't look at its size
                child = int.from_bytes(buffer[middle : middle + 8], "little")
                if middle + BUCKET_HEADER_SIZE > end:
                    self._late.append(middle)  # a damaged position: what it leads to is kept
            begin, middle = min(begin, end), min(middle, end)
            found.append(_Element(bool(flags & 1), begin, middle, min(middle + value, end), child))
        return found

    def _page(self, page: int, elements: list[_Element], renamer: Renamer | None) -> None:
        """Write a page: fillers first, then keys, then tables, so that the structure stays where they overlap."""
        table = self.table
        start = page * table.page_size
        end = min(start + (table.overflows[page] + 1) * table.page_size, table.size)
        image = _LargeImage(self.fd, start, end) if end - start > _LARGE else _Image(start, end)
        leaf = table.kind[page] == LEAF_PAGE
        parts = [(start, start + PAGE_HEADER_SIZE + ELEMENT_SIZE * len(elements), elements, renamer)]
        names: list[tuple[int, bytes]] = []
        heads: list[tuple[int, int]] = []
        while parts:
            begin, stop, elements, renamer = parts.pop()
            heads.append((begin, stop))
            for element in elements:
                key = self.buffer[element.start : element.middle]
                if renamer is not None:
                    key = renamer.name(key)
                    self.keys += 1
                names.append((element.start, key))
                size = element.stop - element.middle
                if not leaf:
                    continue
                if not element.bucket:
                    image.fill(element.middle, size)
                    self.values += 1
                    self.value_bytes += size
                elif element.child or size < BUCKET_HEADER_SIZE:
                    heads.append((element.middle, min(element.middle + BUCKET_HEADER_SIZE, end)))
                else:
                    parts.append(self._inline(element))
        for begin, key in names:
            image.put(begin, key)
        for begin, stop in heads:
            image.put(begin, self.buffer[begin:stop])
        image.write(self.fd)

    def _inline(self, element: _Element) -> tuple[int, int, list[_Element], Renamer | None]:
        """Return where the headers of an inline bucket stand, its elements, and what replaces their keys."""
        at = element.middle + BUCKET_HEADER_SIZE
        if at + PAGE_HEADER_SIZE > element.stop:
            return element.middle, element.stop, [], None
        _, kind, count, _ = HEADER.unpack_from(self.buffer, at)
        elements = self._elements(at, kind, count, element.stop) if kind == LEAF_PAGE else []
        renamer = None
        if self.chance is not None:
            renamer = Renamer(self.chance, sorted({self.buffer[each.start : each.middle] for each in elements}))
        return element.middle, at + PAGE_HEADER_SIZE + ELEMENT_SIZE * len(elements), elements, renamer

    def _trailer(self) -> None:
        """Write a snapshot's SHA-256 after the database; it is right if it was right before."""
        size = self.table.size
        if size % _SECTOR != _TRAILER:
            return
        before, after = sha256(), sha256()
        for start in range(0, size - _TRAILER, _CHUNK):
            stop = min(start + _CHUNK, size - _TRAILER)
            before.update(self.buffer[start:stop])
            after.update(read_or_raise(self.fd, start, stop - start))
        right = self.buffer[size - _TRAILER : size] == before.digest()
        self._put(size - _TRAILER, after.digest() if right else bytes(_TRAILER))


def _ruling(metas: list[Meta]) -> Meta | None:
    """Return the meta page that bbolt goes by."""
    try:
        return choose(*metas)
    except InvalidDatabase:
        return None
