"""Find the leaf pages that two files share by comparing bytes: one may be a copy of the other.

Equal bytes of a branch page, or of a leaf that holds a bucket, prove nothing about what is below: between two copies a
child may have been freed and written again at its old place. So these are read. The keys of equal leaves are not.
"""

from __future__ import annotations

from ...format.constants import ELEMENT_SIZE, LEAF_PAGE, PAGE_HEADER_SIZE
from ...format.page import EVEN, header_columns
from ...storage.files import read_or_raise
from ...storage.snapshot import Snapshot

_CHUNK = 1 << 16  # bytes compared at a time; larger chunks are slower
_SHARED, _OTHER = 1, 2  # states of a page, 0: not known


class SharedPages:
    """For two files with the same page size. Takes a byte a page."""

    def __init__(self, old: Snapshot, new: Snapshot) -> None:
        self._old, self._new = old, new
        self._page_size = new.page_size
        self._per_chunk = max(_CHUNK // new.page_size, 1)
        self._states = bytearray(min(old.size, new.size) // new.page_size)

    def has(self, pgid: int) -> bool:
        """Return whether page ``pgid`` is the same plain leaf in both: of one page, and without buckets."""
        states = self._states
        if pgid < len(states) and not states[pgid]:
            self._compare(pgid - pgid % self._per_chunk)
        return pgid < len(states) and states[pgid] == _SHARED

    def _compare(self, first: int) -> None:
        """Compare the pages of a chunk."""
        self._new.poll()
        self._old.poll()
        last = min(first + self._per_chunk, len(self._states))
        page_size = self._page_size
        size = (last - first) * page_size
        old, new = (_piece(side, first * page_size, size) for side in (self._old, self._new))
        equal = old == new
        _, heads = header_columns(new, page_size, last - first)
        for pgid, at, word in zip(range(first, last), range(0, size, page_size), heads.tolist()):
            self._states[pgid] = _OTHER
            # Leaves of one page without buckets, like most pages of a file.
            if word < 1 << 32 and word & 0xFFFF == LEAF_PAGE:
                end = PAGE_HEADER_SIZE + ELEMENT_SIZE * (word >> 16)
                flags = new[at + PAGE_HEADER_SIZE : at + end : ELEMENT_SIZE]
                is_plain = end <= page_size and not flags.translate(None, EVEN)
                if is_plain and (equal or old[at : at + page_size] == new[at : at + page_size]):
                    self._states[pgid] = _SHARED


def _piece(snapshot: Snapshot, start: int, size: int) -> bytes:
    """Return a part of the file as bytes, zeros where there is none any more."""
    buffer = snapshot.buffer
    if isinstance(buffer, bytes):
        return buffer[start : start + size]
    return read_or_raise(snapshot.fd, start, size).ljust(size, b"\0")
