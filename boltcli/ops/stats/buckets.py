"""One pass over all buckets, what each holds and takes: ``inspect``, ``tree``, ``du``, ``stats`` show parts of it."""

from __future__ import annotations

from ...errors import Corrupted
from ...format.bucket import MAX_NESTING, BucketRef, bucket_header, buckets_in, open_bucket, page_inside, path_of
from ...format.constants import BRANCH_PAGE, BUCKET_HEADER_SIZE, ELEMENT_SIZE, INLINE_HEADERS_SIZE, LEAF_PAGE
from ...format.page import LeafElements, Page
from ...kernel import buckets, stats
from ...tree.bucket import root_bucket
from ...tree.walk import Seen, Whole, flat, refuse_nested, tree_pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...kernel import Bucket
    from ...storage.snapshot import Snapshot
    from ...tree.walk import Nested

    Progress = Callable[[int, int], None]


class BucketRecord:
    """A bucket: its ``name``, the record of its ``parent`` (None: the outermost one), its ``sequence``.

    ``pairs`` are its own, without child buckets, ``keys`` also those of all nested buckets. ``bytes`` are those
    of its pages and of nested buckets'; an ``inline`` bucket has no pages: its bytes are those of its value, which are
    also part of its parent's. ``depth`` is the number of levels of its own tree, ``level`` the length of its path.
    """

    __slots__ = ("bytes", "depth", "inline", "keys", "level", "name", "pairs", "parent", "sequence")

    def __init__(self, name: bytes, parent: BucketRecord | None, sequence: int, inline: bool) -> None:
        self.name = name
        self.parent = parent
        self.level: int = 0 if parent is None else parent.level + 1
        self.sequence = sequence
        self.inline = inline
        self.pairs = self.keys = self.bytes = 0
        self.depth = 1

    @property
    def path(self) -> tuple[bytes, ...]:
        """The bucket's path."""
        return path_of(self)


class BucketStats:
    """Statistics of a bucket and all buckets inside it; the names are bbolt's, spelled out.

    The numbers count pages, pairs or buckets; ``*_alloc`` and ``*_inuse`` are
    bytes. ``depth`` is the number of levels: the depths of nested buckets are
    added; a sum over several buckets has the greatest depth.
    """

    __slots__ = (
        "branch_alloc", "branch_inuse", "branch_overflow_pages", "branch_pages",
        "buckets", "depth", "inline_bucket_inuse", "inline_buckets", "keys",
        "leaf_alloc", "leaf_inuse", "leaf_overflow_pages", "leaf_pages",
    )  # fmt: skip

    def __init__(self, **numbers: int) -> None:
        """``numbers`` by name; default: all 0."""
        self.branch_pages = self.branch_overflow_pages = self.branch_alloc = self.branch_inuse = 0
        self.leaf_pages = self.leaf_overflow_pages = self.leaf_alloc = self.leaf_inuse = 0
        self.buckets = self.inline_buckets = self.inline_bucket_inuse = self.keys = self.depth = 0
        for name, number in numbers.items():
            setattr(self, name, number)

    def numbers(self) -> list[int]:
        """Return all numbers, in the order of ``__slots__``."""
        return [getattr(self, name) for name in self.__slots__]


def inspect(snapshot: Snapshot) -> list[BucketRecord]:
    """Return all buckets, each before those inside it, as bbolt's ``inspect`` lists them. Raises Corrupted."""
    rows = buckets(snapshot)
    if rows is not None:
        return _from_rows(snapshot, rows)
    return _Reader(snapshot, Seen(snapshot, twice=True)).read()


def bucket_usage(snapshot: Snapshot, damages: list[Corrupted] | None = None) -> list[BucketRecord]:
    """Return all buckets, each before those inside it, with the sums over nested buckets.

    Raises :class:`~boltcli.errors.Corrupted`, or appends it to ``damages`` if that is given; a bucket with a damaged
    tree then has no pairs, no bytes and no nested buckets.
    """
    rows = buckets(snapshot)
    found = _from_rows(snapshot, rows) if rows is not None else _Reader(snapshot, Whole(snapshot), damages).read()
    for bucket in reversed(found):
        bucket.keys += bucket.pairs
        if bucket.parent is not None:
            bucket.parent.keys += bucket.keys
            if not bucket.inline:
                bucket.parent.bytes += bucket.bytes
    return found


def database_stats(
    snapshot: Snapshot, prefix: bytes = b"", *, progress: Progress | None = None
) -> tuple[int, BucketStats]:
    """Return the number and summed statistics of the top-level buckets whose name begins with ``prefix``.

    Raises :class:`~boltcli.errors.Corrupted`.
    """
    known = stats(snapshot, snapshot.meta.root, prefix, progress)
    if known is not None:
        return known[0], BucketStats(**known[1])
    from ..read.key_pages import top_buckets

    sums = _Statistics(snapshot, progress)
    count = 0
    for name, bucket in top_buckets(snapshot):
        if name.startswith(prefix):
            if bucket is None:
                raise snapshot.corrupted(f"the entry {name!r} of the root bucket is not a bucket", snapshot.meta.root)
            sums.add(bucket)
            count += 1
    return count, sums.total


def bucket_stats(snapshot: Snapshot, bucket: BucketRef) -> BucketStats:
    """Return the statistics of ``bucket`` and everything below it.

    Raises :class:`~boltcli.errors.Corrupted` for a damaged page, and for a
    page or a bucket inside itself. A page referenced twice counts twice.
    """
    known = stats(snapshot, bucket.root, None)
    if known is not None:
        return BucketStats(**known[1])
    sums = _Statistics(snapshot)
    sums.add(bucket)
    return sums.total


