"""Building blocks of the tests: fixtures by name, runs of the command line, small files made by hand."""

from __future__ import annotations

import importlib
import io
import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest

from boltcli.__main__ import main
from boltcli.format.meta import fnv1a64
from boltcli.format.page import HEADER, Page

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "fixtures"
DATABASES = sorted(FIXTURES.glob("*.db"))


def fixture(name: str) -> Path:
    """The committed database ``name``.db."""
    return FIXTURES / f"{name}.db"


def run(*argv: str | Path) -> tuple[int, bytes, bytes]:
    """Status, stdout and stderr of a command, run in this process."""
    out, err = io.BytesIO(), io.BytesIO()
    status = main([str(word) for word in argv], out, err)
    return status, out.getvalue(), err.getvalue()


def missing(tool: str) -> NoReturn:
    """Skip a test for want of ``tool``. With ``BOLTCLI_ALL_TOOLS``, which `.ci/run` sets, that is a failure."""
    if os.environ.get("BOLTCLI_ALL_TOOLS"):
        pytest.fail(f"{tool} is missing")
    pytest.skip(f"needs {tool}", allow_module_level=True)


def needed(module: str) -> Any:
    """Import an optional ``module``, or go by :func:`missing`."""
    try:
        return importlib.import_module(module)
    except ImportError:
        missing(module)


def error_line(err: bytes) -> bytes:
    """The text behind ``Error: `` on the first line of stderr that is no warning."""
    while err.startswith(b"warning: "):
        err = err.partition(b"\n")[2]
    assert err.startswith(b"Error: "), err
    return err.split(b"\n", 1)[0].removeprefix(b"Error: ")


def meta(
    page: int,
    *,
    page_size: int = 4096,
    root: int = 3,
    freelist: int = 2,
    hwm: int = 4,
    txid: int | None = None,
    magic: int = 0xED0CDAED,
    version: int = 2,
) -> bytes:
    """A valid meta page, written from the format's description and not by the code under test."""
    body = struct.pack(
        "<IIIIQQQQQ", magic, version, page_size, 0, root, 0, freelist, hwm, page if txid is None else txid
    )
    content = struct.pack("<QHHI", page, 4, 0, 0) + body + struct.pack("<Q", fnv1a64(body))
    return content.ljust(page_size, b"\0")


def page(
    pgid: int, flags: int, elements: Sequence[tuple[bytes, ...]] = (), *, page_size: int = 4096, overflow: int = 0
) -> bytes:
    """A branch page of (key, child id as bytes), or a leaf of (key, value) or (key, value, flags as bytes)."""
    count = len(elements)
    table, data = b"", b""
    for index, element in enumerate(elements):
        pos = 16 * (count - index) + len(data)
        if flags == 1:
            key, child = element
            table += struct.pack("<II", pos, len(key)) + child
            data += key
        else:
            key, value = element[:2]
            flag = int.from_bytes(element[2], "little") if len(element) > 2 else 0
            table += struct.pack("<IIII", flag, pos, len(key), len(value))
            data += key + value
    content = struct.pack("<QHHI", pgid, flags, count, overflow) + table + data
    return content.ljust(page_size * (overflow + 1), b"\0")


def as_page(content: bytes, count: int | None = None) -> Page:
    """Return a page of these bytes, which says that it has ``count`` elements (default: what its header says)."""
    pgid, flags, stored, overflow = HEADER.unpack_from(content)
    size = len(content)
    return Page((pgid, flags, stored if count is None else count, overflow), content, 0, size, 0)


def freelist(pgid: int, ids: Sequence[int] = (), *, page_size: int = 4096, long: bool = False) -> bytes:
    """A freelist page; ``long``: its count is in the first id, as where there are many."""
    stored = [len(ids), *ids] if long else ids
    content = struct.pack("<QHHI", pgid, 0x10, 0xFFFF if long else len(ids), 0) + struct.pack(
        f"<{len(stored)}Q", *stored
    )
    return content.ljust(page_size, b"\0")


def pgid(number: int) -> bytes:
    """A page id as a branch element holds it."""
    return struct.pack("<Q", number)


def small(*pages: bytes, **fields: int) -> bytes:
    """A file: two metas, then ``pages``; the high-water mark is set behind them."""
    fields.setdefault("hwm", 2 + sum(len(part) for part in pages) // 4096)
    return meta(0, **fields) + meta(1, **fields) + b"".join(pages)


def read_terminal(fd: int) -> bytes:
    """Read all that programs write to a pseudo-terminal, until none has it open, and close it."""
    text = b""
    while True:
        try:
            piece = os.read(fd, 65536)
        except OSError:  # Linux says so where others say nothing more comes
            break
        if not piece:
            break
        text += piece
    os.close(fd)
    return text
