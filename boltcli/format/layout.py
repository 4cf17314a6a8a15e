"""Element tables recognised by their bytes.

Pages of one bucket are often laid out alike: as many elements, of the same
sizes, at the same positions. Then their element tables are the same bytes, and
what was found out about one holds for all. A layout is that finding: where the
keys of such a page are, as a Struct that unpacks them in one call.

Positions in a layout count from the start of its page.
"""

from __future__ import annotations

from operator import add, le
from struct import Struct, unpack_from

from .constants import BUCKET_HEADER_SIZE, BUCKET_LEAF_FLAG, ELEMENT_SIZE, LEAF_PAGE, PAGE_HEADER_SIZE
from .page import DamagedElements

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from .page import Buffer

    # Reads a column of a page: called with the buffer and the page's offset in it.
    Keys = Callable[[Buffer, int], Sequence[bytes]]

# A leaf's table, as it is looked up, begins in the page header, behind the page id.
TABLE_START = 8
# Tables come from the file: this many bytes of them are kept, then all are forgotten.
_MOST_BYTES = 1 << 21

_HEAD = PAGE_HEADER_SIZE - TABLE_START
_LEAF = LEAF_PAGE.to_bytes(2, "little")


class LeafLayout:
    """What an element table says of its leaf page.

    ``keys`` reads all keys of such a page. ``buckets`` are start and size of
    the values that are buckets; ``bare`` says whether there is one without
    room for an inline page.
    """

    __slots__ = ("_roots", "bare", "buckets", "keys")

    def __init__(self, keys: Keys, buckets: list[tuple[int, int]]) -> None:
        self.keys = keys
        self.buckets = buckets
        self.bare = any(size < BUCKET_HEADER_SIZE + PAGE_HEADER_SIZE for _, size in buckets)
        self._roots: Callable[[Buffer, int], tuple[int, ...]] | None = None

    def roots(self, buffer: Buffer, offset: int) -> tuple[int, ...]:
        """The root page ids of the buckets in such a page."""
        if self._roots is None:
            size = len(self.buckets)
            self._roots = unpacker([start for start, _ in self.buckets], ["Q"] * size, [8] * size)
        return self._roots(buffer, offset)


class BranchLayout:
    """What an element table says of its branch page: ``keys`` reads its keys, ``end`` is where they end."""

    __slots__ = ("end", "keys")

    def __init__(self, keys: Keys, end: int) -> None:
        self.keys = keys
        self.end = end


class Layouts:
    """The layouts met so far in one file, by their tables. ``page_size`` in bytes.

    ``leaf`` and ``branch`` look a table up: a layout, or None for one that has
    to be learnt.
    """

    __slots__ = ("_branches", "_bytes", "_leaves", "_once", "branch", "leaf", "page_size")

    def __init__(self, page_size: int) -> None:
        self.page_size = page_size
        self._leaves: dict[bytes, LeafLayout] = {}
        self._branches: dict[bytes, BranchLayout] = {}
        self._once: set[bytes] = set()  # tables met a single time
        self._bytes = 0  # of all tables kept
        self.leaf = self._leaves.get
        self.branch = self._branches.get

    def learn_leaf(self, table: bytes) -> LeafLayout | None:
        """The layout of a leaf; ``table`` is its bytes from ``TABLE_START`` to the end of its elements.

        None if it was never met before: one that never comes again isn't worth
        it. Raises :class:`~boltcli.format.page.DamagedElements` if it isn't a
        leaf's, or if the data of its elements overlap or leave the page.
        """
        return self.leaf_layout(table) if self._met_before(table) else None

    def leaf_layout(self, table: bytes) -> LeafLayout:
        """Like :meth:`learn_leaf`, but a layout in any case."""
        count = int.from_bytes(table[2:4], "little")
        if len(table) != _HEAD + ELEMENT_SIZE * count or not table.startswith(_LEAF):
            raise DamagedElements("not a whole element table of a leaf")
        elements = unpack_from(f"<{4 * count}I", table, _HEAD)
        key_sizes = elements[2::4]
        value_sizes = elements[3::4]
        starts = _starts(elements[1::4])
        stops = list(map(add, starts, key_sizes))
        ends = list(map(add, stops, value_sizes))
        _must_follow(starts, ends, (int.from_bytes(table[4:8], "little") + 1) * self.page_size)
        buckets = []
        if any(elements[0::4]):
            for flags, start, size in zip(elements[0::4], stops, value_sizes):
                if flags & BUCKET_LEAF_FLAG:
                    if size < BUCKET_HEADER_SIZE:
                        raise DamagedElements("a value too small to be a bucket")
                    buckets.append((start, size))
        layout = self._leaves[table] = LeafLayout(_keys(starts, key_sizes), buckets)
        return layout

    def learn_branch(self, table: bytes, end: int) -> BranchLayout:
        """The layout of a branch page; ``table`` is the first halves of its elements (position and key size, u32).

        Raises :class:`~boltcli.format.page.DamagedElements` if the keys
        overlap or go beyond ``end`` (bytes from the page's start).
        """
        elements = unpack_from(f"<{len(table) // 4}I", table)
        key_sizes = elements[1::2]
        starts = _starts(elements[0::2])
        stops = list(map(add, starts, key_sizes))
        _must_follow(starts, stops, end)
        if self._met_before(table):
            layout = self._branches[table] = BranchLayout(_keys(starts, key_sizes), stops[-1])
            return layout
        return BranchLayout(_rare_keys(starts, stops), stops[-1])

    def _met_before(self, table: bytes) -> bool:
        """Whether ``table`` comes for the second time: only then it's worth a Struct, and a place."""
        if table in self._once:
            self._once.remove(table)
            return True
        self._bytes += len(table)
        if self._bytes > _MOST_BYTES:
            self._bytes = len(table)
            self._once.clear()
            self._leaves.clear()
            self._branches.clear()
        self._once.add(table)
        return False


def _keys(starts: list[int], sizes: Sequence[int]) -> Keys:
    """What reads the keys of a page, made to be used often."""
    return unpacker(starts, [f"{size}s" for size in sizes], sizes)


def _rare_keys(starts: list[int], stops: list[int]) -> Keys:
    """Like :func:`_keys`, quicker to make and slower to use."""
    end = stops[-1] if stops else 0
    return lambda buffer, offset: list(map(buffer[offset : offset + end].__getitem__, map(slice, starts, stops)))


def unpacker(starts: list[int], codes: list[str], sizes: Sequence[int]) -> Callable[[Buffer, int], tuple[Any, ...]]:
    """``unpack_from`` of a Struct with a field of each code, and so many bytes, at each of ``starts``, which ascend."""
    form = ["<"]
    at = 0
    for start, code, size in zip(starts, codes, sizes):
        form.append(f"{start - at}x{code}")
        at = start + size
    return Struct("".join(form)).unpack_from


def _starts(positions: Sequence[int]) -> list[int]:
    """Where the data of each element begins: a position counts from its own element."""
    stop = PAGE_HEADER_SIZE + ELEMENT_SIZE * len(positions)
    return list(map(add, positions, range(PAGE_HEADER_SIZE, stop, ELEMENT_SIZE)))


def _must_follow(starts: list[int], ends: list[int], limit: int) -> None:
    """Data that bbolt wrote: each element's behind the one before it, the last one's inside the page."""
    if ends and (ends[-1] > limit or not all(map(le, ends, starts[1:]))):
        raise DamagedElements("data that overlap or leave the page")
