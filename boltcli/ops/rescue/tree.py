"""The recovered tree: buckets, their leaf pages, and the gaps between them; its free pages, and where keys stand in it.

Values are not kept: a bucket has the ids of its leaf pages, and the pages are read again for writing.
"""

from __future__ import annotations

from array import array
from collections.abc import Set
from dataclasses import dataclass, field
from itertools import compress
from operator import and_
from typing import TYPE_CHECKING, NamedTuple

from ...format.bucket import path_of
from ...format.constants import BRANCH_PAGE, BUCKET_HEADER_SIZE, LEAF_PAGE
from ...format.meta import Meta
from ...format.page import BUCKET_HEADER, HEADER
from ...progress import portion
from .elements import Elements, fits, is_reused, page_elements, readable
from .pages import Buffer, PageTable, Path, find_metas, find_page_size

if TYPE_CHECKING:
    from ...progress import Progress

# Bucket, page, low, high, the key that the page must begin with, whether its neighbours are leaves.
Step = tuple["Bucket", int, bytes, bytes | None, bytes | None, bool]
# Where a page of a bucket comes from, the most trusted first.
IN_TREE, PLACED, OLDER = 0, 1, 255
# Reasons of gaps: the page is sound, and something else.
OTHER_KEYS = "the page has been reused for other keys"
OTHER_BUCKET = "the page has been reused for another bucket"
OTHER_PLACE = "the page holds keys of another range"
TWO_PLACES = "the page also belongs elsewhere"
REUSED = frozenset((OTHER_KEYS, OTHER_BUCKET, OTHER_PLACE, TWO_PLACES))
# By key the places where it stands: the bucket's path, 1 if the key is a bucket's name, and a hash of its value.
Hits = dict[bytes, list[tuple[Path, int, int]]]
Pairs = dict[bytes, tuple[int, bytes]]  # by key: whether it is a bucket's name, value
_MOST_BUCKETS = 1 << 24  # elements that call themselves buckets: noise may do so
_SAMPLES = 8  # pairs of a leaf that are looked up
_MOST_HITS = 12  # places of one key that are remembered


