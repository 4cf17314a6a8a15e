"""Check the order of keys in a page, and whether the elements can be read, exactly as far as bbolt's check does.

bbolt reads data beyond the page without checking bounds. These functions read
the same bytes, but never beyond the end of the file.
"""

from __future__ import annotations

from _operator import add

from ...errors import Corrupted
from ...format.constants import MAX_DATA
from ...format.page import ascend
from .findings import Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ...format.page import LeafElements


def readable_keys(leaf: LeafElements, low: bytes | None, high: bytes | None) -> list[bytes]:
    """Return the keys of a leaf; a key that extends beyond the file is cut there if its order is clear from the rest.

    A comparison ends at the first different byte, so bbolt doesn't notice such
    a key unless the part inside the file equals its neighbour's. Raises
    :class:`~boltcli.errors.Corrupted` where bbolt would have read further.
    """
    try:
        return leaf.keys()
    except Corrupted:
        starts = leaf.key_starts()
        if max(starts) > leaf.end or max(map(add, leaf.positions, leaf.key_sizes)) > MAX_DATA:
            raise
        stops = [min(start + size, leaf.end) for start, size in zip(starts, leaf.key_sizes)]
        keys = [leaf.buffer[start:stop] for start, stop in zip(starts, stops)]
        for index, key in enumerate(keys):
            if len(key) < leaf.key_sizes[index]:
                beside = (*keys[max(index - 1, 0) : index], *keys[index + 1 : index + 2], high or b"")
                if any(other.startswith(key) for other in (*beside, low if index == 0 and low else b"")):
                    raise
        if not in_order(keys, low, high):
            raise
        return keys


def check_value_sizes(leaf: LeafElements) -> None:
    """Raise :class:`~boltcli.errors.Corrupted` for a value that bbolt can't address; it ignores the sizes of others."""
    if max(leaf.value_sizes, default=0) <= MAX_DATA // 2:
        return
    for index, sizes in enumerate(zip(leaf.positions, leaf.key_sizes, leaf.value_sizes)):
        if sum(sizes) > MAX_DATA:
            raise leaf.page.damaged(f"value {index} is {sizes[-1]} bytes long")


def in_order(keys: list[bytes], low: bytes | None, high: bytes | None) -> bool:
    if not keys:
        return True
    return (low is None or low <= keys[0]) and (high is None or keys[-1] < high) and ascend(keys)


def leaf_disorder(
    keys: list[bytes], pgid: int, low: bytes | None, high: bytes | None, stack: Sequence[int]
) -> Iterator[Finding]:
    previous = low
    for index, key in enumerate(keys):
        yield from element_disorder("leaf", index, key, pgid, previous, high, stack)
        previous = key


def element_disorder(
    page_type: str,
    index: int,
    key: bytes,
    pgid: int,
    previous: bytes | None,
    high: bytes | None,
    stack: Sequence[int],
) -> Iterator[Finding]:
    """Check one element like bbolt's ``verifyKeyOrder``; for a branch, ``pgid`` is the child, and ``stack`` ends above.

    Return the finding, or None.
    """
    before = previous or b""
    below = before > key if index == 0 else before >= key
    beyond = high is not None and key >= high
    if not (below or beyond):
        return
    pages = f"[{' '.join(map(str, stack))}]"
    place = f"key[{index}]=(hex)\0 on {page_type} page({pgid})"
    if below and index == 0:
        yield Finding(
            "key-order", pgid,
            f"the first {place} needs to be >= the key in the ancestor (\0). Stack: {pages}",
            (key, before),
        )  # fmt: skip
    elif below:
        found = "<" if before > key else "="
        yield Finding(
            "key-order", pgid,
            f"{place} needs to be > (found {found}) than previous element (hex)\0. Stack: {pages}",
            (key, before),
        )  # fmt: skip
    if beyond:
        # As in bbolt, the message names the previous element, not the bound that is violated.
        yield Finding(
            "key-order", pgid,
            f"{place} needs to be < than key of the next element in ancestor (hex)\0. Pages stack: {pages}",
            (key, before),
        )  # fmt: skip
