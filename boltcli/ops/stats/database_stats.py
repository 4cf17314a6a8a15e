"""Compute the statistics of buckets as bbolt's ``Bucket.Stats`` does: by the compiled kernel, or by the exact walk."""

from __future__ import annotations

from ...kernel import stats
from .buckets import BucketStats, exact_stats

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ...format.bucket import BucketRef
    from ...storage.snapshot import Snapshot

    Progress = Callable[[int, int], None]


def database_stats(
    snapshot: Snapshot, prefix: bytes = b"", *, progress: Progress | None = None
) -> tuple[int, BucketStats]:
    """Return the number and summed statistics of the top-level buckets whose name begins with ``prefix``.

    Raises :class:`~boltcli.errors.Corrupted`.
    """
    known = stats(snapshot, snapshot.meta.root, prefix, progress)
    if known is not None:
        return known[0], BucketStats(**known[1])
    from ..read.key_pages import top_buckets

    total = BucketStats()
    count = 0
    for name, bucket in top_buckets(snapshot):
        if name.startswith(prefix):
            if bucket is None:
                raise snapshot.corrupted(f"the entry {name!r} of the root bucket is not a bucket", snapshot.meta.root)
            total.add(exact_stats(snapshot, bucket, progress, total.branch_pages + total.leaf_pages))
            count += 1
    return count, total


def bucket_stats(snapshot: Snapshot, bucket: BucketRef) -> BucketStats:
    """Return the statistics of ``bucket`` and everything below it.

    Raises :class:`~boltcli.errors.Corrupted` for a damaged page, and for a
    page or a bucket inside itself. A page referenced twice counts twice.
    """
    known = stats(snapshot, bucket.root, None)
    if known is not None:
        return BucketStats(**known[1])
    return exact_stats(snapshot, bucket)
