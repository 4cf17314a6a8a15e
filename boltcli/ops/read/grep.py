"""Search a file for a pattern: in bucket names, keys, values, and bytes that are no longer in use."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby
from math import inf
from mmap import mmap
from operator import add
from re import Match, Pattern
from typing import TYPE_CHECKING

from ...errors import Corrupted
from ...format.bucket import BucketRef, open_bucket
from ...format.constants import BRANCH_PAGE, FREELIST_PAGE, LEAF_PAGE, META_SIZE, PAGE_HEADER_SIZE
from ...format.page import BranchElements, LeafElements, Page
from ...progress import portion, watched
from ...record import Record
from ...storage.snapshot import Snapshot
from ...tree.bucket import find_bucket
from ...tree.page_map import BEYOND, BRANCH, DAMAGED, FREE, FREELIST, LEAF, LOST, META, page_map
from ...tree.walk import Whole
from .select_items import Items, items

if TYPE_CHECKING:
    from ...progress import Progress

Path = tuple[bytes, ...]
Find = Callable[..., Match[bytes] | None]

_AROUND = 48  # bytes kept before and after a hit
_LONGEST = 1 << 16  # bytes kept of a hit itself
_HEADS = 64  # pages before a hit that are searched for the head of its run
_IN_A_PAGE = 100  # hits reported in a page whose elements are not known


@dataclass(frozen=True, slots=True)
class Hit(Record):
    """The first match of the pattern in one name, key or value of the file ``path``.

    ``part`` says where: "bucket" (its name, the last of the path ``bucket``), "key", "value", or "bytes" of a page
    whose elements are not known. ``offset`` is the start of ``match`` in that part, ``before`` and ``after`` are around
    it. ``place`` and ``page`` say where bytes that are not in use are ("free page", ...).
    """

    path: str
    bucket: Path
    key: bytes
    part: str
    offset: int
    match: bytes
    before: bytes
    after: bytes
    place: str = ""
    page: int | None = None

    @property
    def deleted(self) -> bool:
        """Whether it is in bytes that are not in use."""
        return bool(self.place)


def _hit(
    file: str, part: str, path: Path, key: bytes, found: Match[bytes], data: bytes | mmap,
    *, start: int = 0, stop: int | None = None, place: str = "", page: int | None = None,
) -> Hit:  # fmt: skip
    """Return a match in the part of ``data`` from ``start`` to ``stop`` as a hit."""
    first, last = found.start(), found.end()
    stop = len(data) if stop is None else stop
    match = bytes(data[first : min(last, first + _LONGEST)])
    before = bytes(data[max(start, first - _AROUND) : first])
    after = bytes(data[last : min(stop, last + _AROUND)])
    return Hit(file, path, key, part, first - start, match, before, after, place, page)


def live_hits(
    snapshot: Snapshot, pattern: Pattern[bytes], path: Path = (), *, names: bool = True, values: bool = True,
    progress: Progress | None = None,
) -> Iterator[Hit | Corrupted]:  # fmt: skip
    """Yield the hits in the bucket at ``path`` and all in it, in key order: in ``names`` and keys, in ``values``.

    After a damaged page the rest is searched page by page; the damage is yielded too. Raises BucketNotFound.
    """
    search = _Search(snapshot.path, pattern.search, names, values)
    bucket = find_bucket(snapshot, path)
    seen: set[tuple[Path, bytes, str]] = set()
    guard = Whole(snapshot, ordered=True, progress=progress)
    try:
        for hit in search.parts(items(snapshot, bucket, path, recursive=True, guard=guard)):
            seen.add((hit.bucket, hit.key, hit.part))
            yield hit
    except Corrupted as damage:
        yield damage
        done = min(guard.visited / snapshot.used_pages(), 0.9)
        for hit in _page_by_page(snapshot, search, path, portion(progress, done, 1)):
            if (hit.bucket, hit.key, hit.part) not in seen:
                yield hit


@dataclass(slots=True)
class _Search:
    file: str
    find: Find
    names: bool
    values: bool

    def parts(self, parts: Iterable[Items]) -> Iterator[Hit]:
        for part in parts:
            for key, value in zip(part.keys, part.values):
                yield from self.element(part.path, key, value)

    def element(self, path: Path, key: bytes, value: bytes | BucketRef) -> Iterator[Hit]:
        if self.names and (found := self.find(key)):
            is_bucket = isinstance(value, BucketRef)
            where = ("bucket", (*path, key), b"") if is_bucket else ("key", path, key)
            yield _hit(self.file, *where, found, key)
        if self.values and not isinstance(value, BucketRef) and (found := self.find(value)):
            yield _hit(self.file, "value", path, key, found, value)


def _page_by_page(snapshot: Snapshot, search: _Search, path: Path, progress: Progress | None) -> Iterator[Hit]:
    """Yield the hits on all leaf pages that can be reached, skipping damaged pages."""
    mapped = page_map(snapshot, progress=portion(progress, 0, 0.3))
    for pgid, kind in watched(enumerate(mapped.kinds), portion(progress, 0.3, 1), len(mapped.kinds)):
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
                value = open_bucket(leaf, index, key) if leaf.flags[index] & 1 else leaf.value(index)
                yield from search.element(names, key, value)
                if isinstance(value, BucketRef) and value.inline:
                    yield from search.parts(items(snapshot, value, (*names, key), recursive=True))
        except Corrupted:
            yield from _in_region(snapshot, search.find, pgid * snapshot.page_size, page.end, "damaged page")


def dead_hits(
    snapshot: Snapshot, pattern: Pattern[bytes], *, damaged_only: bool = False, progress: Progress | None = None
) -> Iterator[Hit]:
    """Yield the hits in bytes that the newest transaction does not use, in the order of the file.

    They are in free, lost and damaged pages (``damaged_only``: only those), ends of pages, after the last page.
    """
    for start, stop, place in _regions(snapshot, damaged_only):
        if progress is not None:
            progress(start // snapshot.page_size, snapshot.page_count)
        yield from _in_region(snapshot, pattern.search, start, stop, place)


def _regions(snapshot: Snapshot, damaged_only: bool) -> Iterator[tuple[int, int, str]]:
    """Yield the regions of unused bytes: start, end, and a description."""
    kinds, page_size = page_map(snapshot).kinds, snapshot.page_size
    dead = {DAMAGED: "damaged page"}
    if not damaged_only:
        dead |= {FREE: "free page", LOST: "lost page", BEYOND: "after the last page"}
    first = 0
    for kind, run in groupby(kinds):
        stop = first + sum(1 for _ in run)
        if kind in dead:
            yield first * page_size, min(stop * page_size, snapshot.size), dead[kind]
        elif not damaged_only and kind in (BRANCH, LEAF, FREELIST, META):
            for pgid in range(first, stop):
                with suppress(Corrupted):
                    page = snapshot.any_page(pgid)
                    start, size = pgid * page_size, page_size if kind == META else page.end - page.offset
                    yield start + min(_used(page), size), start + size, "unused end of page"
        first = stop


def _used(page: Page) -> int:
    """Return how many bytes the content of a page in use has, whatever the order of its elements."""
    if page.flags == FREELIST_PAGE:
        return page.freelist_size(len(page.freelist_ids()))
    if page.flags == LEAF_PAGE:
        leaf = LeafElements(page)
        ends = map(add, leaf.value_starts(), leaf.value_sizes)
    elif page.flags == BRANCH_PAGE:
        branch = BranchElements(page)
        ends = map(add, branch.key_starts(), branch.key_sizes)
    else:
        return PAGE_HEADER_SIZE + META_SIZE
    return max(ends, default=page.offset + PAGE_HEADER_SIZE) - page.offset


def _in_region(snapshot: Snapshot, find: Find, start: int, stop: int, place: str) -> Iterator[Hit]:
    """Yield the hits between two offsets of the file: the first in each element; all where there are no elements."""
    buffer, page_size = snapshot.buffer, snapshot.page_size
    elements = lru_cache(_HEADS)(partial(_former_elements, snapshot))
    position = start
    last_page, in_page = -1, 0
    while position < stop:
        found = find(buffer, position, stop)
        if found is None:
            return
        at, pgid = found.start(), found.start() // page_size
        spans: list[tuple[int, int, int]] = []
        if place != "unused end of page":
            heads = range(pgid, max(pgid - _HEADS, start // page_size - 1), -1)
            spans = next(filter(None, map(elements, heads)), spans)
        first, middle, last = spans[max(bisect_right(spans, (at, inf)) - 1, 0)] if spans else (0, 0, 0)
        if not first <= at < last:
            yield _hit(
                snapshot.path,
                "bytes",
                (),
                b"",
                found,
                buffer,
                start=pgid * page_size,
                stop=stop,
                place=place,
                page=pgid,
            )
            position = max(found.end(), at + 1)
            in_page = in_page + 1 if pgid == last_page else 1
            last_page = pgid
            if in_page == _IN_A_PAGE:
                position = max(position, (pgid + 1) * page_size)
            continue
        key = bytes(buffer[first : min(middle, first + _LONGEST)])
        part, first, last = ("key", first, middle) if at < middle else ("value", middle, last)
        yield _hit(snapshot.path, part, (), key, found, buffer, start=first, stop=last, place=place, page=pgid)
        position = max(found.end(), last)


def _former_elements(snapshot: Snapshot, pgid: int) -> list[tuple[int, int, int]]:
    """Return where each key and value of a leaf page begins, and the value ends, in order; none of other pages."""
    try:
        page = snapshot.any_page(pgid)
        if page.pgid != pgid or page.flags != LEAF_PAGE:
            return []
        leaf = LeafElements(page)
    except Corrupted:
        return []
    shift = page.file_offset - page.offset
    stop = shift + page.end
    return [
        (min(start + shift, stop), min(start + key + shift, stop), min(start + key + value + shift, stop))
        for start, key, value in sorted(zip(leaf.key_starts(), leaf.key_sizes, leaf.value_sizes))
    ]
