"""Read elements of a bucket: filtered keys with values, with or without nested buckets; the rows of an export."""

from __future__ import annotations

from itertools import pairwise

from ...format.bucket import BucketRef, open_bucket
from ...format.constants import BUCKET_LEAF_FLAG
from ...format.page import LeafElements
from ...tree.walk import Whole, flat, leaf_ranges, refuse_nested, successor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...storage.snapshot import Snapshot
    from ...tree.walk import LeafRange, Nested

    Path = tuple[bytes, ...]
    Value = bytes | BucketRef
    # Whether an element is wanted, given its key and value.
    Test = Callable[[bytes, Value], bool]


class Items:
    """A batch of elements of the bucket at ``path``: ``keys`` and ``values``, some of which may be buckets."""

    def __init__(self, path: Path, keys: list[bytes], values: list[Value]) -> None:
        self.path = path
        self.keys = keys
        self.values = values


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
    values: bool = True,
    guard: Whole | None = None,
) -> Iterator[Items]:
    """Yield the elements of ``bucket``, which is at ``path``, in key order or in ``reverse``. Raises Corrupted.

    Selects keys that are at least ``start`` and below ``stop`` and ``wanted``; ``recursive`` adds the content of nested
    buckets, after (in reverse: before) the bucket, then a batch of its own. ``limit`` is the largest number (0: all);
    without ``buckets`` only pairs are yielded, without ``values`` empty ones.
    """
    guard = guard or Whole(snapshot, ordered=bool(start) or stop is not None)

    def inside(bucket: BucketRef, path: Path, source: Iterator[LeafRange]) -> Nested[Items]:
        refuse_nested(snapshot, bucket)
        for leaf, all_keys, low, high in source:
            ranges = [*leaf.batches(low, high)]
            cuts = [index for index in leaf.bucket_indexes() if low <= index < high] if recursive else []
            if cuts:  # a bucket comes by itself, next to what is in it
                ranges = [*pairwise(sorted({*cuts, *[index + 1 for index in cuts], *[at for at, _ in ranges], high}))]
            for first, stop in reversed(ranges) if reverse else ranges:
                keys, found = elements(leaf, all_keys, first, stop, values)
                snapshot.poll()
                part = Items(path, keys[::-1], found[::-1]) if reverse else Items(path, keys, found)
                child = found[0]
                if not recursive or not isinstance(child, BucketRef):
                    yield part
                    continue
                pages = leaf_ranges(snapshot, child, reverse=reverse, guard=guard)
                content = inside(child, (*path, keys[0]), pages)
                yield from (content, part) if reverse else (part, content)

    left = limit
    for part in flat(inside(bucket, path, leaf_ranges(snapshot, bucket, start, stop, reverse=reverse, guard=guard))):
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


def keys_with_prefix(
    snapshot: Snapshot, bucket: BucketRef, prefix: bytes, *, reverse: bool = False
) -> Iterator[tuple[bytes, bool]]:
    """Yield each key that begins with ``prefix``, and whether it is a bucket. Raises Corrupted."""
    for part in items(snapshot, bucket, start=prefix, stop=successor(prefix), reverse=reverse, values=False):
        yield from ((key, isinstance(value, BucketRef)) for key, value in zip(part.keys, part.values))


def elements(
    leaf: LeafElements, keys: list[bytes], low: int, high: int, with_values: bool = True
) -> tuple[list[bytes], list[Value]]:
    """Return keys, of which ``keys`` are all, and values from one index to before another."""
    if low == 0 and high == leaf.count and not any(leaf.flags):
        return keys, [*leaf.values()] if with_values else [b""] * high
    # A bucket's value isn't copied, as it may be as large as everything nested in it.
    values: list[Value] = [
        open_bucket(leaf, index, keys[index])
        if leaf.flags[index] & BUCKET_LEAF_FLAG
        else leaf.value(index)
        if with_values
        else b""
        for index in range(low, high)
    ]
    return keys[low:high], values
