"""Read the pairs of a database for a table, a page at a time, and only those that are needed."""

from __future__ import annotations

from ..format.bucket import BucketRef, open_bucket
from ..tree.bucket import find_bucket
from ..tree.key_range import stretches
from ..tree.walk import Backup, Nest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..storage.snapshot import Snapshot

    Path = tuple[bytes, ...]
    # A bucket, its keys, and their values if these are wanted.
    PairPage = tuple[Path, list[bytes], list[bytes] | None]


class Bounds:
    """Which pairs to read: those of the bucket at ``bucket`` and, unless ``exact``, of the buckets inside it.

    Of that bucket only keys, of pairs and of buckets, that are at least ``start`` and below ``stop`` (None: no bound).
    """

    __slots__ = ("bucket", "exact", "start", "stop")

    def __init__(
        self, bucket: Path = (), *, exact: bool = False, start: bytes = b"", stop: bytes | None = None
    ) -> None:
        self.bucket = bucket
        self.exact = exact
        self.start = start
        self.stop = stop


EVERYTHING = Bounds()


def pair_pages(
    snapshot: Snapshot,
    bounds: Bounds = EVERYTHING,
    *,
    values: bool = True,
    warn: Callable[[str], object] | None = None,
) -> Iterator[PairPage]:
    """Yield the pairs within ``bounds`` in key order, the pairs of a nested bucket after the page that holds it.

    Raises :class:`~boltcli.errors.BucketNotFound`, and :class:`~boltcli.errors.Corrupted` when it comes to damage.
    """
    first = find_bucket(snapshot, bounds.bucket)
    guard = Backup(snapshot, warn)
    nest = Nest(snapshot)
    nest.enter(first)
    start, stop = bounds.start, bounds.stop
    pending = [
        (first.root, _pages(snapshot, first, bounds.bucket, start, stop, values, guard, nested=not bounds.exact))
    ]
    while pending:
        root, pages = pending[-1]
        found = next(pages, None)
        if found is None:
            pending.pop()
            nest.leave(root)
        elif len(found) == 3:
            yield found
        else:
            path, bucket = found
            nest.enter(bucket)
            pending.append((bucket.root, _pages(snapshot, bucket, path, b"", None, values, guard, nested=True)))
    if bounds is EVERYTHING:
        guard.finish()


def _pages(
    snapshot: Snapshot,
    bucket: BucketRef,
    path: Path,
    start: bytes,
    stop: bytes | None,
    values: bool,
    guard: Backup,
    *,
    nested: bool,
) -> Iterator[PairPage | tuple[Path, BucketRef]]:
    for leaf, keys, low, high in stretches(snapshot, bucket, start, stop, guard=guard):
        snapshot.poll()
        places = [index for index in leaf.bucket_indexes() if low <= index < high]
        inside = set(places)
        for first, last in leaf.batches(low, high) if values else ((low, high),):
            chosen = [index for index in range(first, last) if index not in inside]
            if chosen:
                shown = keys[first:last] if not places else [keys[index] for index in chosen]
                contents = None
                if values:
                    contents = leaf.values() if len(chosen) == leaf.count else [leaf.value(index) for index in chosen]
                yield path, shown, contents
        if nested:
            for place in places:
                yield (*path, keys[place]), open_bucket(leaf, place, keys[place])
