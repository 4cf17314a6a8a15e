"""Judge the trees of candidate roots: whether one can be the newest, or an older state of it, or is a nested bucket."""

from __future__ import annotations

from .candidate_roots import Generation, generations
from .elements import page_elements
from .tree import best_freelist, find_keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...format.meta import Meta
    from .bucket_pages import BucketPages
    from .candidate_roots import Links
    from .pages import PageTable

_VERSIONS = 4  # others, of a root, that are looked at
_MOST_UNREACHED = 8  # times the pages of a tree that no freelist accounts for
_NEAR, _WRITTEN = 64, 4  # pages before the lost root, and how many of those with content are looked at


def is_old_root(made: Generation, pages: BucketPages) -> bool:
    """Return whether there is another version of a tree, and no page of other buckets that leads to one of the two.

    Of a nested bucket the page that leads to an earlier version would be there too. Versions share pages, or have the
    same names; buckets side by side don't share pages.
    """
    if pages.is_nested(made.root):
        return False
    names = made.tree.names
    for page in pages.alike(made.root)[:_VERSIONS]:
        other = Generation(made.tree.table, page)
        if other.shares_pages(made) if made.reached > 1 else other.tree.names == names:
            return True
    return False


def has_others_behind(made: Generation, pages: BucketPages) -> bool:
    """Return whether pages precede the one that refers to them, so that a tree can't be all of a file written at once.

    Then there is no other version of the root, and pages that the tree doesn't reach lie after it and all it has lost.
    """
    table, tree = made.tree.table, made.tree
    if pages.alike(made.root):
        return False
    free = best_freelist(tree)
    if free is None and _MOST_UNREACHED * made.reached < sum(map(table.is_tree, range(2, table.pages))):
        return True
    last = max((gap.page for gap in tree.gaps if gap.page < table.pages), default=0)
    last = max(last, made.root)
    return free is not None and any(
        table.is_tree(page) and not tree.used[page] and not free[page] and not table.is_torn(page)
        for page in range(last + 1, table.pages)
    )  # fmt: skip


def that_can_be_all(table: PageTable, found: list[Generation], links: Links, pages: BucketPages) -> list[Generation]:
    """Return the newest tree that can be all of the file, with its versions; else ``found``, the largest tree."""
    others, tried = found, set[int]()
    for _ in range(_VERSIONS):
        if not others:
            break
        if not has_others_behind(others[0], pages) and (others is found or is_old_root(others[0], pages)):
            return others
        tried |= {made.root for made in others}
        others = generations(table, links, pages, None, without=tried)
    return found


def precedes(made: Generation, metas: list[Meta]) -> bool:
    """Return whether the pages written just before the lost root hold other versions of what is in a tree.

    Where no meta page says which the root was, the last pages of the file stand for them.
    """
    table = made.tree.table
    root = metas[0].root if metas else table.pages
    below = [
        page for page in range(min(root, table.pages) - 1, max(1, root - _NEAR), -1)
        if table.is_tree(page) and not table.is_torn(page)
    ][:_WRITTEN]  # fmt: skip
    if not below or made.tree.used[below[0]]:
        return False  # the lost root leads to the tree itself
    groups = _samples(table, [page for page in below if not made.tree.used[page]])
    return bool(groups) and 2 * _inside(made, groups) > len(groups)


def covers(made: Generation, free: bytearray | None) -> bool:
    """Return whether a tree is an older state of what lies outside it, and not a nested bucket whose parent is lost.

    Of the keys outside it, a quarter must be in it.
    """
    used, table = made.tree.used, made.tree.table
    outside = [
        page for page in range(2, table.pages)
        if not used[page] and table.is_tree(page) and not (free and free[page]) and not table.is_torn(page)
    ]  # fmt: skip
    groups = _samples(table, outside)
    return 4 * _inside(made, groups) >= len(groups)


def _samples(table: PageTable, pages: list[int]) -> list[list[tuple[bytes, int, int]]]:
    """Return some pairs of each of these leaf pages: key, whether it is a bucket's name, a hash of the value."""
    groups = []
    for page in pages:
        found = page_elements(table, page)
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
