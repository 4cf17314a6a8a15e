"""What a file is by its first bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sqlite3
import tarfile
import zipfile
from pathlib import Path

import pytest

from boltcli.format.magic import is_bolt, is_packed, is_unknown, kind_of
from tests.support import DATABASES, meta


def _zip() -> bytes:
    with zipfile.ZipFile(target := io.BytesIO(), "w") as archive:
        archive.writestr("a", b"b")
    return target.getvalue()


def _tar() -> bytes:
    with tarfile.open(fileobj=(target := io.BytesIO()), mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return target.getvalue()


def _sqlite() -> bytes:
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE t (a)")
        return database.serialize()


# What the program of the kind writes; else the bytes that file(1) looks for, at their place.
KINDS = {
    "gzip": gzip.compress(b"x"),
    "xz": lzma.compress(b"x"),
    "bzip2": bz2.compress(b"x"),
    "a zip archive": _zip(),
    "a tar archive": _tar(),
    "a SQLite database": _sqlite(),
    "zstandard": bytes.fromhex("28b52ffd"),
    "lz4": bytes.fromhex("04224d18"),
    "snappy": b"\xff\x06\0\0sNaPpY",
    "a 7z archive": b"7z\xbc\xaf\x27\x1c",
    "an LMDB database": bytes(16) + bytes.fromhex("dec0efbe"),
    "a Berkeley DB database": bytes(12) + bytes.fromhex("62310500"),
    "a GDBM database": bytes.fromhex("cf9a5713"),
    "an OLE document": bytes.fromhex("d0cf11e0a1b11ae1"),
    "a program (ELF)": b"\x7fELF",
    "a picture (PNG)": b"\x89PNG",
    "a PDF document": b"%PDF-1.7",
    "a disk image (qcow2)": b"QFI\xfb",
    "a Parquet file": b"PAR1",
    "an encrypted disk (LUKS)": b"LUKS\xba\xbe",
    "encrypted (age)": b"age-encryption.org/v1",
    "a key, certificate or message (PEM)": b"-----BEGIN CERTIFICATE-----",
    "JSON": b' \n{"a": 1}',
    "text": "Grüße\tund\r\n".encode()[:-1],
    "a file that begins with zeros only": bytes(100),
    "an empty file": b"",
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_files(kind: str) -> None:
    head = KINDS[kind]
    assert kind_of(head) == kind
    assert kind_of(head + b"\1\xff" * 20) in (kind, None)  # more of them, or text no longer
    assert is_packed(head) == (kind in ("gzip", "xz", "bzip2", "zstandard", "a zip archive", "a tar archive"))
    assert is_unknown(kind) == (kind in ("a file that begins with zeros only", "an empty file"))
    assert not is_bolt(head)


@pytest.mark.parametrize("head", [b"a\0b", b"a\x1bb", b"\xff\xfe", b"\x80"])
def test_what_is_no_text(head: bytes) -> None:
    assert kind_of(head) is None
    assert is_unknown(None)


def test_a_text_may_end_inside_a_character() -> None:
    assert kind_of("ü".encode()[:1]) == "text"


@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_bolt_files(path: Path) -> None:
    assert is_bolt(path.read_bytes()[:65536])


@pytest.mark.parametrize("page_size", [1024, 4096, 16384])
def test_one_meta_page_is_enough(page_size: int) -> None:
    second = bytes(page_size) + meta(1, page_size=page_size)
    assert is_bolt(second)
    assert not is_bolt(second[1:])
    assert not is_bolt(bytes(page_size))
