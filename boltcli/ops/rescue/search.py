"""Find everything that a file still holds: read it strictly, as bbolt does; if something is missing, search for it.

The steps: page size, meta pages, the best root, the tree below it as far as it goes, then the pages that it does
not reach. What can be placed is, what is in doubt goes to a bucket of its own.

Of the two newest transactions all pages are there: a transaction never writes over a page of the one before it. Each of
the two lists the pages of the other as free. So without a valid meta page several states may be the newest one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import ArgumentError
from ...format.constants import MAGIC, META_PAGE, META_SIZE, PAGE_HEADER_SIZE, PAGE_SIZE_SEARCH
from ...format.meta import Meta
from ...format.page import HEADER, find
from ...progress import portion
from .elements import page_elements, with_inline
from .emit import Emission
from .pages import Buffer, PageTable, Path, find_metas, find_page_size, meta_at
from .placement import Placement, SameBucket, bring_back_names, fill_from_older, take_skeleton
from .roots import Candidate, PageGraph, candidates, is_other_root, is_torn, versions_of_root, whole_ones
from .tree import OTHER_BUCKET, RecoveredTree, Recovery, State, best_freelist, free_pages

if TYPE_CHECKING:
    from ...progress import Progress

_MOST_REFERENCES = 6
_METAS = 2
_SEARCHES = 6  # passes over the pages that a search takes, about
_MAGIC = MAGIC.to_bytes(4, "little")
_MOST_DATABASES = 64  # databases in a file


def recover(buffer: Buffer, *, page_size: int = 0, state: int = 0, progress: Progress | None = None) -> Recovery:
    """Find what ``buffer``, the content of a file, holds. ``page_size`` 0: it is found.

    ``state``: which of the states that may be the newest one is taken, counted from 1; 0: the likeliest. Raises
    :class:`~boltcli.errors.ArgumentError` if there are not so many.
    """
    page_size = page_size or find_page_size(buffer)[0]
    done = _recover(buffer, page_size, None, state, progress)
    end = done.metas[0].hwm * page_size if done.exact else 0
    others = _starts(buffer, done.tree, _METAS * page_size if done.metas else 1, end)
    if others and not done.exact:
        done = _recover(buffer, page_size, others[0], state, progress)  # the pages of the others are not its own
    done.others = others
    return done


def _recover(buffer: Buffer, page_size: int, size: int | None, state: int, progress: Progress | None) -> Recovery:
    table = PageTable(buffer, page_size, size, portion(progress, 0, 0.1))
    metas = find_metas(table)
    table.watch(portion(progress, 0.1, 0.5))
    tree = RecoveredTree(table, metas[0].root, metas[0].sequence) if metas else RecoveredTree(table)
    done = Recovery(tree, metas, root_from="meta" if metas else "")
    if len(metas) == _METAS and is_mended(table, metas[0]):
        # bbolt passes over a meta page whose checksum is wrong, even where the one bit that is wrong is known.
        other = RecoveredTree(table, metas[1].root, metas[1].sequence)
        chosen = _chosen(state, _METAS, int(bool(tree.gaps) and not other.gaps))
        done.states = _compare([tree, other], chosen)
        if chosen:
            tree = done.tree = other
            metas.reverse()
    elif metas:
        _chosen(state, 1)
    free = done.free = free_pages(tree, metas)
    # A damaged meta page may have been the newer one; its pages would lie where this one's tree has none.
    alone = len(metas) < _METAS
    beyond = bool(metas) and table.has_tree_from(metas[0].hwm)  # a later transaction wrote that
    if metas and not tree.gaps and not (alone and beyond):
        if metas[0].has_freelist:
            done.exact = free is not None and not tree.unreached(free, metas[0].hwm)
        else:
            # Without a freelist pages of a later transaction say so.
            done.exact = not is_other_root(tree, metas if beyond else [])
    if done.exact:
        return done
    done.torn = is_torn(tree, metas, free)
    if metas and not tree.gaps and not alone and free is None and not done.torn:
        done.exact = True  # the tree is whole; only its freelist is wrong, and says nothing about other pages
        return done
    if done.torn:
        tree = done.tree = RecoveredTree(table, metas[0].root, metas[0].sequence, strict=True)
        if is_other_root(tree, metas):
            tree = done.tree = RecoveredTree(table)
            tree.gap(tree.top, b"", None, metas[0].root, OTHER_BUCKET)
    table.watch(portion(progress, 0.5, 1), _SEARCHES)
    _look_for_the_rest(done, state)
    return done


def _chosen(state: int, states: int, likeliest: int = 0) -> int:
    if state > states:
        why = "the newest one is known" if states == 1 else f"{states} states may be the newest one"
        raise ArgumentError(f"there is no state {state}: {why}")
    return state - 1 if state else likeliest


def _look_for_the_rest(done: Recovery, state: int) -> None:
    metas, torn = done.metas, done.torn
    graph = PageGraph(done.table)
    lost_root = not done.tree.top.leaves
    if len(metas) == 1 and not done.tree.gaps and done.table.has_tree_from(metas[0].hwm):
        lost_root = True  # that of the newest transaction, whose meta page is lost too
        done.free = None
        done.root_from = "older"
    found = _other_trees(done, graph, None if lost_root or torn else done.tree.names)
    younger = torn and bool(found) and not found[0].reused and 2 * found[0].reached >= sum(done.tree.used)
    if found and (younger or not metas):
        found = _take_newest(done, found, state)
        lost_root = not done.tree.top.leaves
    tree = done.tree
    if done.free is None and not lost_root and not (metas and not metas[0].has_freelist):
        done.free = best_freelist(tree)
    if lost_root:
        found = versions_of_root(found, graph, done)
    references = [made.tree for made in found[:_MOST_REFERENCES]]
    if lost_root and references and not tree.top.leaves:
        done.root_from = "older"
        take_skeleton(tree, references[0])
    if tree.gaps or lost_root or torn or (done.free is not None and tree.unreached(done.free)):
        roots = {made.root for made in found}
        for page in tree.top.leaves if not tree.top.gaps else ():
            roots.update(graph.versions(page))
        same_bucket = SameBucket([tree, *references], graph)
        bring_back_names(tree, same_bucket, done.free)
        Placement(done, references, graph, roots, same_bucket, all_live=lost_root or torn).run()
        if done.free is not None:
            _complete(done, done.free)
        done.older = fill_from_older(tree, references)


def _other_trees(done: Recovery, graph: PageGraph, names: set[bytes] | None) -> list[Candidate]:
    """Return the trees of other roots, newest first; ``names``: those of the database's buckets, if they are known."""
    found = candidates(done.table, graph, names)
    largest = max((made.reached for made in found), default=0)
    found = whole_ones([made for made in found if 2 * made.reached >= largest])
    found = [made for made in found if not done.metas or made.root != done.metas[0].root]
    for meta in done.metas[1:]:
        if all(made.root != meta.root for made in found):
            made = Candidate(done.table, meta.root, meta.sequence)
            found[:0] = [made] if made.tree.top.leaves else []
    return found


