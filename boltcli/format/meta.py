"""The meta page: a file begins with two, which are written in turn; the newer valid one counts."""

from __future__ import annotations

from _struct import Struct  # struct is Python code and takes longer to load

from ..read_errors import InvalidDatabase
from .constants import MAGIC, MAGIC_SWAPPED, META_PAGE, META_SIZE, NO_FREELIST, PAGE_HEADER_SIZE, VERSION
from .page import HEADER

_META = Struct("<IIIIQQQQQQ")
_CHECKED = META_SIZE - 8  # the checksum covers everything before itself

_FNV_OFFSET = 0xCBF29CE484222325
_FNV_PRIME = 0x100000001B3
_U64 = 0xFFFFFFFFFFFFFFFF


def fnv1a64(data: bytes) -> int:
    """Return the 64-bit FNV-1a hash of ``data``, as Go's ``hash/fnv`` computes it."""
    value = _FNV_OFFSET
    for byte in data:
        value = (value ^ byte) * _FNV_PRIME & _U64
    return value


def meta_page(txid: int, *, page_size: int, root: int, freelist: int, hwm: int, sequence: int = 0) -> bytes:
    """Return the header and content of a meta page, whose page id is ``txid % 2``; the rest of the page is zeros."""
    body = _packed(MAGIC, VERSION, page_size, 0, root, sequence, freelist, hwm, txid)
    return HEADER.pack(txid % 2, META_PAGE, 0, 0) + body


def _packed(*fields: int) -> bytes:
    """Return the 64 bytes of a meta with ``fields``, all in their order but the checksum, which is added."""
    body = _META.pack(*fields, 0)[:_CHECKED]
    return body + fnv1a64(body).to_bytes(8, "little")


class Meta:
    """The content of meta page ``page``, valid or not. ``hwm``, the high-water mark: the first page id never used."""

    def __init__(self, content: bytes, page: int) -> None:
        """``content``: the 64 bytes that follow the page header; a short one reads as zeros."""
        content = content[:META_SIZE].ljust(META_SIZE, b"\0")
        fields: tuple[int, ...] = _META.unpack(content)
        (
            self.magic, self.version, self.page_size, self.flags, self.root, self.sequence, self.freelist, self.hwm,
            self.txid, self.checksum,
        ) = fields  # fmt: skip
        self.page = page
        self.computed = fnv1a64(content[:_CHECKED])

    @classmethod
    def at(cls, page_bytes: bytes, page: int) -> Meta:
        """Return the meta in ``page_bytes``, which begins with a page header."""
        return cls(page_bytes[PAGE_HEADER_SIZE : PAGE_HEADER_SIZE + META_SIZE], page)

    def packed(self) -> bytes:
        """Return the 64 bytes of this meta with its present fields and a valid checksum."""
        return _packed(
            self.magic, self.version, self.page_size, self.flags, self.root, self.sequence, self.freelist, self.hwm,
            self.txid,
        )  # fmt: skip

    @property
    def has_freelist(self) -> bool:
        return self.freelist != NO_FREELIST

    def problem(self) -> InvalidDatabase | None:
        """The error with which bbolt refuses this meta page, or None if it is valid."""
        if self.magic != MAGIC:
            if self.magic == MAGIC_SWAPPED:
                what = "invalid database: it was written on a machine with the opposite byte order"
                return InvalidDatabase(what, page=self.page)
            return InvalidDatabase(page=self.page)
        if self.version != VERSION:
            from ..errors import VersionMismatch

            return VersionMismatch("version mismatch", page=self.page)
        if self.checksum != self.computed:
            from ..errors import ChecksumError

            return ChecksumError("checksum error", page=self.page)
        return None


def choose(meta0: Meta, meta1: Meta) -> Meta:
    """Return the valid meta with the higher txid; on equal ones, meta 0. Raises meta 0's error if neither is valid."""
    for meta in (meta1, meta0) if meta1.txid > meta0.txid else (meta0, meta1):
        if meta.problem() is None:
            return meta
    raise meta0.problem() or InvalidDatabase()
