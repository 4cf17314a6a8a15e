"""Files made to make a reader hang, recurse without end, or eat memory; each command answers all the same."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.damage.answers import CALLS, Subject
from tests.support import freelist, meta, page, pgid, small

HUGE = 1 << 28  # bytes of a file that is all holes


def bucket(root: int) -> bytes:
    return pgid(root) + pgid(0)


def both(**fields: int) -> bytes:
    """Two meta pages that agree."""
    return meta(0, **fields) + meta(1, **fields)


def page_with_count(number: int, flags: int, count: int, overflow: int = 0) -> bytes:
    return struct.pack("<QHHI", number, flags, count, overflow).ljust(4096, b"\0")


LEAF = page(3, 2, [(b"b", bucket(4), b"\1")])
KEYS = page(4, 2, [(b"k", b"v")])

# What makes the content, and the size that the file is stretched to with a hole.
FILES: dict[str, Callable[[], tuple[bytes, int]]] = {
    "page size 0": lambda: (both(page_size=4096)[:24] + bytes(4) + both(page_size=4096)[28:] + bytes(8192), 0),
    "page size 2^31": lambda: (meta(0, page_size=1 << 31)[:4096] + bytes(4096), 0),
    "page size 2^26": lambda: (meta(0, page_size=1 << 26)[:4096] + bytes(4096), 1 << 27),
    "page size 256": lambda: (meta(0, page_size=256)[:256] + meta(1, page_size=256)[:256] + bytes(4096), 0),
    "a freelist that spans a huge file": lambda: (
        both(hwm=HUGE // 4096)
        + (struct.pack("<QHHI", 2, 0x10, 0xFFFF, 0) + pgid(HUGE // 8 - 2048)).ljust(4096, b"\0")
        + LEAF + KEYS, HUGE,
    ),
    "a high-water mark of 2^63": lambda: (small(freelist(2), LEAF, KEYS, hwm=1 << 63), 0),
    "every count and overflow at its end": lambda: (
        both(hwm=6) + freelist(2) + page_with_count(3, 2, 0xFFFF, 0xFFFFFFFF) + page_with_count(4, 1, 0xFFFF), 0,
    ),
    "a branch that leads to itself": lambda: (small(freelist(2), page(3, 1, [(b"a", pgid(3)), (b"b", pgid(3))])), 0),
    "a ring of branches": lambda: (
        small(freelist(2), *(page(3 + i, 1, [(b"%d" % i, pgid(3 + (i + 1) % 50))] * 200) for i in range(50))), 0,
    ),
    "a bucket nested in itself": lambda: (small(freelist(2), page(3, 2, [(b"b", bucket(3), b"\1")])), 0),
    "two buckets nested in each other": lambda: (
        small(freelist(2), LEAF, page(4, 2, [(b"x", bucket(5), b"\1")]), page(5, 2, [(b"y", bucket(4), b"\1")])), 0,
    ),
    "a hundred buckets with one tree": lambda: (
        small(freelist(2), page(3, 2, [(b"%03d" % i, bucket(4), b"\1") for i in range(100)]), KEYS), 0,
    ),
    "200 ** 40 ways to a leaf": lambda: (
        small(freelist(2), *(page(3 + i, 1, [(b"%03d" % j, pgid(4 + i)) for j in range(200)]) for i in range(40)),
              page(43, 2, [(b"x", b"")])), 0,
    ),
    "pages that claim each other's elements": lambda: (
        both(hwm=80) + freelist(2) + page(3, 1, [(b"%03d" % i, pgid(4 + i)) for i in range(40)])
        + b"".join(page_with_count(4 + i, 1 + i % 2, 0xFFFF, 60) for i in range(76)), 0,
    ),
    "buckets 2000 deep": lambda: (
        small(freelist(2), *(page(3 + i, 2, [(b"b", bucket(4 + i), b"\1")]) for i in range(2000)), page(2003, 2)), 0,
    ),
    "branches 2000 deep": lambda: (
        small(freelist(2), *(page(3 + i, 1, [(b"b", pgid(4 + i))]) for i in range(2000)), page(2003, 2)), 0,
    ),
    "an inline bucket that claims more than its value": lambda: (
        small(freelist(2), page(3, 2, [(b"b", bucket(0) + struct.pack("<QHHI", 0, 2, 0xFFFF, 9), b"\1")])), 0,
    ),
    "a root bucket without a page": lambda: (both(root=0) + freelist(2) + LEAF, 0),
    "a freelist that is the root": lambda: (both(freelist=3) + freelist(2) + LEAF + KEYS, 0),
    "metas that contradict each other": lambda: (
        meta(0, root=4, freelist=3, hwm=1 << 40, txid=8) + meta(1, hwm=5, txid=7) + freelist(2) + LEAF + KEYS, 0,
    ),
    "nothing but zeros": lambda: (bytes(65536), 0),
    "one byte": lambda: (b"\xed", 0),
}  # fmt: skip

LONGEST = ("a ring of branches", "200 ** 40 ways to a leaf")


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.thorough] * (name in LONGEST)) for name in FILES]
)
def test_hostile_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda fd: None)
    monkeypatch.setattr("boltcli.tree.walk._LEAST", 1 << 13)  # visits that end a walk: 128 times sooner
    monkeypatch.setattr("boltcli.tree.walk._AS_BBOLT", 1 << 20)
    content, size = FILES[name]()
    path = tmp_path / "hostile.db"
    path.write_bytes(content)
    if size:
        os.truncate(path, size)
    subject = Subject(path, "b", "k")
    calls = [call for call in CALLS if size == 0 or "{output}" not in call]  # a copy of a huge file has no holes
    said = {call: subject.call(call) for call in calls}
    if name not in ("buckets 2000 deep", "page size 256"):
        status, out, err = said["check", "--deep", "{file}"]
        assert status == 1
        assert out.endswith(b" errors found\n") or err.startswith(b"Error: "), name
