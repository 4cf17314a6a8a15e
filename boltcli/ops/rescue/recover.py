"""Recover what a file still holds: read it strictly, as bbolt does; if something is missing, look for it.

The steps: page size, meta pages, the best root, the tree below it as far as it goes, then the pages that it does
not reach. What can be placed is, what is in doubt goes to a bucket of its own.
"""

from __future__ import annotations

from ...format.constants import LEAF_PAGE
from .bucket_pages import BucketPages
from .candidate_roots import Generation, Links, find_freelists, generations
from .families import Families
from .joined_files import starts
from .key_index import find_keys
from .lost_names import bring_back_names
from .orphans import Placement
from .page_table import PageTable, find_metas, find_page_size
from .recovered_tree import OLDER, OTHER_BUCKET, PLACED, REUSED, RecoveredTree, fits, page_elements

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ...format.meta import Meta
    from ...format.page import Buffer
    from .recovered_tree import Bucket, Gap

LOST_AND_FOUND = b"lost+found"
_MOST_REFERENCES = 6
_METAS = 2
_VERSIONS = 4  # others, of a root, that are looked at
_MOST_UNREACHED = 8  # times the pages of a tree that no freelist accounts for
_NEAR, _WRITTEN = 64, 4  # pages before the lost root, and how many of those with content are looked at


class Recovery:
    """What was found in a file.

    ``tree`` is what goes into the result. ``exact``: nothing is missing, it is the tree that bbolt reads. ``torn``:
    pages of later transactions lie among those of the tree.
    ``page_size_from`` and ``root_from`` say how these were found. ``placed``, ``older`` and ``stale`` count pages;
    ``lost_pages`` the pages in the lost+found bucket. ``others``: databases that begin in the middle of the file,
    with their offsets.
    """

    def __init__(self, table: PageTable, tree: RecoveredTree) -> None:
        self.table = table
        self.tree = tree
        self.exact = False
        self.torn = False
        self.page_size_from = ""
        self.root_from = ""
        self.metas: list[Meta] = []
        self.placed = 0
        self.older = 0
        self.stale = 0
        self.lost_pages = 0
        self.left: list[int] = []
        self.free: bytearray | None = None
        self.others: list[tuple[int, Recovery]] = []

    def gaps(self) -> list[Gap]:
        """What is known to be missing."""
        return [gap for gap in self.tree.gaps if not gap.complete]


def recover(buffer: Buffer, *, page_size: int = 0, progress: Callable[[int, int], None] | None = None) -> Recovery:
    """Find what ``buffer``, the content of a file, holds. ``page_size`` 0: it is found."""
    how = "option"
    if not page_size:
        page_size, how = find_page_size(buffer)
    done = _recover(PageTable(buffer, page_size))
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
        done = _recover(PageTable(buffer, page_size, offsets[0]))  # the pages of the others are not its own
        done.page_size_from = how
    if len(others) == 1 and not done.metas and not done.tree.top.leaves and not done.left:
        return others[0][1]
    done.others = others
    return done


