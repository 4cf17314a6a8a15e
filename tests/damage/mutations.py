"""Damage to databases, by structure: every field that a reader trusts, set to what leads it astray.

The one place where tests get damaged files from. ``systematic`` lists all
mutations of a file, ``sample`` chooses some of each kind, the same ones for
the same seed.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from typing import NamedTuple

HEADER = (("id", 0, "Q"), ("flags", 8, "H"), ("count", 10, "H"), ("overflow", 12, "I"))
META = (
    ("magic", 0, "I"), ("version", 4, "I"), ("page size", 8, "I"), ("flags", 12, "I"), ("root", 16, "Q"),
    ("sequence", 24, "Q"), ("freelist", 32, "Q"), ("high-water mark", 40, "Q"), ("txid", 48, "Q"),
)  # fmt: skip
LEAF = (("flags", 0, "I"), ("pos", 4, "I"), ("ksize", 8, "I"), ("vsize", 12, "I"))
BRANCH = (("pos", 0, "I"), ("ksize", 4, "I"), ("child", 8, "Q"))
FLAGS = (0, 1, 2, 3, 4, 0x10, 0x12, 0x20, 0xFFFF)
PAGE_SIZES = (0, 1, 8, 255, 256, 512, 1024, 2048, 4096, 4104, 8192, 65536, 1 << 20, 1 << 31)
_BRANCH, _LEAF, _FREELIST = 1, 2, 0x10
_SHAPES = {_BRANCH: BRANCH, _LEAF: LEAF}
_PAGES = 24  # of a larger file, those that say something
_RANDOM = 40  # mutations of each kind that chance has a part in


class Mutation(NamedTuple):
    """What is done to a file, in a few words, and as edits: (offset, new bytes). ``size``: then it is cut to that."""

    kind: str
    what: str
    edits: tuple[tuple[int, bytes], ...] = ()
    size: int | None = None

    def apply(self, content: bytes) -> bytes:
        """A damaged copy of ``content``; what an edit would put behind its end is left out."""
        mutant = bytearray(content)
        for offset, new in self.edits:
            mutant[offset : offset + len(new)] = new[: max(0, len(content) - offset)]
        if self.size is not None:
            mutant = mutant[: self.size].ljust(self.size, b"\0")
        return bytes(mutant)


def sample(content: bytes, count: int, seed: int | str) -> list[Mutation]:
    """``count`` mutations: of each kind as many, chosen at random; every fourth is two at once."""
    chance = random.Random(f"{seed}")
    kinds: dict[str, list[Mutation]] = {}
    for mutation in systematic(content, seed):
        kinds.setdefault(mutation.kind, []).append(mutation)
    for items in kinds.values():
        chance.shuffle(items)
    chosen: list[Mutation] = []
    while len(chosen) < count and any(kinds.values()):
        for items in kinds.values():
            if items:
                mutation = items.pop()
                chosen.append(_both(mutation, chance.choice(items)) if items and chance.random() < 0.25 else mutation)
    return chosen[:count]


def _both(one: Mutation, other: Mutation) -> Mutation:
    size = one.size if other.size is None else other.size
    return Mutation(one.kind, f"{one.what}; {other.what}", one.edits + other.edits, size)


def systematic(content: bytes, seed: int | str = 0) -> Iterator[Mutation]:
    """All mutations of a sound database; ``seed`` is for those that chance has a part in."""
    file = _File(content)
    chance = random.Random(f"systematic {seed}")
    yield from _meta_bits(file)
    yield from _meta_fields(file)
    for pgid in file.pages:
        yield from _page_header(file, pgid)
        yield from _elements(file, pgid)
        yield from _whole_page(file, pgid, chance)
    yield from _cuts(file)
    for make in (_near_misses, _wild):
        for _ in range(_RANDOM):
            yield make(file, chance)


class _File:
    """A sound file, as far as mutations must know it."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.page_size = self._find_page_size()
        metas = [content[start + 16 : start + 80] for start in (0, self.page_size)]
        self.hwm = max(struct.unpack_from("<Q", meta, 40)[0] for meta in metas if len(meta) == 64)
        self.count = -(-len(content) // self.page_size)
        used = [pgid for pgid in range(2, min(self.count, self.hwm)) if self.flags(pgid) in (_BRANCH, _LEAF, _FREELIST)]
        step = max(1, len(used) // _PAGES)
        self.pages = sorted({*used[:8], *used[::step], *used[-4:]})

    def _find_page_size(self) -> int:
        for start in (0, *(1024 << shift for shift in range(15))):
            if self.content[start + 16 : start + 20] == b"\xed\xda\x0c\xed":
                return int(struct.unpack_from("<I", self.content, start + 24)[0])
        raise ValueError("not a sound database")

    def flags(self, pgid: int) -> int:
        return self.field(pgid * self.page_size + 8, "H")

    def field(self, offset: int, form: str) -> int:
        """The number at ``offset``; 0 behind the file's end."""
        size = struct.calcsize(form)
        return int.from_bytes(self.content[offset : offset + size], "little")

    def numbers(self, form: str, *more: int) -> list[int]:
        """Telling values for a field: the ends of its range, page ids at the edges, sizes, and ``more``."""
        top = 1 << 8 * struct.calcsize(form)
        values = (
            0, 1, 2, 3, top - 1, top // 2, top // 2 - 1, self.count - 1, self.count, self.hwm - 1, self.hwm,
            self.hwm + 1, self.page_size - 1, self.page_size, len(self.content), 0x7FFF, 0xFFFF, 1 << 20, *more,
        )  # fmt: skip
        return list(dict.fromkeys(value % top for value in values))


def _set(kind: str, what: str, offset: int, form: str, value: int) -> Mutation:
    return Mutation(kind, f"{what} = {value}", ((offset, struct.pack("<" + form, value)),))


def _meta_bits(file: _File) -> Iterator[Mutation]:
    for page in (0, 1):
        for byte in range(80):
            offset = page * file.page_size + byte
            for bit in range(8):
                flipped = bytes([file.content[offset] ^ 1 << bit])
                yield Mutation("meta bit", f"meta {page}: bit {bit} of byte {byte} flipped", ((offset, flipped),))


def _meta_fields(file: _File) -> Iterator[Mutation]:
    """Fields of one meta page and of both, under a checksum that is right again."""
    for name, offset, form in META:
        values = file.numbers(form)
        if name == "page size":
            values = list(PAGE_SIZES)
        elif form == "Q":
            values += [file.field(start + 16 + offset, form) + 1 for start in (0, file.page_size)]
        for value in values:
            for pages in ((0,), (1,), (0, 1)):
                edits = tuple(_resealed(file, page, offset, form, value) for page in pages)
                yield Mutation("meta field", f"meta {pages}: {name} = {value}", edits)


def _resealed(file: _File, page: int, offset: int, form: str, value: int) -> tuple[int, bytes]:
    start = page * file.page_size + 16
    body = bytearray(file.content[start : start + 56])
    struct.pack_into("<" + form, body, offset, value % (1 << 8 * struct.calcsize(form)))
    checksum = 0xCBF29CE484222325
    for byte in body:
        checksum = (checksum ^ byte) * 0x100000001B3 % (1 << 64)
    return start, bytes(body) + struct.pack("<Q", checksum)


def _page_header(file: _File, pgid: int) -> Iterator[Mutation]:
    start = pgid * file.page_size
    for name, offset, form in HEADER:
        now = file.field(start + offset, form)
        values = FLAGS if name == "flags" else file.numbers(form, pgid - 1, pgid + 1, now + 1, now - 1)
        for value in values:
            if value != now:
                yield _set("page header", f"page {pgid}: {name}", start + offset, form, value)


def _elements(file: _File, pgid: int) -> Iterator[Mutation]:
    start = pgid * file.page_size
    flags, count = file.flags(pgid), file.field(start + 10, "H")
    if flags == _FREELIST:
        for index in sorted({0, 1, max(count - 1, 0)}):
            for value in file.numbers("Q", *range(8)):
                yield _set("free id", f"page {pgid}: id {index}", start + 16 + 8 * index, "Q", value)
        yield Mutation(
            "free id", f"page {pgid}: count in its first id",
            ((start + 10, b"\xff\xff"), (start + 16, struct.pack("<Q", len(file.content)))),
        )  # fmt: skip
        return
    for index in sorted({0, 1, count // 2, count - 1}):
        if 0 <= index < count:
            yield from _element(file, f"page {pgid}: element {index}", start + 16 + 16 * index, flags, pgid)


def _element(file: _File, where: str, start: int, flags: int, pgid: int) -> Iterator[Mutation]:
    kind = "branch element" if flags == _BRANCH else "leaf element"
    for name, offset, form in _SHAPES[flags]:
        now = file.field(start + offset, form)
        beside = [file.field(start + offset + step, form) for step in (-16, 16)]
        for value in file.numbers(form, pgid, now + 1, now - 1, now ^ 1, *beside):
            if value != now:
                yield _set(kind, f"{where}: {name}", start + offset, form, value)
    if flags == _LEAF and file.field(start, "I") & 1:
        yield from _bucket_value(file, where, start, pgid)


def _bucket_value(file: _File, where: str, element: int, pgid: int) -> Iterator[Mutation]:
    pos, ksize = (file.field(element + offset, "I") for offset in (4, 8))
    value = element + pos + ksize
    for root in file.numbers("Q", pgid, *file.pages[:6]):
        yield _set("bucket", f"{where}: root of its bucket", value, "Q", root)
    if file.field(value, "Q"):
        return
    for name, offset, form in HEADER[1:]:
        values = FLAGS if name == "flags" else file.numbers(form, file.field(value + 16 + offset, form) + 1)
        for number in values:
            yield _set("bucket", f"{where}: {name} of its inline page", value + 16 + offset, form, number)
    for name, offset, form in LEAF:
        for number in file.numbers(form):
            yield _set("bucket", f"{where}: {name} in its inline page", value + 32 + offset, form, number)


def _whole_page(file: _File, pgid: int, chance: random.Random) -> Iterator[Mutation]:
    size = file.page_size
    start = pgid * size

    def page(number: int) -> bytes:
        return file.content[number * size : (number + 1) * size]

    yield Mutation("page", f"page {pgid} zeroed", ((start, bytes(size)),))
    yield Mutation("page", f"page {pgid} random", ((start, chance.randbytes(size)),))
    yield Mutation("page", f"page {pgid} random behind its header", ((start + 16, chance.randbytes(size - 16)),))
    for other in {chance.choice(file.pages), chance.choice((0, 1)), file.pages[0]} - {pgid}:
        yield Mutation("page", f"page {other} copied over page {pgid}", ((start, page(other)),))
        named = struct.pack("<Q", pgid) + page(other)[8:]
        yield Mutation("page", f"page {other} copied over page {pgid}, with its id", ((start, named),))
        yield Mutation("page", f"pages {pgid} and {other} swapped", ((start, page(other)), (other * size, page(pgid))))


def _cuts(file: _File) -> Iterator[Mutation]:
    size, length = file.page_size, len(file.content)
    step = max(1, file.count // _PAGES)
    for pgid in sorted({0, 1, 2, 3, 4, *range(0, file.count + 1, step), file.hwm - 1, file.hwm, file.count}):
        for more in (0, 1, 15, 16, 80, size // 2, size - 1):
            if pgid * size + more != length:
                yield Mutation("cut", f"size {pgid * size + more}", size=pgid * size + more)


def _near_misses(file: _File, chance: random.Random) -> Mutation:
    """A number that is off by one: the damage that is hardest to see."""
    offset = chance.choice(file.pages) * file.page_size + 4 * chance.randrange(64)
    number = file.field(offset, "I") + chance.choice((-1, 1))
    return _set("near miss", f"offset {offset}", offset, "I", number % (1 << 32))


def _wild(file: _File, chance: random.Random) -> Mutation:
    start = chance.choice(file.pages) * file.page_size
    edits = [(start + chance.randrange(file.page_size), chance.randbytes(1)) for _ in range(chance.randint(1, 8))]
    return Mutation("random bytes", f"bytes {edits}", tuple(edits))
