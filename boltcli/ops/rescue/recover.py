"""Recover everything that a file still holds: read it strictly, as bbolt does; if something is missing, search for it.

The steps: page size, meta pages, the best root, the tree below it as far as it goes, then the pages that it does
not reach. What can be placed is, what is in doubt goes to a bucket of its own.
"""

from __future__ import annotations

from ...errors import ArgumentError
from .evidence import Families
from .joined_files import starts
from .older_versions import bring_back_names, fill_from_older, take_skeleton
from .pages import PageTable, find_metas, find_page_size
from .placement import Placement
from .recovery import Recovery
from .roots import (
    BucketPages,
    Generation,
    Links,
    covers,
    generations,
    has_others_behind,
    has_pages_beyond,
    is_old_root,
    is_other_root,
    is_torn,
    is_younger_root,
    precedes,
    that_can_be_all,
)
from .states import compare, is_mended, is_sure, rivals
from .tree import OTHER_BUCKET, RecoveredTree, best_freelist, free_pages, is_accounted_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ...format.meta import Meta
    from ...format.page import Buffer
    from .states import State

_MOST_REFERENCES = 6
_METAS = 2


def recover(
    buffer: Buffer, *, page_size: int = 0, state: int = 0, progress: Callable[[int, int], None] | None = None
) -> Recovery:
    """Find what ``buffer``, the content of a file, holds. ``page_size`` 0: it is found.

    ``state``: which of the states that may be the newest one is taken, counted from 1; 0: the likeliest. Raises
    :class:`~boltcli.errors.ArgumentError` if there are not so many.
    """
    how = "option"
    if not page_size:
        page_size, how = find_page_size(buffer)
    done = _recover(PageTable(buffer, page_size), state)
    done.page_size_from = how
    end = done.metas[0].hwm * page_size if done.exact else 0
    offsets = starts(buffer, done.tree, _METAS * page_size if done.metas else 1, end)
    if not offsets:
        return done
    others = [
        (start, recover(bytes(buffer[start:stop])))
        for start, stop in zip(offsets, [*offsets[1:], len(buffer)], strict=True)
    ]  # fmt: skip
    if not done.exact:
        done = _recover(PageTable(buffer, page_size, offsets[0]), state)  # the pages of the others are not its own
        done.page_size_from = how
    if len(others) == 1 and not done.metas and not done.tree.top.leaves and not done.left:
        return others[0][1]
    done.others = others
    return done


def _recover(table: PageTable, state: int = 0) -> Recovery:
    """Find what one database holds, in the state of this number."""
    metas = find_metas(table)
    tree = _tree_of(table, metas[0]) if metas else RecoveredTree(table)
    states: list[State] = []
    if len(metas) == _METAS and is_mended(table, metas[0]):
        # bbolt passes over a meta page whose checksum is wrong, even where the one bit that is wrong is known.
        other = _tree_of(table, metas[1])
        chosen = _chosen(state, _METAS, int(bool(tree.gaps) and not other.gaps))
        states = compare([tree, other], chosen)
        if chosen:
            tree = other
            metas.reverse()
    elif metas:
        _chosen(state, 1)
    done = Recovery(table, tree)
    done.states = states
    done.root_from, done.metas = "meta" if metas else "", metas
    free = free_pages(table, metas, tree) if metas else None
    done.free = free
    # A damaged meta page may have been the newer one; its pages would lie where this one's tree has none.
    alone = len(metas) < _METAS
    if (
        metas
        and not tree.gaps
        and (is_accounted_for(tree, metas[0], free) if metas[0].has_freelist else not is_younger_root(tree, metas))
        and not (alone and has_pages_beyond(table, metas[0]))
    ):
        done.exact = True
        return done
    torn = is_torn(tree, metas, free)
    links = Links(table)
    pages = BucketPages(table, links.bucketish)
    if metas and not tree.gaps and not alone and free is None and not torn:
        done.exact = True  # the tree is whole; only its freelist is wrong, and says nothing about other pages
        return done
    nested = bool(metas) and pages.is_nested(metas[0].root)
    if torn or nested:
        done.torn = torn = True
        tree = done.tree = RecoveredTree(table)
        tree.top.root, tree.top.sequence = metas[0].root, metas[0].sequence
        tree.walk(tree.top, metas[0].root, strict=True)
        if nested or is_other_root(tree, metas):
            tree = done.tree = RecoveredTree(table)
            tree.gap(tree.top, b"", None, metas[0].root, OTHER_BUCKET)
    _look_for_the_rest(done, torn, links, pages, state)
    return done


