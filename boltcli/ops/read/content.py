"""The content of a database as one stream: :class:`Enter` a bucket, its :class:`Pairs`, its buckets, :data:`LEAVE`.

A stream says what is in the root bucket. It comes from a database (:func:`content`), an import, a patch or a recovery,
and goes to any :class:`Writer`.
"""

from __future__ import annotations

from ...errors import Corrupted
from ...format.bucket import BucketRef, open_bucket
from ...format.constants import BRANCH_PAGE, LEAF_PAGE, MAX_KEY_SIZE
from ...format.page import LeafElements, ascend
from ...tree.bucket import child_bucket, root_bucket
from ...tree.walk import Seen, flat, refuse_nested, tree_pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Protocol

    from ...format.page import Page
    from ...storage.snapshot import Snapshot
    from ...tree.walk import Nested

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
    """Pairs of the innermost open bucket, a page's worth: as many ``keys`` as ``values``, at least one."""

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
    guard = guard or Seen(snapshot, twice=True)
    return flat(_Reader(snapshot, is_sound, guard, progress, notes).bucket(root_bucket(snapshot)))


class _Reader:
    """Reads the elements of buckets."""

    def __init__(
        self,
        snapshot: Snapshot,
        is_sound: bool,
        guard: Seen,
        progress: Callable[[int, int], None] | None,
        notes: list[str] | None,
    ) -> None:
        self._snapshot = snapshot
        self._is_sound = is_sound
        self._guard = guard
        self._progress = progress
        self._notes = notes
        self._done = 0

    def bucket(self, bucket: BucketRef) -> Nested[Event]:
        """Yield what ``bucket`` holds."""
        hwm = self._snapshot.meta.hwm
        for page in tree_pages(self._snapshot, bucket, self._guard):
            self._snapshot.poll()
            self._done += bucket.root != 0
            if self._progress is not None:
                self._progress(min(self._done, hwm), hwm)
            if page.flags == LEAF_PAGE:
                yield from self._leaf(bucket, page)
            elif self._notes is not None and page.flags == BRANCH_PAGE and not page.count:
                self._notes.append(
                    f"page {page.pgid}: a branch page without elements: as in bbolt, the copy has what is below its "
                    "first one, and nothing else that was there"
                )

    def _leaf(self, bucket: BucketRef, page: Page) -> Nested[Event]:
        leaf = LeafElements(page)
        start = 0
        for place in [*leaf.bucket_indexes(), leaf.count]:
            if start < place:
                try:
                    yield Pairs(_keys(leaf, start, place), _values(leaf, start, place))
                except Corrupted:  # where an element before it is refused, bbolt fails there
                    for index in range(start, place):
                        yield Pairs([leaf.key(index)], [leaf.value(index)])
            if place < leaf.count:
                child = refuse_nested(self._snapshot, self._child(bucket, leaf, place))
                yield Enter(child.name, child.sequence)
                yield self.bucket(child)
                yield LEAVE
            start = place + 1

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
