"""Compute the statistics of buckets as bbolt's ``Bucket.Stats`` does.

The compiled kernel does this if it is there, else the count in batches; for an irregular file, the exact walk.
"""

from __future__ import annotations

from ...tree.kernel_walks import counted
from .buckets import BucketStats, exact_stats

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...format.bucket import BucketRef
    from ...storage.snapshot import Snapshot
    from ...tree.batch_reader import Progress

# Below this number of pages the count in batches is not worth loading.
FEW_PAGES = 128


def database_stats(
    snapshot: Snapshot, prefix: bytes = b"", *, progress: Progress | None = None
) -> tuple[int, BucketStats]:
    """Return the number and summed statistics of the top-level buckets whose name begins with ``prefix``.

    Raises :class:`~boltcli.errors.Corrupted`.
    """
    known = counted(snapshot, snapshot.meta.root, prefix, progress)
    if known is not None:
        return known[0], BucketStats(known[1])
    from ...errors import Corrupted
    from ..read.key_pages import top_buckets

    try:
        wanted = [bucket for name, bucket in top_buckets(snapshot) if name.startswith(prefix)]
        buckets = [bucket for bucket in wanted if bucket is not None]
        if len(buckets) == len(wanted):
            quick = _in_batches(snapshot, buckets, progress)
            if quick is not None:
                return len(buckets), quick
    except Corrupted:
        pass  # it is found and reported again below, after the buckets before it
    total = BucketStats()
    count = 0
    for name, bucket in top_buckets(snapshot):
        if name.startswith(prefix):
            if bucket is None:
                raise snapshot.corrupted(f"the entry {name!r} of the root bucket is not a bucket", snapshot.meta.root)
            total.add(exact_stats(snapshot, bucket))
            count += 1
    return count, total


def bucket_stats(snapshot: Snapshot, bucket: BucketRef) -> BucketStats:
    """Return the statistics of ``bucket`` and everything below it.

    Raises :class:`~boltcli.errors.Corrupted` for a damaged page, and for a
    page or a bucket inside itself. A page referenced twice counts twice.
    """
    known = counted(snapshot, bucket.root, None)
    if known is not None:
        return BucketStats(known[1])
    return _in_batches(snapshot, [bucket]) or exact_stats(snapshot, bucket)


def _in_batches(snapshot: Snapshot, buckets: list[BucketRef], progress: Progress | None = None) -> BucketStats | None:
    """Return the sum of the statistics of ``buckets``; None if the file is irregular or small."""
    if snapshot.meta.hwm < FEW_PAGES:
        return None
    from ...tree.batch import Irregular
    from .fast_stats import bulk_stats

    try:
        return bulk_stats(snapshot, buckets, progress)
    except Irregular:
        return None
