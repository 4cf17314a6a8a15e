"""Encode pages as bbolt writes them."""

from __future__ import annotations

import struct
from itertools import accumulate, chain
from operator import add, sub

from .constants import BRANCH_PAGE, COUNT_IN_FIRST_ID, ELEMENT_SIZE, FREELIST_PAGE, LEAF_PAGE, PAGE_HEADER_SIZE
from .page import HEADER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Piece = bytes | memoryview  # pieces are written one after the other


def freelist_bytes(ids: int) -> int:
    """Return the size in bytes of a freelist page with ``ids`` page ids, including its header."""
    return PAGE_HEADER_SIZE + 8 * (ids + (ids >= COUNT_IN_FIRST_ID))


def freelist_page(pgid: int, overflow: int, ids: Sequence[int]) -> bytes:
    """Return header and ids (ascending) of a freelist page."""
    count = min(len(ids), COUNT_IN_FIRST_ID)
    stored = ids if count < COUNT_IN_FIRST_ID else [len(ids), *ids]
    return HEADER.pack(pgid, FREELIST_PAGE, count, overflow) + struct.pack(f"<{len(stored)}Q", *stored)


def leaf_page(
    pgid: int, overflow: int, flags: Sequence[int], keys: Sequence[bytes], values: Sequence[Piece]
) -> list[Piece]:
    """Return the header, element table, keys and values of a leaf page, as pieces to be written one after the other."""
    count = len(keys)
    if not count:
        return [HEADER.pack(pgid, LEAF_PAGE, 0, overflow)]
    key_sizes, value_sizes = list(map(len, keys)), list(map(len, values))
    ends = list(accumulate(map(add, key_sizes, value_sizes), initial=ELEMENT_SIZE * count))
    table = [0] * (4 * count)
    table[::4] = flags
    table[1::4] = map(sub, ends[:-1], range(0, ELEMENT_SIZE * count, ELEMENT_SIZE))
    table[2::4] = key_sizes
    table[3::4] = value_sizes
    head = HEADER.pack(pgid, LEAF_PAGE, count, overflow) + struct.pack(f"<{4 * count}I", *table)
    return [head, *chain.from_iterable(zip(keys, values))]


def branch_page(pgid: int, overflow: int, keys: Sequence[bytes], children: Sequence[int]) -> list[Piece]:
    """Return the header, element table and keys of a branch page, as pieces to be written one after the other."""
    count = len(keys)
    sizes = list(map(len, keys))
    table = [0] * (3 * count)
    # The distance from an element to its key: the elements that follow, then the keys before it.
    places = accumulate(sizes[:-1], initial=ELEMENT_SIZE * count)
    table[::3] = map(sub, places, range(0, ELEMENT_SIZE * count, ELEMENT_SIZE))
    table[1::3] = sizes
    table[2::3] = children
    return [HEADER.pack(pgid, BRANCH_PAGE, count, overflow), struct.pack("<" + "IIQ" * count, *table), *keys]
