"""One pass over all buckets, what each holds and takes: ``inspect``, ``tree``, ``du``, ``stats`` show parts of it."""

from __future__ import annotations

from ...errors import Corrupted
from ...format.bucket import BucketRef, open_bucket
from ...format.constants import BRANCH_PAGE, LEAF_PAGE
from ...format.page import LeafElements, Page
from ...kernel import Buckets, buckets, stats
from ...tree.bucket import root_bucket
from ...tree.walk import Seen, Whole, flat, inline_page, refuse_nested, tree_pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...storage.snapshot import Snapshot
    from ...tree.walk import Nested

    Progress = Callable[[int, int], None]


class BucketRecord:
    """A bucket: its ``name``, the record of its ``parent`` (None: the outermost one), its ``sequence``.

    ``pairs`` are its own, without child buckets, ``keys`` also those of all nested buckets. ``bytes`` are those
    of its pages and of nested buckets'; an ``inline`` bucket has no pages: its bytes are those of its value, which are
    also part of its parent's. ``depth`` is the number of levels of its own tree, ``level`` the length of its path. The
    other numbers are of its own pages and of the inline buckets in it, for ``stats`` only.
    """

    __slots__ = (
        "branch_overflow", "branch_pages", "branch_used", "bytes", "depth", "inline", "inline_buckets", "inline_pairs",
        "inline_used", "keys", "leaf_overflow", "leaf_pages", "leaf_used", "level", "name", "pairs", "parent",
        "sequence",
    )  # fmt: skip

    def __init__(self, name: bytes, parent: BucketRecord | None, sequence: int, inline: bool) -> None:
        self.name = name
        self.parent = parent
        self.level: int = 0 if parent is None else parent.level + 1
        self.sequence = sequence
        self.inline = inline
        self.pairs = self.keys = self.bytes = 0
        self.depth = 1
        self.branch_pages = self.branch_overflow = self.branch_used = 0
        self.leaf_pages = self.leaf_overflow = self.leaf_used = 0
        self.inline_buckets = self.inline_pairs = self.inline_used = 0

    @property
    def path(self) -> tuple[bytes, ...]:
        """The bucket's path."""
        names, bucket = [], self
        while bucket.parent is not None:
            names.append(bucket.name)
            bucket = bucket.parent
        return tuple(reversed(names))


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
        self.branch_pages = 0
        self.branch_overflow_pages = 0
        self.leaf_pages = 0
        self.leaf_overflow_pages = 0
        self.keys = 0
        self.depth = 0
        self.branch_alloc = 0
        self.branch_inuse = 0
        self.leaf_alloc = 0
        self.leaf_inuse = 0
        self.buckets = 0
        self.inline_buckets = 0
        self.inline_bucket_inuse = 0
        for name, number in numbers.items():
            setattr(self, name, number)

    def numbers(self) -> list[int]:
        """Return all numbers, in the order of ``__slots__``."""
        return [getattr(self, name) for name in self.__slots__]

    def add(self, other: BucketStats) -> None:
        """Add ``other`` to this; ``depth`` becomes the greater of both."""
        depth = max(self.depth, other.depth)
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.depth = depth


def inspect(snapshot: Snapshot) -> list[BucketRecord]:
    """Return all buckets, each before those inside it, as bbolt's ``inspect`` lists them. Raises Corrupted."""
    columns = buckets(snapshot)
    if columns is not None:
        return _from_columns(snapshot, columns)
    return _Reader(snapshot, Seen(snapshot, twice=True)).read(root_bucket(snapshot))


def bucket_usage(snapshot: Snapshot, damages: list[Corrupted] | None = None) -> list[BucketRecord]:
    """Return all buckets, each before those inside it, with the sums over nested buckets.

    Raises :class:`~boltcli.errors.Corrupted`, or appends it to ``damages`` if that is given; a bucket with a damaged
    tree then has no pairs, no bytes and no nested buckets.
    """
    columns = buckets(snapshot)
    if columns is not None:
        found = _from_columns(snapshot, columns)
    else:
        found = _Reader(snapshot, Whole(snapshot), damages).read(root_bucket(snapshot))
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

    total = BucketStats()
    count = 0
    for name, bucket in top_buckets(snapshot):
        if name.startswith(prefix):
            if bucket is None:
                raise snapshot.corrupted(f"the entry {name!r} of the root bucket is not a bucket", snapshot.meta.root)
            total.add(exact_stats(snapshot, bucket, progress, total.branch_pages + total.leaf_pages))
            count += 1
    return count, total


def bucket_stats(snapshot: Snapshot, bucket: BucketRef) -> BucketStats:
    """Return the statistics of ``bucket`` and everything below it.

    Raises :class:`~boltcli.errors.Corrupted` for a damaged page, and for a
    page or a bucket inside itself. A page referenced twice counts twice.
    """
    known = stats(snapshot, bucket.root, None)
    if known is not None:
        return BucketStats(**known[1])
    return exact_stats(snapshot, bucket)