def _take_newest(done: Recovery, found: list[Candidate], state: int) -> list[Candidate]:
    best = found[0]
    if not done.metas:
        # A newer root page is lost if a freelist has nobody's page as used.
        table = done.table
        known = table.marks(each for page in range(2, table.pages) if table.own[page] for each in table.run(page))
        nobodys = [page for page in range(2, table.own.rfind(1)) if not known[page]]
        done.sure = not best.unaccounted and all(marks[page] for page in nobodys for _, marks in table.freelists)
        likely = _rivals(found)
        chosen = _chosen(state, len(likely))
        if len(likely) > 1:
            done.states = _compare([made.tree for made in likely], chosen)
        best = likely[chosen]
    done.root_from = "pages"
    # There are fewer gaps if a child may have other first keys than its branch says.
    done.tree = RecoveredTree(done.table, best.root) if best.tree.gaps else best.tree
    return [made for made in found if made is not best]


def _complete(done: Recovery, free: bytearray) -> None:
    """Mark gaps as complete if every page of the file that may be in use is accounted for."""
    tree = done.tree
    lost = {gap.page for gap in tree.gaps}
    end = min([done.table.pages, *(meta.hwm for meta in done.metas[:1])])
    known = all(tree.used[page] or free[page] or page in lost for page in range(2, end))
    for gap in tree.gaps if known and not done.left and not any(gap.elements for gap in tree.gaps) else ():
        gap.complete = gap.filled > 0


