"""What bbolt reads of a file, damaged or not, by a reader that shares no code with boltcli.

As bbolt does, it takes the valid meta page of the newest transaction and follows pages and elements without looking
whether they stay in their page. Where bbolt would panic, or end outside the file, there is no answer.
"""

from __future__ import annotations

import struct

# (path, key, value) of a pair, (path, sequence) of a bucket; sorted.
Rows = list[tuple[object, ...]]
_MOST = 200_000  # elements
_DEEPEST = 100  # buckets within each other


class Panic(Exception):
    """bbolt would not read this."""


def rows(content: bytes) -> Rows | None:
    """Every pair and bucket, as often as bbolt meets it; None if bbolt fails."""
    try:
        page_size, root, sequence = _meta(content)
        found: Rows = [((), sequence)]
        _read(content, page_size, root, found)
    except (Panic, struct.error, OverflowError):
        return None
    return sorted(found, key=repr)


def _meta(content: bytes) -> tuple[int, int, int]:
    first = next((size for at in (0, *(1024 << i for i in range(15))) if (size := _valid(content, at))), 0)
    if not first:
        raise Panic
    metas = [
        struct.unpack_from("<QQQQQ", content, at + 32)
        for at in (0, first) if _valid(content, at)
    ]  # fmt: skip
    if not metas:
        raise Panic
    newest = max(metas, key=lambda fields: fields[4])
    return first, newest[0], newest[1]


def _valid(content: bytes, at: int) -> int:
    """The page size in the valid meta page at ``at``; 0 if there is none."""
    if at + 80 > len(content):
        return 0
    magic, version, size = struct.unpack_from("<III", content, at + 16)
    checksum = 0xCBF29CE484222325
    for byte in content[at + 16 : at + 72]:
        checksum = (checksum ^ byte) * 0x100000001B3 % (1 << 64)
    right = magic == 0xED0CDAED and version == 2 and content[at + 72 : at + 80] == checksum.to_bytes(8, "little")
    return int(size) if right else 0


def _read(content: bytes, page_size: int, root: int, found: Rows) -> None:
    # Path, page id or None, offset of an inline page.
    pending: list[tuple[tuple[bytes, ...], int | None, int]] = [((), root, 0)]
    left = _MOST
    while pending:
        path, pgid, at = pending.pop()
        if len(path) > _DEEPEST:
            raise Panic  # a bucket nested in itself
        if pgid is not None:
            at = pgid * page_size
        bears, flags, count, _ = struct.unpack_from("<QHHI", content, at)
        if (pgid is not None and bears != pgid) or flags not in (1, 2):
            raise Panic
        left -= count + 1
        if left < 0:
            raise Panic
        for place in range(at + 16, at + 16 + 16 * count, 16):
            if flags == 1:
                child = struct.unpack_from("<Q", content, place + 8)[0]
                pending.append((path, child, 0))
                continue
            kind, pos, ksize, vsize = struct.unpack_from("<IIII", content, place)
            start, middle = place + pos, place + pos + ksize
            if middle + vsize > len(content):
                raise Panic
            key, value = content[start:middle], content[middle : middle + vsize]
            if not kind & 1:
                found.append((path, key, value))
                continue
            inner, sequence = struct.unpack_from("<QQ", content, middle)
            found.append(((*path, key), sequence))
            pending.append(((*path, key), inner or None, middle + 16))
