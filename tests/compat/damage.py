"""Damaging databases at random, the same way for the same seed.

The places are those where a wrong number leads a reader astray: page headers,
element headers, bucket headers, meta pages, and the end of the file.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

HEADER = 16
NUMBERS = (0, 1, 2, 3, 4, 5, 7, 8, 16, 0x10, 100, 0xFF, 0xFFF, 0x1000, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
PAGE_FLAGS = (0, 0x01, 0x02, 0x04, 0x10, 0x03, 0x12, 0x20, 0xFFFF)


def damage(data: bytes, seed: int) -> tuple[bytes, str]:
    """Return a damaged copy and a word about what was done."""
    chance = random.Random(seed)
    copy = bytearray(data)
    way = chance.choice(_WAYS)
    return bytes(way(copy, chance)), f"{way.__name__.strip('_')} {seed}"


def _page_size(data: bytearray) -> int:
    """Read the page size from the first meta page, unless that is nonsense."""
    size: int = struct.unpack_from("<I", data, HEADER + 8)[0] if len(data) > HEADER + 12 else 0
    return size if size in (1 << bits for bits in range(9, 17)) else 4096


def _page(data: bytearray, chance: random.Random, first: int = 0) -> int:
    """Choose a page that is not all zeros, and give its offset."""
    size = _page_size(data)
    pages = [at for at in range(first * size, len(data) - HEADER, size) if any(data[at : at + HEADER])]
    return chance.choice(pages or [0])


def _page_header(data: bytearray, chance: random.Random) -> bytearray:
    at = _page(data, chance, 2)
    field = chance.choice(("id", "flags", "count", "overflow"))
    if field == "id":
        struct.pack_into("<Q", data, at, chance.choice(NUMBERS))
    elif field == "flags":
        struct.pack_into("<H", data, at + 8, chance.choice(PAGE_FLAGS))
    elif field == "count":
        struct.pack_into("<H", data, at + 10, chance.choice(NUMBERS) & 0xFFFF)
    else:
        struct.pack_into("<I", data, at + 12, chance.choice(NUMBERS))
    return data


def _element(data: bytearray, chance: random.Random) -> bytearray:
    at = _page(data, chance, 2)
    count = struct.unpack_from("<H", data, at + 10)[0]
    place = at + HEADER + 16 * chance.randrange(max(1, min(count, 200))) + 4 * chance.randrange(4)
    if place + 4 <= len(data):
        struct.pack_into("<I", data, place, chance.choice(NUMBERS))
    return data


def _small_change(data: bytearray, chance: random.Random) -> bytearray:
    """Add one to a number or take one away: the damage that is hardest to see."""
    at = _page(data, chance, 2) + 4 * chance.randrange(64)
    if at + 4 <= len(data):
        number = struct.unpack_from("<I", data, at)[0]
        struct.pack_into("<I", data, at, (number + chance.choice((-1, 1))) & 0xFFFFFFFF)
    return data


def _any_byte(data: bytearray, chance: random.Random) -> bytearray:
    at = _page(data, chance, 2)
    for _ in range(chance.randint(1, 3)):
        data[min(at + chance.randrange(_page_size(data)), len(data) - 1)] = chance.randrange(256)
    return data


def _meta(data: bytearray, chance: random.Random) -> bytearray:
    for page in chance.choice(((0,), (1,), (0, 1))):
        at = page * _page_size(data) + chance.randrange(80)
        if at < len(data):
            data[at] ^= 1 << chance.randrange(8)
    return data


def _swapped_pages(data: bytearray, chance: random.Random) -> bytearray:
    a, b, size = _page(data, chance, 2), _page(data, chance, 2), _page_size(data)
    data[a : a + size], data[b : b + size] = data[b : b + size], data[a : a + size]
    return data


def _zeroed_page(data: bytearray, chance: random.Random) -> bytearray:
    at = _page(data, chance, 2)
    size = _page_size(data)
    data[at : at + size] = bytes(len(data[at : at + size]))
    return data


def _cut(data: bytearray, chance: random.Random) -> bytearray:
    size = _page_size(data)
    pages = len(data) // size
    return data[: chance.randint(1, max(1, pages)) * size + chance.choice((-1, 0, 0, 1, 100, size // 2))]


_WAYS: tuple[Callable[[bytearray, random.Random], bytearray], ...] = (
    _page_header,
    _page_header,
    _element,
    _element,
    _small_change,
    _any_byte,
    _meta,
    _swapped_pages,
    _zeroed_page,
    _cut,
)
