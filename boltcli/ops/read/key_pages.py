"""The keys of a bucket, and the names of the top-level buckets, a page's worth at a time."""

from __future__ import annotations

from ...format.constants import BUCKET_LEAF_FLAG
from ...format.page import DamagedElements
from ...tree.bucket import BucketRef, damaged, leaf_elements, leaf_pages, open_bucket, root_bucket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...format.page import LeafElements
    from ...storage.snapshot import Page, Snapshot


def keyed_leaves(snapshot: Snapshot, bucket: BucketRef) -> Iterator[tuple[Page, LeafElements, list[bytes]]]:
    """The leaf pages of ``bucket`` in order, each with its elements and keys.

    Raises :class:`~boltcli.errors.Corrupted` when it comes to a damaged page,
    after all that precede it; of the page itself the keys before the first
    damaged one come first.
    """
    for page in leaf_pages(snapshot, bucket):
        with bucket:
            leaf = leaf_elements(snapshot, page)
            try:
                keys = leaf.keys()
            except DamagedElements as damage:
                yield page, leaf, _first_keys(leaf)
                raise damaged(snapshot, page, damage) from None
        yield page, leaf, keys


def _first_keys(leaf: LeafElements) -> list[bytes]:
    keys: list[bytes] = []
    try:
        for index in range(leaf.count):
            keys.append(leaf.key(index))
    except DamagedElements:
        pass
    return keys


def key_pages(snapshot: Snapshot, bucket: BucketRef) -> Iterator[list[bytes]]:
    """The keys of ``bucket`` in order, nested buckets' names among them, one list a leaf page.

    Raises as :func:`keyed_leaves` does.
    """
    for _, _, keys in keyed_leaves(snapshot, bucket):
        yield keys


def top_buckets(snapshot: Snapshot) -> Iterator[tuple[bytes, BucketRef | None]]:
    """Every entry of the root bucket in order: its name, and the bucket.

    bbolt's ForEach on a transaction looks at every entry, so one that isn't a
    bucket (a plain pair, which bbolt itself never writes there) comes with None.
    Raises :class:`~boltcli.errors.Corrupted`.
    """
    root = root_bucket(snapshot)
    for page, leaf, names in keyed_leaves(snapshot, root):
        for index, name in enumerate(names):
            is_bucket = leaf.flags[index] & BUCKET_LEAF_FLAG
            yield name, open_bucket(snapshot, page, leaf, index, root) if is_bucket else None