def exact_stats(snapshot: Snapshot, bucket: BucketRef, progress: Progress | None = None, done: int = 0) -> BucketStats:
    """Return the statistics of ``bucket`` and everything below it, page by page, as bbolt's ``Bucket.Stats``.

    ``progress`` is called with the number of pages visited, ``done`` of them before, and the high-water mark.
    """
    snapshot.read_beyond_pages()
    total = BucketStats()
    found = _Reader(snapshot, Seen(snapshot, twice=True), statistics=True, progress=progress, done=done).read(bucket)
    depths: dict[BucketRecord | None, int] = {None: 0}
    for each in found:
        depths[each] = depths[each.parent] + each.depth
        total.depth = max(total.depth, depths[each] + bool(each.inline_buckets))
        total.buckets += 1 + each.inline_buckets
        total.inline_buckets += each.inline_buckets
        total.inline_bucket_inuse += each.inline_used
        total.keys += each.pairs + each.inline_pairs
        total.branch_pages += each.branch_pages
        total.branch_overflow_pages += each.branch_overflow
        total.branch_inuse += each.branch_used
        if each.inline:
            total.inline_buckets += 1
            total.inline_bucket_inuse += each.leaf_used
        else:
            total.leaf_pages += each.leaf_pages
            total.leaf_overflow_pages += each.leaf_overflow
            total.leaf_inuse += each.leaf_used
    total.branch_alloc = (total.branch_pages + total.branch_overflow_pages) * snapshot.page_size
    total.leaf_alloc = (total.leaf_pages + total.leaf_overflow_pages) * snapshot.page_size
    return total


def _from_columns(snapshot: Snapshot, columns: Buckets) -> list[BucketRecord]:
    """Return the kernel's columns as records."""
    found: list[BucketRecord] = []
    page_size = snapshot.page_size
    rows = zip(
        columns.names, columns.parents, columns.sequences, columns.roots, columns.pairs, columns.sizes, columns.levels
    )
    for name, parent, sequence, root, pairs, size, levels in rows:
        bucket = BucketRecord(name, found[parent] if found else None, sequence, not root)
        bucket.pairs = pairs
        bucket.bytes = size * page_size if root else size
        bucket.depth = levels
        found.append(bucket)
    found[0].sequence = snapshot.meta.sequence
    return found


def _below(page: Page) -> list[int]:
    """Return the children of a page, as bbolt's ``Bucket.Stats`` visits them."""
    return page.children() if page.flags == BRANCH_PAGE and page.count else []


class _Reader:
    """Reads the records of a bucket and of all inside it.

    As bbolt's cursor does it, which takes a page of another type for a branch page, if ``seen`` doesn't refuse that.
    With ``statistics`` as bbolt's ``Bucket.Stats``: pages of other types are passed over, and an inline bucket has no
    buckets in it.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        seen: Seen,
        damages: list[Corrupted] | None = None,
        *,
        statistics: bool = False,
        progress: Progress | None = None,
        done: int = 0,
    ) -> None:
        self._snapshot = snapshot
        self._seen = seen
        self._damages = damages
        self._statistics = statistics
        self._progress = progress
        self._done = done

    def read(self, bucket: BucketRef) -> list[BucketRecord]:
        return list(flat(self._bucket(bucket, None)))

    def _bucket(self, ref: BucketRef, parent: BucketRecord | None) -> Nested[BucketRecord]:
        snapshot = self._snapshot
        snapshot.poll()
        if self._progress is not None:
            self._progress(self._done, snapshot.meta.hwm)
        record = BucketRecord(ref.name, parent, ref.sequence, not ref.root)
        yield record
        inside: list[BucketRef] = []
        try:
            for child in self._own(refuse_nested(snapshot, ref), record):
                if self._damages is not None:
                    inside.append(child)
                elif not (self._statistics and self._is_counted(child, record)):
                    yield self._bucket(child, record)
        except Corrupted as damage:
            if self._damages is None:
                raise
            self._damages.append(damage)
            record.pairs = record.bytes = 0
            record.depth = 1
            return
        for child in inside:
            yield self._bucket(child, record)

    def _is_counted(self, ref: BucketRef, record: BucketRecord) -> bool:
        """Count an inline bucket in the record of its parent: there may be many, and they have no buckets in them."""
        page = ref.inline
        if page is None or page.flags != LEAF_PAGE:
            return False
        self._seen.spend(page)
        page.table(page.count, page.limit)  # raises an error if they don't fit
        record.inline_buckets += 1
        record.inline_pairs += page.count
        record.inline_used += page.used()
        return True

    def _own(self, ref: BucketRef, record: BucketRecord) -> Iterator[BucketRef]:
        """Count the pages of one bucket's own tree; yield the buckets in it where they come."""
        snapshot, seen, statistics = self._snapshot, self._seen, self._statistics
        if not ref.root:
            page = ref.inline if statistics else inline_page(snapshot, ref)
            if page is not None:
                seen.spend(page)
                record.bytes = page.end - page.offset
                yield from self._page(page, record)
            return
        for page in tree_pages(snapshot, ref, seen, _below if statistics else Page.children):
            self._done += 1
            record.depth = max(record.depth, len(page.stack))
            record.bytes += (1 + page.overflow) * snapshot.page_size
            yield from self._page(page, record)

    def _page(self, page: Page, record: BucketRecord) -> list[BucketRef]:
        """Count one page; return the buckets in it."""
        statistics = self._statistics
        if page.flags == LEAF_PAGE:
            inside: list[BucketRef] = []
            if page.holds_buckets() and not (statistics and record.inline):
                leaf = LeafElements(page, page.limit if statistics else page.end)
                inside = [open_bucket(leaf, index) for index in leaf.bucket_indexes()]
            record.pairs += page.count if statistics else page.count - len(inside)
            if statistics:
                record.leaf_pages += 1
                record.leaf_overflow += page.overflow
                record.leaf_used += page.used()
            return inside
        if statistics and page.flags == BRANCH_PAGE:
            record.branch_pages += 1
            record.branch_overflow += page.overflow
            record.branch_used += page.used()
        return []