def _from_rows(snapshot: Snapshot, rows: list[Bucket]) -> list[BucketRecord]:
    """Return the kernel's rows as records."""
    found: list[BucketRecord] = []
    for name, parent, root, sequence, pairs, size, levels in rows:
        bucket = BucketRecord(name, found[parent] if found else None, sequence, not root)
        bucket.pairs = pairs
        bucket.bytes = size * snapshot.page_size if root else size
        bucket.depth = levels
        found.append(bucket)
    found[0].sequence = snapshot.meta.sequence
    return found


class _Reader:
    """Reads the records of a bucket and of all inside it.

    As bbolt's cursor does it, which takes a page of another type for a branch page, if ``seen`` doesn't refuse that.
    """

    def __init__(self, snapshot: Snapshot, seen: Seen, damages: list[Corrupted] | None = None) -> None:
        self._snapshot = snapshot
        self._seen = seen
        self._damages = damages

    def read(self) -> list[BucketRecord]:
        return list(flat(self._bucket(root_bucket(self._snapshot), None)))

    def _bucket(self, ref: BucketRef, parent: BucketRecord | None) -> Nested[BucketRecord]:
        snapshot = self._snapshot
        snapshot.poll()
        record = BucketRecord(ref.name, parent, ref.sequence, not ref.root)
        yield record
        inside: list[BucketRef] = []
        try:
            for page in tree_pages(snapshot, refuse_nested(snapshot, ref), self._seen):
                record.depth = max(record.depth, len(page.stack))
                record.bytes += (1 + page.overflow) * snapshot.page_size if ref.root else page.end - page.offset
                if page.flags != LEAF_PAGE:
                    continue
                children = buckets_in(page)
                record.pairs += page.count - len(children)
                for child in children:
                    if self._damages is None:
                        yield self._bucket(child, record)
                    else:
                        inside.append(child)
        except Corrupted as damage:
            if self._damages is None:
                raise
            self._damages.append(damage)
            record.pairs = record.bytes = 0
            record.depth = 1
            return
        for child in inside:
            yield self._bucket(child, record)


def _below(page: Page) -> list[int]:
    """Return the children of a page, as bbolt's ``Bucket.Stats`` visits them."""
    return page.children() if page.flags == BRANCH_PAGE and page.count else []


class _Statistics:
    """Sums the statistics of buckets and of all inside them, as bbolt's ``Bucket.Stats``.

    Pages of other types are passed over, and an inline bucket has no buckets in it. ``progress`` is called with the
    number of pages visited, and the high-water mark.
    """

    def __init__(self, snapshot: Snapshot, progress: Progress | None = None) -> None:
        self._snapshot = snapshot
        self._progress = progress
        self._done = 0
        self.total = BucketStats()
        self._depth = 0  # of the last bucket, with those inside it

    def add(self, bucket: BucketRef) -> None:
        total, page_size = self.total, self._snapshot.page_size
        self._seen = Seen(self._snapshot, twice=True)
        for _ in flat(self._bucket(bucket)):
            pass
        total.depth = max(total.depth, self._depth)
        total.branch_alloc = (total.branch_pages + total.branch_overflow_pages) * page_size
        total.leaf_alloc = (total.leaf_pages + total.leaf_overflow_pages) * page_size

    def _bucket(self, ref: BucketRef) -> Nested[None]:
        snapshot, total = self._snapshot, self.total
        snapshot.poll()
        if self._progress is not None:
            self._progress(self._done, snapshot.meta.hwm)
        total.buckets += 1
        depth, deepest = 1, 0
        if not ref.root:
            total.inline_buckets += 1
            if ref.inline is not None:
                self._count(ref.inline, is_inline=True)
        else:
            for page in tree_pages(snapshot, refuse_nested(snapshot, ref), self._seen, _below):
                self._done += 1
                depth = max(depth, len(page.stack))
                self._count(page)
                if page.flags == LEAF_PAGE and page.holds_buckets():
                    deepest = max(deepest, 1)
                    for child in self._inside(page):
                        yield self._bucket(child)
                        deepest = max(deepest, self._depth)
        self._depth = depth + deepest

    def _inside(self, page: Page) -> Iterator[BucketRef]:
        """Yield the buckets in a leaf page; those that are inline are only counted: there may be many."""
        leaf, total = LeafElements(page), self.total
        is_deep = page.bucket is not None and page.bucket.depth > MAX_NESTING
        for index in leaf.bucket_indexes():
            root, _, start, stop = bucket_header(leaf, index)
            if not (root or is_deep):
                inner = page_inside(page, start + BUCKET_HEADER_SIZE, stop, page.bucket)
                if INLINE_HEADERS_SIZE + ELEMENT_SIZE * inner.count <= stop - start:
                    total.buckets += 1
                    total.inline_buckets += 1
                    self._count(inner, is_inline=True)
                    continue
            yield open_bucket(leaf, index)

    def _count(self, page: Page, *, is_inline: bool = False) -> None:
        total = self.total
        if is_inline:
            self._seen.spend(page)
        if page.flags == BRANCH_PAGE:
            total.branch_pages += 1
            total.branch_overflow_pages += page.overflow
            total.branch_inuse += page.used()
        elif page.flags == LEAF_PAGE:
            page.table(page.count)  # raises an error if they don't fit
            total.keys += page.count
            if is_inline:
                total.inline_bucket_inuse += page.used()
            else:
                total.leaf_pages += 1
                total.leaf_overflow_pages += page.overflow
                total.leaf_inuse += page.used()
