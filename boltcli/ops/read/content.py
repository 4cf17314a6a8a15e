"""The content of a database as one stream: :class:`Enter` a bucket, its :class:`Pairs`, its buckets, :data:`LEAVE`.

:func:`content` is what bbolt's compaction reads, :func:`whole_content` everything. A :class:`Writer` takes it; lines of
JSON and tables take it :func:`placed`, each part with the path of its bucket.
"""

from __future__ import annotations

from ...errors import Corrupted
from ...format.bucket import MAX_NESTING, BucketRef, open_bucket
from ...format.constants import BRANCH_PAGE, LEAF_PAGE, MAX_KEY_SIZE
from ...format.page import LeafElements, ascend
from ...tree.bucket import child_bucket, find_bucket, root_bucket
from ...tree.walk import Seen, Whole, flat, refuse_nested, tree_pages
from .select_items import items

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Protocol

    from ...progress import Progress
    from ...storage.snapshot import Snapshot
    from ...tree.walk import Nested

    Path = tuple[bytes, ...]
    Value = bytes | memoryview

    class Writer(Protocol):
        """Takes a stream of content into the innermost open bucket."""

        def enter(self, name: bytes, sequence: int) -> None: ...
        def pairs(self, keys: Sequence[bytes], values: Sequence[Value]) -> None: ...
        def leave(self) -> None: ...
        def finish(self) -> None: ...


_LARGE = 1 << 12  # bytes; a larger value is not copied before it is written

MAX_VALUE_SIZE = (1 << 31) - 2  # bytes; bbolt refuses longer values


class Enter:
    """A bucket begins: its name and sequence."""

    def __init__(self, name: bytes, sequence: int) -> None:
        self.name = name
        self.sequence = sequence


class Pairs:
    """Pairs of the innermost open bucket, a page's worth, at least one; without ``values`` if only keys are read."""

    def __init__(self, keys: Sequence[bytes], values: Sequence[Value]) -> None:
        self.keys = keys
        self.values = values


class Leave:
    """The innermost open bucket ends."""


LEAVE = Leave()

if TYPE_CHECKING:
    Event = Enter | Pairs | Leave
    # A bucket or pairs, with the path of that bucket or of the one that has them.
    Placed = tuple[Path, Enter | Pairs]


class Misplaced(Exception):
    """An element cannot stand where it stands in its stream; ``index`` is its place in its :class:`Pairs`."""

    def __init__(self, problem: str, index: int = 0) -> None:
        super().__init__(problem)
        self.index = index


def write(events: Iterable[Event], writer: Writer) -> tuple[int, int]:
    """Pass a stream to ``writer`` and finish that. Returns the numbers of pairs and of buckets."""
    pairs = buckets = 0
    for event in events:
        if isinstance(event, Pairs):
            pairs += len(event.keys)
            writer.pairs(event.keys, event.values)
        elif isinstance(event, Enter):
            buckets += 1
            writer.enter(event.name, event.sequence)
        else:
            writer.leave()
    writer.finish()
    return pairs, buckets


def placed(events: Iterable[Event], sequence: int = 0) -> Iterator[Placed]:
    """Yield the buckets and pairs of a stream, each with its path; the root bucket first if it has a ``sequence``."""
    path: Path = ()
    if sequence:
        yield bucket_at(path, sequence)
    for event in events:
        if isinstance(event, Pairs):
            yield path, event
        elif isinstance(event, Enter):
            path = (*path, event.name)
            yield path, event
        else:
            path = path[:-1]


def bucket_at(path: Path, sequence: int) -> Placed:
    """Return what :func:`placed` yields for the bucket at ``path``."""
    return path, Enter(path[-1] if path else b"", sequence)


def in_order(events: Iterable[Event]) -> Iterator[Event]:
    """Yield a stream of unknown origin. Raises Misplaced where keys don't ascend, or no bolt file has such."""
    last = [b""]  # of each open bucket
    for event in events:
        if isinstance(event, Pairs):
            keys = event.keys
            if not (keys[0] > last[-1] and ascend(keys) and max(map(len, keys)) <= MAX_KEY_SIZE):
                for index, key in enumerate(keys):
                    _must_follow(last[-1], key, index)
                    last[-1] = key
            for index, value in enumerate(event.values):
                if len(value) > MAX_VALUE_SIZE:
                    raise Misplaced(f"a value of {len(value)} bytes; a value has at most {MAX_VALUE_SIZE}", index)
            last[-1] = keys[-1]
        elif isinstance(event, Enter):
            _must_follow(last[-1], event.name, 0)
            if len(last) > MAX_NESTING + 1:
                raise Misplaced(f"buckets are nested deeper than {MAX_NESTING} levels")
            last[-1] = event.name
            last.append(b"")
        else:
            last.pop()
        yield event


def _must_follow(last: bytes, key: bytes, index: int) -> None:
    if not 0 < len(key) <= MAX_KEY_SIZE:
        raise Misplaced(f"a key of {len(key)} bytes; a key has 1 to {MAX_KEY_SIZE}", index)
    if key <= last:
        raise Misplaced(f"the key {key[:40]!r} must come after the one before it in its bucket, {last[:40]!r}", index)


