"""Read the tree of buckets with the number of pairs in each."""

from __future__ import annotations

from ...format.bucket import buckets_in
from ...format.constants import LEAF_PAGE
from ...kernel import Buckets, buckets
from ...tree.bucket import root_bucket
from ...tree.key_range import leaf_pages
from ...tree.walk import Descent, visit_buckets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...format.bucket import BucketRef
    from ...storage.snapshot import Snapshot


_BUCKETS = 1 << 21  # limit on the buckets shown, for a damaged file in which they refer to each other


class BucketTree:
    """A bucket: its name, the number of its pairs (``keys``, without child buckets), its child buckets in key order."""

    __slots__ = ("children", "keys", "name")

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.keys = 0
        self.children: list[BucketTree] = []


def inspect(snapshot: Snapshot) -> BucketTree:
    """Return the root bucket, which bbolt calls ``root``, with all nested buckets. Raises Corrupted."""
    columns = buckets(snapshot)
    if columns is not None:
        return _from_columns(columns)
    top = BucketTree(b"root")
    left = 2 * snapshot.page_count + _BUCKETS
    descent = Descent(snapshot)

    def visit(bucket: BucketRef, tree: BucketTree) -> Iterator[tuple[BucketRef, BucketTree]]:
        nonlocal left
        for page in leaf_pages(snapshot, bucket, guard=descent):
            inside = buckets_in(page)
            tree.keys += page.count - len(inside)
            left -= len(inside)
            if left < 0:
                raise page.damaged("buckets are referenced so often that their tree does not end")
            for child in inside:
                node = BucketTree(child.name)
                tree.children.append(node)
                inline = child.inline
                if inline is not None and inline.flags == LEAF_PAGE and not inline.holds_buckets():
                    node.keys = inline.count  # like most inline buckets, it has no nested buckets
                else:
                    yield child, node

    visit_buckets(snapshot, root_bucket(snapshot), top, visit)
    return top


def _from_columns(columns: Buckets) -> BucketTree:
    """Return the kernel's columns as a tree."""
    trees = list(map(BucketTree, columns.names))
    trees[0].name = b"root"
    for tree, parent, pairs in zip(trees, columns.parents, columns.pairs):
        tree.keys = pairs
        trees[parent].children.append(tree)
    del trees[0].children[0]  # the root was added as its own child
    return trees[0]
