"""The content of a database as one stream: :class:`Enter` a bucket, its :class:`Pairs`, its buckets, :data:`LEAVE`.

A stream says what is in the root bucket. It comes from a database (as bbolt's compaction reads one, :func:`content`, or
whole for a backup or a table, :func:`whole_content`), an import, a patch or a recovery. It goes to a :class:`Writer`
of a database; lines of JSON and tables take it :func:`placed`, each part with the path of its bucket.
"""

from __future__ import annotations

from bisect import bisect_left

from ...errors import Corrupted
from ...format.bucket import MAX_NESTING, BucketRef, open_bucket
from ...format.constants import BRANCH_PAGE, MAX_KEY_SIZE
from ...format.page import LeafElements, ascend
from ...tree.bucket import child_bucket, find_bucket, root_bucket
from ...tree.walk import Seen, Whole, flat, leaf_pages, refuse_nested

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Protocol

    from ...format.page import Page
    from ...storage.snapshot import Snapshot
    from ...tree.walk import Nested

    Path = tuple[bytes, ...]
    Value = bytes | memoryview

    class Writer(Protocol):
        """Takes a stream of content."""

        def enter(self, name: bytes, sequence: int) -> None:
            """Create a bucket in the innermost open one, and open it."""

        def pairs(self, keys: Sequence[bytes], values: Sequence[Value]) -> None:
            """Put pairs into the innermost open bucket."""

        def leave(self) -> None:
            """Complete the innermost open bucket."""

        def finish(self) -> None:
            """Complete the database."""


_LARGE = 1 << 12  # bytes; a larger value is not copied before it is written

MAX_VALUE_SIZE = (1 << 31) - 2  # bytes; bbolt refuses longer values


class Enter:
    """A bucket begins: its name and sequence."""

    __slots__ = ("name", "sequence")

    def __init__(self, name: bytes, sequence: int) -> None:
        self.name = name
        self.sequence = sequence


class Pairs:
    """Pairs of the innermost open bucket, a page's worth: as many ``keys`` as ``values``, at least one.

    There are no ``values`` if a source was told that none are needed.
    """

    __slots__ = ("keys", "values")

    def __init__(self, keys: Sequence[bytes], values: Sequence[Value]) -> None:
        self.keys = keys
        self.values = values


class Leave:
    """The innermost open bucket ends."""

    __slots__ = ()


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
    """Yield a stream as it is. Raises :class:`Misplaced` where names and keys don't ascend, or no bolt file has such.

    Call it for a stream of unknown origin and a writer that relies on the order.
    """
    last = [b""]  # of each open bucket
    for event in events:
        if isinstance(event, Pairs):
            keys = event.keys
            sizes = list(map(len, keys))
            if not (keys[0] > last[-1] and ascend(keys) and max(sizes) <= MAX_KEY_SIZE):
                for index, key in enumerate(keys):
                    _must_follow(last[-1], key, index)
                    last[-1] = key
            for index, value in enumerate(event.values):
                if len(value) > MAX_VALUE_SIZE:
                    raise Misplaced(f"a value of {len(value)} bytes; {MAX_VALUE_SIZE} are the most", index)
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
        raise Misplaced(f"a key of {len(key)} bytes; 1 to {MAX_KEY_SIZE} are possible", index)
    if key <= last:
        raise Misplaced(f"the key {key[:40]!r} isn't above the one before it in its bucket, {last[:40]!r}", index)


class Bounds:
    """Which content to read: that of the bucket at ``bucket`` and, unless ``exact``, of the buckets inside it.

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

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return not (self.bucket or self.exact or self.start) and self.stop is None


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

    As in bbolt each bucket is looked up by its name; in a database that
    ``is_sound`` this is left out. Pairs of the root bucket are among them, where
    bbolt panics. What bbolt leaves out without a word is added to ``notes``. A
    ``guard`` decides which pages are accepted; by default those that bbolt accepts.
    Raises :class:`~boltcli.errors.Corrupted` for what cannot be read whole, and
    where bbolt panics else.
    """
    guard = guard or _Visits(snapshot, progress, [] if notes is None else notes)
    return flat(_AsBbolt(snapshot, guard, is_sound).bucket(root_bucket(snapshot)))


def whole_content(
    snapshot: Snapshot,
    bounds: Bounds = EVERYTHING,
    *,
    values: bool = True,
    warn: Callable[[str], object] | None = None,
) -> Iterator[Event]:
    """Yield the content within ``bounds`` in key order, inside the buckets that lead there, a MB at a time.

    Without ``values`` only the keys of pairs are read. Raises :class:`~boltcli.errors.BucketNotFound`, and
    :class:`~boltcli.errors.Corrupted` when it comes to damage. ``warn`` is as for :class:`~boltcli.tree.walk.Whole`.
    """
    path = bounds.bucket
    outer = [find_bucket(snapshot, path[:length]) for length in range(1, len(path) + 1)]
    bucket = root_bucket(snapshot)
    for bucket in outer:
        yield Enter(bucket.name, bucket.sequence)
    guard = Whole(snapshot, laid_out=True, warn=warn)
    inner: Iterator[Event] = flat(_Reader(snapshot, guard, values=values).bucket(bucket, bounds))
    yield from inner
    for _ in outer:
        yield LEAVE
    if bounds.is_everything:
        guard.finish()


