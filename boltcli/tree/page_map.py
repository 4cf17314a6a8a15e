"""The ledger of pages: what each page of a file is, which bucket owns it, which page refers to it, how full it is."""

from __future__ import annotations

from itertools import compress

from ..format.bucket import BucketRef, open_bucket, path_of
from ..format.constants import LEAF_PAGE
from ..format.page import LeafElements
from ..kernel import reached_pages
from ..read_errors import Corrupted
from ..storage.snapshot import BEYOND as BEYOND_FILE
from .walk import Seen, flat, pages_or_damage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..format.meta import Meta
    from ..format.page import Page
    from ..progress import Progress
    from ..storage.snapshot import Snapshot
    from .walk import Nested

    Before = list[tuple[int, int, int]]

# Kinds of pages. LOST: below the high-water mark, but neither in use nor free. BEYOND: at or above the high-water mark.
LOST, META, FREELIST, FREE, BRANCH, LEAF, OVERFLOW, DAMAGED, BEYOND = range(9)
KINDS = ("lost", "meta", "freelist", "free", "branch", "leaf", "overflow", "damaged", "beyond")
NOBODY = 0xFFFFFFFF
_UNUSED = (LOST, DAMAGED, BEYOND)
_RUNS = 4  # limit on the pages claimed by all runs, as a multiple of the pages in the file


