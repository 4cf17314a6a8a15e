"""Tell the elements of a page that are proven from what only seems to be an element.

bbolt writes the data of a page without gaps: behind the table come key and value of element 0, then those of element 1.
So each position is told twice, by its own entry and by the sizes of those before it. Where both agree, an entry is an
entry and its key is a key. Where they don't, what looks like a key may be a value, and what looks like the table may be
data: a copy that must not show a value can't keep either.
"""

from __future__ import annotations

from ...format.constants import (
    BRANCH_PAGE,
    BUCKET_HEADER_SIZE,
    ELEMENT_SIZE,
    INLINE_HEADERS_SIZE,
    LEAF_PAGE,
    PAGE_HEADER_SIZE,
)
from ...format.page import BRANCH_ELEMENT, BUCKET_HEADER, HEADER, LEAF_ELEMENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...format.page import Buffer

# So many bytes of a value in a row are a piece of it that says something.
PIECE = 12
_AHEAD = 2  # entries behind the table that are read, too: the count may be too small
_WRONG = 1  # fields of an entry that may be wrong; with more of them it is no entry

# What sort of a character each byte is; texts that are keys of one bucket mostly have the same in the same places.
_SORTS = bytes(
    0x61 if chr(byte).isalnum() and byte < 0x80 else byte if 0x20 <= byte < 0x7F else 0 for byte in range(256)
)
_DIFFER = 5  # so many bytes of two binary keys of a bucket may differ: the end of a number


class Element:
    """An element, and where its parts stand in the file.

    ``known``: so many bytes of the key are proven to be the key's; all of them, or none, or a part where the end of the
    page leaves it open where the key ends. ``entry``: its place in the table is an entry, and not data. ``key``: what
    may be shown of the key. ``told``: where the value begins by the entry, which may be behind the page.
    """

    __slots__ = ("bucket", "child", "entry", "key", "known", "middle", "start", "stop", "told")

    def __init__(
        self, bucket: bool, start: int, middle: int, stop: int, child: int, known: int, entry: bool, told: int
    ) -> None:
        self.bucket = bucket
        self.start = start
        self.middle = middle
        self.stop = stop
        self.child = child
        self.known = known
        self.entry = entry
        self.key = b""
        self.told = told

    @property
    def sound(self) -> bool:
        """Whether the whole key is proven."""
        return self.known >= self.middle - self.start


