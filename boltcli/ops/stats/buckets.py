"""One pass over all buckets, what each holds and takes: by the kernel, where it gives up by ``exact_buckets.py``."""

from __future__ import annotations

from ...kernel import buckets, stats
from . import BucketRecord, BucketStats

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...format.bucket import BucketRef
    from ...progress import Progress
    from ...read_errors import Corrupted
    from ...storage.snapshot import Snapshot


def inspect(snapshot: Snapshot, *, whole: bool = False, damages: list[Corrupted] | None = None) -> list[BucketRecord]:
    """Return all buckets, each before those inside it, as bbolt's ``inspect`` lists them: it passes over some pages.

    With ``whole`` nothing is passed over. Raises Corrupted, or appends it to ``damages``; a bucket with a damaged tree
    then has no pairs, no bytes and no nested buckets.
    """
    rows = buckets(snapshot)
    if rows is None:
        from .exact_buckets import records

        return records(snapshot, whole=whole, damages=damages)
    found: list[BucketRecord] = []
    for name, parent, root, sequence, pairs, size, levels in rows:
        bucket = BucketRecord(name, found[parent] if found else None, sequence, not root)
        bucket.pairs = pairs
        bucket.bytes = size * snapshot.page_size if root else size
        bucket.depth = levels
        found.append(bucket)
    found[0].sequence = snapshot.meta.sequence
    return found


def bucket_usage(snapshot: Snapshot, damages: list[Corrupted] | None = None) -> list[BucketRecord]:
    """Return all buckets, each before those inside it, with the sums over nested buckets; see :func:`inspect`."""
    found = inspect(snapshot, whole=True, damages=damages)
    for bucket in reversed(found):
        bucket.keys += bucket.pairs
        if bucket.parent is not None:
            bucket.parent.keys += bucket.keys
            if not bucket.inline:
                bucket.parent.bytes += bucket.bytes
    return found


def database_stats(
    snapshot: Snapshot, prefix: bytes = b"", *, progress: Progress | None = None
) -> tuple[int, BucketStats]:
    """Return the number and sums of the top-level buckets whose name begins with ``prefix``. Raises Corrupted."""
    known = stats(snapshot, snapshot.meta.root, prefix, progress)
    if known is not None:
        return known[0], BucketStats(**known[1])
    from .exact_buckets import top_level_stats

    return top_level_stats(snapshot, prefix, progress)


def bucket_stats(snapshot: Snapshot, bucket: BucketRef) -> BucketStats:
    """Return the statistics of ``bucket`` and all below it. A page referenced twice counts twice. Raises Corrupted."""
    known = stats(snapshot, bucket.root, None)
    if known is not None:
        return BucketStats(**known[1])
    from .exact_buckets import Statistics

    return Statistics(snapshot).add(bucket)