class Bounds:
    """Which content to read: that of the bucket at ``bucket`` and, unless ``exact``, of the buckets inside it.

    Of that bucket only the keys that are at least ``start`` and below ``stop`` (None: no bound).
    """

    def __init__(
        self, bucket: Path = (), *, exact: bool = False, start: bytes = b"", stop: bytes | None = None
    ) -> None:
        self.bucket = bucket
        self.exact = exact
        self.start = start
        self.stop = stop


EVERYTHING = Bounds()


def content(
    snapshot: Snapshot,
    *,
    is_sound: bool = False,
    guard: Seen | None = None,
    progress: Callable[[int, int], None] | None = None,
    notes: list[str] | None = None,
) -> Iterator[Event]:
    """Yield what the root bucket holds, in the order of its pages, as bbolt's compaction reads it.

    Each bucket is looked up by its name, but not in a database that ``is_sound``. Pairs of the root bucket are there,
    too, where bbolt panics. What bbolt leaves out without a word is added to ``notes``. ``guard`` decides which pages
    are accepted. Raises Corrupted for what cannot be read whole, and where bbolt panics else.
    """
    guard = guard or Seen(snapshot, twice=True)
    hwm = snapshot.meta.hwm
    done = 0

    def inside(bucket: BucketRef) -> Nested[Event]:
        nonlocal done
        refuse_nested(snapshot, bucket)
        for page in tree_pages(snapshot, bucket, guard):
            snapshot.poll()
            if bucket.root and progress is not None:
                done += 1
                progress(min(done, hwm), hwm)
            if page.flags == LEAF_PAGE:
                yield from leaf_events(bucket, LeafElements(page))
            elif page.flags == BRANCH_PAGE and not page.count and notes is not None:
                notes.append(
                    f"page {page.pgid}: a branch page without elements: as in bbolt, the copy has what is below its "
                    "first one, and nothing else that was there"
                )

    def leaf_events(bucket: BucketRef, leaf: LeafElements) -> Nested[Event]:
        start = 0
        for place in [*leaf.bucket_indexes(), leaf.count]:
            if start < place:
                try:
                    keys = leaf.keys() if place - start == leaf.count else [*map(leaf.key, range(start, place))]
                    yield Pairs(keys, _values(leaf, start, place))
                except Corrupted:  # where an element before it is refused, bbolt fails there
                    for index in range(start, place):
                        yield Pairs([leaf.key(index)], [leaf.value(index)])
            if place < leaf.count:
                name = leaf.key(place)
                if is_sound and bucket.root:  # no check looks at the order in an inline bucket
                    child = open_bucket(leaf, place, name)
                else:
                    found = child_bucket(snapshot, bucket, name)
                    if found is None:
                        raise leaf.page.damaged(f"the bucket {name!r} cannot be found by its name")
                    child = found
                yield Enter(child.name, child.sequence)
                yield inside(child)
                yield LEAVE
            start = place + 1

    return flat(inside(root_bucket(snapshot)))


def whole_content(
    snapshot: Snapshot, bounds: Bounds = EVERYTHING, *, values: bool = True,
    warn: Callable[[str], object] | None = None, progress: Progress | None = None,
) -> Iterator[Event]:  # fmt: skip
    """Yield the content within ``bounds`` in key order, inside the buckets that lead there, a MB at a time.

    Without ``values`` only keys are read. ``warn`` is that of :class:`Whole`. Raises BucketNotFound, Corrupted.
    """
    path, depth = bounds.bucket, len(bounds.bucket)
    bucket = root_bucket(snapshot)
    for bucket in [find_bucket(snapshot, path[:length]) for length in range(1, depth + 1)]:
        yield Enter(bucket.name, bucket.sequence)
    guard = Whole(snapshot, laid_out=True, warn=warn, progress=progress)
    for part in items(
        snapshot, bucket, path, start=bounds.start, stop=bounds.stop,
        recursive=not bounds.exact, buckets=not bounds.exact, values=values, guard=guard,
    ):  # fmt: skip
        for _ in range(depth - len(part.path)):
            yield LEAVE
        depth = len(part.path)
        child = part.values[0]
        if isinstance(child, BucketRef):
            yield Enter(child.name, child.sequence)
            depth += 1
        else:
            yield Pairs(part.keys, part.values if values else [])  # type: ignore[arg-type]
    for _ in range(depth):
        yield LEAVE
    if not (path or bounds.exact or bounds.start) and bounds.stop is None:  # everything was read
        guard.finish()


def _values(leaf: LeafElements, start: int, stop: int) -> Sequence[Value]:
    sizes = leaf.value_sizes
    # Values that overlap may together be far more than their page: as bbolt does it, they are not copied.
    if max(sizes) > _LARGE or sum(sizes) > leaf.end - leaf.start:
        view = memoryview(leaf.buffer)
        return [view[slice(*leaf.value_span(index))] for index in range(start, stop)]
    return leaf.values() if stop - start == leaf.count else [*map(leaf.value, range(start, stop))]
