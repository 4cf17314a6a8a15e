"""Map every page of a file: what it is, which bucket owns it, which page refers to it, how full it is."""

from __future__ import annotations

from array import array

from ..errors import Corrupted
from ..format.bucket import BucketRef, open_bucket
from ..format.constants import FREELIST_PAGE, LEAF_PAGE
from ..format.page import LeafElements
from .freelist import stored_free_pages
from .walk import Seen, pages_or_damage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..format.meta import Meta
    from ..format.page import Page
    from ..storage.snapshot import Snapshot

# Kinds of pages. LOST: below the high-water mark, but neither in use nor free. BEYOND: at or above the high-water mark.
LOST, META, FREELIST, FREE, BRANCH, LEAF, OVERFLOW, DAMAGED, BEYOND = range(9)
KINDS = ("lost", "meta", "freelist", "free", "branch", "leaf", "overflow", "damaged", "beyond")
_NOBODY = 0xFFFFFFFF


class MappedBucket:
    """A bucket with pages of its own: its ``name``, the number of the bucket that holds it, its root page."""

    __slots__ = ("name", "parent", "root")

    def __init__(self, name: bytes, parent: int, root: int) -> None:
        self.name = name
        self.parent = parent
        self.root = root


class PageMap:
    """The pages of one state of a file; 14 bytes of memory a page.

    ``kinds`` has one of the constants above for each page. ``owners`` has the
    number of the bucket that owns it, an index into ``buckets`` (0: the root
    bucket), or :data:`_NOBODY`. ``parents`` has the page that refers to it: a
    branch page, the leaf page that holds the bucket's element, the meta page
    of the root; of an overflow page the head of its run. ``fills`` is the
    share of its run that a tree page uses, in percent. ``damages`` are the
    errors met.
    """

    __slots__ = ("_inline", "buckets", "damages", "fills", "kinds", "owners", "parents", "snapshot")

    def __init__(self, snapshot: Snapshot) -> None:
        count = max(snapshot.page_count, 2)
        self.snapshot = snapshot
        self.kinds = bytearray(count)
        self.owners = array("I", b"\xff" * (4 * count))
        self.parents = array("Q", bytes(8 * count))
        self.fills = bytearray(count)
        self.buckets = [MappedBucket(b"", 0, snapshot.meta.root)]
        self.damages: list[Corrupted] = []

    def owner(self, pgid: int) -> int | None:
        """Return the number of the bucket that owns page ``pgid``, None for none."""
        owner = self.owners[pgid]
        return None if owner == _NOBODY else owner

    def path(self, number: int) -> tuple[bytes, ...]:
        """Return the path of bucket ``number``."""
        names = []
        while number:
            names.append(self.buckets[number].name)
            number = self.buckets[number].parent
        return tuple(reversed(names))

    def way(self, pgid: int) -> list[int]:
        """Return the page ids from the meta page to ``pgid``, both included; only ``pgid`` if nothing refers to it."""
        pages = [pgid]
        met = {pgid}
        while self.kinds[pages[-1]] in (BRANCH, LEAF, OVERFLOW, FREELIST, DAMAGED):
            parent = self.parents[pages[-1]]
            if parent in met:
                break
            pages.append(parent)
            met.add(parent)
        pages.reverse()
        return pages

    def inside(self, number: int) -> set[int]:
        """Return the numbers of bucket ``number`` and of all buckets inside it."""
        found = {number}
        for index, bucket in enumerate(self.buckets):  # each follows the one that holds it
            if index and bucket.parent in found:
                found.add(index)
        return found

    def reached(self, pgid: int) -> bool:
        """Return whether the state uses page ``pgid``."""
        return self.kinds[pgid] in (META, FREELIST, BRANCH, LEAF, OVERFLOW)


