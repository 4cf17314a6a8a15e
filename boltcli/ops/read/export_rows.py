"""Read the buckets and pairs of a database for an export: in key order, a bucket before its content."""

from __future__ import annotations

from ...format.bucket import BucketRef
from ...tree.bucket import find_bucket
from ...tree.walk import Whole
from .select_items import items

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...storage.snapshot import Snapshot
    from .select_items import Items, Path

    # A bucket: its path and sequence. A pair: the path of its bucket, its key and value.
    Row = tuple[Path, int] | tuple[Path, bytes, bytes]


def outer_buckets(snapshot: Snapshot, path: Path) -> list[tuple[Path, int]]:
    """Return the rows of the buckets down to ``path``; the root bucket has one only if it has a sequence.

    Raises :class:`~boltcli.errors.BucketNotFound` or :class:`~boltcli.errors.Corrupted`.
    """
    sequences = [find_bucket(snapshot, path[:length]).sequence for length in range(1, len(path) + 1)]
    rows: list[tuple[Path, int]] = [((), snapshot.meta.sequence)] if snapshot.meta.sequence else []
    return rows + [(path[:length], sequence) for length, sequence in enumerate(sequences, 1)]


def export_parts(
    snapshot: Snapshot, path: Path = (), warn: Callable[[str], object] | None = None
) -> Iterator[Row | Items]:
    """Yield the rows of the buckets down to ``path``, then the content of that bucket, a page at a time.

    Raises :class:`~boltcli.errors.BucketNotFound`, and :class:`~boltcli.errors.Corrupted` at the first damage.
    ``warn`` is as for :class:`~boltcli.tree.walk.Whole`.
    """
    yield from outer_buckets(snapshot, path)
    guard = Whole(snapshot, laid_out=True, warn=warn)
    yield from items(snapshot, find_bucket(snapshot, path), path, recursive=True, guard=guard)
    if not path:
        guard.finish()


def export_rows(snapshot: Snapshot, path: Path = (), warn: Callable[[str], object] | None = None) -> Iterator[Row]:
    """Yield the rows of :func:`export_parts` one by one."""
    for part in export_parts(snapshot, path, warn):
        if isinstance(part, tuple):
            yield part
        else:
            yield from rows_of(part)


def rows_of(part: Items) -> Iterator[Row]:
    """Yield the elements of a part one by one."""
    for key, value in zip(part.keys, part.values):
        if isinstance(value, BucketRef):
            yield (*part.path, key), value.sequence
        else:
            yield part.path, key, value
