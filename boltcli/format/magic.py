"""Identify files that are not bolt databases by their first bytes."""

from codecs import getincrementaldecoder

from .constants import MAGIC, PAGE_HEADER_SIZE, PAGE_SIZE_SEARCH

HEAD = 4096  # bytes to read of a file
ZIP, TAR = "a zip archive", "a tar archive"
_PACKED = ("gzip", "xz", "bzip2", "zstandard", ZIP, TAR)

# Offset, bytes, what it is. Sources: the formats' own documents, and file(1)'s list.
_MAGIC = (
    (0, b"\x1f\x8b", "gzip"),
    (0, b"\x28\xb5\x2f\xfd", "zstandard"),
    (0, b"\xfd7zXZ\x00", "xz"),
    (0, b"BZh", "bzip2"),
    (0, b"\x04\x22\x4d\x18", "lz4"),
    (0, b"\xff\x06\x00\x00sNaPpY", "snappy"),
    (0, b"PK\x03\x04", ZIP),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (257, b"ustar", TAR),
    (0, b"SQLite format 3\x00", "a SQLite database"),
    (16, b"\xde\xc0\xef\xbe", "an LMDB database"),
    (12, (b"\x62\x31\x05\x00", b"\x00\x05\x31\x62"), "a Berkeley DB database"),
    (0, (b"\xce\x9a\x57\x13", b"\xcf\x9a\x57\x13", b"\x13\x57\x9a\xce"), "a GDBM database"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an OLE document"),
    (0, b"\x7fELF", "a program (ELF)"),
    (0, b"\x89PNG", "a picture (PNG)"),
    (0, b"%PDF", "a PDF document"),
    (0, b"QFI\xfb", "a disk image (qcow2)"),
    (0, b"PAR1", "a Parquet file"),
    (0, b"LUKS\xba\xbe", "an encrypted disk (LUKS)"),
    (0, b"age-encryption.org/", "encrypted (age)"),
    (0, b"-----BEGIN ", "a key, certificate or message (PEM)"),
)

ZEROS = "a file that begins with zeros only"
EMPTY = "an empty file"


def is_bolt(head: bytes) -> bool:
    """Return whether ``head``, the beginning of a file, has one of bolt's two meta pages."""
    magic = MAGIC.to_bytes(4, "little")
    return any(head.startswith(magic, at + PAGE_HEADER_SIZE) for at in (0, *PAGE_SIZE_SEARCH))


def kind_of(head: bytes) -> str | None:
    """Return the kind of a file that begins with ``head`` ("a zip archive"); None if unknown."""
    for offset, magic, name in _MAGIC:
        if head.startswith(magic, offset):
            return name
    if not head:
        return EMPTY
    if not head.strip(b"\0"):
        return ZEROS
    return _text_kind(head)


def is_packed(head: bytes) -> bool:
    """Return whether a file that begins with ``head`` can be unpacked (``storage/packed.py``)."""
    return kind_of(head) in _PACKED


def is_unknown(kind: str | None) -> bool:
    """Return whether ``kind``, from :func:`kind_of`, may also be that of a database whose beginning is lost."""
    return kind is None or kind in (ZEROS, EMPTY)


def _text_kind(head: bytes) -> str | None:
    try:
        text = getincrementaldecoder("utf-8")().decode(head)  # its last character may be cut
    except UnicodeDecodeError:
        return None
    if any(char < " " and char not in "\t\r\n\f" for char in text):
        return None
    return "JSON" if text.lstrip()[:1] in ("{", "[") else "text"
