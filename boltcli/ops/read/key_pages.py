"""Read the keys of a bucket a page at a time: all, or those that damage leaves."""

from __future__ import annotations

from itertools import islice, takewhile

from ...format.bucket import BucketRef, open_bucket
from ...format.constants import BUCKET_LEAF_FLAG, LEAF_PAGE
from ...format.page import LeafElements
from ...kernel import key_lists
from ...read_errors import Corrupted
from ...tree.bucket import root_bucket
from ...tree.walk import Seen, leaf_pages, pages_or_damage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...progress import Progress
    from ...storage.snapshot import Snapshot

_PAGES = 256  # leaf pages that the kernel reads at once, whose keys are in memory together


def keyed_leaves(snapshot: Snapshot, bucket: BucketRef) -> Iterator[tuple[LeafElements, list[bytes]]]:
    """Yield the elements and keys of the leaf pages of ``bucket`` in order, as bbolt reads them.

    Raises Corrupted at damage, after everything before it, also the keys before the first damaged one.
    """
    for page in leaf_pages(snapshot, bucket):
        leaf = LeafElements(page)
        try:
            keys = leaf.keys()
        except Corrupted:
            yield leaf, [*takewhile(lambda key: isinstance(key, bytes), _each_key(leaf))]  # type: ignore[list-item]
            raise
        yield leaf, keys


def _each_key(leaf: LeafElements) -> Iterator[bytes | Corrupted]:
    for index in range(leaf.count):
        try:
            yield leaf.key(index)
        except Corrupted as damage:
            yield damage


def all_keys(snapshot: Snapshot, bucket: BucketRef, *, progress: Progress | None = None) -> Iterator[list[bytes]]:
    """Yield the keys of ``bucket`` in order, with the kernel those of many leaf pages at a time. Raises Corrupted."""
    done, total = 0, -1
    for keys, done, total in key_lists(snapshot, bucket.root, _PAGES):
        yield keys
        if progress is not None:
            progress(done, total)
    if done != total:
        for _, keys in islice(keyed_leaves(snapshot, bucket), done, None):
            yield keys
            done += 1
            if progress is not None:
                progress(done, max(total, snapshot.meta.hwm))


def top_buckets(snapshot: Snapshot) -> Iterator[tuple[bytes, BucketRef | None]]:
    """Yield every entry of the root bucket in order: its name, and the bucket; None for a pair. Raises Corrupted."""
    root = root_bucket(snapshot)
    for leaf, names in keyed_leaves(snapshot, root):
        for index, name in enumerate(names):
            is_bucket = leaf.flags[index] & BUCKET_LEAF_FLAG
            yield name, open_bucket(leaf, index, name) if is_bucket else None


def surviving_keys(snapshot: Snapshot, bucket: BucketRef) -> Iterator[list[bytes] | Corrupted]:
    """Yield the readable keys in order, a list for each leaf page, and each damage where it is found."""
    for page in pages_or_damage(snapshot, bucket, Seen(snapshot)):
        if isinstance(page, Corrupted):
            yield page
            continue
        if page.flags != LEAF_PAGE:
            continue
        try:
            leaf = LeafElements(page)
        except Corrupted as damage:
            yield damage
            continue
        try:
            yield leaf.keys()
        except Corrupted:
            found = [*_each_key(leaf)]
            yield [key for key in found if isinstance(key, bytes)]
            first, *others = [damage.problem for damage in found if isinstance(damage, Corrupted)]
            yield page.damaged(f"{first}, {len(others)} others too" if others else first)
