"""Read the pairs of a database for a table, a page at a time, and only those that are needed."""

from __future__ import annotations

from ..format.bucket import BucketRef, open_bucket
from ..tree.bucket import find_bucket
from ..tree.key_range import leaf_ranges
from ..tree.walk import Whole, flat, refuse_nested

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..storage.snapshot import Snapshot
    from ..tree.walk import Nested

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
    guard = Whole(snapshot, laid_out=True, warn=warn)
    yield from flat(_pages(snapshot, find_bucket(snapshot, bounds.bucket), bounds, values, guard))
    if bounds is EVERYTHING:
        guard.finish()


def _pages(snapshot: Snapshot, bucket: BucketRef, bounds: Bounds, values: bool, guard: Whole) -> Nested[PairPage]:
    path = bounds.bucket
    refuse_nested(snapshot, bucket)
    for leaf, keys, low, high in leaf_ranges(snapshot, bucket, bounds.start, bounds.stop, guard=guard):
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
        for place in () if bounds.exact else places:
            child = open_bucket(leaf, place, keys[place])
            yield _pages(snapshot, child, Bounds((*path, keys[place])), values, guard)
