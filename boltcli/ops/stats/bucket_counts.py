"""The tree of buckets, and how many pairs each holds."""

from __future__ import annotations

from ...format.constants import ELEMENT_SIZE, LEAF_PAGE
from ...format.page import EVEN, INLINE_BUCKET, DamagedElements
from ...kernel import RECORD
from ...tree.bucket import BucketRef, damaged, inline_page, leaf_elements, open_bucket, root_bucket
from ...tree.kernel_walks import bucket_columns
from ...tree.levels import Levels

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ...storage.snapshot import Page, Snapshot


_BUCKETS = 1 << 21  # that are shown, of a file in which they refer to each other


class BucketTree:
    """A bucket: its name, the number of pairs (``keys``; child buckets don't count), its child buckets in key order."""

    __slots__ = ("children", "keys", "name")

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.keys = 0
        self.children: list[BucketTree] = []


def inspect(snapshot: Snapshot) -> BucketTree:
    """The root bucket, which bbolt calls ``root``, with all below it. Raises :class:`~boltcli.errors.Corrupted`."""
    columns = bucket_columns(snapshot)
    if columns is not None:
        return _from_columns(*columns)
    levels = Levels(snapshot)
    heads, known = levels.heads, len(levels.heads)
    top = BucketTree(b"root")
    left = 2 * snapshot.page_count + _BUCKETS
    inside: set[int] = set()  # the roots of the buckets around the one that is looked at
    # A list and not recursion: buckets may nest deeper than Python calls may. A root alone: that bucket is done.
    todo: list[tuple[BucketTree, BucketRef] | int] = [(top, root_bucket(snapshot))]
    while todo:
        entry = todo.pop()
        if isinstance(entry, int):
            inside.discard(entry)
            continue
        tree, bucket = entry
        if bucket.root:
            if bucket.root in inside:
                raise snapshot.corrupted("the bucket is nested in itself", bucket.root)
            inside.add(bucket.root)
            todo.append(bucket.root)
            _, leaves = levels.tree(bucket.root)
            elements = sum(heads[pgid] >> 16 & 0xFFFF if pgid < known else snapshot.page(pgid).count for pgid in leaves)
            pages = levels.with_buckets(leaves)
        else:
            page = inline_page(snapshot, bucket)
            elements = page.count
            pages = iter((page,))
        for name, inner, keys in _buckets(snapshot, pages):
            child = BucketTree(name)
            child.keys = keys
            tree.children.append(child)
            left -= 1
            if inner is not None:
                todo.append((child, inner))
        if left < 0:
            raise snapshot.corrupted("buckets refer to each other so often that their tree does not end", bucket.root)
        tree.keys = elements - len(tree.children)
    return top


def _from_columns(names: list[bytes], columns: tuple[list[int], ...]) -> BucketTree:
    """What the kernel found, as a tree."""
    trees = list(map(BucketTree, names))
    trees[0].name = b"root"
    for tree, parent, pairs in zip(trees, columns[RECORD.index("parent")], columns[RECORD.index("pairs")]):
        tree.keys = pairs
        trees[parent].children.append(tree)
    del trees[0].children[0]  # the root is no child of itself
    return trees[0]


def _buckets(snapshot: Snapshot, pages: Iterable[Page]) -> Iterator[tuple[bytes, BucketRef | None, int]]:
    """Of each element that is a bucket: its name, and it, or None and the number of keys where no bucket is in it."""
    for page in pages:
        leaf = leaf_elements(snapshot, page)
        buffer, end = leaf.buffer, min(leaf.end, len(leaf.buffer) - INLINE_BUCKET.size)
        starts, sizes = leaf.value_starts(), leaf.value_sizes
        indexes = leaf.bucket_indexes()
        try:
            names = dict(zip(indexes, map(leaf.key, indexes)))
        except DamagedElements as damage:
            raise damaged(snapshot, page, damage) from None
        for index in indexes:
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
                    yield names[index], None, count
                    continue
            yield names[index], open_bucket(snapshot, page, leaf, index), 0
