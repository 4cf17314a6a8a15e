"""What a sound file holds, read without any code of boltcli's.

For each pair of the tree its bucket path and the bytes of the file that it depends on; all pairs of pages that are
not in the tree; and the bucket names that stand in any page.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

_HEADER = struct.Struct("<QHHI")
_META = struct.Struct("<IIIIQQQQQQ")

Path = tuple[bytes, ...]
Pair = tuple[bytes, bytes]


class Truth(NamedTuple):
    """``pairs``: (path, key) to (value, first and last page of its leaf's run). ``live`` and ``stale`` pages."""

    page_size: int
    root: int
    freelist: int
    pairs: dict[tuple[Path, bytes], tuple[bytes, int, int]]
    buckets: dict[Path, int]  # and their sequences; that of the root bucket is ``sequence``
    live: dict[int, int]  # page: pages of its run
    branches: list[int]
    stale: set[Pair]
    sequence: int
    names: dict[bytes, set[int]]  # offsets at which a bucket's name stands


def _metas(content: bytes) -> list[tuple[int, ...]]:
    found = []
    for position in (0, *(1024 << i for i in range(8))):
        if position + 80 <= len(content):
            meta = _META.unpack_from(content, position + 16)
            if meta[0] == 0xED0CDAED and _fnv(content[position + 16 : position + 72]) == meta[9]:
                found.append(meta)
    return found


def _fnv(data: bytes) -> int:
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % (1 << 64)
    return value


def elements(content: bytes, at: int) -> tuple[int, list[tuple[int, bytes, bytes, int]]]:
    """Type of the page at ``at`` and its elements: flags, key, value, child page."""
    _, kind, count, _ = _HEADER.unpack_from(content, at)
    rows = []
    for i in range(count):
        place = at + 16 + 16 * i
        if kind == 1:
            pos, ksize, child = struct.unpack_from("<IIQ", content, place)
            rows.append((0, content[place + pos : place + pos + ksize], b"", child))
        else:
            flags, pos, ksize, vsize = struct.unpack_from("<IIII", content, place)
            start = place + pos + ksize
            rows.append((flags, content[place + pos : start], content[start : start + vsize], 0))
    return kind, rows


def read(content: bytes) -> Truth:
    """Read a sound file."""
    meta = max(_metas(content), key=lambda fields: fields[8])
    page_size = meta[2]
    truth = Truth(page_size, meta[4], meta[6], {}, {}, {}, [], set(), meta[5], {})
    _tree(content, truth)
    pages = len(content) // page_size
    inside = {page + i for page, run in truth.live.items() for i in range(run)}
    live = {(key, entry[0]) for (_, key), entry in truth.pairs.items()}
    for page in range(2, pages):
        bears, kind, count, overflow = _HEADER.unpack_from(content, page * page_size)
        if bears != page or kind not in (1, 2) or 16 + 16 * count > page_size * (overflow + 1):
            continue
        if page in inside and page not in truth.live:
            continue
        for number, (flags, key, value, _) in enumerate(elements(content, page * page_size)[1]):
            if kind == 2 and flags & 1:
                _name(content, truth, page * page_size, number, key, value)
                if page not in truth.live:
                    truth.stale.update(pair for pair in _inline_pairs(value) if pair not in live)
            elif kind == 2 and page not in truth.live and (key, value) not in live:
                truth.stale.add((key, value))
    return truth


def _name(content: bytes, truth: Truth, at: int, number: int, key: bytes, value: bytes) -> None:
    """Note where the name of a bucket stands, the element ``number`` of the page at ``at``, and those inline in it."""
    stack = [(at, number, key, value)]
    while stack:
        at, number, key, value = stack.pop()
        place = at + 16 + 16 * number
        start = place + int.from_bytes(content[place + 4 : place + 8], "little")
        truth.names.setdefault(key, set()).add(start)
        if len(value) < 32 or value[:8] != bytes(8):
            continue
        for i, (flags, name, inner, _) in enumerate(elements(value, 16)[1]):
            if flags & 1:
                stack.append((start + len(key) + 16, i, name, inner))


def _inline_pairs(value: bytes) -> list[Pair]:
    if len(value) < 32 or value[:8] != bytes(8):
        return []
    return [(key, inner) for flags, key, inner, _ in elements(value, 16)[1] if not flags & 1]


def _tree(content: bytes, truth: Truth) -> None:
    stack: list[tuple[Path, int]] = [((), truth.root)]
    while stack:
        path, page = stack.pop()
        at = page * truth.page_size
        run = _HEADER.unpack_from(content, at)[3] + 1
        truth.live[page] = run
        kind, rows = elements(content, at)
        if kind == 1:
            truth.branches.append(page)
            stack += [(path, child) for _, _, _, child in rows]
            continue
        for flags, key, value, _ in rows:
            if not flags & 1:
                truth.pairs[path, key] = value, page, page + run - 1
                continue
            truth.buckets[(*path, key)] = int.from_bytes(value[8:16], "little")
            root = int.from_bytes(value[:8], "little")
            if root:
                stack.append(((*path, key), root))
            else:
                _nested(truth, (*path, key), value, page, run)


def _nested(truth: Truth, path: Path, value: bytes, page: int, run: int) -> None:
    stack = [(path, value)]
    while stack:
        path, value = stack.pop()
        for flags, key, inner, _ in elements(value, 16)[1]:
            if flags & 1:
                truth.buckets[(*path, key)] = int.from_bytes(inner[8:16], "little")
                stack.append(((*path, key), inner))
            else:
                truth.pairs[path, key] = inner, page, page + run - 1
