"""Kinds of damage, of one page and of many, the same for the same seed."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from tests.rescue_score.truth import Truth

Damage = Callable[[bytearray, Truth, random.Random], None]


def _zero(content: bytearray, truth: Truth, page: int) -> None:
    start = page * truth.page_size
    stop = min(start + truth.page_size, len(content))
    content[start:stop] = bytes(stop - start)


def _noise(content: bytearray, truth: Truth, page: int, chance: random.Random) -> None:
    start = page * truth.page_size
    stop = min(start + truth.page_size, len(content))
    content[start:stop] = chance.randbytes(stop - start)


def metas_gone(content: bytearray, truth: Truth, chance: random.Random) -> None:
    _zero(content, truth, 0)
    _zero(content, truth, 1)


def branches_zeroed(content: bytearray, truth: Truth, chance: random.Random) -> None:
    for page in truth.branches:
        for each in range(page, page + truth.live[page]):
            _zero(content, truth, each)


def root_noise(content: bytearray, truth: Truth, chance: random.Random) -> None:
    """The root, the freelist and one meta page."""
    _noise(content, truth, truth.root, chance)
    if truth.freelist * truth.page_size < len(content):
        _noise(content, truth, truth.freelist, chance)
    _noise(content, truth, chance.randrange(2), chance)


def a_tenth_zeroed(content: bytearray, truth: Truth, chance: random.Random) -> None:
    pages = len(content) // truth.page_size
    for page in chance.sample(range(2, pages), max(1, pages // 10)):
        _zero(content, truth, page)


def noise_64k(content: bytearray, truth: Truth, chance: random.Random) -> None:
    size = min(65536, len(content) // 3)
    start = chance.randrange(len(content) - size)
    content[start : start + size] = chance.randbytes(size)


def bit_flips(content: bytearray, truth: Truth, chance: random.Random) -> None:
    for _ in range(max(4, len(content) // 20000)):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def cut(content: bytearray, truth: Truth, chance: random.Random) -> None:
    del content[chance.randrange(len(content) // 4, len(content)) :]


def both_metas_and_pages(content: bytearray, truth: Truth, chance: random.Random) -> None:
    metas_gone(content, truth, chance)
    for page in chance.sample(sorted(truth.live), max(1, len(truth.live) // 20)):
        _zero(content, truth, page)


def _live_page(truth: Truth, chance: random.Random) -> int:
    return chance.choice(sorted(truth.live))


def one_zeroed(content: bytearray, truth: Truth, chance: random.Random) -> None:
    _zero(content, truth, _live_page(truth, chance))


def one_noise(content: bytearray, truth: Truth, chance: random.Random) -> None:
    _noise(content, truth, _live_page(truth, chance), chance)


def one_copied(content: bytearray, truth: Truth, chance: random.Random) -> None:
    source, target = _live_page(truth, chance), _live_page(truth, chance)
    size = truth.page_size
    content[target * size : (target + 1) * size] = content[source * size : (source + 1) * size]


def _header(offset: int, code: str, most: int) -> Damage:
    def change(content: bytearray, truth: Truth, chance: random.Random) -> None:
        struct.pack_into(code, content, _live_page(truth, chance) * truth.page_size + offset, chance.randrange(most))

    return change


def one_element(content: bytearray, truth: Truth, chance: random.Random) -> None:
    page = _live_page(truth, chance)
    at = page * truth.page_size
    count = int.from_bytes(content[at + 10 : at + 12], "little")
    if count:
        place = at + 16 + 16 * chance.randrange(count) + 4 * chance.randrange(4)
        struct.pack_into("<I", content, place, chance.choice((0, 1, chance.randrange(5000), chance.getrandbits(32))))


def one_bit_of_a_table(content: bytearray, truth: Truth, chance: random.Random) -> None:
    at = _live_page(truth, chance) * truth.page_size
    count = int.from_bytes(content[at + 10 : at + 12], "little")
    content[at + chance.randrange(16 + 16 * count)] ^= 1 << chance.randrange(8)


KINDS: dict[str, Damage] = {
    "metas gone": metas_gone,
    "branches zeroed": branches_zeroed,
    "root+freelist+one meta noise": root_noise,
    "a tenth of pages zeroed": a_tenth_zeroed,
    "64 KiB noise": noise_64k,
    "bit flips": bit_flips,
    "metas gone, pages zeroed": both_metas_and_pages,
    "cut file": cut,
    "one page: zeroed": one_zeroed,
    "one page: noise": one_noise,
    "one page: copied over": one_copied,
    "one page: id": _header(0, "<Q", 1 << 20),
    "one page: type": _header(8, "<H", 32),
    "one page: count": _header(10, "<H", 400),
    "one page: overflow": _header(12, "<I", 6),
    "one page: element field": one_element,
    "one page: bit of the table": one_bit_of_a_table,
}


def torn_copy(before: bytes, after: bytes, chance: random.Random) -> bytes:
    """A copy that began when the file was ``before`` and ended when it was ``after``."""
    at = 4096 * chance.randrange(1, len(before) // 4096)
    return before[:at] + after[at:]
