"""The optional compiled kernel: whole walks over a database in C (``walk.h``).

Its results are those of the Python code. If a file isn't regular it returns
None, and the Python code is used. It is built when boltcli is installed, if
there is a C compiler (``build_hook.py``).

Its functions take the file as a buffer, the page size, the number of pages
that may be visited (the high-water mark, or all), the root page, and a
callable that is called every few milliseconds with the number of pages visited
so far; an exception from it ends the walk and is passed on.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal, Protocol, overload

    from ..format.page import Buffer

    Tick = Callable[[int], object] | None
    Row = tuple[tuple[bytes, ...], int] | tuple[tuple[bytes, ...], bytes, bytes, int, bytes]  # bucket; pairs
    Meta = tuple[int, int, int, int]  # transaction, root, freelist, high-water mark

    class Kernel(Protocol):
        """The functions of the kernel; each returns None if the file isn't regular."""

        def prove(self, file: Buffer, page_size: int, most: int, root: int, tick: Tick, /) -> bytes | None:
            """Verify all trees; return a byte for each page, 1 if a tree has it."""

        def stats(
            self, file: Buffer, page_size: int, most: int, root: int, tick: Tick, prefix: bytes | None, /
        ) -> tuple[int, tuple[int, ...], bytes] | None:
            """Count the buckets in ``root`` whose names begin with ``prefix``, or with None the bucket itself.

            Returns how many, the numbers of their :class:`~boltcli.ops.stats.buckets.BucketStats`, and a byte a
            page, 1 for those that were entered.
            """

        def buckets(
            self, file: Buffer, page_size: int, most: int, root: int, tick: Tick, as_text: bool, /
        ) -> bytes | None:
            """List all buckets, each before those inside it: as ``inspect`` prints them, or as records.

            A record is of nine u64, see :data:`RECORD`.
            """

        def space(
            self, file: Buffer, page_size: int, most: int, root: int, tick: Tick, levels: int, keep: int, dense: int, /
        ) -> tuple[bytes, bytes, bytes, bytes, bytes] | None:
            """Count what takes the space in the bucket at page ``root`` and in those inside it.

            Returns columns as u64: buckets of eleven (:data:`PLACE`), leaf pages of four (offset, end, pairs, bytes),
            sums (:data:`SUMS`), the ``keep`` largest pairs of four (size, key, key size, bucket); and a byte a page, 1
            for those of the trees. ``levels`` of buckets are told apart; ``dense`` is a dense copy's page size.
            """

        def copy(
            self, file: Buffer, page_size: int, most: int, root: int, tick: Tick, size: int, limit: int, capacity: int,
            write: Callable[[int, int, memoryview], None] | None, /,
        ) -> tuple[Meta, Meta, int, int, int, int] | None:  # fmt: skip
            """Write the file that ``bbolt compact`` makes, of pages of ``size`` bytes, without its metas.

            A transaction puts at most ``limit`` bytes. With a ``capacity`` it is the densest one, whose pages take so
            many bytes; that has no freelist yet, and the first meta is about it. ``write`` is called with pages: the
            first one's id, that after the last, their bytes (no longer valid after the call); with None they are only
            counted. Returns both metas, the file's size, and the numbers of transactions, pairs and buckets. Whether
            the keys of pages are in order is for the caller to know.
            """

        def export(
            self, file: Buffer, page_size: int, most: int, root: int, tick: Tick, names: bytes | None, hex_names: bytes,
            shown: Callable[[bytes], bool], write: Callable[[memoryview], object], /,
        ) -> tuple[int, int] | Literal[False] | None:  # fmt: skip
            """Write what is in the bucket at page ``root`` as lines of JSON, as ``export`` prints them.

            ``names`` lead to that bucket, as they stand in a line, None if they aren't printable, ``hex_names`` the
            same in hexadecimal; ``shown`` says whether a text beyond ASCII is printable. ``write`` is called with some
            text, which is no longer valid after the call. Returns the numbers of pairs and buckets; False if the file
            changed after the first line; None before that.
            """

        def parse(self, lines: list[bytes], first: int, /) -> tuple[list[Row], int]:
            """Read lines of JSON from ``first`` on up to one that isn't as ``export`` writes it.

            Returns their rows, and how many lines they were. Pairs of one bucket, whose keys ascend, are one row: its
            path, their first key and their last, their number, the table and data of a leaf page of them.
            """

        def leaves(self, file: Buffer, page_size: int, most: int, root: int, tick: Tick, /) -> bytes | None:
            """List the leaf pages of a tree in order: their ids as u64. The pages themselves are not looked at."""

        @overload
        def keys(self, file: Buffer, page_size: int, ids: Buffer, form: Literal["l"], /) -> list[bytes] | None: ...
        @overload
        def keys(self, file: Buffer, page_size: int, ids: Buffer, form: Literal["a", "h", "b"], /) -> bytes | None: ...
        def keys(self, file: Buffer, page_size: int, ids: Buffer, form: str, /) -> list[bytes] | bytes | None:
            """Read the keys of the leaf pages ``ids``: a list, or as lines in the form auto, hex or bytes."""

        def pages(
            self, file: Buffer, page_size: int, pgid: int, hwm: int, free: memoryview, /
        ) -> tuple[bytes, int, int]:
            """Write the next lines of the table of pages, from ``pgid`` on.

            ``free`` are the ids of the free ones as u64, ascending. Returns them (none: the file has no such
            page), the page after them, and how many bytes of ``free`` are passed.
            """

        def watch(self, mapping: Buffer, /) -> int:
            """Replace ``mapping`` by zeros when its file is truncated; return an id. Raises OSError."""

        def is_tripped(self, watch: int, /) -> bool:
            """Return whether the mapping was replaced by zeros, here or in a forked process."""

        def unwatch(self, watch: int, /) -> None:
            """Stop watching a mapping, before it is unmapped."""


