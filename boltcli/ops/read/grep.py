"""Search a file for a pattern: in bucket names, keys, values, and bytes that are no longer in use."""

from __future__ import annotations

from bisect import bisect_right

from ...errors import Corrupted
from ...format.bucket import BucketRef, open_bucket
from ...format.constants import LEAF_PAGE, PAGE_HEADER_SIZE
from ...format.page import HEADER, LeafElements
from ...tree.bucket import find_bucket
from ...tree.walk import Whole
from .select_items import items

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from re import Match, Pattern

    from ...format.page import Buffer
    from ...storage.snapshot import Snapshot

    Path = tuple[bytes, ...]

_AROUND = 48  # bytes kept before and after a hit
_LONGEST = 1 << 16  # bytes kept of a hit itself
_HEADS = 64  # pages before a hit that are searched for the head of its run
_ELEMENT = 16  # bytes
_IN_A_PAGE = 100  # hits reported in a page whose elements are not known


class Hit:
    """The first match of the pattern in one name, key or value.

    ``part`` says where: "bucket" (its name, the last of ``path``), "key",
    "value", or "bytes" of a page whose elements are not known. ``path`` is the
    bucket's path, ``key`` the key, each empty if not known. ``offset`` is the
    start of the match in that part, ``match`` the matching bytes, ``before``
    and ``after`` the bytes around it. For bytes that are not in use, ``place``
    says where they are ("free page", ...), and ``page`` is the page id; for
    others these are empty and None.
    """

    __slots__ = ("after", "before", "key", "match", "offset", "page", "part", "path", "place")

    def __init__(
        self, part: str, path: Path, key: bytes, found: Match[bytes], data: Buffer,
        *, start: int = 0, stop: int | None = None, place: str = "", page: int | None = None,
    ) -> None:  # fmt: skip
        """``found`` is a match in the part of ``data`` from ``start`` to ``stop``."""
        first, last = found.start(), found.end()
        stop = len(data) if stop is None else stop
        self.part = part
        self.path = path
        self.key = key
        self.offset = first - start
        self.match = bytes(data[first : min(last, first + _LONGEST)])
        self.before = bytes(data[max(start, first - _AROUND) : first])
        self.after = bytes(data[last : min(stop, last + _AROUND)])
        self.place = place
        self.page = page


def live_hits(
    snapshot: Snapshot,
    pattern: Pattern[bytes],
    path: Path = (),
    *,
    names: bool = True,
    values: bool = True,
) -> Iterator[Hit | Corrupted]:
    """Yield the hits in the bucket at ``path`` and all in it, in key order: in ``names`` and keys, in ``values``.

    After a damaged page the rest is searched page by page; the damage is
    yielded too. Raises :class:`~boltcli.errors.BucketNotFound`.
    """
    search = _Search(pattern, names, values)
    bucket = find_bucket(snapshot, path)
    seen: set[tuple[Path, bytes, str]] = set()
    try:
        for part in items(snapshot, bucket, path, recursive=True, guard=Whole(snapshot, ordered=True)):
            for key, value in zip(part.keys, part.values):
                for hit in search.element(part.path, key, value):
                    seen.add((hit.path, hit.key, hit.part))
                    yield hit
    except Corrupted as damage:
        yield damage
        for hit in _page_by_page(snapshot, search, path):
            if (hit.path, hit.key, hit.part) not in seen:
                yield hit


class _Search:
    def __init__(self, pattern: Pattern[bytes], names: bool, values: bool) -> None:
        self.find = pattern.search
        self.names = names
        self.values = values

    def element(self, path: Path, key: bytes, value: bytes | BucketRef) -> Iterator[Hit]:
        if self.names:
            found = self.find(key)
            if found and isinstance(value, BucketRef):
                yield Hit("bucket", (*path, key), b"", found, key)
            elif found:
                yield Hit("key", path, key, found, key)
        if self.values and not isinstance(value, BucketRef):
            found = self.find(value)
            if found:
                yield Hit("value", path, key, found, value)


def _page_by_page(snapshot: Snapshot, search: _Search, path: Path) -> Iterator[Hit]:
    """Yield the hits on all leaf pages that can be reached, skipping damaged pages."""
    from ...tree.page_map import LEAF, page_map

    mapped = page_map(snapshot)
    for pgid, kind in enumerate(mapped.kinds):
        if kind != LEAF:
            continue
        names = mapped.path(mapped.owner(pgid) or 0)
        if names[: len(path)] != path:
            continue
        try:
            page = snapshot.any_page(pgid)
            leaf = LeafElements(page)
            for index in range(leaf.count):
                key = leaf.key(index)
                if not leaf.flags[index] & 1:
                    yield from search.element(names, key, leaf.value(index))
                    continue
                child = open_bucket(leaf, index, key)
                yield from search.element(names, key, child)
                if child.inline:
                    for part in items(snapshot, child, (*names, key), recursive=True):
                        for inner, value in zip(part.keys, part.values):
                            yield from search.element(part.path, inner, value)
        except Corrupted:
            yield from _in_region(snapshot, search.find, pgid * snapshot.page_size, page.end, "damaged page")


def dead_hits(snapshot: Snapshot, pattern: Pattern[bytes], *, damaged_only: bool = False) -> Iterator[Hit]:
    """Yield the hits in bytes that the newest transaction does not use, in the order of the file.

    They are in free and lost pages, the unused ends of pages, after the last
    page, and in damaged pages (with ``damaged_only`` only those). Deleted and
    overwritten pairs stay there until their page is used again.
    """
    for start, stop, place in _regions(snapshot, damaged_only):
        yield from _in_region(snapshot, pattern.search, start, stop, place)