def _recover(table: PageTable) -> Recovery:
    """Find what one database holds."""
    metas = find_metas(table)
    tree = RecoveredTree(table)
    if metas:
        tree.top.root, tree.top.sequence = metas[0].root, metas[0].sequence
        tree.walk(tree.top, metas[0].root)
    done = Recovery(table, tree)
    done.root_from, done.metas = "meta" if metas else "", metas
    free = free_pages(table, metas, tree) if metas else None
    done.free = free
    # A damaged meta page may have been the newer one; its pages would lie where this one's tree has none.
    alone = len(metas) < _METAS
    if (
        metas
        and not tree.gaps
        and (_is_accounted_for(tree, metas[0], free) if metas[0].has_freelist else not _is_younger_root(tree, metas))
        and not (alone and _has_pages_beyond(table, metas[0]))
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
        if nested or _is_other_root(tree, metas):
            tree = done.tree = RecoveredTree(table)
            tree.gap(tree.top, b"", None, metas[0].root, OTHER_BUCKET)
    _look_for_the_rest(done, torn, links, pages)
    return done


def is_torn(tree: RecoveredTree, metas: list[Meta], free: bytearray | None) -> bool:
    """Whether pages of the newest tree were used for something else since: it was written to while it was copied.

    ``free``: the pages of its freelist, None if that can't be read.
    """
    if any(gap.reason in REUSED for gap in tree.gaps):
        return True
    if free is not None or not metas:
        return False
    freelist = metas[0].freelist
    return (tree.table.is_tree(freelist) and not tree.used[freelist]) or _is_other_root(tree, metas)


def _is_other_root(tree: RecoveredTree, metas: list[Meta]) -> bool:
    """Whether the root page was used for something else since.

    Then it has pairs beside buckets, which bbolt can't put there, or not one name of the older, larger tree.
    """
    if _has_pairs_at_the_top(tree):
        return True
    names = _names(tree)
    older = [Generation(tree.table, meta.root) for meta in metas[1:]] if names else []
    return any(made.reached > sum(tree.used) and made.names().isdisjoint(names) for made in older)


def _is_younger_root(tree: RecoveredTree, metas: list[Meta]) -> bool:
    """The same of a file without a freelist, where no page says so: there must be pages of a later transaction."""
    return _has_pairs_at_the_top(tree) or (_has_pages_beyond(tree.table, metas[0]) and _is_other_root(tree, metas))


def _has_pairs_at_the_top(tree: RecoveredTree) -> bool:
    return any(
        found is not None and not all(found.flags)
        for found in (page_elements(tree.table, page) for page in tree.top.leaves)
    )  # fmt: skip


def free_pages(table: PageTable, metas: list[Meta], tree: RecoveredTree) -> bytearray | None:
    """The pages that the newest meta page's freelist calls free; None if it can't be trusted or there is none."""
    if not metas or not metas[0].has_freelist:
        return None
    ids = table.freelist(metas[0].freelist)
    return None if ids is None else _marks(tree, [*table.run(metas[0].freelist), *ids])


def _marks(tree: RecoveredTree, ids: list[int]) -> bytearray | None:
    """A byte of 1 for each of these pages; None if the tree uses one of them."""
    marks = bytearray(tree.table.pages)
    for page in ids:
        if page < len(marks):
            if tree.used[page]:
                return None
            marks[page] = 1
    return marks


def _is_accounted_for(tree: RecoveredTree, meta: Meta, free: bytearray | None) -> bool:
    """Whether every page that bears its own id is reached or free."""
    if free is None:
        return False
    table = tree.table
    return all(
        tree.used[page] or free[page] or not table.is_tree(page) for page in range(2, min(table.pages, meta.hwm))
    )


def _has_pages_beyond(table: PageTable, meta: Meta) -> bool:
    """Whether there are pages at or above the high-water mark: a later transaction wrote them."""
    return any(table.is_tree(page) for page in range(min(meta.hwm, table.pages), table.pages))


def _look_for_the_rest(done: Recovery, torn: bool, links: Links, pages: BucketPages) -> None:
    """Go through the pages that the tree doesn't reach. ``torn``: some pages are younger than the tree."""
    table, tree, metas = done.table, done.tree, done.metas
    lost_root = not tree.top.leaves
    if len(metas) == 1 and not tree.gaps and _has_pages_beyond(table, metas[0]):
        lost_root = True  # that of the newest transaction, whose meta page is lost too
        done.free = None
        done.root_from = "older"
    names = None if lost_root or torn else _names(tree)
    found = generations(table, links, pages, names)
    if names is None and not metas:
        found = _that_can_be_all(table, found, links, pages)
    if metas:
        found = [made for made in found if made.root != metas[0].root]
        for meta in metas[1:]:
            if all(made.root != meta.root for made in found):
                made = Generation(table, meta.root, meta.sequence)
                if made.tree.top.leaves:
                    found.insert(0, made)
    younger = torn and bool(found) and not found[0].reused and 2 * found[0].reached >= sum(tree.used)
    if found and (younger or not (metas or _has_others_behind(found[0], pages))):
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
        done.free = _best_freelist(tree)
    if lost_root:
        known = {meta.root for meta in metas}
        sure = [
            made for made in found
            if made.root in known or _is_old_root(made, pages) or _precedes(made, done) or _covers(made, done)
        ]  # fmt: skip
        alike = {pages.family.get(made.root, -made.root) for made in sure}
        found = [made for made in found if pages.family.get(made.root, -made.root) in alike]
    references = [made.tree for made in found[:_MOST_REFERENCES]]
    if lost_root and references and not tree.top.leaves:
        done.root_from = "older"
        _take_skeleton(tree, references[0], done)
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
    _fill_from_older(done, references)


def _names(tree: RecoveredTree) -> set[bytes]:
    """The names of the top-level buckets."""
    found: set[bytes] = set()
    for page in tree.top.leaves:
        elements = page_elements(tree.table, page)
        if elements is not None:
            found |= {key for key, flag in zip(elements.keys, elements.flags) if flag}
    return found


def _best_freelist(tree: RecoveredTree) -> bytearray | None:
    """The longest freelist in the file that lists no page of the tree."""
    best: bytearray | None = None
    for page, ids in sorted(find_freelists(tree.table), key=lambda entry: -len(entry[1])):
        if ids:
            best = _marks(tree, [page, *ids])
            if best is not None:
                break
    return best


def _is_old_root(made: Generation, pages: BucketPages) -> bool:
    """Whether there is another version of a tree, and no page of other buckets that leads to one of the two.

    Of a nested bucket the page that leads to an earlier version would be there too. Versions share pages, or have the
    same names; buckets side by side don't share pages.
    """
    if pages.is_nested(made.root):
        return False
    names = made.names()
    for page in pages.alike(made.root)[:_VERSIONS]:
        other = Generation(made.tree.table, page)
        if other.shares_pages(made) if made.reached > 1 else other.names() == names:
            return True
    return False


def _has_others_behind(made: Generation, pages: BucketPages) -> bool:
    """Whether a tree can't be all of a file that was written at once, as pages precede the one that leads to them.

    Then there is no other version of the root, and pages that the tree doesn't reach lie behind it and all it has lost.
    """
    table, tree = made.tree.table, made.tree
    if pages.alike(made.root):
        return False
    free = _best_freelist(tree)
    if free is None and _MOST_UNREACHED * made.reached < sum(map(table.is_tree, range(2, table.pages))):
        return True
    last = max((gap.page for gap in tree.gaps if gap.page < table.pages), default=0)
    last = max(last, made.root)
    return free is not None and any(
        table.is_tree(page) and not tree.used[page] and not free[page] and not table.is_torn(page)
        for page in range(last + 1, table.pages)
    )  # fmt: skip


def _that_can_be_all(table: PageTable, found: list[Generation], links: Links, pages: BucketPages) -> list[Generation]:
    """The newest tree that can be all of the file, with its versions; ``found``, the largest, if there is none."""
    others, tried = found, set[int]()
    for _ in range(_VERSIONS):
        if not others:
            break
        if not _has_others_behind(others[0], pages) and (others is found or _is_old_root(others[0], pages)):
            return others
        tried |= {made.root for made in others}
        others = generations(table, links, pages, None, without=tried)
    return found


def _precedes(made: Generation, done: Recovery) -> bool:
    """Whether the pages written just before the lost root hold other versions of what is in a tree.

    Where no meta page says which the root was, the last pages of the file stand for them.
    """
    table = done.table
    root = done.metas[0].root if done.metas else table.pages
    below = [
        page for page in range(min(root, table.pages) - 1, max(1, root - _NEAR), -1)
        if table.is_tree(page) and not table.is_torn(page)
    ][:_WRITTEN]  # fmt: skip
    if not below or made.tree.used[below[0]]:
        return False  # the lost root leads to the tree itself
    groups = _samples(done, [page for page in below if not made.tree.used[page]])
    return bool(groups) and 2 * _inside(made, groups) > len(groups)


def _covers(made: Generation, done: Recovery) -> bool:
    """Whether a tree is an older state of what lies outside it, and not a nested bucket whose parent is lost.

    Of the keys outside it, a quarter must be in it.
    """
    used, free, table = made.tree.used, done.free, done.table
    outside = [
        page for page in range(2, table.pages)
        if not used[page] and table.is_tree(page) and not (free and free[page]) and not table.is_torn(page)
    ]  # fmt: skip
    groups = _samples(done, outside)
    return 4 * _inside(made, groups) >= len(groups)


def _samples(done: Recovery, pages: list[int]) -> list[list[tuple[bytes, int, int]]]:
    """Some pairs of each of these leaf pages: key, whether it is a bucket's name, a hash of the value."""
    groups = []
    for page in pages:
        found = page_elements(done.table, page)
        if found is not None and found.leaf and found.keys:
            some = range(0, found.count, max(1, found.count // 4))
            groups.append([(found.keys[i], found.flags[i], hash(found.value(i))) for i in some])
    return groups


def _inside(made: Generation, groups: list[list[tuple[bytes, int, int]]]) -> int:
    """Of how many pages most pairs are in a tree.

    An index has the keys of what it is an index of, but not the values; those of buckets change.
    """

    hits = find_keys(made.tree, {key for keys in groups for key, _, _ in keys})
    inside = 0
    for keys in groups:
        met = sum(
            any(kind == flag and (flag or digest == value) for _, kind, digest in hits.get(key, ()))
            for key, flag, value in keys
        )
        inside += met > len(keys) // 2
    return inside


def _take_skeleton(tree: RecoveredTree, reference: RecoveredTree, done: Recovery) -> None:
    """With the root lost: the buckets of an older root, and of their pages those that may still be theirs."""
    top = tree.top
    for page in reference.top.leaves:
        found = page_elements(tree.table, page)
        if found is None:
            continue
        tree.top.leaves.append(page)
        tree.top.origins.append(OLDER)
        tree.names.update(found.keys)
        for name, child in reference.top.children.items():
            if name not in top.children:
                made = tree.bucket(top, name, child.root, child.sequence)
                tree.walk(made, child.root, b"", None, PLACED, strict=True)
        break
    tree.gaps[:] = [gap for gap in tree.gaps if gap.bucket is not top]


def _end(done: Recovery) -> int:
    """The number of pages that may be in use."""
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


def _fill_from_older(done: Recovery, references: list[RecoveredTree]) -> None:
    """Fill gaps to which nothing was found from the newest older tree that has something there."""
    tree = done.tree
    for reference in references:
        by_path = {bucket.path(): bucket for bucket in reference.buckets}
        for gap in list(tree.gaps):
            if gap.filled or gap.complete or gap.elements:
                continue
            source = by_path.get(gap.bucket.path())
            if source is not None:
                _fill(done, gap, source)


def _fill(done: Recovery, gap: Gap, source: Bucket) -> None:
    tree = done.tree
    for page in source.leaves:
        if tree.owner[page]:
            continue
        found = page_elements(tree.table, page)
        if found is None or not found.keys or not fits(found, gap.low, gap.high, 3):
            continue
        before = len(gap.bucket.leaves)
        tree.walk(gap.bucket, page, gap.low, gap.high, OLDER)
        done.older += len(gap.bucket.leaves) - before
        gap.filled += 1


def add_lost_and_found(done: Recovery, name: bytes = LOST_AND_FOUND) -> Bucket | None:
    """Put what could not be placed into a bucket ``name``, a nested bucket a page; None if there is nothing.

    So do databases that begin in the middle of the file.
    """
    tree = done.tree
    if not done.left and not done.others:
        return None
    top = tree.top
    while name in _names(tree):
        name += b"+"
    bucket = tree.bucket(top, name, 0, 0)
    top.added.add(name)
    gaps = len(tree.gaps)
    for page in done.left:
        if tree.used[page]:
            continue
        inner = str(page).encode()
        made = tree.bucket(bucket, inner, page, 0)
        bucket.added.add(inner)
        tree.walk(made, page, b"", None, PLACED, strict=True)
        done.lost_pages += 1
    del tree.gaps[gaps:]
    for offset, other in done.others:
        inner = b"at-%d" % offset
        add_lost_and_found(other, name)
        tree.joined[tree.bucket(bucket, inner, 0, other.tree.top.sequence).index] = other.tree
        bucket.added.add(inner)
    return bucket


def add_deleted(done: Recovery, name: bytes) -> Bucket | None:
    """Put the leaf pages that the result doesn't use into a bucket ``name``, a nested bucket a page."""
    tree, table = done.tree, done.table
    pages = [
        page for page in range(2, table.pages)
        if not tree.used[page] and table.is_tree(page) and table.kind[page] == LEAF_PAGE and not table.is_torn(page)
    ]  # fmt: skip
    if not pages:
        return None
    while name in _names(tree) or name in tree.top.children:
        name += b"+"
    bucket = tree.bucket(tree.top, name, 0, 0)
    tree.top.added.add(name)
    for page in pages:
        inner = str(page).encode()
        tree.bucket(bucket, inner, page, 0).leaves.append(page)
        tree.buckets[-1].origins.append(OLDER)
        bucket.added.add(inner)
    return bucket
