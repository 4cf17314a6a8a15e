"""The keys of a bucket, and the names of the top-level buckets, a page's worth at a time."""

from __future__ import annotations

from ..format.page import DamagedElements
from ..tree.bucket import BucketRef, child_bucket, damaged, leaf_elements, leaf_pages, root_bucket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..storage.snapshot import Snapshot


def key_pages(snapshot: Snapshot, bucket: BucketRef) -> Iterator[list[bytes]]:
    """The keys of ``bucket`` in order, nested buckets' names among them, one list a leaf page.

    Raises :class:`~boltcli.errors.Corrupted` when it comes to a damaged page,
    after all lists that precede it.
    """
    for page in leaf_pages(snapshot, bucket):
        try:
            yield leaf_elements(snapshot, page).keys()
        except DamagedElements as damage:
            raise damaged(snapshot, page, damage) from None


def top_buckets(snapshot: Snapshot) -> Iterator[tuple[bytes, BucketRef | None]]:
    """Every entry of the root bucket in order: its name, and the bucket.

    bbolt's ForEach on a transaction looks at every entry, so one that isn't a
    bucket (a plain pair, which bbolt itself never writes there) comes with None.
    Raises :class:`~boltcli.errors.Corrupted`.
    """
    root = root_bucket(snapshot)
    for names in key_pages(snapshot, root):
        for name in names:
            yield name, child_bucket(snapshot, root, name)
