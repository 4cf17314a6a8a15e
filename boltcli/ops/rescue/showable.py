"""What a copy without content may show: headers, elements and keys that are proven to be such, but no secrets.

bbolt writes the data of a page without gaps: after the table come key and value of element 0, then those of element 1.
So each position is given twice, by its own entry and by the sizes of those before it. Where both agree, an entry is an
entry and its key is a key. Where they don't, what looks like a key may be a value, and what looks like the table may be
data: a copy that must not show a value can't keep either.

A program that keeps secrets in keys is declared in :data:`KNOWN`, one line a bucket.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import compress, count
from operator import add
from random import Random
from typing import TYPE_CHECKING

from ...format.constants import (
    BRANCH_PAGE,
    BUCKET_HEADER_SIZE,
    ELEMENT_SIZE,
    INLINE_HEADERS_SIZE,
    LEAF_PAGE,
    MAX_KEY_SIZE,
    PAGE_HEADER_SIZE,
)
from ...format.page import BRANCH_ELEMENT, BUCKET_HEADER, HEADER, LEAF_ELEMENT
from .pages import PageTable, common

if TYPE_CHECKING:
    from ...format.page import Buffer

    Path = tuple[bytes, ...]

FILLER = b"x"
_NOISES = 16  # headers that are searched for in the whole file
PIECE = 12  # so many bytes of a value in a row are a piece of it that says something
_AHEAD = 2  # entries after the table that are read, too: the count may be too small
_WRONG = 1  # fields of an entry that may be wrong; with more of them it is no entry
# What sort of a character each byte is; texts that are keys of one bucket mostly have the same in the same places.
_CLASSES = bytes(
    0x61 if chr(byte).isalnum() and byte < 0x80 else byte if 0x20 <= byte < 0x7F else 0 for byte in range(256)
)
_DIFFER = 5  # so many bytes of two binary keys of a bucket may differ: the end of a number
_FLOORS = (0x61, 0x41, 0x30, 0x20, 0)  # a, A, 0, space: where bytes of that kind begin
_MOST = 1 << 8  # bytes of a masked key that are written
_STEP = 2  # at most so much is skipped between two bytes, by chance

_LEAST = 20  # bytes of a secret
_MIXED = 28  # characters of a random word; shorter ones are mostly ids
_CHANGES = 0.4  # of neighbours in a random word are of different sorts: 0.62 on average
_ID_LENGTHS = (27, 46)  # of letters and digits: a KSUID, an IPFS content id
_HEX_LEAST = 40  # hexadecimal digits; shorter ones are ids, and two of them
_BASE64 = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/-_"
_HEX = b"0123456789abcdef"
_SORTS = bytes(
    0x30 if 0x30 <= byte <= 0x39 else 0x61 if 0x61 <= byte <= 0x7A else 0x41 if 0x41 <= byte <= 0x5A else 0x2D
    for byte in range(256)
)
# How texts begin that are secrets whatever else they are.
_BEGINNINGS = (
    *(b"-----BEGIN ", b"$2a$", b"$2b$", b"$2y$", b"$argon2", b"$scrypt$", b"$pbkdf2", b"$6$", b"$5$", b"$1$"),
    *(b"eyJ", b"ghp_", b"gho_", b"ghs_", b"ghu_", b"github_pat_", b"glpat-", b"hvs.", b"hvb.", b"hvr.", b"xoxb-"),
    *(b"xoxp-", b"sk_live_", b"rk_live_", b"AKIA", b"AIza", b"npm_", b"pypi-", b"Bearer ", b"Basic "),
)
# Words in the names of buckets whose long hexadecimal keys name things and open nothing.
_ID_WORDS = """
id ids index digest digests sha sha1 sha256 sha512 md5 hash hashes checksum blob blobs content block
blocks chunk chunks object objects layer layers image images manifest manifests ctr ctrs container
containers pod pods exec volume volumes vol snapshot snapshots lease leases registry netns cache
main tx txid transactions chain peer peers node nodes file files artifact artifacts ref refs commit
commits tree trees vertex parent children dependencies exit task tasks job jobs execution executions
event events network networks endpoint endpoints
"""
_IDS = frozenset(_ID_WORDS.split())


# Buckets whose keys are secrets: the path, and another bucket that files of that program have.
KNOWN: tuple[tuple[Path, bytes], ...] = (
    ((b"authorizationindexv1",), b"authorizationsv1"),  # InfluxDB: API tokens
    ((b"sessionsv1",), b"authorizationsv1"),  # InfluxDB: keys of sessions
)


class PageHeads:
    """Tells headers of the pages of ``table`` from pieces of values; ids of the file's pages are below ``highest``."""

    def __init__(self, table: PageTable) -> None:
        self.table = table
        self.highest = table.pages
        self._noises = 0

    def is_header(self, page: int) -> bool:
        """Return whether what stands at the beginning of a page is a page header, and not a piece of a value.

        It is if it has the page's own id, or else is right as far as can be told: the page may have been copied there.
        """
        table = self.table
        kind, overflow, bears = table.kind[page], table.overflows[page], table.bears(page)
        if bears == page:
            return bool(kind or table.counts[page] or overflow)
        return bool(kind) and bears < self.highest and overflow < table.pages

    def kept(self, page: int) -> bytes:
        """Return what is kept of the header of a page that something refers to as a page.

        Of one that may be a piece of a value, only what ``pages`` shows, which is too little to be a piece.
        """
        start = page * self.table.page_size
        head = self.table.buffer[start : start + PAGE_HEADER_SIZE]
        return head if self.is_header(page) or self._is_noise(page, head) else FILLER * 8 + head[8:]

    def _is_noise(self, page: int, head: bytes) -> bool:
        """Return whether it is certain enough that the page was overwritten with what the file didn't hold before.

        Pieces of values come from overflow pages: of a run that is still there, of a freed one, or from another place,
        where they still are or where what belongs here is now.
        """
        if not any(head):
            return True
        if self._noises >= _NOISES or page in self._displaced:
            return False
        self._noises += 1
        size = self.table.page_size
        last = self.table.size - 1
        find = self.table.buffer.find
        return find(head, 0, min(page * size, last)) < 0 and find(head, (page + 1) * size, last) < 0

    @cached_property
    def _displaced(self) -> set[int]:
        """The pages that are free or overflow pages, and those that lie somewhere else."""
        table = self.table
        found: set[int] = set()
        for page in range(2, table.pages):
            if table.own[page]:
                found.update(table.run(page)[1:])
                listed = table.freelist(page)
                found.update(compress(count(), listed[1]) if listed is not None else ())
            elif table.kind[page]:
                found.add(table.bears(page))
        return found