def is_mended(table: PageTable, meta: Meta) -> bool:
    return meta_at(table.buffer, meta.page * table.page_size, meta.page).problem() is not None


def _rivals(found: list[Candidate]) -> list[Candidate]:
    """Return the first of these trees, which is taken for the newest one, with all that can be it as well."""
    first = found[0]
    table = first.tree.table
    alike = [made for made in found[1:] if made.reused == first.reused and made.tree.top.leaves]
    if not first.unaccounted:  # one that does not account for all pages is older
        alike = [made for made in alike if not made.unaccounted]
    # Where all buckets were deleted the root page has no element by which it is known.
    empty = (Candidate(table, page) for page in range(2, table.pages) if table.is_tree(page) and not table.counts[page])
    return [first, *alike, *(made for made in empty if not made.unaccounted)]


def _compare(trees: list[RecoveredTree], chosen: int) -> list[State]:
    places = [{(bucket.path(), page) for bucket in tree.buckets for page in bucket.leaves} for tree in trees]
    states = []
    for index, tree in enumerate(trees):
        emission = Emission(tree)
        emission.write()
        common = places[index] & places[chosen]
        here, there = _rows(tree, common), _rows(trees[chosen], common)
        both = here.keys() & there.keys()
        changes = len(here) - len(both), len(there) - len(both), sum(here[place] != there[place] for place in both)
        states.append(State(tree.top.root, emission.pairs, emission.buckets, index == chosen, *changes))
    return states


def _rows(tree: RecoveredTree, common: set[tuple[Path, int]]) -> dict[tuple[Path, bytes | None], int]:
    """Return by path and key a hash of the value, by path and None a bucket's sequence; not of pages in ``common``."""
    rows: dict[tuple[Path, bytes | None], int] = {}
    for bucket in tree.buckets:
        path = bucket.path()
        rows[path, None] = bucket.sequence
        for page in bucket.leaves:
            elements = None if (path, page) in common else page_elements(tree.table, page)
            for inside, found in with_inline(path, elements):
                pairs = ((i, key) for i, key in enumerate(found.keys) if not found.flags[i])
                rows.update(((inside, key), hash(found.value(i))) for i, key in pairs)
                rows.update((((*inside, name), None), sequence) for _, name, _, sequence in found.roots())
    return rows


def _starts(buffer: Buffer, tree: RecoveredTree, after: int, end: int) -> list[int]:
    """Return the offsets after ``after`` at which another database begins, by one of its meta pages, ascending.

    One that lies whole in the run of a page of ``tree``, or before ``end``, is or was a value.
    """
    table = tree.table
    found: list[int] = []
    at = after - 1
    while (at := find(buffer, _MAGIC, at + 1, len(buffer))) >= 0 and len(found) < _MOST_DATABASES:
        place = at - PAGE_HEADER_SIZE
        if place < 0 or at + META_SIZE > len(buffer):
            continue
        number, flags, _, _ = HEADER.unpack_from(buffer, place)
        meta = meta_at(buffer, place)
        if flags != META_PAGE or number > 1 or meta.problem() is not None or meta.page_size not in PAGE_SIZE_SEARCH:
            continue
        start = place - number * meta.page_size
        page = start // table.page_size
        if start < after or start in found:
            continue
        others = (each for each in range(page + 1, table.pages) if not tree.used[each] or table.own[each])
        run_end = next(others, table.pages) * table.page_size if tree.used[page] else 0
        if start + meta.hwm * meta.page_size > max(end, run_end):
            found.append(start)
    return found