class PageMap:
    """The pages of one state of a file, that of ``meta``; 14 bytes of memory a page. It begins with none in use.

    ``kinds`` has one of the constants above for each page, ``owners`` the number of the bucket that owns it, an index
    into ``buckets`` (0: the root bucket), or :data:`NOBODY`, ``parents`` the page that refers to it: a branch page, the
    leaf page that holds the bucket's element, the meta page; of an overflow page the head of its run. ``fills`` is the
    used share of a tree page's run, in percent. ``damages`` are the errors met, ``problem`` is that of the freelist:
    then free and lost pages can't be distinguished.
    """

    def __init__(self, snapshot: Snapshot, meta: Meta | None = None, *, beyond: int = 0) -> None:
        """``beyond``: so many pages after the end of the file are mapped, too, but not their owners and parents."""
        count = max(snapshot.page_count, 2)
        self.snapshot = snapshot
        self.meta = meta or snapshot.meta
        hwm = min(self.meta.hwm, count)
        self.kinds = bytearray(count + beyond)
        self.kinds[hwm:count] = bytes((BEYOND,)) * (count - hwm)
        self.kinds[:2] = bytes((META, META))
        self.owners = memoryview(bytearray(b"\xff" * (4 * count))).cast("I")
        self.parents = memoryview(bytearray(8 * count)).cast("Q")
        self.fills = bytearray(count)
        self.buckets = [BucketRef(self.meta.root, self.meta.sequence)]
        self.damages: list[Corrupted] = []
        self.problem: Corrupted | None = None
        self._left = _RUNS * count

    def owner(self, pgid: int) -> int | None:
        owner = self.owners[pgid]
        return None if owner == NOBODY else owner

    def path(self, number: int) -> tuple[bytes, ...]:
        return path_of(self.buckets[number])

    def way(self, pgid: int) -> list[int]:
        """Return the page ids from the meta page to ``pgid``, both included; only ``pgid`` if nothing refers to it."""
        pages = {pgid: None}  # in order
        while self.kinds[pgid] in (BRANCH, LEAF, OVERFLOW, FREELIST, DAMAGED):
            pgid = self.parents[pgid]
            if pgid in pages:
                break
            pages[pgid] = None
        return list(reversed(pages))

    def inside(self, number: int) -> set[int]:
        """Return the numbers of bucket ``number`` and of all buckets inside it."""
        path = self.path(number)
        return {other for other in range(len(self.buckets)) if self.path(other)[: len(path)] == path}

    def reached(self, pgid: int) -> bool:
        """Return whether the state uses page ``pgid``."""
        return self.kinds[pgid] in (META, FREELIST, BRANCH, LEAF, OVERFLOW)

    def count(self) -> dict[str, int]:
        """Return the number of pages of each kind by its name; overflow pages count as what they belong to."""
        kinds, parents = self.kinds, self.parents
        heads = bytes(kinds[parents[pgid]] for pgid, kind in enumerate(kinds) if kind == OVERFLOW)
        return {name: kinds.count(kind) + heads.count(kind) for kind, name in enumerate(KINDS) if kind != OVERFLOW}

    def claim(self, pgid: int, length: int, kind: int, owner: int = NOBODY, parent: int = 0) -> Before:
        """Record a use of ``length`` pages; return those in use before, which keep that use: page id, kind, owner."""
        kinds, owners, parents = self.kinds, self.owners, self.parents
        before: Before = []
        known = len(owners)
        for part in range(pgid, min(pgid + length, len(kinds))):
            used = kinds[part]
            if used not in _UNUSED:
                before.append((part, used, owners[part] if part < known else NOBODY))
            if part == pgid or used in (LOST, FREE, BEYOND):
                kinds[part] = kind if part == pgid else OVERFLOW
                if part < known:
                    owners[part], parents[part] = owner, parent if part == pgid else pgid
        return before

    def freelist(self) -> tuple[Page, list[int], Before] | None:
        """Claim the freelist's and the free pages; return its page, its ids, what :meth:`claim` does. None: no list."""
        meta = self.meta
        if not meta.has_freelist:
            return None
        try:
            page, ids = self.snapshot.freelist(meta)
        except Corrupted as damage:
            self.problem = damage
            self._note(damage, NOBODY)
            return None
        before = self.claim(meta.freelist, page.overflow + 1, FREELIST, NOBODY, meta.page)
        self.free(ids)
        return page, ids, before

    def free(self, ids: Iterable[int]) -> None:
        """Record that those of the pages ``ids`` are free that nothing uses."""
        kinds = self.kinds
        for pgid in ids:
            if 2 <= pgid < len(kinds) and kinds[pgid] == LOST:
                kinds[pgid] = FREE

    def trees(self, seen: Seen | None = None) -> Iterator[tuple[Page, Before] | Corrupted]:
        """Claim the pages of all buckets, parents first; yield each with what :meth:`claim` returns, and damage."""
        found: Iterator[tuple[Page, Before] | Corrupted]
        found = flat(self._tree(0, self.buckets[0], seen or Seen(self.snapshot)))
        yield from found
        if not self.meta.has_freelist:
            self.kinds = self.kinds.translate(bytes((FREE, *range(1, 256))))  # unreached pages are free

    def _tree(self, number: int, bucket: BucketRef, seen: Seen) -> Nested[tuple[Page, Before] | Corrupted]:
        inside: list[BucketRef] = []
        root = bucket.page if bucket.parent is not None else self.meta.page
        for page in pages_or_damage(self.snapshot, bucket, seen):
            if isinstance(page, Corrupted):
                self._note(page, number)
                yield page
                continue
            above = page.stack[-2] if len(page.stack) > 1 else root
            length = 1  # of too many overlapping runs only the first pages are claimed
            if self._left >= 0:
                length = min(page.overflow + 1, len(self.kinds) - page.pgid)
            self._left -= length
            before = self.claim(page.pgid, length, LEAF if page.flags == LEAF_PAGE else BRANCH, number, above)
            if page.pgid < len(self.fills):
                self.fills[page.pgid] = min(100, 100 * page.used() // max(page.end - page.offset, 1))
            yield page, before
            inside += self._inside(page, number)
        for child in inside:
            self.buckets.append(child)
            yield self._tree(len(self.buckets) - 1, child, seen)

    def _inside(self, page: Page, number: int) -> Iterator[BucketRef]:
        try:
            if page.flags != LEAF_PAGE or not page.holds_buckets():
                return
            leaf = LeafElements(page)
        except Corrupted as damage:
            self._note(damage, number)
            return
        for index in leaf.bucket_indexes():
            try:
                child = open_bucket(leaf, index)
            except Corrupted as damage:
                self._note(damage, number)
            else:
                if child.root:
                    yield child

    def _note(self, damage: Corrupted, number: int) -> None:
        self.damages.append(damage)
        pgid = damage.page
        if pgid is not None and 2 <= pgid < len(self.kinds) and self.kinds[pgid] in (LOST, BEYOND):
            self.kinds[pgid] = DAMAGED
            self.owners[pgid] = number
            if len(damage.stack) > 1:
                self.parents[pgid] = damage.stack[-2]


def page_map(snapshot: Snapshot, meta: Meta | None = None, *, progress: Progress | None = None) -> PageMap:
    """Map the pages of the state that ``meta`` describes; damage is recorded, not raised."""
    result = PageMap(snapshot, meta)
    result.freelist()
    for _ in result.trees(Seen(snapshot, progress=progress)):
        pass
    return result


def used_and_free(snapshot: Snapshot) -> PageMap:
    """Map which pages are free, lost, or hold the freelist. Is the freelist damaged, none is lost."""
    reached = reached_pages(snapshot)
    result = PageMap(snapshot)
    result.freelist()
    if reached is None or any(compress(result.kinds, reached)):  # a page has two uses
        result = page_map(snapshot)
    else:
        unreached = LOST if snapshot.meta.has_freelist else FREE
        marks = reached.ljust(len(result.kinds), b"\0")
        result.kinds = bytearray(LEAF if met else kind or unreached for kind, met in zip(result.kinds, marks))
    if result.problem is not None:
        result.kinds = bytearray(FREE if kind in (LOST, DAMAGED) else kind for kind in result.kinds)
    return result


def free_pages(snapshot: Snapshot) -> list[int]:
    """Return the ids of the free pages, ascending. Raises Corrupted."""
    return sorted(snapshot.freelist()[1]) if snapshot.meta.has_freelist else unreached_pages(snapshot)


def unreached_pages(snapshot: Snapshot) -> list[int]:
    """Return the ids of the pages, from 2 up to the high-water mark, that are in no bucket's tree. Raises Corrupted."""
    stop = min(snapshot.meta.hwm, snapshot.page_count + BEYOND_FILE)
    reached = reached_pages(snapshot)
    if reached is None:
        mapped = PageMap(snapshot)
        # A root bucket on page 0 would be inline: bbolt skips it.
        for found in mapped.trees() if snapshot.meta.root else ():
            if not isinstance(found, Corrupted) and found[1]:
                mapped.damages.append(found[0].damaged("the page is referenced more than once"))
            if mapped.damages:
                break
        if mapped.damages:
            raise mapped.damages[0]
        reached = bytes(owner != NOBODY for owner in mapped.owners)
    return [pgid for pgid, met in zip(range(stop), reached.ljust(stop, b"\0")) if not met and pgid >= 2]
