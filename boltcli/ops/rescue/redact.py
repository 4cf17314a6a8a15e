"""Make a copy without the content, to show to others: same size, same pages, same damage.

Kept are page headers, element tables, keys and names, the headers of buckets, freelists and meta pages, as far as it
is proven that they are that (see ``showable``): where a page is damaged, a value may lie where a key should be.
Values become filler of the same length. All else becomes zeros: free pages, slack, the space after the last page.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from operator import itemgetter
from random import Random
from struct import unpack
from typing import TYPE_CHECKING

from ...errors import DestinationError, InvalidDatabase
from ...format.constants import (
    BRANCH_PAGE,
    BUCKET_HEADER_SIZE,
    COUNT_IN_FIRST_ID,
    ELEMENT_SIZE,
    FREELIST_PAGE,
    LEAF_PAGE,
    MAGIC,
    MAGIC_SWAPPED,
    META_PAGE,
    META_SIZE,
    PAGE_HEADER_SIZE,
)
from ...format.meta import Meta
from ...format.page import BUCKET_HEADER, HEADER, ascend, find
from ...progress import portion, watched
from ...record import Record
from ...storage.destination import Destination
from ...storage.files import read_or_raise, write_all
from ..check.database_check import TRAILER
from .pages import Buffer, MappedFile, PageTable, Path, find_page_size, meta_at
from .showable import KNOWN, PIECE, Element, ElementReader, alike, is_random, looks_secret, masked, renamer
from .text_mode import is_proved

if TYPE_CHECKING:
    from ...progress import Progress
    from ...storage.source import Way

Rename = Callable[[bytes], bytes]
FILLER = b"x"
_SECTOR = 512
_CHUNK = 4 << 20  # bytes put together or hashed at a time
_IDS = 1 << 15  # bytes of a freelist at a time
# Of what a page is put together, the later over the earlier: so the structure stays where they overlap.
_FILL, _BLANK, _MASK, _NAME, _HEAD = range(5)
_SMALL = 1 << 24  # a sequence below has too few bytes to be a piece of a value


@dataclass(frozen=True, slots=True)
class Redaction(Record):
    """What was done: ``size`` of the copy in bytes, how many ``values`` were replaced, and ``keys`` (0: they stay).

    ``pages`` were kept, the others ``wiped``. ``secret_keys``: buckets whose keys were replaced because they are
    secrets. ``look_like_secrets``: buckets whose keys stay and look like secrets.
    """

    path: str
    output: str
    size: int
    values: int
    value_bytes: int
    keys: int
    pages: int
    wiped: int
    secret_keys: tuple[Path, ...]
    look_like_secrets: tuple[Path, ...]


@dataclass
class _Counts:
    values: int = 0
    value_bytes: int = 0
    keys: int = 0
    pages: int = 0
    wiped: int = 0
    secrets: set[Path] = field(default_factory=set)
    suspects: set[Path] = field(default_factory=set)


def redact(
    path: str, output: str, *, keys: bool = False, seed: int = 0, lock: Way = "wait", timeout: float = 1.0,
    replace: bool = False, sync: bool = True, progress: Progress | None = None,
) -> Redaction:  # fmt: skip
    """Write a redacted copy of ``path`` to ``output``; with ``keys`` also keys and names are replaced.

    Replaced keys have the same lengths and the same order; which ones depends on ``seed`` alone. Raises what opening
    raises, :class:`~boltcli.errors.InvalidDatabase` for an empty file, and the errors of a destination.
    """
    with MappedFile(path, lock, timeout) as file:
        if not file.size:
            raise InvalidDatabase("an empty file holds nothing to redact", path=path)
        table = PageTable(file.buffer, find_page_size(file.buffer)[0], progress=portion(progress, 0, 0.05))
        with Destination(output, mode=file.mode | 0o200, replace=replace, sync=sync) as destination:
            copy = _Copy(table, destination.fd, Random(seed), portion(progress, 0.05, 1), keys)
            try:
                copy.run()
            except OSError as error:
                file.check_unchanged()
                raise DestinationError("write", output, error) from error
            file.check_unchanged()
            destination.commit()
    done = copy.done
    return Redaction(
        path, output, table.size, done.values, done.value_bytes, done.keys, done.pages, done.wiped,
        tuple(sorted(done.secrets)), tuple(sorted(done.suspects)),
    )  # fmt: skip


@dataclass(eq=False)
class _Copy:
    table: PageTable
    fd: int
    chance: Random
    progress: Progress | None
    all_keys: bool

    def __post_init__(self) -> None:
        table = self.table
        self.buffer: Buffer = table.buffer
        self.done = _Counts()
        self._seen = bytearray(table.pages)
        self._walked, self._expected = 0, table.pages  # pages
        self._highest = table.pages  # ids of the file's pages are below
        self._shown = portion(self.progress, 0.05, 1)
        known = () if self.all_keys else KNOWN
        self._known = [path for path, beside in known if find(table.buffer, beside, 0, table.size) >= 0]
        # Where keys are replaced, pages are read twice before they are written, and it takes as long to name the keys.
        self._passes = 4 if self.all_keys or self._known else 1

    def run(self) -> None:
        table = self.table
        os.ftruncate(self.fd, table.size)
        metas = [meta_at(self.buffer, slot * table.page_size, slot) for slot in (0, 1)]
        # The one that bbolt goes by.
        ruling = max((meta for meta in metas if meta.problem() is None), key=lambda meta: meta.txid, default=None)
        if ruling is not None:
            self._highest = max(table.pages, min(ruling.hwm, 2 * table.pages))
            listed = table.freelist(ruling.freelist)
            self._expected -= listed[0] if listed is not None else 0
        for meta in metas:
            self._meta(meta)
        headers = watched(range(2, table.pages), portion(self.progress, 0, 0.05), table.pages)
        for page in headers:  # of overflow pages they are overwritten with what these hold
            start = page * table.page_size
            if self._is_header(page):
                self._put(start, self.buffer[start : start + PAGE_HEADER_SIZE])
            elif ruling is not None and page >= ruling.hwm and not table.is_zero(page):
                self._put(start, FILLER)  # that there is something can still be seen
        if ruling is not None:
            self._freelist(ruling.freelist)
            self._tree(ruling.root, ())
        else:
            # Nothing says where the tree begins: every page that bears its own id may be of it.
            for page in filter(table.own.__getitem__, range(2, table.pages)):
                self._freelist(page)
            trees = list(filter(table.is_tree, range(2, table.pages)))
            elements = ((page, each) for page in trees for each in self._page_elements(page, None))
            led_to = {each.child for page, each in elements if each.entry and each.child != page}
            # First those that nothing leads to, so that buckets have their names.
            for page in sorted(trees, key=led_to.__contains__):
                self._tree(page, None)
        self.done.wiped = table.pages - self.done.pages
        self._trailer()

    def _show(self, walked: float) -> None:
        if self._shown is not None:
            self._shown(int(walked / self._passes), self._expected)

    def _put(self, start: int, data: bytes) -> None:
        write_all(self.fd, data[: self.table.size - start], start)

    def _is_header(self, page: int) -> bool:
        """Return whether a page begins with a header, its own or that of a copied page, not with a piece of a value."""
        table = self.table
        kind, overflow, bears = table.kind[page], table.overflows[page], table.bears(page)
        if bears == page:
            return bool(kind or table.counts[page] or overflow)
        return bool(kind) and bears < self._highest and overflow < table.pages

    def _kept(self, page: int) -> bytes:
        """Return what is kept of a page's header; if it may be a piece of a value, only what ``pages`` shows."""
        start = page * self.table.page_size
        head = self.buffer[start : start + PAGE_HEADER_SIZE]
        return head if self._is_header(page) or not any(head) else FILLER * 8 + head[8:]

    def _meta(self, meta: Meta) -> None:
        start = meta.page * self.table.page_size
        body = start + PAGE_HEADER_SIZE
        if meta.magic == MAGIC:
            self._put(start, self.buffer[start : body + META_SIZE])
            self.done.pages += meta.page < self.table.pages
        elif meta.page < self.table.pages:
            self._put(start, self._kept(meta.page))
            # The beginning of the magic number says why a meta page without it is refused. In another page it is data.
            is_meta = self.table.kind[meta.page] == META_PAGE and self.table.own[meta.page]
            if meta.magic == MAGIC_SWAPPED or is_meta:
                self._put(body, self.buffer[body : body + 4])

    def _freelist(self, page: int) -> None:
        table = self.table
        if not 2 <= page < table.pages or table.kind[page] != FREELIST_PAGE:
            return
        start, end = table.bounds(page)
        self._note(page)
        self._put(start, self._kept(page))
        at, count = start + PAGE_HEADER_SIZE, table.counts[page]
        if count == COUNT_IN_FIRST_ID:
            self._put(at, self.buffer[at : at + 8])
            count = int.from_bytes(self.buffer[at : at + 8], "little")
            at += 8
        end = min(at + 8 * count, end - (end - at) % 8)
        for place in range(at, end, _IDS):
            ids = unpack(f"<{min(_IDS, end - place) // 8}Q", self.buffer[place : min(place + _IDS, end)])
            # No filler is twice there: that would be damage of another kind.
            self._put(place, b"".join(
                each.to_bytes(8, "little") if each < self._highest else (place + i).to_bytes(5, "little") + FILLER * 3
                for i, each in enumerate(ids)
            ))  # fmt: skip

    def _note(self, page: int) -> None:
        for each in self.table.run(page):
            self.done.pages += not self._seen[each]
            self._seen[each] = 1

    def _tree(self, root: int, path: Path | None) -> None:
        """Redact all that ``root`` leads to, bucket by bucket. ``path``: None if it isn't known what lies above."""
        buckets = [(root, path)]
        while buckets:
            root, path = buckets.pop()

            def keys(root: int = root) -> Iterator[bytes]:
                return (each.key for _, elements in self._walk(root, bytearray(self._seen)) for each in elements)

            rename = self._renamer(path, keys)
            for page, elements in self._walk(root, self._seen):
                self._note(page)
                self._page(page, elements, rename, path)
                inner = (each for each in elements if each.bucket and each.child)
                buckets += [(each.child, (*(path or ()), each.key)) for each in inner]

    def _renamer(
        self, path: Path | None, keys: Callable[[], Iterable[bytes]], *, ordered: bool = True
    ) -> Rename | None:
        """Return what replaces the ``keys`` of a bucket, if something does; unless ``ordered`` all are known first.

        Also where they look like secrets and the bucket's name may not be known, or be damaged.
        """
        if not self.all_keys and not self._known and path is not None:
            return None
        last = b""
        secret = self.all_keys or (path is not None and any(path[-len(each) :] == each for each in self._known))
        for key in keys():
            ordered = ordered and key >= last
            last = key
            secret = secret or is_random(key)
        if not secret:
            return None
        if last and not self.all_keys and path is not None:
            self.done.secrets.add(path)
        rename = renamer(self.chance)
        if ordered:
            return rename
        before = self._walked
        known = sorted(set(keys()))
        pages, names = self._walked - before, {}
        for number, key in enumerate(known):
            names[key] = rename(key)
            self._show(self._walked + pages * number / len(known))
        self._walked += pages
        return names.__getitem__

    def _walk(self, root: int, seen: bytearray) -> Iterator[tuple[int, list[Element]]]:
        """Yield the pages of one bucket's tree with their elements, in key order, each once (``seen`` marks them)."""
        table = self.table
        stack: list[tuple[int, bytes | None]] = [(root, None)]
        while stack:
            page, first_key = stack.pop()
            if not 2 <= page < table.pages or seen[page]:
                continue
            self._walked += len(table.run(page))
            self._show(self._walked)
            if table.kind[page] not in (BRANCH_PAGE, LEAF_PAGE):
                if seen is self._seen:
                    self._put(page * table.page_size, self._kept(page))
                continue
            elements = self._page_elements(page, first_key)
            yield page, elements
            seen[page] = 1
            if table.kind[page] == BRANCH_PAGE:
                stack += [(each.child, each.key if each.sound else None) for each in reversed(elements) if each.entry]

    def _page_elements(self, page: int, first_key: bytes | None) -> list[Element]:
        table = self.table
        kind, start = table.kind[page], page * table.page_size
        end = start + (table.overflows[page] + 1) * table.page_size
        # bbolt's cursor goes to the first element of a branch page before it asks for the count.
        count = max(table.counts[page], kind == BRANCH_PAGE)
        reader = ElementReader(self.buffer, start, kind, count, end, highest=self._highest, first_key=first_key)
        elements = reader.elements()
        if table.overflows[page]:
            self._doubt(start, elements)
        return elements

    def _doubt(self, start: int, elements: list[Element]) -> None:
        """Take back that keys are sound in overflow pages that seem to be overwritten: the proof is in another page."""
        table = self.table
        size = table.page_size
        sound = [each for each in elements if each.sound]
        keys = [each.key for each in sound]
        models = [each.key for each in sound if each.middle <= start + size]
        foreign: set[int] = set()
        for i, each in enumerate(sound):
            pages = range(max(each.start, start + size) // size, -(-each.middle // size))
            peers = [key for key in models if len(key) == len(each.key) >= PIECE]
            if not ascend(keys[max(i - 1, 0) : i + 2]) or (peers and not any(alike(key, each.key) for key in peers)):
                foreign.update(pages)
            else:
                foreign.update(page for page in pages if table.kind[page] and table.bears(page) < self._highest)
        before = b""
        for each in elements:
            if not foreign.isdisjoint(range(each.start // size, -(-each.middle // size))):
                each.sound = False
                each.key = masked(each.key, before)
            before = each.key

    def _bucket_head(self, element: Element, is_whole: bool) -> bytes:
        """Return what is kept of the header of a bucket, which is filler if it looks like a piece of a value."""
        head = self.buffer[element.said : element.said + BUCKET_HEADER_SIZE]
        if len(head) < BUCKET_HEADER_SIZE:
            return b""
        root, sequence = BUCKET_HEADER.unpack(head)
        if root >= self._highest:
            return FILLER * BUCKET_HEADER_SIZE
        if sequence < _SMALL:
            return head
        alone = element.stop - element.middle == BUCKET_HEADER_SIZE
        right = self.table.is_tree(root) and alone if root else is_whole
        return head if element.sound and right else head[:8] + bytes(8)

    def _inline(self, element: Element) -> tuple[list[Element] | None, bool]:
        """Return the elements of an inline bucket (None: it doesn't look like one), and whether nothing is wrong."""
        at = element.middle + BUCKET_HEADER_SIZE
        room = (element.stop - at - PAGE_HEADER_SIZE) // ELEMENT_SIZE
        if room < 0:
            return None, False
        pgid, kind, count, overflow = HEADER.unpack_from(self.buffer, at)
        wrong = (kind != LEAF_PAGE) + bool(overflow) + (count > room)
        if pgid or wrong > 1:
            return None, False
        reader = ElementReader(self.buffer, at, kind, count, element.stop, highest=self._highest, exact=True)
        elements = reader.elements() if kind == LEAF_PAGE else []
        whole = len(elements) == count and (count > 0 or at + PAGE_HEADER_SIZE == element.stop)
        return elements, not wrong and whole and all(each.sound for each in elements)

    def _page(self, page: int, elements: list[Element], rename: Rename | None, path: Path | None) -> None:
        table = self.table
        start, end = table.bounds(page)
        leaf = table.kind[page] == LEAF_PAGE
        pieces = [(_HEAD, start, PAGE_HEADER_SIZE, self._kept(page))]
        count = len(elements)
        parts = [(start, elements, rename, path)]
        while parts:
            begin, elements, rename, path = parts.pop()
            for place, element in enumerate(elements):
                if element.entry:
                    at = begin + PAGE_HEADER_SIZE + ELEMENT_SIZE * place
                    pieces.append((_HEAD, at, ELEMENT_SIZE, self.buffer[at : at + ELEMENT_SIZE]))
                key = element.key
                if rename is not None:
                    key = rename(key)
                    self.done.keys += 1
                elif path is not None and path not in self.done.suspects and looks_secret(key, path):
                    self.done.suspects.add(path)
                pieces.append((_NAME if element.sound else _MASK, element.start, len(key), key))
                if not leaf:
                    continue
                if not element.bucket:
                    size = element.stop - element.middle
                    pieces.append((_FILL, element.middle, size, FILLER))
                    self.done.values += 1
                    self.done.value_bytes += size
                    continue
                inner, is_whole = self._inline(element)
                head = self._bucket_head(element, is_whole)
                pieces.append((_HEAD, element.middle, len(head), head))
                if inner is not None and not any(head[:8]):
                    at = element.middle + BUCKET_HEADER_SIZE
                    pieces.append((_HEAD, at, PAGE_HEADER_SIZE, self.buffer[at : at + PAGE_HEADER_SIZE]))
                    inside = (*(path or ()), element.key)
                    keys = [each.key for each in inner]
                    parts.append((at, inner, self._renamer(inside, keys.copy, ordered=False), inside))
        if leaf and table.counts[page] > count:
            # What was taken for entries and is none: zeros lead nowhere, filler would lead out of the file.
            at = start + PAGE_HEADER_SIZE + ELEMENT_SIZE * count
            pieces.append((_BLANK, at, ELEMENT_SIZE * (table.counts[page] - count), b"\0"))
        pieces.sort(key=itemgetter(0))
        for low in range(start, end, _CHUNK):
            image = bytearray(min(_CHUNK, end - low))
            for _, at, size, data in pieces:
                first, last = max(at, low), min(at + size, low + len(image))
                part = data[first - at : last - at] if len(data) == size else data * (last - first)
                if first < last:
                    image[first - low : last - low] = part
            write_all(self.fd, image, low)

    def _trailer(self) -> None:
        """Write a snapshot's SHA-256 after the database; it is right if it was right before."""
        size = self.table.size - TRAILER
        if size % _SECTOR:
            return
        digest = sha256()
        for start in range(0, size, _CHUNK):
            digest.update(read_or_raise(self.fd, start, min(_CHUNK, size - start)))
        self._put(size, digest.digest() if is_proved(self.buffer) else bytes(TRAILER))