@dataclass(slots=True)
class Element:
    """An element, and where its parts stand in the file.

    ``known``: so many bytes of the key are proven to be the key's; all of them, or none, or a part where the end of the
    page leaves it open where the key ends. ``entry``: its place in the table is an entry, and not data. ``said``: where
    the value begins by the entry, which may be after the page. ``child``: the page that a branch's element or a bucket
    leads to; 0 if it is none. ``key``: what may be shown of the key.
    """

    bucket: bool
    start: int
    middle: int
    stop: int
    child: int
    known: int
    entry: bool
    said: int
    key: bytes

    @property
    def sound(self) -> bool:
        """Whether the whole key is proven."""
        return self.known >= self.middle - self.start


class ElementReader:
    """Reads the elements of a page or an inline page whose header is at ``start`` of the buffer.

    ``end``: where the page ends by its header. ``exact``: the last element must end right there (of an inline bucket).
    ``highest``: page ids of children are below. ``first_key``: what the branch above says of the page.
    """

    def __init__(
        self, buffer: Buffer, start: int, kind: int, count: int, end: int, *, highest: int, exact: bool = False,
        first_key: bytes | None = None,
    ) -> None:  # fmt: skip
        self._buffer = buffer
        self._limit = min(end, len(buffer))
        self._first = start + PAGE_HEADER_SIZE
        self._end = end
        self._exact = exact
        self._first_key = first_key
        self._highest = highest
        self._told = self._first + ELEMENT_SIZE * count  # where the header says that the table ends
        # What the table should have, and a little more.
        read = max(0, min(count + _AHEAD, (self._limit - self._first) // ELEMENT_SIZE))
        self._count = min(count, read)
        table = buffer[self._first : self._first + ELEMENT_SIZE * read]
        rows: list[tuple[int, ...]]
        if kind == BRANCH_PAGE:
            rows = [(0, position, key, 0, child) for position, key, child in BRANCH_ELEMENT.iter_unpack(table)]
        else:
            rows = [(*fields, 0) for fields in LEAF_ELEMENT.iter_unpack(table)]
        columns: Iterable[tuple[int, ...]] = zip(*rows) if rows else [()] * 5
        self._flags, self._positions, self._keys, self._values, self._children = columns
        self._starts: list[int] = list(map(add, self._positions, range(self._first, self._limit, ELEMENT_SIZE)))
        self._ends = list(map(sum, zip(self._starts, self._keys, self._values)))
        # Whether the next one begins where an element's data, which lie after its entry, end.
        self._links = [
            there == end and position >= ELEMENT_SIZE
            for position, end, there in zip(self._positions, self._ends, [*self._starts[1:], -1])
        ]

    def elements(self) -> list[Element]:
        """Return the elements of which the header says so, as far as their entries lie in the page, before all data."""
        count = min(self._count, self._entries())
        found: list[Element] = []
        for i in range(count):
            said = self._starts[i] + self._keys[i]
            start, middle = min(self._starts[i], self._limit), min(said, self._limit)
            stop = min(middle + self._values[i], self._limit)
            known = self._known(i, count)
            entry = known >= self._keys[i] > 0 or self._wrong(i) <= _WRONG
            if middle - start > MAX_KEY_SIZE:
                known = 0
            key = self._buffer[start : min(middle, start + MAX_KEY_SIZE)]
            if known < middle - start:
                key = masked(key, known, found[-1].key if found else b"")
            bucket = bool(self._flags[i] & 1)
            child = self._root(said) if bucket and entry else self._children[i]
            found.append(Element(bucket, start, middle, stop, child, known, entry, said, key))
        return found

    def _root(self, at: int) -> int:
        """Return the root page that a bucket's header says; 0 if it can't be one."""
        root = int.from_bytes(self._buffer[at : at + 8], "little")
        return root if root < self._highest and at + BUCKET_HEADER_SIZE <= len(self._buffer) else 0

    def _entries(self) -> int:
        """Return how many entries there can be before the first data that are proven."""
        starts = [at for at, link in zip(self._starts, self._links) if link]
        starts = starts or [at for at in self._starts[:1] if self._first < at]
        return (min([self._told, *starts]) - self._first) // ELEMENT_SIZE

    def _wrong(self, i: int) -> int:
        """Return how many fields of an entry can't be right."""
        room = self._end - self._first
        sizes = self._positions[i], self._keys[i], self._values[i]
        return (self._flags[i] > 1) + sum(size > room for size in sizes) + (self._children[i] >= self._highest)

    def _at_its_place(self, i: int) -> bool:
        """Return whether an element begins where the ones before it end."""
        starts = self._starts
        if not i:
            return starts[0] == self._told
        if self._links[i - 1]:
            return True
        # The one before may have a wrong position, but the right sizes.
        before = self._ends[i - 2] if i > 1 else self._told
        return bool(before + self._ends[i - 1] - starts[i - 1] == starts[i])

    def _known(self, i: int, count: int) -> int:
        """Return how many bytes of a key are proven to be its own."""
        key, start, end = self._keys[i], self._starts[i], self._ends[i]
        if self._is_right(i, count):
            return key
        if not self._at_its_place(i):
            return 0
        least = 0
        if i + 1 < count:
            there = self._starts[i + 1]
            end += self._ends[i + 1] - there
            if i + 2 < count and end == self._starts[i + 2]:
                return key  # the next one has a wrong position, and the one after it begins where both end
            if self._is_right(i + 1, count):
                # Whichever of both sizes is wrong: so long is the key at least.
                least = max(0, min(key, there - start - self._values[i]))
            if i + 2 < count or least:
                return key if least and key - least < PIECE else least
        content = self._buffer[start : start + key]
        if (not i and content == self._first_key) or self._has_like(i, content):
            return key
        return least if end > self._limit else max(least, self._before_slack(i, end))

    def _is_right(self, i: int, count: int) -> bool:
        """Return whether an element's position and sizes are proven by what comes after it."""
        last = i + 1 == count
        return self._links[i] or self._is_bucket_there(i) or (last and self._ends_before_slack(self._ends[i]))

    def _ends_before_slack(self, end: int) -> bool:
        """Return whether ``end`` is where the slack begins, which is zeros."""
        if self._exact or end >= self._end or self._limit < self._end:
            return self._exact and end == self._end
        return self._buffer[end - 1] != 0 and not any(self._buffer[end : self._end])

    def _before_slack(self, i: int, end: int) -> int:
        """Return how much is known of the last key, whose element ends at ``end``; nothing comes after it to prove it.

        If the key's size is too large, so is ``end``: it lies in the slack, which is zeros. So zeros in front of it
        are either the value's or say by how much the key's size may be wrong.
        """
        key, start = self._keys[i], self._starts[i]
        if end - start < PIECE or self._buffer[end - PIECE : end].strip(b"\0"):
            return key
        zeros = end - start - len(self._buffer[start:end].rstrip(b"\0"))
        return max(0, key - zeros)

    def _is_bucket_there(self, i: int) -> bool:
        """Return whether the value is the beginning of a bucket, which would not be found at a wrong place."""
        value, at = self._values[i], self._starts[i] + self._keys[i]
        if self._flags[i] != 1 or at + value > self._end or at + INLINE_HEADERS_SIZE > len(self._buffer):
            return False
        root, _ = BUCKET_HEADER.unpack_from(self._buffer, at)
        if value == BUCKET_HEADER_SIZE:
            return bool(1 < root < self._highest)
        pgid, kind, count, overflow = HEADER.unpack_from(self._buffer, at + BUCKET_HEADER_SIZE)
        right: bool = (root, pgid, kind, overflow) == (0, 0, LEAF_PAGE, 0)
        return right and value >= INLINE_HEADERS_SIZE + ELEMENT_SIZE * count

    def _has_like(self, i: int, content: bytes) -> bool:
        """Return whether a proven key looks the same."""
        return any(
            link and size == len(content) and alike(self._buffer[at : at + size], content)
            for link, size, at in zip(self._links[:i], self._keys, self._starts)
        )


def alike(key: bytes, other: bytes) -> bool:
    """Return whether two keys of the same size look as if they were of one bucket."""
    classes = key.translate(_CLASSES)
    if 0 not in classes:
        return classes == other.translate(_CLASSES)
    return sum(map(int.__ne__, key, other)) <= _DIFFER


class Renamer:
    """Replaces the keys of one bucket by others of the same length and in the same order.

    Keys are given in ascending order, and need not be known in advance. Keys with a common prefix get a common prefix.
    At the first difference of two neighbours, the greater key gets a greater byte; a replacement is never above the
    original byte, so a greater one is always available.
    """

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._last = self._renamed = b""

    def name(self, key: bytes) -> bytes:
        """Return what stands for ``key``."""
        if key == self._last:
            return self._renamed
        same = common(self._last, key)
        renamed = bytearray(self._renamed[:same])
        for at in range(same, len(key)):
            byte = key[at]
            if at == same and same < len(self._last):
                least = self._renamed[same] + 1
            else:
                least = next(floor for floor in _FLOORS if floor <= byte)
            renamed.append(min(byte, least + self._chance.randrange(_STEP + 1)))
        self._last, self._renamed = key, bytes(renamed)
        return self._renamed


def masked(key: bytes, known: int, before: bytes) -> bytes:
    """Return what stands for a key of which only the first ``known`` bytes may be shown; of a long one the beginning.

    The rest are zeros. It stays above the key ``before`` it, which is shown, if it was, and never rises.
    """
    before = before[:_MOST]
    same = common(key, before)
    shown = key[: max(known, same)]
    if known <= same < min(len(key), len(before)) and key > before:
        shown += bytes([before[same] + 1])
    return shown.ljust(min(len(key), _MOST), b"\0")


def looks_secret(key: bytes, path: Path = ()) -> bool:
    """Return whether ``key`` of the bucket ``path`` looks like a token, a hash of a password or a private key."""
    if len(key) < _LEAST:
        return False
    if key.startswith(_BEGINNINGS):
        return True
    if not key.translate(None, _HEX):
        return len(key) >= _HEX_LEAST and not _names_things(path)
    return is_random(key)


def is_random(key: bytes) -> bool:
    """Return whether a key is of base64's characters and has no words in it: their sorts change too often."""
    bare = key.rstrip(b"=")
    if len(bare) < _MIXED or len(bare) in _ID_LENGTHS or bare.translate(None, _BASE64):
        return False
    sorts = bare.translate(_SORTS)
    # In base64 two of 64 characters are signs; in paths and names there are more.
    if not all(sort in sorts for sort in b"0aA") or sorts.count(b"-") * 8 > len(sorts):
        return False
    return sum(map(int.__ne__, sorts, sorts[1:])) >= _CHANGES * (len(sorts) - 1)


def _names_things(path: Path) -> bool:
    """Return whether a word in the names of a bucket says that its keys are ids."""
    for name in path:
        text = name.decode("utf-8", "replace")
        spaced = "".join(
            f" {char}" if char.isupper() and not before.isupper() else char if char.isalnum() else " "
            for before, char in zip(" " + text, text)
        )
        if not _IDS.isdisjoint(spaced.lower().split()):
            return True
    return False
