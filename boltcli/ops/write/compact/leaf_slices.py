"""Cut and join runs of leaf elements without handling each element.

A chunk is ``(buffer, table, count, data, length)``: ``count`` elements whose
headers stand at ``table`` of ``buffer`` one after the other, and whose keys and
values stand at ``data``, ``length`` bytes in the same order without gaps. Such
is every leaf page that bbolt writes, and every part of one.

In a page where an element is the i-th of n, and x bytes of data precede its
own, its position field is ``16 * (n - i) + x``. Between two pages it differs by
the same number for all elements of a chunk: the element headers of a chunk
are moved by one addition, of big integers that hold 16 bytes an element.
"""

from __future__ import annotations

import struct

from ....format.constants import BUCKET_LEAF_FLAG, ELEMENT_SIZE, LEAF_PAGE, MAX_KEY_SIZE
from ....format.page import BUCKET_HEADER, HEADER, LEAF_ELEMENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ....format.encode import Piece
    from ....format.page import Buffer

    View = Buffer | memoryview
    Chunk = tuple[View, int, int, int, int]

_LANE = 8 * ELEMENT_SIZE  # bits
_U32 = struct.Struct("<I")
_MAX_U32 = 0xFFFFFFFF

_ONES: dict[int, int] = {}
_POSITIONS: dict[int, int] = {}


def ones(count: int) -> int:
    """Return 1 in each of ``count`` lanes of 16 bytes."""
    found = _ONES.get(count)
    if found is None:
        if len(_ONES) >= 4096:
            _ONES.clear()
        found = _ONES[count] = ((1 << _LANE * count) - 1) // ((1 << _LANE) - 1)
    return found


def pairs_length(headers: bytes, count: int) -> int | None:
    """Return the bytes of data of an element table; None if it isn't one of pairs with bbolt's layout."""
    if not count:
        return 0
    laid = layout(headers, count)
    return laid[0] if laid and not laid[1] else None


def layout(headers: bytes, count: int) -> tuple[int, int] | None:
    """Return how many bytes of data belong to an element table, and whether it has marked elements.

    None if it isn't as bbolt writes it: keys and values right after the
    table, in its order, without gaps; keys of 1 to 32768 bytes; no flags but
    that of a bucket.
    """
    # All elements at once: one big integer, 128 bits an element, of which fields are taken by masks.
    one = ones(count)
    mask = one * _MAX_U32
    table = int.from_bytes(headers, "little")
    flags = table & mask
    sizes = table >> 64 & mask
    positions = table >> 32 & mask
    # Where each element's data ends, less where the next one's begins: 16 for all but the last, if there are no gaps.
    steps = positions + sizes + (table >> 96 & mask) - (positions >> _LANE)
    last = _LANE * (count - 1)
    length = (steps >> last) - ELEMENT_SIZE
    if (
        steps != ELEMENT_SIZE * one + (length << last)
        or positions & _MAX_U32 != ELEMENT_SIZE * count
        or flags & ~one
        or (sizes - one) & (one * (_MAX_U32 & -MAX_KEY_SIZE))
    ):
        return None
    return length, flags


def _positions(count: int) -> int:
    """Return 1 in the position field of each of ``count`` element headers."""
    found = _POSITIONS.get(count)
    if found is None:
        if len(_POSITIONS) >= 4096:
            _POSITIONS.clear()
        found = _POSITIONS[count] = ones(count) << 32
    return found


def element(flags: int, key: bytes, value: bytes) -> Chunk:
    """Return a chunk of one element, made from its parts."""
    size = len(key) + len(value)
    return LEAF_ELEMENT.pack(flags, ELEMENT_SIZE, len(key), len(value)) + key + value, 0, 1, ELEMENT_SIZE, size


def elements(flags: list[int], keys: list[bytes], values: list[bytes]) -> Chunk:
    """Return a chunk made from columns, all of one length."""
    count = len(keys)
    table: list[int] = []
    place = ELEMENT_SIZE * count
    for flag, key, value in zip(flags, keys, values):
        table += (flag & BUCKET_LEAF_FLAG, place, len(key), len(value))
        place += len(key) + len(value) - ELEMENT_SIZE
    data = b"".join([part for pair in zip(keys, values) for part in pair])
    return struct.pack(f"<{4 * count}I", *table) + data, 0, count, ELEMENT_SIZE * count, len(data)


def data_before(chunk: Chunk, index: int) -> int:
    """Return how many bytes of data precede element ``index``, which may be one past the last."""
    buffer, table, count, data, length = chunk
    if index == count:
        return length
    place = table + ELEMENT_SIZE * index
    position: int = _U32.unpack_from(buffer, place + 4)[0]
    return place + position - data


def fit(chunk: Chunk, room: int, header: int) -> int:
    """Return how many elements fit into ``room`` bytes, if each takes ``header`` bytes beside its data."""
    buffer, table, count, data, length = chunk
    whole = header * count + length
    if whole <= room:
        return count
    # Elements of one size are the common case: the first guess is right then.
    low, high = 0, count - 1
    middle = max(room * count // whole - 1, 0)
    unpack = _U32.unpack_from
    while low < high:
        if middle >= high:
            middle = high - 1
        # Does element `middle` still fit? Its end is where the next one begins.
        place = table + ELEMENT_SIZE * (middle + 1)
        if place + unpack(buffer, place + 4)[0] - data + header * (middle + 1) <= room:
            low = middle + 1
            if low < high:
                place += ELEMENT_SIZE
                if place + unpack(buffer, place + 4)[0] - data + header * (low + 1) > room:
                    return low
        else:
            high = middle
        middle = (low + high) // 2
    return low


def cut(chunk: Chunk, index: int) -> tuple[Chunk, Chunk]:
    """Return the chunk's first ``index`` elements and the others; neither part is empty."""
    buffer, table, count, data, length = chunk
    before = data_before(chunk, index)
    return (
        (buffer, table, index, data, before),
        (buffer, table + ELEMENT_SIZE * index, count - index, data + before, length - before),
    )


def first_key(chunk: Chunk) -> bytes:
    """Return the key of the first element."""
    buffer, table, _, data, _ = chunk
    size: int = _U32.unpack_from(buffer, table + 8)[0]
    return bytes(buffer[data : data + size])


def holds_buckets(chunk: Chunk) -> bool:
    """Return whether an element is a bucket."""
    buffer, table, count, _, _ = chunk
    # The low byte of each element's flags.
    return any(buffer[table : table + ELEMENT_SIZE * count : ELEMENT_SIZE])


def inline_bucket(sequence: int, chunks: list[Chunk]) -> bytes:
    """Return the value of an inline bucket: its header and its page."""
    count = sum([chunk[2] for chunk in chunks])
    return BUCKET_HEADER.pack(0, sequence) + b"".join(leaf_page(0, 0, count, chunks))


def leaf_page(pgid: int, overflow: int, count: int, chunks: list[Chunk]) -> list[Piece]:
    """Return the header, element table and data of a leaf page, as pieces to be written one after the other."""
    tables: list[Piece] = [HEADER.pack(pgid, LEAF_PAGE, count, overflow)]
    datas = []
    place = ELEMENT_SIZE * count  # from the next element's own start to its data
    for buffer, table, number, data, length in chunks:
        size = ELEMENT_SIZE * number
        headers = buffer[table : table + size]
        shift = place - (data - table)
        if shift:
            headers = (int.from_bytes(headers, "little") + shift * _positions(number)).to_bytes(size, "little")
        tables.append(headers)
        datas.append(buffer[data : data + length])
        place += length - size
    return tables + datas
