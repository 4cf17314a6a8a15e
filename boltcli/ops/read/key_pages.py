"""Read the keys of a bucket, or the top-level buckets, a page at a time."""

from __future__ import annotations

from itertools import islice

from ...errors import Corrupted
from ...format.bucket import BucketRef, open_bucket
from ...format.constants import BUCKET_LEAF_FLAG
from ...format.page import LeafElements
from ...tree.bucket import root_bucket
from ...tree.key_range import leaf_pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...storage.snapshot import Snapshot
    from ...tree.walk import Whole

    Progress = Callable[[int, int], None]

_PAGES = 256  # leaf pages that the kernel reads at once, whose keys are in memory together


def keyed_leaves(
    snapshot: Snapshot, bucket: BucketRef, guard: Whole | None = None
) -> Iterator[tuple[LeafElements, list[bytes]]]:
    """Yield the leaf pages of ``bucket`` in order: their elements and keys.

    Raises :class:`~boltcli.errors.Corrupted` at a damaged page, after yielding
    everything before it, including the keys before the first damaged one. With
    a ``guard`` nothing may be left out; without one pages are read as bbolt does.
    """
    for page in leaf_pages(snapshot, bucket, guard=guard):
        leaf = LeafElements(page)
        try:
            keys = leaf.keys()
        except Corrupted:
            yield leaf, _first_keys(leaf)
            raise
        if guard is not None:
            guard.leaf(leaf, keys)
        yield leaf, keys


def _first_keys(leaf: LeafElements) -> list[bytes]:
    keys: list[bytes] = []
    try:
        for index in range(leaf.count):
            keys.append(leaf.key(index))
    except Corrupted:
        pass
    return keys


def key_pages(snapshot: Snapshot, bucket: BucketRef, guard: Whole | None = None) -> Iterator[list[bytes]]:
    """Yield the keys of ``bucket`` in order, including nested buckets, a list for each leaf page.

    Raises as :func:`keyed_leaves` does.
    """
    for _, keys in keyed_leaves(snapshot, bucket, guard):
        yield keys


def all_keys(snapshot: Snapshot, bucket: BucketRef, *, progress: Progress | None = None) -> Iterator[list[bytes]]:
    """Yield the keys of ``bucket`` in order: of many leaf pages at a time with the kernel, else of each.

    Raises :class:`~boltcli.errors.Corrupted` at a damaged page, after yielding everything before it.
    """
    from ...kernel import Keys

    known = Keys(snapshot, bucket.root, _PAGES)
    for keys in known:
        yield keys
        if progress is not None:
            progress(known.done, known.total)
    if known.stopped:
        done = known.done
        for keys in islice(key_pages(snapshot, bucket), done, None):
            yield keys
            done += 1
            if progress is not None:
                progress(done, max(known.total, snapshot.meta.hwm))


def top_buckets(snapshot: Snapshot) -> Iterator[tuple[bytes, BucketRef | None]]:
    """Yield every entry of the root bucket in order: its name, and the bucket.

    bbolt's ForEach on a transaction visits every entry, so a plain pair (which
    bbolt itself never writes there) is yielded too, with None.
    Raises :class:`~boltcli.errors.Corrupted`.
    """
    root = root_bucket(snapshot)
    for leaf, names in keyed_leaves(snapshot, root):
        for index, name in enumerate(names):
            is_bucket = leaf.flags[index] & BUCKET_LEAF_FLAG
            yield name, open_bucket(leaf, index, name) if is_bucket else None
