"""Where the bytes of a file are: by bucket, free, lost, and what a dense copy would save."""

from __future__ import annotations

import mmap
from itertools import islice

from ...errors import Corrupted
from ...format.constants import BRANCH_PAGE
from ...format.page import DamagedElements
from ...kernel import RECORD
from ...tree.bucket import BucketRef, children, damaged, leaf_elements, open_bucket
from ...tree.kernel_walks import bucket_columns
from ...tree.levels import Levels
from ..write.compact import measure
from .free_pages import free_pages
from .trail import Trail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...storage.snapshot import Snapshot


class BucketUsage:
    """A bucket: its ``name``, its own ``pairs``, and ``bytes``: those of its pages and of the buckets inside it.

    An ``inline`` bucket has no pages: its bytes are those of its value, and
    count among its parent's as it is. ``keys`` is pairs with those of all
    buckets inside. ``depth`` is the levels of its own tree.
    """

    __slots__ = ("bytes", "depth", "inline", "keys", "level", "name", "pairs", "parent", "sequence")

    def __init__(self, name: bytes, parent: BucketUsage | None, sequence: int) -> None:
        self.name = name
        self.parent = parent
        self.level: int = 0 if parent is None else parent.level + 1  # how many names its path has
        self.sequence = sequence
        self.pairs = 0
        self.keys = 0
        self.bytes = 0
        self.depth = 1
        self.inline = False

    @property
    def path(self) -> tuple[bytes, ...]:
        """The names that lead to it. Nests may be deep: it isn't kept."""
        return tuple(Trail(bytes)(self))


class Usage:
    """Bytes of a file. ``buckets`` are all of them, each before those inside it, the root bucket first.

    ``root`` is the root bucket's own pages, ``meta`` and ``freelist`` those
    pages, ``free`` the free ones, ``unused`` what lies behind the high-water
    mark, ``lost`` the pages that nothing leads to.
    """

    __slots__ = ("buckets", "free", "freelist", "lost", "meta", "problem", "root", "size", "unused")

    def __init__(self, size: int) -> None:
        self.size = size
        self.problem: Corrupted | None = None
        self.buckets: list[BucketUsage] = []
        self.root = self.meta = self.freelist = self.free = self.lost = self.unused = 0


def usage(snapshot: Snapshot) -> Usage:
    """Where the bytes are. Raises :class:`~boltcli.errors.Corrupted`."""
    page_size, meta = snapshot.page_size, snapshot.meta
    result = Usage(snapshot.size)
    result.buckets = bucket_usage(snapshot)
    top = result.buckets[0]
    inside = sum(bucket.bytes for bucket in result.buckets if bucket.parent is top and not bucket.inline)
    result.root = top.bytes - inside
    result.meta = 2 * page_size
    stored = meta.has_freelist
    if stored:
        try:
            result.free = len(free_pages(snapshot)) * page_size
            result.freelist = (1 + snapshot.any_page(meta.freelist).overflow) * page_size
        except Corrupted as damage:
            result.problem = damage  # then what is lost and what is free can't be told apart
            stored = False
    result.unused = max(snapshot.size - meta.hwm * page_size, 0)
    rest = snapshot.size - result.unused - result.meta - result.freelist - result.free - top.bytes
    # Without a stored freelist what nothing leads to is what is free.
    if stored:
        result.lost = max(rest, 0)
    else:
        result.free = max(rest, 0)
    return result


def bucket_usage(snapshot: Snapshot, damages: list[Corrupted] | None = None) -> list[BucketUsage]:
    """Every bucket, before those inside it.

    Raises :class:`~boltcli.errors.Corrupted`; with a list of ``damages`` it is put there, and what can be
    counted is counted: a bucket whose tree is damaged then has no pairs, no bytes and no buckets inside.
    """
    columns = bucket_columns(snapshot)
    found = _walk(snapshot, damages) if columns is None else _from_columns(snapshot, *columns)
    for bucket in reversed(found):
        bucket.keys += bucket.pairs
        if bucket.parent is not None:
            bucket.parent.keys += bucket.keys
            if not bucket.inline:
                bucket.parent.bytes += bucket.bytes
    return found


def _from_columns(snapshot: Snapshot, names: list[bytes], columns: tuple[list[int], ...]) -> list[BucketUsage]:
    """What the kernel found; the sums over buckets inside are still to be made."""
    fields = dict(zip(RECORD, columns))
    top = BucketUsage(b"", None, snapshot.meta.sequence)
    found = [top]
    rows = zip(names, fields["parent"], fields["sequence"], fields["root"])
    for name, parent, sequence, root in islice(rows, 1, None):
        above = found[parent]
        bucket = BucketUsage(name, above, sequence)
        bucket.inline = not root
        found.append(bucket)
    page_size = snapshot.page_size
    for bucket, pairs, size, levels in zip(found, fields["pairs"], fields["size"], fields["levels"]):
        bucket.pairs = pairs
        bucket.depth = levels
        bucket.bytes = size if bucket.inline else size * page_size
    return found


def _walk(snapshot: Snapshot, damages: list[Corrupted] | None) -> list[BucketUsage]:
    """Find the buckets and count each one's own tree."""
    levels = Levels(snapshot)
    found: list[BucketUsage] = []
    met: set[int] = set()
    top = BucketUsage(b"", None, snapshot.meta.sequence)
    todo = [(top, BucketRef(snapshot.meta.root, snapshot.meta.sequence))]
    while todo:
        bucket, ref = todo.pop()
        found.append(bucket)
        if ref.root in met and ref.root:
            damage = snapshot.corrupted("two buckets share the page, or one is nested in itself", ref.root)
            if damages is None:
                raise damage
            damages.append(damage)
            continue
        met.add(ref.root)
        if ref.inline is not None:
            bucket.inline = True
            bucket.pairs = ref.inline.count
            bucket.bytes = ref.inline.end - ref.inline.offset
            continue
        try:
            inner = _tree(snapshot, levels, bucket, ref.root)
        except Corrupted as damage:
            if damages is None:
                raise
            damage.in_bucket(bucket.path)
            damages.append(damage)
            bucket.pairs = bucket.bytes = 0
            continue
        todo += reversed(inner)
    return found


def _tree(snapshot: Snapshot, levels: Levels, bucket: BucketUsage, root: int) -> list[tuple[BucketUsage, BucketRef]]:
    """Count the pages of one bucket's own tree; returns the buckets in it."""
    branches, leaves = levels.tree(root)
    heads = [snapshot.page(pgid) for pgid in (*branches, *leaves)]
    bucket.bytes = sum(1 + page.overflow for page in heads) * snapshot.page_size
    bucket.pairs = sum(page.count for page in heads[len(branches) :])
    page = snapshot.page(root)
    while page.flags == BRANCH_PAGE:
        page = snapshot.page(children(snapshot, page)[0])
        bucket.depth += 1
    inner = []
    for page in levels.with_buckets(leaves):
        leaf = leaf_elements(snapshot, page)
        for index in leaf.bucket_indexes():
            ref = open_bucket(snapshot, page, leaf, index)
            try:
                name = leaf.key(index)
            except DamagedElements as damage:
                raise damaged(snapshot, page, damage) from None
            inner.append((BucketUsage(name, bucket, ref.sequence), ref))
    bucket.pairs -= len(inner)
    return inner


def dense_size(snapshot: Snapshot) -> int:
    """Bytes of what ``compact --dense`` would write. Raises :class:`~boltcli.errors.Corrupted`."""
    return measure(snapshot, mmap.PAGESIZE)
