"""Recognise inline buckets that can be copied unchanged, count their pairs, and check the order of their keys."""

from __future__ import annotations

import struct
from operator import itemgetter, lt

from ....format.constants import BUCKET_HEADER_SIZE, ELEMENT_SIZE, INLINE_HEADERS_SIZE, LEAF_PAGE, PAGE_HEADER_SIZE
from ....format.page import HEADER, Page, ascend
from .leaf_slices import pairs_length

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .leaf_slices import Chunk

_FRONT = struct.Struct("<Q8xQHHI")  # the bucket's root, and the header of its page
_LIMIT = 1024  # layouts that are remembered, of each kind
_LARGEST = 4096  # bytes of an element table worth remembering


class Contents:
    """What a page of pairs and inline buckets holds.

    ``weights``: how many bytes of keys and values each element stands for,
    those in an inline bucket included.
    """

    __slots__ = ("buckets", "pairs", "weights")

    def __init__(self, weights: list[int], buckets: int, pairs: int) -> None:
        self.weights = weights
        self.buckets = buckets
        self.pairs = pairs


class InlineBuckets:
    """Looks into inline buckets; remembers how those met before were laid out."""

    def __init__(self, page_size: int) -> None:
        """``page_size``: that of the copy; a bucket is inline there if its page takes up to a quarter of it."""
        self._limit = page_size // 4
        self._tables: dict[bytes, _Table] = {}
        self._pages: dict[bytes, _Uniform | None] = {}

    def pairs(self, page: Page, index: int, start: int, end: int) -> int | None:
        """Return the number of pairs in element ``index`` of ``page``, a bucket; None if it can't be copied unchanged.

        That is one which isn't inline, too large to stay so, or laid out in
        another way than bbolt does it. ``start`` and ``end`` are those of its value.
        Raises :class:`~boltcli.errors.Corrupted` if its keys are out of order.
        """
        buffer, table = page.buffer, start + INLINE_HEADERS_SIZE
        if table > end or end - start - BUCKET_HEADER_SIZE > self._limit:
            return None
        count: int
        root, pgid, flags, count, overflow = _FRONT.unpack_from(buffer, start)
        if root or pgid or flags != LEAF_PAGE or overflow:
            return None
        data = table + ELEMENT_SIZE * count
        headers = bytes(buffer[table:data])
        known = self._tables.get(headers)
        if known is None:
            length = pairs_length(headers, count) if data <= end else None
            if length is None:
                return None
            known = _Table(headers, length)
            if len(self._tables) >= _LIMIT:
                self._tables.clear()
            self._tables[headers] = known
        if data + known.length != end:
            return None
        if count > 1:
            keys = known.keys().unpack_from(buffer, data)
            if not ascend(keys):
                raise page.damaged(f"element {index}: the keys of an inline bucket are out of order")
        return count

    def page(self, chunk: Chunk, headers: bytes) -> Contents | None:
        """Return what is in a page like one seen before, by its element table; None if each element must be looked at.

        Where records of one kind are kept in inline buckets, page after page
        has the same sizes in the same places; one call then takes out all
        that must be looked at.
        """
        uniform = self._pages.get(headers)
        return uniform.contents if uniform and uniform.fits(chunk) else None

    def remember(self, chunk: Chunk, contents: Contents) -> None:
        """Note a page of which all elements were looked at: the second of its kind is taken for a pattern."""
        headers = _headers(chunk)
        if len(headers) > _LARGEST:
            return
        if len(self._pages) >= _LIMIT:
            self._pages.clear()
        self._pages[headers] = _uniform(chunk, contents) if headers in self._pages else None


class _Table:
    """The element table of an inline bucket, and how many bytes of data belong to it."""

    __slots__ = ("_headers", "_keys", "length")

    def __init__(self, headers: bytes, length: int) -> None:
        self._headers = headers
        self._keys: struct.Struct | None = None
        self.length = length

    def keys(self) -> struct.Struct:
        """A Struct that unpacks the keys from the data."""
        if self._keys is None:
            self._keys = struct.Struct("<" + _keys_format(self._headers))
        return self._keys


def _keys_format(headers: bytes) -> str:
    columns = struct.unpack(f"<{len(headers) // 4}I", headers)
    return "".join([f"{ksize}s{vsize}x" for ksize, vsize in zip(columns[2::4], columns[3::4])])


class _Uniform:
    """Pages that are laid out alike: of all buckets in them, the tables and the numbers of pairs are the same."""

    __slots__ = ("_fields", "_highs", "_inner", "_lows", "_struct", "contents")

    def __init__(self, form: str, inner: tuple[bytes, ...], fields: int, contents: Contents) -> None:
        self._struct = struct.Struct(form)
        self._inner = inner  # page header and element table of each bucket
        self._fields = fields  # a bucket's root, what is compared with inner, its keys
        self.contents = contents
        # Each key of a bucket but the last, and each but the first. (The first item is one for all that have no two.)
        lows = [first + key for first in range(2, fields * len(inner), fields) for key in range(fields - 3)]
        self._lows = itemgetter(0, 0, *lows)
        self._highs = itemgetter(0, 0, *[low + 1 for low in lows])

    def fits(self, chunk: Chunk) -> bool:
        """Return whether ``chunk``, which has this element table, also has this layout inside, with keys in order."""
        fields = self._struct.unpack_from(chunk[0], chunk[3])
        step = self._fields
        if any(fields[::step]) or fields[1::step] != self._inner:
            return False
        return all(map(lt, self._lows(fields)[2:], self._highs(fields)[2:]))


def _uniform(chunk: Chunk, contents: Contents) -> _Uniform | None:
    """Return the pattern of a page of nothing but inline buckets with one number of pairs."""
    buffer, _, count, place, _ = chunk
    number, rest = divmod(contents.pairs, count)
    if contents.buckets != count or rest:
        return None
    columns = struct.unpack(f"<{4 * count}I", _headers(chunk))
    form = "<"
    inner = []
    for ksize, vsize in zip(columns[2::4], columns[3::4]):
        page = place + ksize + BUCKET_HEADER_SIZE
        place += ksize + vsize
        size = PAGE_HEADER_SIZE + ELEMENT_SIZE * number
        inner.append(bytes(buffer[page : page + size]))
        if HEADER.unpack_from(inner[-1])[2] != number:
            return None
        form += f"{ksize}xQ8x{size}s" + _keys_format(inner[-1][PAGE_HEADER_SIZE:])
    return _Uniform(form, tuple(inner), 2 + number, contents)


def _headers(chunk: Chunk) -> bytes:
    buffer, table, count, _, _ = chunk
    return bytes(buffer[table : table + ELEMENT_SIZE * count])