def _regions(snapshot: Snapshot, damaged_only: bool) -> Iterator[tuple[int, int, str]]:
    """Yield the regions of unused bytes: start, end, and a description."""
    from ...tree.page_map import BEYOND, BRANCH, DAMAGED, FREE, FREELIST, LEAF, LOST, META, page_map

    mapped, size, page_size = page_map(snapshot), snapshot.size, snapshot.page_size
    dead = {DAMAGED: "damaged page"}
    if not damaged_only:
        dead |= {FREE: "free page", LOST: "lost page", BEYOND: "after the last page"}
    pgid, count = 0, len(mapped.kinds)
    while pgid < count:
        kind = mapped.kinds[pgid]
        first = pgid
        if kind in dead:
            while pgid < count and mapped.kinds[pgid] == kind:
                pgid += 1
            yield first * page_size, min(pgid * page_size, size), dead[kind]
            continue
        pgid += 1
        if not damaged_only and kind in (BRANCH, LEAF, FREELIST, META):
            end = _end_of_data(snapshot, first, kind == META)
            if end is not None:
                yield end[0], min(end[1], size), "unused end of page"


def _end_of_data(snapshot: Snapshot, pgid: int, is_meta: bool) -> tuple[int, int] | None:
    """Return the end of the content of a page run, and the end of the run; None if that is not known."""
    buffer, page_size = snapshot.buffer, snapshot.page_size
    start = pgid * page_size
    if is_meta:
        return start + PAGE_HEADER_SIZE + 64, start + page_size
    try:
        _, flags, count, overflow = HEADER.unpack_from(buffer, start)
    except Exception:  # struct.error, if the file ends inside the header
        return None
    stop = start + (overflow + 1) * page_size
    if flags == 0x10:
        ids = int.from_bytes(buffer[start + 16 : start + 24], "little") + 1 if count == 0xFFFF else count
        return min(start + PAGE_HEADER_SIZE + 8 * ids, stop), stop
    count = min(count, (stop - start - PAGE_HEADER_SIZE) // _ELEMENT)
    end = start + PAGE_HEADER_SIZE + _ELEMENT * count
    for position, key_size, value_size in _spans(buffer, start, count, flags == LEAF_PAGE):
        end = max(end, position + key_size + value_size)
    return min(end, stop), stop


def _spans(buffer: Buffer, start: int, count: int, leaf: bool) -> Iterator[tuple[int, int, int]]:
    """Return where each element's data begins in ``buffer``, and how long its key and its value are."""
    for index in range(count):
        at = start + PAGE_HEADER_SIZE + _ELEMENT * index
        words = buffer[at : at + _ELEMENT]
        if len(words) < _ELEMENT:
            return
        fields = [int.from_bytes(words[place : place + 4], "little") for place in (0, 4, 8, 12)]
        yield (at + fields[1], fields[2], fields[3]) if leaf else (at + fields[0], fields[1], 0)


def _in_region(
    snapshot: Snapshot, find: Callable[..., Match[bytes] | None], start: int, stop: int, place: str
) -> Iterator[Hit]:
    """Yield the hits between two offsets of the file: the first in each element; all where there are no elements."""
    buffer, page_size = snapshot.buffer, snapshot.page_size
    elements = _Elements(snapshot, start)
    position = start
    last_page, in_page = -1, 0
    while position < stop:
        found = find(buffer, position, stop)
        if found is None:
            return
        at, pgid = found.start(), found.start() // page_size
        element = None if place == "unused end of page" else elements.at(at)
        if element is None:
            yield Hit("bytes", (), b"", found, buffer, start=pgid * page_size, stop=stop, place=place, page=pgid)
            position = max(found.end(), at + 1)
            in_page = in_page + 1 if pgid == last_page else 1
            last_page = pgid
            if in_page == _IN_A_PAGE:
                position = max(position, (pgid + 1) * page_size)
            continue
        part, key, first, last = element
        yield Hit(part, (), key, found, buffer, start=first, stop=last, place=place, page=pgid)
        position = max(found.end(), last)


class _Elements:
    """The elements of former leaf pages from the offset ``lowest`` on; the last page is cached."""

    def __init__(self, snapshot: Snapshot, lowest: int) -> None:
        self.snapshot = snapshot
        self.first = lowest // snapshot.page_size
        self._head = -1
        self._spans: list[tuple[int, int, int]] = []

    def at(self, offset: int) -> tuple[str, bytes, int, int] | None:
        """Return the key or value at ``offset``: which part it is, the key, start and end; None if there is none."""
        snapshot, page_size = self.snapshot, self.snapshot.page_size
        for pgid in range(offset // page_size, max(offset // page_size - _HEADS, self.first - 1), -1):
            start = pgid * page_size
            if start + PAGE_HEADER_SIZE > snapshot.size:
                continue
            named, flags, count, overflow = HEADER.unpack_from(snapshot.buffer, start)
            room = (overflow + 1) * page_size
            if named != pgid or flags != LEAF_PAGE or PAGE_HEADER_SIZE + count * _ELEMENT > room:
                continue
            return self._in(pgid, start, count, offset) if offset < start + room else None
        return None

    def _in(self, pgid: int, start: int, count: int, offset: int) -> tuple[str, bytes, int, int] | None:
        buffer = self.snapshot.buffer
        if pgid != self._head:
            self._head, self._spans = pgid, sorted(_spans(buffer, start, count, True))
        place = bisect_right(self._spans, (offset, 1 << 33, 0)) - 1
        if place < 0:
            return None
        first, key_size, value_size = self._spans[place]
        middle = first + key_size
        if offset >= middle + value_size:
            return None
        key = bytes(buffer[first : min(middle, first + _LONGEST)])
        return ("key", key, first, middle) if offset < middle else ("value", key, middle, middle + value_size)
