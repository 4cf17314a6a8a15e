"""Count changes by bucket, with the bytes of each bucket before and after."""

from __future__ import annotations

from ..stats.buckets import bucket_usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...storage.snapshot import Snapshot
    from .change import Change, Path


class BucketChanges:
    """A bucket with everything in it: the pairs, buckets and sequences ``added``, ``removed`` or ``changed``.

    ``bytes_before`` and ``bytes_after`` are those of its pages, as ``tree``
    has them; of an inline bucket, those of its value. 0 where it isn't there.
    """

    __slots__ = ("added", "bytes_after", "bytes_before", "changed", "path", "removed")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.added = self.removed = self.changed = 0
        self.bytes_before = self.bytes_after = 0


def summary(
    changes: Iterable[Change], old: Snapshot, new: Snapshot, path: Path = (), depth: int = 0
) -> list[BucketChanges]:
    """Return what ``changes`` from ``old`` to ``new``, which are of the bucket at ``path``, are in numbers.

    A row for each bucket in which something changed, down to ``depth`` levels
    below that one (0: all), in key order. Raises :class:`~boltcli.errors.Corrupted`.
    """
    rows: dict[Path, BucketChanges] = {}
    least, most = len(path), len(path) + depth
    for change in changes:
        place = change.bucket
        for length in range(least, (min(len(place), most) if depth else len(place)) + 1):
            row = rows.get(place[:length])
            if row is None:
                row = rows[place[:length]] = BucketChanges(place[:length])
            if change.op == "add":
                row.added += 1
            elif change.op == "remove":
                row.removed += 1
            else:
                row.changed += 1
    if rows:
        for usage in bucket_usage(old):
            if usage.path in rows:
                rows[usage.path].bytes_before = usage.bytes
        for usage in bucket_usage(new):
            if usage.path in rows:
                rows[usage.path].bytes_after = usage.bytes
    return [rows[place] for place in sorted(rows)]
