"""Recognise torn copies, made while a program wrote to the file: they have pages of later transactions."""

from __future__ import annotations

from .candidate_roots import Generation
from .elements import page_elements
from .tree import REUSED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...format.meta import Meta
    from .pages import PageTable
    from .tree import RecoveredTree


def is_torn(tree: RecoveredTree, metas: list[Meta], free: bytearray | None) -> bool:
    """Return whether pages of the newest tree were reused since: the file was written to while it was copied.

    ``free``: the pages of its freelist, None if that can't be read. One reference to a page that has its place
    elsewhere in the tree says nothing: a damaged branch element leads there.
    """
    reused = [gap for gap in tree.gaps if gap.reason in REUSED]
    if len(reused) > 1 or any(not tree.used[gap.page] for gap in reused):
        return True
    if free is not None or not metas:
        return False
    freelist = metas[0].freelist
    return (tree.table.is_tree(freelist) and not tree.used[freelist]) or is_other_root(tree, metas)


def is_other_root(tree: RecoveredTree, metas: list[Meta]) -> bool:
    """Return whether the root page was used for something else since.

    Then it has pairs beside buckets, which bbolt can't put there, or not one name of the older, larger tree.
    """
    if _has_pairs_at_the_top(tree):
        return True
    names = tree.names
    older = [Generation(tree.table, meta.root) for meta in metas[1:]] if names else []
    return any(made.reached > sum(tree.used) and made.tree.names.isdisjoint(names) for made in older)


def is_younger_root(tree: RecoveredTree, metas: list[Meta]) -> bool:
    """Return the same for a file without a freelist: there must be pages of a later transaction."""
    return _has_pairs_at_the_top(tree) or (has_pages_beyond(tree.table, metas[0]) and is_other_root(tree, metas))


def _has_pairs_at_the_top(tree: RecoveredTree) -> bool:
    return any(
        found is not None and not all(found.flags)
        for found in (page_elements(tree.table, page) for page in tree.top.leaves)
    )  # fmt: skip


def has_pages_beyond(table: PageTable, meta: Meta) -> bool:
    """Return whether there are pages at or above the high-water mark: a later transaction wrote them."""
    return any(table.is_tree(page) for page in range(min(meta.hwm, table.pages), table.pages))
