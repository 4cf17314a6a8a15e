"""What buckets hold, or a part of it: keys with values, filtered, the buckets inside gone into or not."""

from __future__ import annotations

from ...format.page import DamagedElements
from ...tree.bucket import BucketRef, damaged, open_bucket
from ...tree.descent import Descent
from ...tree.key_range import stretches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...storage.snapshot import Snapshot
    from ...tree.key_range import Stretch

    Path = tuple[bytes, ...]
    Value = bytes | BucketRef
    # Whether an element is wanted, by its key and value.
    Test = Callable[[bytes, Value], bool]


class Items:
    """A page's worth of elements of the bucket at ``path``: ``keys``, and ``values``, of which some may be buckets."""

    __slots__ = ("keys", "path", "values")

    def __init__(self, path: Path, keys: list[bytes], values: list[Value]) -> None:
        self.path = path
        self.keys = keys
        self.values = values

    def bucket_count(self) -> int:
        """Return how many of the elements are buckets."""
        return sum(isinstance(value, BucketRef) for value in self.values)


def items(
    snapshot: Snapshot,
    bucket: BucketRef,
    path: Path = (),
    *,
    start: bytes = b"",
    stop: bytes | None = None,
    reverse: bool = False,
    limit: int = 0,
    wanted: Test | None = None,
    recursive: bool = False,
    buckets: bool = True,
) -> Iterator[Items]:
    """The elements of ``bucket``, which is the one at ``path``, in key order or in ``reverse``.

    Those are meant whose keys are at least ``start`` and below ``stop``; with
    ``recursive`` those inside of such buckets too, each behind the bucket that
    it is in. Of them come the ones that are ``wanted``, at most ``limit`` (0:
    all), and, without ``buckets``, only the pairs. Reads no more pages than
    that takes. Raises :class:`~boltcli.errors.Corrupted` when it comes to a
    damaged page, or a bucket in itself.
    """
    left = limit
    for part in _walk(snapshot, bucket, path, start, stop, reverse, recursive):
        if wanted is not None or not buckets:
            pairs = [
                (key, value)
                for key, value in zip(part.keys, part.values)
                if (buckets or not isinstance(value, BucketRef)) and (wanted is None or wanted(key, value))
            ]
            part.keys, part.values = [key for key, _ in pairs], [value for _, value in pairs]
        if not part.keys:
            continue
        if limit and left <= len(part.keys):
            del part.keys[left:], part.values[left:]
            yield part
            return
        left -= len(part.keys)
        yield part


def _walk(
    snapshot: Snapshot, bucket: BucketRef, path: Path, start: bytes, stop: bytes | None, reverse: bool, recursive: bool
) -> Iterator[Items]:
    descent = Descent(snapshot)
    roots = [bucket.root]  # of the buckets that are open
    inside = set(roots)
    # A list and not recursion: buckets may nest deeper than Python calls may.
    source = stretches(snapshot, bucket, start, stop, reverse=reverse, descent=descent)
    pending = [_parts(snapshot, bucket, path, source, reverse, recursive)]
    while pending:
        part = next(pending[-1], None)
        if part is None:
            pending.pop()
            inside.discard(roots.pop())
        elif isinstance(part, Items):
            snapshot.glance()
            yield part
        else:
            path, child = part
            if child.root in inside and child.root:
                raise snapshot.corrupted("the bucket is nested in itself", child.root)
            roots.append(child.root)
            inside.add(child.root)
            source = stretches(snapshot, child, reverse=reverse, descent=descent)
            pending.append(_parts(snapshot, child, path, source, reverse, recursive))


def _parts(
    snapshot: Snapshot, bucket: BucketRef, path: Path, source: Iterator[Stretch], reverse: bool, recursive: bool
) -> Iterator[Items | tuple[Path, BucketRef]]:
    """The elements of one bucket, and, if that is wanted, the buckets to be gone into where they stand."""
    for stretch in source:
        keys, values, places = _elements(snapshot, stretch, bucket)
        if reverse:
            keys.reverse()
            values.reverse()
            places = [len(keys) - 1 - place for place in reversed(places)]
        if not recursive:
            places = []
        begin = 0
        for place in places:
            end = place if reverse else place + 1  # in reverse a bucket follows what is in it
            yield Items(path, keys[begin:end], values[begin:end])
            value = values[place]
            assert isinstance(value, BucketRef)
            yield (*path, keys[place]), value
            begin = end
        yield Items(path, keys[begin:], values[begin:])


def _elements(snapshot: Snapshot, stretch: Stretch, bucket: BucketRef) -> tuple[list[bytes], list[Value], list[int]]:
    """Keys and values of a stretch, and which of them are buckets."""
    page, leaf, keys, low, high = stretch
    try:
        values: list[Value] = [*map(leaf.value, range(low, high))] if high - low < leaf.count else [*leaf.values()]
    except DamagedElements as damage:
        raise damaged(snapshot, page, damage) from None
    places = [index - low for index in leaf.bucket_indexes() if low <= index < high]
    for place in places:
        values[place] = open_bucket(snapshot, page, leaf, low + place, bucket)
    return keys[low:high], values, places