def alike(key: bytes, other: bytes) -> bool:
    """Return whether two keys of the same size look as if they were of one bucket."""
    sorts = key.translate(_SORTS)
    if 0 not in sorts:
        return sorts == other.translate(_SORTS)
    return sum(map(int.__ne__, key, other)) <= _DIFFER


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
        self._size = len(buffer)
        self._first = start + PAGE_HEADER_SIZE
        self._branch = kind == BRANCH_PAGE
        self._end = end
        self._exact = exact
        self._first_key = first_key
        self._highest = highest
        self._count = count
        self._rows = self._read()
        places = range(self._first, self._first + ELEMENT_SIZE * len(self._rows), ELEMENT_SIZE)
        self._starts = [place + row[1] for place, row in zip(places, self._rows)]
        self._ends = [at + row[2] + row[3] for at, row in zip(self._starts, self._rows)]
        self._links = [
            there == end and at >= place + ELEMENT_SIZE
            for at, end, there, place in zip(self._starts, self._ends, self._starts[1:], places)
        ]

    def _read(self) -> list[tuple[int, int, int, int, int]]:
        """Return flags, position, key size, value size and child of what the table should have, and a little more."""
        readable = (min(self._end, self._size) - self._first) // ELEMENT_SIZE
        count = max(0, min(self._count + _AHEAD, readable))
        table = self._buffer[self._first : self._first + ELEMENT_SIZE * count]
        if self._branch:
            return [(0, position, key, 0, child) for position, key, child in BRANCH_ELEMENT.iter_unpack(table)]
        return [(*fields, 0) for fields in LEAF_ELEMENT.iter_unpack(table)]

    def elements(self) -> list[Element]:
        """Return the elements that the header tells of, as far as their entries lie in the page and before all data."""
        count = min(self._count, len(self._rows), self._table())
        limit = min(self._end, self._size)
        found = []
        for i in range(count):
            flags, _, key, value, child = self._rows[i]
            start = min(self._starts[i], limit)
            middle = min(self._starts[i] + key, limit)
            known = self._known(i, count)
            entry = known >= key > 0 or self._wrong(i) <= _WRONG
            bucket = bool(flags & 1)
            stop, told = min(middle + value, limit), self._starts[i] + key
            found.append(Element(bucket, start, middle, stop, child, known, entry, told))
        return found

    def _table(self) -> int:
        """Return how many entries there can be in front of the first data that are proven."""
        told = self._first + ELEMENT_SIZE * self._count
        starts = [at for at, link in zip(self._starts, self._links) if link]
        if not starts:
            starts = [at for at in self._starts[:1] if self._first < at]
        return (min([told, *starts]) - self._first) // ELEMENT_SIZE

    def _wrong(self, i: int) -> int:
        """Return how many fields of an entry can't be right."""
        flags, position, key, value, child = self._rows[i]
        room = self._end - self._first
        if self._branch:
            return (position > room) + (key > room) + (child >= self._highest)
        return (flags > 1) + (position > room) + (key > room) + (value > room)

    def _at_its_place(self, i: int) -> bool:
        """Return whether an element begins where the ones before it end."""
        starts, told = self._starts, self._first + ELEMENT_SIZE * self._count
        if not i:
            return starts[0] == told
        if self._links[i - 1]:
            return True
        # The one before may have a wrong position, but the right sizes.
        before = self._ends[i - 2] if i > 1 else told
        return before + self._ends[i - 1] - starts[i - 1] == starts[i]

    def _known(self, i: int, count: int) -> int:
        """Return how many bytes of a key are proven to be its own."""
        _, _, key, value, _ = self._rows[i]
        start, end = self._starts[i], self._ends[i]
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
                least = max(0, min(key, there - start - value))
            if i + 2 < count or least:
                return key if least and key - least < PIECE else least
        content = self._buffer[start : start + key]
        if (not i and content == self._first_key) or self._has_like(i, content):
            return key
        return least if end > min(self._end, self._size) else max(least, self._before_slack(i, end))

    def _is_right(self, i: int, count: int) -> bool:
        """Return whether an element's position and sizes are proven by what comes behind it."""
        if i < len(self._links) and self._links[i]:
            return True
        return self._is_bucket_there(i) or (i + 1 == count and self._ends_before_slack(self._ends[i]))

    def _ends_before_slack(self, end: int) -> bool:
        """Return whether ``end`` is where the slack begins, which is zeros."""
        if self._exact:
            return end == self._end
        return end < self._end <= self._size and self._buffer[end - 1] != 0 and not any(self._buffer[end : self._end])

    def _before_slack(self, i: int, end: int) -> int:
        """Return how much is known of the last key, whose element ends at ``end``; nothing comes behind it to prove it.

        If the key's size is too large, so is ``end``: it lies in the slack, which is zeros. So zeros in front of it
        are either the value's or say by how much the key's size may be wrong.
        """
        key, start = self._rows[i][2], self._starts[i]
        if end - start < PIECE or self._buffer[end - PIECE : end].strip(b"\0"):
            return key
        zeros = end - start - len(self._buffer[start:end].rstrip(b"\0"))
        return max(0, key - zeros)

    def _is_bucket_there(self, i: int) -> bool:
        """Return whether the value is the beginning of a bucket, which would not be found at a wrong place."""
        flags, _, key, value, _ = self._rows[i]
        at = self._starts[i] + key
        if flags != 1 or at + value > self._end or at + INLINE_HEADERS_SIZE > self._size:
            return False
        root, _ = BUCKET_HEADER.unpack_from(self._buffer, at)
        if value == BUCKET_HEADER_SIZE:
            return bool(1 < root < self._highest)
        pgid, kind, count, overflow = HEADER.unpack_from(self._buffer, at + BUCKET_HEADER_SIZE)
        return (root, pgid, kind, overflow) == (
            0,
            0,
            LEAF_PAGE,
            0,
        ) and value >= INLINE_HEADERS_SIZE + ELEMENT_SIZE * count

    def _has_like(self, i: int, content: bytes) -> bool:
        """Return whether a proven key looks the same."""
        size = len(content)
        return any(
            self._links[j] and self._rows[j][2] == size and alike(self._buffer[at : at + size], content)
            for j, at in enumerate(self._starts[:i])
        )