class _Visits(Seen):
    """The guard of the walk, which shows its progress and what bbolt leaves out."""

    __slots__ = ("_done", "_notes", "_progress", "_snapshot")

    def __init__(self, snapshot: Snapshot, progress: Callable[[int, int], None] | None, notes: list[str]) -> None:
        super().__init__(snapshot, twice=True)
        self._snapshot = snapshot
        self._progress = progress
        self._notes = notes
        self._done = 0

    def visit(self, page: Page) -> None:
        snapshot = self._snapshot
        super().visit(page)
        self._done += 1
        if page.flags == BRANCH_PAGE and not page.count:
            self._notes.append(
                f"page {page.pgid}: a branch page without elements: as in bbolt, the copy has what is below its first "
                "one, and nothing else that was there"
            )
        if self._progress is not None:
            self._progress(min(self._done, snapshot.meta.hwm), snapshot.meta.hwm)


class _Reader:
    """Accepts only what is laid out as bbolt writes it, and copies no more than a MB or one value at once."""

    def __init__(self, snapshot: Snapshot, guard: Seen, *, values: bool = True) -> None:
        self._snapshot = snapshot
        self._guard = guard
        self._with_values = values

    def bucket(self, bucket: BucketRef, bounds: Bounds = EVERYTHING) -> Nested[Event]:
        """Yield what ``bucket`` holds within ``bounds``."""
        refuse_nested(self._snapshot, bucket)
        for page in leaf_pages(self._snapshot, bucket, bounds.start, bounds.stop, guard=self._guard):
            self._snapshot.poll()
            leaf = LeafElements(page)
            keys, low, high = self._range(leaf, bounds)
            start = low
            for place in [*[index for index in leaf.bucket_indexes() if low <= index < high], high]:
                if start < place:
                    yield from self._pairs(leaf, keys, start, place)
                if place < high and not bounds.exact:
                    child = self._child(bucket, leaf, place)
                    yield Enter(child.name, child.sequence)
                    yield self.bucket(child)
                    yield LEAVE
                start = place + 1

    def _range(self, leaf: LeafElements, bounds: Bounds) -> tuple[list[bytes], int, int]:
        """Return the keys of a leaf, and which of its elements are wanted."""
        assert isinstance(self._guard, Whole)
        keys = leaf.keys()
        self._guard.leaf(leaf, keys)
        low = bisect_left(keys, bounds.start) if bounds.start else 0
        return keys, low, len(keys) if bounds.stop is None else bisect_left(keys, bounds.stop, low)

    def _pairs(self, leaf: LeafElements, keys: list[bytes], start: int, stop: int) -> Iterator[Pairs]:
        for first, last in leaf.batches(start, stop):
            if not self._with_values:
                yield Pairs(keys[first:last], [])
            elif last - first == leaf.count:
                yield Pairs(keys, leaf.values())
            else:
                yield Pairs(keys[first:last], [leaf.value(index) for index in range(first, last)])

    def _child(self, bucket: BucketRef, leaf: LeafElements, index: int) -> BucketRef:
        """Return the bucket in element ``index`` of a leaf of ``bucket``."""
        return open_bucket(leaf, index, leaf.key(index))


class _AsBbolt(_Reader):
    """Reads as bbolt's compaction does, without a look at the layout; large values are views of the file."""

    def __init__(self, snapshot: Snapshot, guard: Seen, is_sound: bool) -> None:
        super().__init__(snapshot, guard)
        self._is_sound = is_sound

    def _range(self, leaf: LeafElements, bounds: Bounds) -> tuple[list[bytes], int, int]:
        return [], 0, leaf.count

    def _pairs(self, leaf: LeafElements, keys: list[bytes], start: int, stop: int) -> Iterator[Pairs]:
        try:
            yield Pairs(_keys(leaf, start, stop), _values(leaf, start, stop))
        except Corrupted:  # where an element before it is refused, bbolt fails there
            for index in range(start, stop):
                yield Pairs([leaf.key(index)], [leaf.value(index)])

    def _child(self, bucket: BucketRef, leaf: LeafElements, index: int) -> BucketRef:
        name = leaf.key(index)
        if self._is_sound and bucket.root:  # no check looks at the order in an inline bucket
            return open_bucket(leaf, index, name)
        child = child_bucket(self._snapshot, bucket, name)
        if child is None:
            raise leaf.page.damaged(f"the bucket {name!r} cannot be found by its name")
        return child


def _keys(leaf: LeafElements, start: int, stop: int) -> list[bytes]:
    return leaf.keys() if stop - start == leaf.count else [leaf.key(index) for index in range(start, stop)]


def _values(leaf: LeafElements, start: int, stop: int) -> Sequence[Value]:
    sizes = leaf.value_sizes
    # Values that overlap may together be far more than their page: as bbolt does it, they are not copied.
    if max(sizes) > _LARGE or sum(sizes) > leaf.end - leaf.start:
        view = memoryview(leaf.buffer)
        return [view[slice(*leaf.value_span(index))] for index in range(start, stop)]
    return leaf.values() if stop - start == leaf.count else [leaf.value(index) for index in range(start, stop)]
