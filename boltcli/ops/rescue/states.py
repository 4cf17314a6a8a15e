"""States of a database of which no valid meta page says which one is the newest, and how they differ.

Of the two newest transactions all pages are there: a transaction never writes over a page of the one before it. Each
of the two lists the pages of the other as free. So without the meta pages both may be the newest one.
"""

from __future__ import annotations

from typing import NamedTuple

from ...format.page import BUCKET_HEADER
from .elements import inline_elements, page_elements
from .emit import Emission
from .pages import bitmap_of, find_freelists, meta_at
from .roots import Generation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...format.meta import Meta
    from .elements import Elements
    from .pages import PageTable
    from .tree import Bucket, RecoveredTree

    Path = tuple[bytes, ...]
    # By path and key (None: the bucket itself): a hash of the value, or the bucket's sequence.
    Rows = dict[tuple[Path, bytes | None], int]


class State(NamedTuple):
    """A state that may be the newest one: the ``root`` page of its tree, the ``pairs`` and ``buckets`` in it.

    Against the one that was ``chosen``, so many pairs and buckets were ``added``, ``removed`` and ``changed``.
    """

    root: int
    pairs: int
    buckets: int
    chosen: bool
    added: int
    removed: int
    changed: int

    @property
    def differs(self) -> bool:
        """Whether it holds something else than the chosen one."""
        return bool(self.added or self.removed or self.changed)


def is_mended(table: PageTable, meta: Meta) -> bool:
    """Return whether a meta page is not valid as it stands in the file: bbolt passes over it."""
    return meta_at(table.buffer, meta.page * table.page_size, meta.page).problem() is not None


def rivals(table: PageTable, found: list[Generation]) -> list[Generation]:
    """Return the first of these trees, which is taken for the newest one, with all that can be it as well.

    A tree that does not account for all pages is an older one, if the first one does.
    """
    first = found[0]
    alike = [made for made in found[1:] if made.reused == first.reused and made.tree.top.leaves]
    if accounts_for_all(table, first):
        alike = [made for made in alike if accounts_for_all(table, made)]
    # Where all buckets were deleted the root page has no element by which it is known.
    empty = (
        Generation(table, page) for page in range(2, table.pages) if table.is_tree(page) and not table.counts[page]
    )
    return [first, *alike, *(made for made in empty if accounts_for_all(table, made))]


def accounts_for_all(table: PageTable, made: Generation) -> bool:
    """Return whether every page is in the tree or in a freelist that fits it, as in the state that is the newest.

    Looks at all pages up to the last one that bears its id: zeros may follow it, where the file grew.
    """
    pages = bitmap_of(table, list(range(2, table.own.rfind(1) + 1)))
    return any(
        not made.bitmap & listed and not pages & ~(made.bitmap | listed) for listed in (0, *_freelists(table))
    )  # fmt: skip


def is_sure(table: PageTable, made: Generation) -> bool:
    """Return whether nothing says that a newer root page than that of ``made`` is lost.

    That a freelist counts a page as used which is nobody's says so: the page was overwritten.
    """
    if not accounts_for_all(table, made):
        return False
    known = bytearray(table.own)
    for page in range(2, table.pages):
        if table.own[page] and table.overflows[page]:
            for each in table.run(page):
                known[each] = 1
    nobodys = bitmap_of(table, [page for page in range(2, table.own.rfind(1)) if not known[page]])
    return not any(nobodys & ~listed for listed in _freelists(table))


def _freelists(table: PageTable) -> list[int]:
    """Return the pages of each freelist in the file, with those that it lists, as ``bitmap_of`` does."""
    return [bitmap_of(table, [*table.run(page), *ids]) for page, ids in find_freelists(table)]


def compare(trees: list[RecoveredTree], chosen: int) -> list[State]:
    """Return what is in each of ``trees``, and how it differs from that at the index ``chosen``."""
    states = []
    for index, tree in enumerate(trees):
        emission = Emission(tree)
        emission.count()
        added = removed = changed = 0
        if index != chosen:
            here, there = _rows(tree, trees[chosen]), _rows(trees[chosen], tree)
            added, removed = len(here.keys() - there.keys()), len(there.keys() - here.keys())
            changed = sum(here[place] != there[place] for place in here.keys() & there.keys())
        states.append(
            State(tree.top.root, emission.pairs, emission.buckets, index == chosen, added, removed, changed)
        )  # fmt: skip
    return states


def _rows(tree: RecoveredTree, other: RecoveredTree) -> Rows:
    """Return what is in a tree, without the pages that it shares with the same bucket of the ``other`` one."""
    rows: Rows = {}
    paths: dict[int, Path] = {}
    for bucket in tree.buckets:
        path = bucket.path()
        rows[path, None] = bucket.sequence
        for page in bucket.leaves:
            owner = other.owner_of(page)
            if owner is not None and _path(owner, paths) == path:
                continue
            found = page_elements(tree.table, page)
            if found is not None:
                _add(rows, path, found)
    return rows


def _path(bucket: Bucket, paths: dict[int, Path]) -> Path:
    """Return a bucket's path, kept in ``paths``."""
    path = paths.get(bucket.index)
    if path is None:
        path = paths[bucket.index] = bucket.path()
    return path


def _add(rows: Rows, path: Path, found: Elements) -> None:
    """Add the elements of a page, and of the inline buckets in it."""
    pending = [(path, found)]
    while pending:
        path, found = pending.pop()
        for i, key in enumerate(found.keys):
            start, stop = found.mids[i], found.ends[i]
            if not found.flags[i]:
                rows[path, key] = hash(found.buffer[start:stop])
            elif stop - start >= BUCKET_HEADER.size:
                root, sequence = BUCKET_HEADER.unpack_from(found.buffer, start)
                rows[(*path, key), None] = sequence
                inner = None if root else inline_elements(found.buffer, start, stop)
                if inner is not None:
                    pending.append(((*path, key), inner))
