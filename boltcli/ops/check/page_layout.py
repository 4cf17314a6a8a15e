"""Check the layout of elements in a page: bbolt writes each key and value right after those before it."""

from __future__ import annotations

from itertools import accumulate
from operator import add

from ...format.constants import ELEMENT_SIZE, MAX_KEY_SIZE, PAGE_HEADER_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...format.page import BranchElements, LeafElements, Page


def leaf_layout(page: Page, leaf: LeafElements, page_size: int) -> Iterator[str]:
    """Yield the problems of a leaf page's elements, as text. ``page_size`` 0: an inline page, without slack."""
    odd = set(leaf.flags) - {0, 1}
    if odd:
        index = next(index for index, flag in enumerate(leaf.flags) if flag in odd)
        yield f"element {index} has the flags {leaf.flags[index]:x}, expected 0 or 1"
    sizes = leaf.key_sizes
    if sizes and not 0 < min(sizes) <= max(sizes) <= MAX_KEY_SIZE:
        index = next(index for index, size in enumerate(sizes) if not 0 < size <= MAX_KEY_SIZE)
        yield f"key {index} is {sizes[index]} bytes long, expected 1 to {MAX_KEY_SIZE}"
    yield from _layout(page, leaf.positions, list(map(add, sizes, leaf.value_sizes)), page_size)


def branch_layout(page: Page, branch: BranchElements, page_size: int) -> Iterator[str]:
    """Yield the problems of a branch page's elements, as text."""
    if max(branch.key_sizes) > MAX_KEY_SIZE:
        index = branch.key_sizes.index(max(branch.key_sizes))
        yield f"key {index} is {branch.key_sizes[index]} bytes long, expected {MAX_KEY_SIZE} at most"
    yield from _layout(page, branch.positions, branch.key_sizes, page_size)


def _layout(page: Page, positions: list[int], sizes: list[int], page_size: int) -> Iterator[str]:
    count = len(sizes)
    places = list(accumulate(sizes, initial=ELEMENT_SIZE * count))  # from the table's start, and the end of all
    expected = [place - ELEMENT_SIZE * index for index, place in enumerate(places[:-1])]
    if positions != expected:
        yield from _misplaced(page, positions, expected, sizes)
        return
    end = page.offset + PAGE_HEADER_SIZE + places[-1]
    if end > page.end:
        index = next(i for i, place in enumerate(places) if page.offset + PAGE_HEADER_SIZE + place > page.end) - 1
        yield f"element {index} ends beyond its page, at byte {PAGE_HEADER_SIZE + places[index + 1]} of it"
        return
    if not page_size:
        if end != page.end:
            yield f"{page.end - end} bytes follow the last element, expected none"
        return
    if page.buffer[end : page.end].strip(b"\0"):
        yield f"there are bytes after the last element, which ends at byte {end - page.offset} of the page"
    # bbolt allocates as many pages as needed; early versions of bolt allocated one more if they were full.
    needed = end - page.offset
    if page.overflow not in ((needed - 1) // page_size, needed // page_size):
        yield f"its run is {page.overflow + 1} pages long, its elements need {(needed - 1) // page_size + 1}"


def _misplaced(page: Page, positions: list[int], expected: list[int], sizes: list[int]) -> Iterator[str]:
    wrong = [index for index, (found, wanted) in enumerate(zip(positions, expected)) if found != wanted]
    index = wrong[0]
    table = PAGE_HEADER_SIZE + ELEMENT_SIZE * index
    found, wanted = table + positions[index], table + expected[index]
    if page.offset + found + sizes[index] > page.end:
        how = "it ends beyond its page"
    elif found < PAGE_HEADER_SIZE + ELEMENT_SIZE * len(sizes):
        how = "it overlaps the elements themselves"
    else:
        other = _overlapped(index, positions, sizes)
        how = "bytes before it belong to nothing" if other is None else f"it overlaps that of element {other}"
    more = f", and so have {len(wrong) - 1} elements after it" if len(wrong) > 1 else ""
    yield f"element {index} has its data at byte {found} of the page, expected at {wanted}: {how}{more}"


def _overlapped(index: int, positions: list[int], sizes: list[int]) -> int | None:
    """Return another element whose data overlap those of ``index``, or None."""
    start = ELEMENT_SIZE * index + positions[index]
    stop = start + sizes[index]
    for other, (position, size) in enumerate(zip(positions, sizes)):
        place = ELEMENT_SIZE * other + position
        if other != index and place < stop and start < place + size:
            return other
    return None
