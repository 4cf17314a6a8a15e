"""The keys of a bucket, and the names of the top-level buckets, a page's worth at a time."""

from __future__ import annotations

from ...errors import Corrupted
from ...format.bucket import BucketRef, open_bucket
from ...format.constants import BUCKET_LEAF_FLAG
from ...format.page import LeafElements
from ...tree.bucket import root_bucket
from ...tree.key_range import leaf_pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...storage.snapshot import Snapshot


def keyed_leaves(snapshot: Snapshot, bucket: BucketRef) -> Iterator[tuple[LeafElements, list[bytes]]]:
    """Yield the leaf pages of ``bucket`` in order: their elements and keys.

    Raises :class:`~boltcli.errors.Corrupted` when it comes to a damaged page,
    after all that precede it; of the page itself the keys before the first
    damaged one come first.
    """
    for page in leaf_pages(snapshot, bucket):
        leaf = LeafElements(page)
        try:
            keys = leaf.keys()
        except Corrupted:
            yield leaf, _first_keys(leaf)
            raise
        yield leaf, keys


def _first_keys(leaf: LeafElements) -> list[bytes]:
    keys: list[bytes] = []
    try:
        for index in range(leaf.count):
            keys.append(leaf.key(index))
    except Corrupted:
        pass
    return keys


def key_pages(snapshot: Snapshot, bucket: BucketRef) -> Iterator[list[bytes]]:
    """Yield the keys of ``bucket`` in order, nested buckets' names among them, one list a leaf page.

    Raises as :func:`keyed_leaves` does.
    """
    for _, keys in keyed_leaves(snapshot, bucket):
        yield keys


def top_buckets(snapshot: Snapshot) -> Iterator[tuple[bytes, BucketRef | None]]:
    """Yield every entry of the root bucket in order: its name, and the bucket.

    bbolt's ForEach on a transaction looks at every entry, so one that isn't a
    bucket (a plain pair, which bbolt itself never writes there) comes with None.
    Raises :class:`~boltcli.errors.Corrupted`.
    """
    root = root_bucket(snapshot)
    for leaf, names in keyed_leaves(snapshot, root):
        for index, name in enumerate(names):
            is_bucket = leaf.flags[index] & BUCKET_LEAF_FLAG
            yield name, open_bucket(leaf, index, name) if is_bucket else None
