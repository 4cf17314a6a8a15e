"""Find the free pages: from the newest meta page's freelist, or the best freelist in the file."""

from __future__ import annotations

from ...format.constants import FREELIST_PAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...format.meta import Meta
    from .page_table import PageTable
    from .recovered_tree import RecoveredTree

_MOST_FREELISTS = 64


def find_freelists(table: PageTable) -> list[tuple[int, list[int]]]:
    """Return all freelist pages that can be read: page id and ids."""
    found = []
    for page in range(2, table.pages):
        if table.own[page] and table.kind[page] == FREELIST_PAGE:
            ids = table.freelist(page)
            if ids is not None:
                found.append((page, ids))
                if len(found) == _MOST_FREELISTS:
                    break
    return found


def bitmap_of(table: PageTable, ids: list[int]) -> int:
    """Return a number with a byte of 1 for each page."""
    marks = bytearray(table.pages)
    for page in ids:
        if page < table.pages:
            marks[page] = 1
    return int.from_bytes(marks, "little")


def free_pages(table: PageTable, metas: list[Meta], tree: RecoveredTree) -> bytearray | None:
    """Return the free pages by the newest meta page's freelist; None if it is missing or not reliable."""
    if not metas or not metas[0].has_freelist:
        return None
    ids = table.freelist(metas[0].freelist)
    return None if ids is None else _marks(tree, [*table.run(metas[0].freelist), *ids])


def best_freelist(tree: RecoveredTree) -> bytearray | None:
    """Return the longest freelist in the file that lists no page of the tree."""
    best: bytearray | None = None
    for page, ids in sorted(find_freelists(tree.table), key=lambda entry: -len(entry[1])):
        if ids:
            best = _marks(tree, [page, *ids])
            if best is not None:
                break
    return best


def _marks(tree: RecoveredTree, ids: list[int]) -> bytearray | None:
    """Return a byte of 1 for each of these pages; None if the tree uses one of them."""
    marks = bytearray(tree.table.pages)
    for page in ids:
        if page < len(marks):
            if tree.used[page]:
                return None
            marks[page] = 1
    return marks


def is_accounted_for(tree: RecoveredTree, meta: Meta, free: bytearray | None) -> bool:
    """Return whether every page that bears its own id is reached or free."""
    if free is None:
        return False
    table = tree.table
    return all(
        tree.used[page] or free[page] or not table.is_tree(page) for page in range(2, min(table.pages, meta.hwm))
    )