def _tree_of(table: PageTable, meta: Meta) -> RecoveredTree:
    """Return what can be reached from the root page that a meta page names."""
    tree = RecoveredTree(table)
    tree.top.root, tree.top.sequence = meta.root, meta.sequence
    tree.walk(tree.top, meta.root)
    return tree


def _chosen(state: int, states: int, likeliest: int = 0) -> int:
    """Return the index of the state of this number; raise ArgumentError if there are not so many."""
    if state > states:
        raise ArgumentError(
            f"there is no state {state}: " + ("which one is the newest is known" if states == 1
                                              else f"{states} states may be the newest one")
        )  # fmt: skip
    return state - 1 if state else likeliest


def _look_for_the_rest(done: Recovery, torn: bool, links: Links, pages: BucketPages, state: int) -> None:
    """Go through the pages that the tree doesn't reach. ``torn``: some pages are younger than the tree."""
    table, tree, metas = done.table, done.tree, done.metas
    lost_root = not tree.top.leaves
    if len(metas) == 1 and not tree.gaps and has_pages_beyond(table, metas[0]):
        lost_root = True  # that of the newest transaction, whose meta page is lost too
        done.free = None
        done.root_from = "older"
    names = None if lost_root or torn else tree.names
    found = generations(table, links, pages, names)
    if names is None and not metas:
        found = that_can_be_all(table, found, links, pages)
    if metas:
        found = [made for made in found if made.root != metas[0].root]
        for meta in metas[1:]:
            if all(made.root != meta.root for made in found):
                made = Generation(table, meta.root, meta.sequence)
                if made.tree.top.leaves:
                    found.insert(0, made)
    younger = torn and bool(found) and not found[0].reused and 2 * found[0].reached >= sum(tree.used)
    if found and (younger or not (metas or has_others_behind(found[0], pages))):
        if not metas:
            done.sure = is_sure(table, found[0])
            likely = rivals(table, found)
            chosen = _chosen(state, len(likely))
            if len(likely) > 1:
                done.states = compare([made.tree for made in likely], chosen)
            found = [likely[chosen], *(made for made in found if made is not likely[chosen])]
        best = found.pop(0)
        done.root_from = "pages"
        tree = done.tree = best.tree
        tree.top.root = best.root
        if tree.gaps:  # fewer if a child may have other first keys than its branch says
            tree = done.tree = RecoveredTree(table)
            tree.top.root = best.root
            tree.walk(tree.top, best.root)
        lost_root = not tree.top.leaves
    if done.free is None and not lost_root and not (metas and not metas[0].has_freelist):
        done.free = best_freelist(tree)
    if lost_root:
        known = {meta.root for meta in metas}
        sure = [
            made for made in found
            if made.root in known or is_old_root(made, pages) or precedes(made, metas) or covers(made, done.free)
        ]  # fmt: skip
        alike = {pages.family.get(made.root, -made.root) for made in sure}
        found = [made for made in found if pages.family.get(made.root, -made.root) in alike]
    references = [made.tree for made in found[:_MOST_REFERENCES]]
    if lost_root and references and not tree.top.leaves:
        done.root_from = "older"
        take_skeleton(tree, references[0])
    if not (tree.gaps or lost_root or torn):
        unreached = [
            page
            for page in range(2, table.pages)
            if table.is_tree(page) and not tree.used[page] and not (done.free and done.free[page])
        ]
        if not unreached or done.free is None:
            return
    roots = {made.root for made in found}
    for page in tree.top.leaves if not tree.top.gaps else ():
        roots.update(each for each in pages.alike(page) if pages.are_versions(page, each))
    families = Families(table, [tree, *references], pages)
    bring_back_names(tree, families, done.free)
    placement = Placement(
        tree, references, done.free, roots, families, all_live=lost_root or torn, torn=torn, end=_end(done)
    )
    placement.run()
    done.placed, done.stale = placement.placed, placement.dropped
    done.left = [group.page for group in placement.left]
    if done.free is not None:
        _complete(done)
    done.older = fill_from_older(tree, references)


def _end(done: Recovery) -> int:
    """Return the number of pages that may be in use."""
    return min(done.table.pages, done.metas[0].hwm) if done.metas else done.table.pages


def _complete(done: Recovery) -> None:
    """Mark gaps as complete if every page of the file is accounted for."""
    tree, free = done.tree, done.free
    assert free is not None
    lost = {gap.page for gap in tree.gaps}
    if done.left or any(gap.elements for gap in tree.gaps):
        return
    if not all(tree.used[page] or free[page] or page in lost for page in range(2, _end(done))):
        return
    for gap in tree.gaps:
        gap.complete = gap.filled > 0