def page_map(snapshot: Snapshot, meta: Meta | None = None) -> PageMap:
    """Map the pages of the state that ``meta`` describes (default: the snapshot's own).

    Damage is recorded and the rest is mapped. Time and memory are in proportion
    to the file. Raises nothing for a damaged file.
    """
    meta = meta or snapshot.meta
    result = PageMap(snapshot)
    result.buckets[0].root = meta.root
    kinds = result.kinds
    kinds[0] = kinds[1] = META
    for pgid in range(min(meta.hwm, len(kinds)), len(kinds)):
        kinds[pgid] = BEYOND
    _freelist(result, meta)
    _trees(result, meta)
    return result


def _freelist(result: PageMap, meta: Meta) -> None:
    """Mark the freelist's own pages and the free pages; without a stored freelist all unreached pages are free."""
    snapshot = result.snapshot
    if not meta.has_freelist:
        return
    try:
        page = snapshot.any_page(meta.freelist)
        if page.flags == FREELIST_PAGE:
            for pgid in stored_free_pages(snapshot, meta):
                if 2 <= pgid < len(result.kinds):
                    result.kinds[pgid] = FREE
    except Corrupted as damage:
        result.damages.append(damage)
        return
    _claim(result, page, meta.freelist, FREELIST, _NOBODY, meta.page)


def _trees(result: PageMap, meta: Meta) -> None:
    snapshot = result.snapshot
    seen = Seen(snapshot)
    todo = [(0, BucketRef(meta.root, meta.sequence))]
    while todo:
        number, bucket = todo.pop()
        for page in pages_or_damage(snapshot, bucket, seen):
            if isinstance(page, Corrupted):
                _note(result, page, number)
                continue
            if page.stack:
                parent = page.stack[-2] if len(page.stack) > 1 else (bucket.page if number else meta.page)
                kind = LEAF if page.flags == LEAF_PAGE else BRANCH
                _claim(result, page, page.pgid, kind, number, parent)
            try:
                todo += _look_inside(result, page, number)
            except Corrupted as damage:
                _note(result, damage, number)
    if not meta.has_freelist:
        kinds = result.kinds
        for pgid in range(2, min(meta.hwm, len(kinds))):
            if kinds[pgid] == LOST:
                kinds[pgid] = FREE


def _look_inside(result: PageMap, page: Page, number: int) -> Iterator[tuple[int, BucketRef]]:
    """Record the fill of ``page``; yield the buckets in it, with their numbers."""
    room = max(page.end - page.offset, 1)
    if page.flags != LEAF_PAGE:
        _fill(result, page, page.used(), room)
        return
    leaf = LeafElements(page)
    _fill(result, page, page.used(), room)
    for index in leaf.bucket_indexes():
        try:
            child = open_bucket(leaf, index)
        except Corrupted as damage:
            _note(result, damage, number)
            continue
        inner = number
        if child.root:
            result.buckets.append(MappedBucket(child.name, number, child.root))
            inner = len(result.buckets) - 1
        yield inner, child


def _fill(result: PageMap, page: Page, used: int, room: int) -> None:
    if 0 < page.pgid < len(result.fills):
        result.fills[page.pgid] = min(100, 100 * used // room)


def _note(result: PageMap, damage: Corrupted, number: int) -> None:
    result.damages.append(damage)
    pgid = damage.page
    if pgid is not None and 2 <= pgid < len(result.kinds) and result.kinds[pgid] in (LOST, BEYOND):
        result.kinds[pgid] = DAMAGED
        result.owners[pgid] = number
        if len(damage.stack) > 1:
            result.parents[pgid] = damage.stack[-2]


def _claim(result: PageMap, page: Page, pgid: int, kind: int, owner: int, parent: int) -> None:
    """Record the owner of the run at ``pgid``; a page that already has an owner keeps it."""
    kinds, stop = result.kinds, min(pgid + page.overflow + 1, len(result.kinds))
    if pgid >= len(kinds):
        return
    kinds[pgid] = kind
    result.owners[pgid] = owner
    result.parents[pgid] = parent
    for part in range(pgid + 1, stop):
        if kinds[part] in (LOST, FREE, BEYOND):
            kinds[part] = OVERFLOW
            result.owners[part] = owner
            result.parents[part] = pgid
