"""Cases of the commands that look at pages, and of surgery, for one database.

A database comes with a companion, the same file with its freelist abandoned
(``without_freelist``), since that is what ``surgery freelist rebuild`` takes.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator

from tests.compat.bbolt import Database, Page, spread
from tests.compat.model import Case

FORMATS = ("ascii-encoded", "hex", "bytes", "redacted", "auto")
HUGE = ("1099511627776", "4503599627370496", "18446744073709551615")
NO_FREELIST = b"\xff" * 8


def companion(name: str) -> str:
    """Name the file beside ``name`` that has no freelist."""
    return f"{name}.nofreelist"


def without_freelist(data: bytes) -> bytes:
    """Take the freelist out of both meta pages, where they can be found."""
    copy = bytearray(data)
    page_size = struct.unpack_from("<I", data, 24)[0] if len(data) > 28 else 0
    for at in (0, page_size):
        if at + 80 <= len(data):
            copy[at + 48 : at + 56] = NO_FREELIST
            copy[at + 72 : at + 80] = struct.pack("<Q", _fnv1a(copy[at + 16 : at + 72]))
    return bytes(copy)


def _fnv1a(data: bytes | bytearray) -> int:
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def inspect(database: Database, _full: bool) -> Iterator[Case]:
    yield Case(("inspect", database.name))
    yield Case(("inspect", companion(database.name)))


def pages(database: Database, _full: bool) -> Iterator[Case]:
    yield Case(("pages", database.name))
    yield Case(("pages", companion(database.name)))


def page(database: Database, full: bool) -> Iterator[Case]:
    name, top = database.name, database.high_water
    if full:
        for pgid in range(top + 2):
            yield Case(("page", name, str(pgid)))
        yield Case(("page", name, *HUGE))
        yield Case(("page", name, "0", "", "1", "1", "--", "2"))
        for number in range(0, top, 16):
            some = [str(pgid) for pgid in range(number, min(number + 16, top))]
            yield Case(("page", "--format-value", FORMATS[number // 16 % 4], name, *some))
    for form in FORMATS if full else FORMATS[top % 4 : top % 4 + 1]:
        yield Case(("page", "--all", "--format-value", form, name))
    yield Case(("page", "--all", "--format-value=nosuch", name))


def dump(database: Database, full: bool) -> Iterator[Case]:
    name, top = database.name, database.high_water
    step = 16 if full else max(16, top // 2)
    for number in range(0, top + 1, step):
        yield Case(("dump", name, *(str(pgid) for pgid in range(number, min(number + 16, top + 1)))))
    yield Case(("dump", name, str(top // 2), *HUGE))
    yield Case(("dump", name, HUGE[-1]))


def page_item(database: Database, full: bool) -> Iterator[Case]:
    name = database.name
    turn = itertools.cycle(
        [(), ("--key-only",), ("--value-only",), *((f"--format={form}",) for form in FORMATS), ("--format", "nosuch")]
    )
    leaves = [each for each in database.pages if each.type == "leaf"]
    for each in spread(leaves, 20 if full else 3):
        last = each.count - 1
        for item in dict.fromkeys((0, last // 2, last, last + 1, 65536 + last) if full else (0, last)):
            if item >= 0:
                yield Case(("page-item", *next(turn), name, str(each.id), str(item)))
    for each in [each for each in database.pages if each.type != "leaf"][: 6 if full else 1]:
        yield Case(("page-item", name, str(each.id), "0"))
    yield Case(("page-item", name, str(database.high_water), "0"))
    yield Case(("page-item", name, "1", HUGE[-1]))


def surgery(database: Database, full: bool) -> Iterator[Case]:
    for number, (command, *options) in enumerate(_operations(database, full)):
        source = companion(database.name) if command == "freelist rebuild" else database.name
        output = f"{database.name}.out{number}"
        yield Case(
            ("surgery", *command.split(), source, *options, "--output", output), outputs=(output,)
        )  # fmt: skip
    for name in (database.name, companion(database.name)):
        yield Case(("surgery", "meta", "validate", name))
    yield Case(("surgery", "freelist", "rebuild", database.name, "--output", database.name))


def _operations(database: Database, full: bool) -> Iterator[tuple[str, ...]]:
    """The surgeries, without file names."""
    top = database.high_water
    yield ("freelist rebuild",)
    yield ("freelist abandon",)
    yield ("revert-meta-page",)
    yield from _meta_updates(top if full else 1)
    trees = [each for each in database.pages if each.type in ("branch", "leaf") and each.count]
    others = [each for each in database.pages if each.type not in ("branch", "leaf") and each.id > 1]
    for each in _chosen(trees, 10 if full else 2) + others[:2]:
        yield ("clear-page", "--pageId", str(each.id))
        yield from _clearings(each, full)
    for source, target in [(2, 3), (3, 2), (top - 1, 2), (2, top - 1), (0, 1), (2, top + 1), (top, 2)][
        : 7 if full else 2
    ]:
        yield ("copy-page", "--from-page", str(source), "--to-page", str(target))


def _chosen(pages: list[Page], count: int) -> list[Page]:
    """Some of all, with branches and pages with overflow among them wherever there are any."""
    special = [each for each in pages if each.type == "branch"][:2] + [each for each in pages if each.overflow][:2]
    return list(dict.fromkeys(special[: count // 2] + spread(pages, count - len(special[: count // 2]))))


def _clearings(each: Page, full: bool) -> Iterator[tuple[str, ...]]:
    count = each.count
    ranges = [(0, 1), (count - 1, -1), (count // 2, count), (1, count - 1)]
    if full:
        ranges += [(0, -1), (0, count), (-1, 1), (count, -1), (0, count + 1), (1, 0), (1, 1), (0, -2)]
    for start, end in dict.fromkeys(ranges):
        yield ("clear-page-elements", "--pageId", str(each.id), "--from-index", str(start), f"--to-index={end}")


def _meta_updates(top: int) -> Iterator[tuple[str, ...]]:
    for slot in ("0", "1"):
        yield ("meta update", "--meta-page", slot)
        yield ("meta update", "--meta-page", slot, "--fields", f"root:{top},freelist:2", "--fields", "pgid:77")
    if top > 1:
        yield ("meta update", "--fields", "pageSize:8192", "--meta-page=1")
        yield ("meta update", "--fields", '"root:4",root:5,"pgid:18446744073709551615"')
        yield ("meta update", "--fields", "pageSize:4294967297")
