"""The tree of buckets, and how many pairs each holds."""

from __future__ import annotations

from ...format.constants import ELEMENT_SIZE, LEAF_PAGE
from ...format.page import EVEN, INLINE_BUCKET, DamagedElements, holds_buckets
from ...tree.bucket import BucketRef, damaged, leaf_elements, leaf_pages, open_bucket
from ...tree.levels import Levels

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ...storage.snapshot import Page, Snapshot


class BucketTree:
    """A bucket: its name, the number of pairs (``keys``; child buckets don't count), its child buckets in key order."""

    __slots__ = ("children", "keys", "name")

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.keys = 0
        self.children: list[BucketTree] = []


def inspect(snapshot: Snapshot) -> BucketTree:
    """The root bucket, which bbolt calls ``root``, with all below it. Raises :class:`~boltcli.errors.Corrupted`."""
    levels = Levels(snapshot)
    heads, known = levels.heads, len(levels.heads)
    top = BucketTree(b"root")
    met: set[int] = set()
    # A list and not recursion: buckets may nest deeper than Python calls may.
    todo = [(top, snapshot.meta.root)]
    while todo:
        tree, root = todo.pop()
        if root in met:
            raise snapshot.corrupted("two buckets share the page, or one is nested in itself", root)
        met.add(root)
        _, leaves = levels.tree(root)
        elements = sum(heads[pgid] >> 16 & 0xFFFF if pgid < known else snapshot.page(pgid).count for pgid in leaves)
        for name, bucket, keys in _buckets(snapshot, levels.with_buckets(leaves)):
            child = BucketTree(name)
            child.keys = keys
            tree.children.append(child)
            if bucket:
                todo.append((child, bucket))
        tree.keys = elements - len(tree.children)
    return top


def _buckets(snapshot: Snapshot, pages: Iterable[Page]) -> Iterator[tuple[bytes, int, int]]:
    """Of each element that is a bucket: its name, its root page, or 0 and the number of keys in its inline page."""
    for page in pages:
        leaf = leaf_elements(snapshot, page)
        buffer, end = leaf.buffer, min(leaf.end, len(leaf.buffer) - INLINE_BUCKET.size)
        starts, sizes = leaf.value_starts(), leaf.value_sizes
        try:
            names = leaf.keys()
        except DamagedElements as damage:
            raise damaged(snapshot, page, damage) from None
        for index in leaf.bucket_indexes():
            start = starts[index]
            if start + sizes[index] <= end:
                root, flags, count = INLINE_BUCKET.unpack_from(buffer, start)
                table = start + INLINE_BUCKET.size
                stop = table + ELEMENT_SIZE * count
                # As it should be: a leaf, with no bucket in it.
                if (
                    root == 0
                    and flags == LEAF_PAGE
                    and stop <= start + sizes[index]
                    and not buffer[table:stop:ELEMENT_SIZE].translate(None, EVEN)
                ):
                    yield names[index], 0, count
                    continue
            bucket = open_bucket(snapshot, page, leaf, index)
            yield names[index], bucket.root, 0 if bucket.root else _inline_keys(snapshot, bucket)


def _inline_keys(snapshot: Snapshot, bucket: BucketRef) -> int:
    (page,) = leaf_pages(snapshot, bucket)
    try:
        if not holds_buckets(page.buffer, page.offset, page.count, page.limit):
            return page.count
        raise DamagedElements("an inline bucket cannot hold buckets")
    except DamagedElements as damage:
        raise damaged(snapshot, page, damage) from None