# What a record of ``buckets`` says: where in the file its name is, and how long that is; the index of its parent's
# record, and how many buckets it is in; its root page (0: inline); its sequence; its pairs without child buckets;
# the pages of its tree, or the bytes of its inline page; the levels of its tree.
RECORD = ("name", "name_size", "parent", "nesting", "root", "sequence", "pairs", "size", "levels")

# What a record of a bucket of ``space`` says: its name, its parent's record, the record that its pairs count to, how
# many buckets it is in, its root page or 0, where an inline one ends; of its group pairs, bytes, its leaf pages.
PLACE = ("name", "name_size", "parent", "group", "nesting", "root", "end", "pairs", "bytes", "first", "leaves")
# Pairs, leaf pages, overflow pages, pages of a dense copy; then keys and values by the bits of their size, and leaf
# pages by tenths of their room in use.
SUMS = {
    "pairs": 1,
    "leaf_pages": 1,
    "overflow_pages": 1,
    "dense_pages": 1,
    "key_sizes": 33,
    "value_sizes": 33,
    "fills": 10,
}

_VERSION = 8  # of kernel.c: one that was built from another is not used


def load_kernel() -> Kernel | None:
    """Return the kernel; None if it wasn't built or is turned off (``BOLTCLI_KERNEL=0``)."""
    if os.environ.get("BOLTCLI_KERNEL") == "0":
        return None
    try:
        from . import _kernel  # type: ignore[attr-defined]
    except ImportError:  # not built, for another system, or refused on a big-endian machine
        return None
    return _kernel if _kernel.VERSION == _VERSION else None


def state() -> str:
    """Return the state of the kernel: ``compiled``, ``turned off`` or ``not built``."""
    if os.environ.get("BOLTCLI_KERNEL") == "0":
        return "turned off"
    return "compiled" if load_kernel() is not None else "not built"