@dataclass(slots=True, eq=False)
class Bucket:
    """A bucket: the ids of its ``leaves`` with where each comes from (``origins``), and its nested buckets by name.

    ``added`` are the names of nested buckets that stand in none of its leaves. ``parent`` is None for a root.
    """

    parent: Bucket | None
    name: bytes
    root: int
    sequence: int
    leaves: array[int] = field(default_factory=lambda: array("Q"))
    origins: bytearray = field(default_factory=bytearray)
    children: dict[bytes, Bucket] = field(default_factory=dict)
    added: set[bytes] = field(default_factory=set)
    gaps: list[Gap] = field(default_factory=list)

    def add_leaf(self, page: int, origin: int) -> None:
        self.leaves.append(page)
        self.origins.append(origin)

    def some_leaves(self) -> set[int]:
        count = len(self.leaves)
        return {self.leaves[number] for number in (0, count // 2, count - 1) if count}

    path = path_of


@dataclass(slots=True, eq=False)
class Gap:
    """A part of a bucket that cannot be reached: keys from ``low`` up to ``high`` (None: no end), below ``page``.

    ``elements``: so many elements of a leaf are lost, not a whole page. ``filled`` counts the pages that were found to
    belong there; ``complete``: nothing is missing any more. ``leaf``: the lost page was a leaf, as its neighbours are.
    """

    bucket: Bucket
    low: bytes
    high: bytes | None
    page: int
    reason: str
    elements: int = 0
    leaf: bool = False
    filled: int = 0
    complete: bool = False

    def is_whole(self) -> bool:
        """Return whether all of a bucket is missing: its root page is lost."""
        return not self.low and self.high is None


class Loss(NamedTuple):
    """What is missing: keys of ``bucket`` from ``low`` up to ``high`` (None: no end), because of ``page``."""

    bucket: Path
    low: bytes | None = None
    high: bytes | None = None
    page: int | None = None
    reason: str = ""


class Altered(NamedTuple):
    """What the result holds otherwise than bbolt reads it: ``key`` of ``bucket`` (None: no single one), and why."""

    bucket: Path
    key: bytes | None
    page: int | None
    reason: str


class RecoveredTree:
    """What was reached so far, at first all that can be reached from the page ``root``, if there is one.

    ``owner`` has, for each page, the bucket that holds it. ``used`` marks all pages of reached runs; ``changes`` is
    what was taken otherwise than it stands there. ``names`` are those of the top-level buckets.
    ``strict``, for a tree that may not be the newest one, and for all that nothing leads to: a child's first key must
    be its branch element's, and the page of a nested bucket may not have the names of an outer one.
    """

    def __init__(self, table: PageTable, root: int | None = None, sequence: int = 0, *, strict: bool = False) -> None:
        self.table = table
        self.strict = strict
        self.owner: list[Bucket | None] = [None] * table.pages
        self.used = bytearray(table.pages)
        self.buckets: list[Bucket] = []
        self.gaps: list[Gap] = []
        self.changes: list[Altered] = []
        self.names: set[bytes] = set()
        self.top = self.bucket(None, b"", root or 0, sequence)
        if root is not None:
            self.walk(self.top, root)

    def bucket(self, parent: Bucket | None, name: bytes, root: int, sequence: int) -> Bucket:
        made = Bucket(parent, name, root, sequence)
        self.buckets.append(made)
        if parent is not None:
            parent.children[name] = made
        return made

    def gap(self, bucket: Bucket, low: bytes, high: bytes | None, page: int, reason: str, elements: int = 0) -> Gap:
        gap = Gap(bucket, low, high, page, reason, elements)
        bucket.gaps.append(gap)
        self.gaps.append(gap)
        return gap

    def unreached(self, free: bytearray | None, end: int | None = None) -> list[int]:
        """Return the pages of trees before ``end`` that are neither reached nor ``free``."""
        unused = (page for page in range(self.table.pages)[2:end] if not self.used[page])
        return [page for page in unused if self.table.is_tree(page) and not (free and free[page])]

    def walk(
        self, bucket: Bucket, page: int, low: bytes = b"", high: bytes | None = None, origin: int = IN_TREE
    ) -> None:  # fmt: skip
        """Add all that can be reached from ``page`` to ``bucket``, whose keys there are from ``low`` up to ``high``."""
        strict = self.strict or origin != IN_TREE
        stack: list[Step] = [(bucket, page, low, high, None, False)]
        while stack:
            bucket, page, low, high, expected, leaf = stack.pop()
            found, reason = self.read(page, low, high)
            if found is not None and strict and expected is not None and not (found.count and found.key(0) == expected):
                found, reason = None, OTHER_KEYS
            if found is None:
                self.gap(bucket, low, high, page, reason).leaf = leaf
                continue
            self._take(bucket, page, found)
            if found.leaf:
                bucket.add_leaf(page, origin)
                if found.lost:
                    self.gap(bucket, low, high, page, f"{found.lost} damaged elements", found.lost)
                if any(found.flags):
                    stack += self._nested(bucket, page, found, strict)
                continue
            if found.lost or not found.count:
                reason = f"{found.lost} damaged branch elements" if found.count else "a branch page without elements"
                self.gap(bucket, low, high, page, reason, found.lost or 1)
            keys = found.keys
            leaves = any(self.table.is_tree(child) and self.table.kind[child] == LEAF_PAGE for child in found.pgids)
            below = zip(found.pgids, [low, *keys[1:]], [*keys[1:], high], keys)
            stack += [(bucket, child, start, stop, key, leaves) for child, start, stop, key in below][::-1]

    def _take(self, bucket: Bucket, page: int, found: Elements) -> None:
        table, pages = self.table, 1 + self.table.overflows[page]
        self.owner[page] = bucket
        if pages == 1 and table.is_tree(page) and table.sound[page]:
            self.used[page] = 1
            return
        reasons = list(found.mended)
        if not table.is_tree(page):
            number, flags, _, _ = HEADER.unpack_from(table.buffer, page * table.page_size)
            what = f"the page says that it is page {number}, of type {flags:#x}"
            reasons.append((None, f"{what}; it was treated as what is expected here"))
        needed = max(1, -(-max(found.ends, default=0) // table.page_size) - page)
        if needed > pages or (needed < pages and table.is_torn(page)):
            reasons.append((None, f"its header says {pages} pages, its elements need {needed}"))
            pages = needed
        path = bucket.path() if reasons else ()
        self.changes += [Altered(path, key, page, reason) for key, reason in reasons]
        for each in range(page, min(page + pages, table.pages)):
            self.used[each] = 1

    def _nested(self, bucket: Bucket, page: int, found: Elements, strict: bool) -> list[Step]:
        """Return the buckets in a leaf page that have pages of their own, to be walked, the last one first."""
        roots: list[Step] = []
        if bucket is self.top:
            self.names.update(compress(found.keys, found.flags))
        for i in compress(range(found.count), found.flags):
            start, stop, name = found.mids[i], found.ends[i], found.keys[i]
            if stop - start < BUCKET_HEADER_SIZE:
                self.gap(bucket, name, name + b"\0", page, "a bucket's value that is too small", 1)
                continue
            root, sequence = BUCKET_HEADER.unpack_from(found.buffer, start)
            if root == 0 or name in bucket.children:
                continue
            if len(self.buckets) >= _MOST_BUCKETS:
                self.gap(bucket, name, name + b"\0", page, "there are too many buckets", 1)
                continue
            made = self.bucket(bucket, name, root, sequence)
            if strict and (is_reused(self.table, found.keys, root) or is_reused(self.table, self.names, root)):
                self.gap(made, b"", None, root, OTHER_BUCKET)
            else:
                roots.append((made, root, b"", None, None, False))
        return roots[::-1]

    def read(self, page: int, low: bytes, high: bytes | None) -> tuple[Elements | None, str]:
        """Return the elements of the page if they belong between ``low`` and ``high``; else None and why not."""
        table = self.table
        if page < 2 or page >= table.pages:
            return None, "the page lies beyond the end of the file" if page > 1 else "not a tree page"
        if self.owner[page]:
            return None, TWO_PLACES
        found = page_elements(table, page)
        if table.is_tree(page):
            if found is None:
                return None, "the page cannot be read"
            if not fits(found, low, high, 2):
                return None, OTHER_PLACE if found.sound else "the page is damaged"
            return found, ""
        if table.is_zero(page):
            return None, "the page is all zeros"
        bears = table.bears(page)
        if found is None or not found.count or not fits(found, low, high, 3):
            other = table.kind[page] in (BRANCH_PAGE, LEAF_PAGE)
            return None, f"the page identifies itself as page {bears}" if other else "the page is not a tree page"
        if bears != page and bears < table.pages and table.page_bytes(bears) == table.page_bytes(page):
            return None, f"the page is a copy of page {bears}"
        return found, ""


class State(NamedTuple):
    """A state that may be the newest one, by its root page; ``added`` and so on count against the ``chosen`` one."""

    root: int
    pairs: int
    buckets: int
    chosen: bool
    added: int
    removed: int
    changed: int

    @property
    def differs(self) -> bool:
        return bool(self.added or self.removed or self.changed)


@dataclass(slots=True, eq=False)
class Recovery:
    """What was found in a file: ``tree`` is what goes into the result.

    ``exact``: nothing is missing, it is the tree that bbolt reads. ``torn``: pages of later transactions lie among
    those of the tree. ``placed``, ``older`` and ``stale`` count pages; ``left`` are those of which it isn't known where
    they belong, ``lost_pages`` how many of these are in the lost+found bucket. ``others``: the offsets at which other
    databases begin. ``states``: if it isn't sure which one is the newest, all that may be it. ``sure``: nothing says
    that there was a newer one. ``free`` marks the pages of a freelist that can be trusted.
    """

    tree: RecoveredTree
    metas: list[Meta]
    exact: bool = False
    torn: bool = False
    sure: bool = True
    root_from: str = ""
    placed: int = 0
    older: int = 0
    stale: int = 0
    lost_pages: int = 0
    left: list[int] = field(default_factory=list)
    free: bytearray | None = None
    others: list[int] = field(default_factory=list)
    states: list[State] = field(default_factory=list)

    @property
    def table(self) -> PageTable:
        return self.tree.table


def newest_tree(buffer: Buffer, progress: Progress | None = None) -> tuple[RecoveredTree, list[Meta]]:
    """Return what can be reached from the newest meta page of a file, and its meta pages."""
    table = PageTable(buffer, find_page_size(buffer)[0], progress=portion(progress, 0, 0.1))
    metas = find_metas(table)
    table.watch(portion(progress, 0.1, 1))
    return RecoveredTree(table, metas[0].root if metas else None), metas


def free_pages(tree: RecoveredTree, metas: list[Meta]) -> bytearray | None:
    """Return the free pages by the newest meta page's freelist; None if it is missing or not reliable."""
    listed = tree.table.freelist(metas[0].freelist) if metas and metas[0].has_freelist else None
    return None if listed is None or any(map(and_, listed[1], tree.used)) else listed[1]


def best_freelist(tree: RecoveredTree) -> bytearray | None:
    """Return the longest freelist in the file that lists no page of the tree."""
    lists = sorted(tree.table.freelists, key=lambda each: -each[0])
    return next((marks for count, marks in lists if count and not any(map(and_, marks, tree.used))), None)


def sample(leaf: Elements) -> Pairs:
    every = range(0, leaf.count, max(1, leaf.count // _SAMPLES))
    return {leaf.keys[i]: (leaf.flags[i], leaf.value(i)) for i in every}


def find_keys(tree: RecoveredTree, wanted: Set[bytes]) -> Hits:
    hits: Hits = {}
    for bucket in tree.buckets if wanted else ():
        path = bucket.path() if bucket.leaves else ()
        for _, found in readable(tree.table, bucket.leaves):
            for key in wanted & set(found.keys):
                at = found.keys.index(key)
                places = hits.setdefault(key, [])
                if len(places) < _MOST_HITS:
                    places.append((path, found.flags[at], hash(found.value(at))))
    return hits
