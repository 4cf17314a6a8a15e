"""A page map as cells: one for each page, or, in a large file, for a run of pages."""

from __future__ import annotations

from ..tree.page_map import BEYOND, BRANCH, DAMAGED, FREE, FREELIST, KINDS, LEAF, LOST, META, OVERFLOW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container

    from ..tree.page_map import PageMap

# Of a run of pages the cell shows damage and metas whatever their number, else what most of its pages are.
_URGENT = (DAMAGED, LOST, META, FREELIST)
LETTERS = {
    META: "M",
    FREELIST: "F",
    FREE: ".",
    BRANCH: "B",
    LEAF: "L",
    OVERFLOW: "o",
    LOST: "x",
    DAMAGED: "!",
    BEYOND: " ",
}
COLOURS = {
    META: "#8e6bbf", FREELIST: "#3a7ca5", FREE: "#d9dee3", BRANCH: "#d98e04", LEAF: "#4c9f70",
    OVERFLOW: "#9fd3b4", LOST: "#c96f9b", DAMAGED: "#d64545", BEYOND: "#f4f4f4",
}  # fmt: skip


class Cell:
    """``count`` pages from ``first`` on: what ``kind`` the cell shows, the mean ``fill`` of its tree pages in percent,
    whether it is ``marked`` (a chosen bucket's) and ``fresh`` (written by the last transaction).
    """

    __slots__ = ("count", "fill", "first", "fresh", "kind", "marked")

    def __init__(self, first: int, count: int, kind: int, fill: int, marked: bool, fresh: bool) -> None:
        self.first = first
        self.count = count
        self.kind = kind
        self.fill = fill
        self.marked = marked
        self.fresh = fresh

    @property
    def title(self) -> str:
        """The cell in words."""
        pages = f"page {self.first}" if self.count == 1 else f"pages {self.first} to {self.first + self.count - 1}"
        fill = f", {self.fill}% full" if self.kind in (BRANCH, LEAF) else ""
        return f"{pages}: {KINDS[self.kind]}{fill}"


def cells(
    mapped: PageMap, most: int, chosen: Container[int] = (), before: PageMap | None = None
) -> tuple[list[Cell], int]:
    """Return at most ``most`` cells, and how many pages each stands for.

    ``chosen`` are the numbers of the buckets to mark. With ``before``, the map
    of the previous state, tree pages that are not in it are fresh.
    """
    kinds, fills, owners = mapped.kinds, mapped.fills, mapped.owners
    step = max(-(-len(kinds) // max(most, 1)), 1)
    result = []
    for first in range(0, len(kinds), step):
        stop = min(first + step, len(kinds))
        part = kinds[first:stop]
        kind = next((each for each in _URGENT if each in part), None)
        if kind is None:
            kind = max(set(part), key=part.count)
        trees = [fills[pgid] for pgid in range(first, stop) if kinds[pgid] in (BRANCH, LEAF)]
        fill = sum(trees) // len(trees) if trees else 0
        marked = bool(chosen) and any(owners[pgid] in chosen for pgid in range(first, stop))
        fresh = before is not None and any(
            kinds[pgid] in (BRANCH, LEAF, OVERFLOW, FREELIST) and not before.reached(pgid)
            for pgid in range(first, stop)
        )
        result.append(Cell(first, stop - first, kind, fill, marked, fresh))
    return result, step


def legend(found: list[Cell]) -> list[int]:
    """Return the kinds that the cells show, in order."""
    return sorted({cell.kind for cell in found})
