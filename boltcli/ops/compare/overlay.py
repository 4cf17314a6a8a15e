"""Changes by bucket and key, and the content of a database with these changes applied, as a stream.

Changes are added in order. The first change of a key says what the database must contain; each later one must fit the
result of the one before. Names and keys are kept in memory, values in a temporary file if there are many.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from os import SEEK_END
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, NamedTuple

from ...errors import ArgumentError, PatchMismatch, bucket_text
from ...format.bucket import MAX_NESTING
from ...format.constants import MAX_KEY_SIZE
from ...tree.walk import flat
from ..read.content import LEAVE, MAX_VALUE_SIZE, Enter, Leave, Pairs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ...tree.walk import Nested
    from ..read.content import Event, Value
    from .change import Change, Path

_IN_MEMORY = 16 << 20  # bytes of values in memory


class Kept(NamedTuple):
    """The position and size of a stored value."""

    place: int
    size: int


class Expected(NamedTuple):
    """The value that the change on line ``line`` expects in the database; None: no such key."""

    value: Kept | None
    line: int


@dataclass(slots=True, eq=False)
class Node:
    """The changes of one bucket.

    ``expected`` and ``final`` are the pairs before and after (None: no such pair). ``present``: whether the bucket must
    exist before (None: either), ``exists``: the same after; ``removed``: its whole content is removed. ``sequence`` is
    that after, if it changes. ``line`` is the first line about it.
    """

    line: int
    expected: dict[bytes, Expected] = field(default_factory=dict)
    final: dict[bytes, Kept | None] = field(default_factory=dict)
    inner: dict[bytes, Node] = field(default_factory=dict)
    present: bool | None = None
    exists: bool | None = None
    removed: bool = False
    sequence: int | None = None
    sequence_expected: tuple[int, int] | None = None  # number, line

    def keys(self) -> set[bytes]:
        """Return the keys and names that changes are about."""
        return {*self.expected, *self.final, *self.inner}

    def is_filled(self) -> bool:
        """Return whether anything is put into the bucket, though perhaps no change adds it."""
        pending = [self]
        while pending:  # no recursion, as buckets nest deeper than Python's calls
            node = pending.pop()
            if node.exists or any(kept is not None for kept in node.final.values()):
                return True
            pending += node.inner.values()
        return False


class Overlay:
    """All changes together. ``force``: nothing is expected, and the last change of a key counts."""

    def __init__(self, *, force: bool = False) -> None:
        self.force = force
        self.root = Node(0)
        self.root.exists = True
        self.count = 0
        self._values = SpooledTemporaryFile(max_size=_IN_MEMORY, prefix="boltcli-")  # noqa: SIM115

    def __enter__(self) -> Overlay:
        return self

    def __exit__(self, *_: object) -> None:
        self._values.close()

    def value(self, kept: Kept) -> bytes:
        """Return a value that was kept."""
        self._values.seek(kept.place)
        return self._values.read(kept.size)

    def equals(self, kept: Kept, value: Value) -> bool:
        """Return whether the value that was kept is ``value``."""
        return kept.size == len(value) and self.value(kept) == value

    def _keep(self, value: bytes) -> Kept:
        place = self._values.seek(0, SEEK_END)
        self._values.write(value)
        return Kept(place, len(value))

    def patched(self, events: Iterable[Event], sequence: int) -> Iterator[Event]:
        """Yield the content ``events`` of a database with the changes; ``sequence`` is that of its root bucket.

        Raises :class:`~boltcli.errors.PatchMismatch` where a change doesn't fit the content, naming the first such
        change in key order.
        """
        _expect_sequence((), sequence, self.root)
        return flat(_Merge(events, self).merged((), self.root))

    def add(self, changes: Iterable[tuple[int, Change]]) -> None:
        """Take ``changes``, each with the number of its line.

        Raises :class:`~boltcli.errors.PatchMismatch` for one that doesn't fit those before it, and
        :class:`~boltcli.errors.ArgumentError` for one that can't be.
        """
        for line, change in changes:
            self.count += 1
            _check(line, change, old=not self.force)
            node = self._node(line, change.bucket)
            if node.exists is False and change.op != ("add" if change.key is None else "remove") and not self.force:
                raise PatchMismatch(line, f"{_bucket_text(change.bucket)} was removed before")
            if change.key is not None:
                self._pair(line, change, change.key, node)
            elif change.op == "change":
                self._sequence(line, change, node)
            else:
                self._bucket(line, change, node)

    def _node(self, line: int, path: Path) -> Node:
        node = self.root
        for name in path:
            inner = node.inner.get(name)
            if inner is None:
                _check_name(line, name)
                inner = node.inner[name] = Node(line)
            node = inner
        return node

    def _pair(self, line: int, change: Change, key: bytes, node: Node) -> None:
        if not self.force:
            if key in node.final or (node.removed and node.exists):
                self._fit(line, change, key, node.final.get(key))
            else:
                old = self._keep(change.old) if isinstance(change.old, bytes) else None
                node.expected[key] = Expected(old, line)
        node.final[key] = self._keep(change.new) if isinstance(change.new, bytes) else None

    def _fit(self, line: int, change: Change, key: bytes, now: Kept | None) -> None:
        """Check that a change fits the result of those before it."""
        place = _key_text(change.bucket, key)
        if change.old is None:
            if now is not None:
                raise PatchMismatch(line, f"{place} was added before")
        elif now is None:
            raise PatchMismatch(line, f"{place} was removed before")
        elif not (isinstance(change.old, bytes) and self.equals(now, change.old)):
            raise PatchMismatch(line, f"{place} has another value since a line before")

    def _bucket(self, line: int, change: Change, node: Node) -> None:
        place = _bucket_text(change.bucket)
        if change.op == "add":
            if node.exists and not self.force:
                raise PatchMismatch(line, f"{place} was added before")
            if node.exists is None:
                node.present = False
            node.exists = True
            return
        if not self.force:
            is_filled = any(kept is not None for kept in node.final.values())
            if is_filled or any(inner.exists for inner in node.inner.values()):
                raise PatchMismatch(line, f"{place} is not empty")
        if node.exists is None:
            node.present = True
        if node.exists is None or self.force:
            node.removed = True
        node.exists = False
        node.sequence = None
        if self.force:
            node.final.clear()
            node.inner.clear()

    def _sequence(self, line: int, change: Change, node: Node) -> None:
        assert isinstance(change.new, int)
        now = node.sequence
        if now is None and (node.removed or node.present is False):
            now = 0
        if isinstance(change.old, int) and not self.force:
            if now is None:
                node.sequence_expected = change.old, line
            elif now != change.old:
                raise PatchMismatch(line, f"the sequence of {_bucket_text(change.bucket)} is {now} by then")
        node.sequence = change.new


def _check(line: int, change: Change, *, old: bool) -> None:
    """Refuse what no database can contain, and what has no old value if there must be one."""
    if change.key is not None:
        _check_name(line, change.key)
    if not change.bucket and change.key is None and change.op != "change":
        raise ArgumentError(f"line {line}: the root bucket is always there")
    if len(change.bucket) > MAX_NESTING + 1:
        raise ArgumentError(f"line {line}: buckets are nested deeper than {MAX_NESTING} levels")
    if isinstance(change.new, bytes) and len(change.new) > MAX_VALUE_SIZE:
        raise ArgumentError(f"line {line}: a value of {len(change.new)} bytes; {MAX_VALUE_SIZE} are the most")
    what = "number" if change.key is None else "value"
    needs_old = change.op == "change" or (change.op == "remove" and change.key is not None)
    if old and needs_old and not isinstance(change.old, int if change.key is None else bytes):
        raise ArgumentError(f"line {line}: there must be the old {what} (--force does not ask for it)")


def _check_name(line: int, name: bytes) -> None:
    if not 0 < len(name) <= MAX_KEY_SIZE:
        raise ArgumentError(f"line {line}: a key of {len(name)} bytes; 1 to {MAX_KEY_SIZE} are possible")


class _Merge:
    """Reads the content of a database, and yields what becomes of it."""

    def __init__(self, events: Iterable[Event], overlay: Overlay) -> None:
        self._events = iter(events)
        self._overlay = overlay
        self._force = overlay.force

    def merged(self, path: Path, node: Node) -> Nested[Event]:
        """Yield what becomes of the bucket that is open in the database."""
        concerned = sorted(node.keys(), reverse=True)  # the next one last
        for event in self._events:
            if isinstance(event, Leave):
                break
            elements: Iterable[tuple[bytes, Value | Enter]] = ()
            if isinstance(event, Enter):
                elements = [(event.name, event)]
            elif concerned and concerned[-1] <= event.keys[-1]:
                elements = zip(event.keys, event.values)
            else:
                yield event
            for key, found in elements:
                while concerned and concerned[-1] < key:
                    yield self._missing(path, concerned.pop(), node)
                if concerned and concerned[-1] == key:
                    concerned.pop()
                yield (
                    self._bucket(path, found, node) if isinstance(found, Enter) else self._pair(path, key, found, node)
                )
        while concerned:
            yield self._missing(path, concerned.pop(), node)

    def _bucket(self, path: Path, found: Enter, node: Node) -> Nested[Event]:
        """Yield what becomes of a bucket of the database."""
        key, place = found.name, (*path, found.name)
        inner, expected, pair = node.inner.get(key), node.expected.get(key), node.final.get(key)
        if expected is not None and (expected.value is not None or inner is None or not inner.removed):
            raise PatchMismatch(expected.line, f"{_key_text(path, key)} is a bucket")
        if inner is not None and not self._force and inner.present is False:
            raise PatchMismatch(inner.line, f"{_bucket_text(place)} is there already")
        if pair is not None and (inner is None or inner.exists):
            if not self._force:
                raise PatchMismatch(node.expected[key].line, f"{_key_text(path, key)} is a bucket")
            self._skip()
        elif inner is None:
            yield found
            yield from self._rest()
        else:
            _expect_sequence(place, found.sequence, inner)
            if inner.removed:
                yield from self._removed(place, inner)
            else:
                yield Enter(key, found.sequence if inner.sequence is None else inner.sequence)
                yield self.merged(place, inner)
                yield LEAVE
        if pair is not None:
            yield self._put(key, pair)

    def _removed(self, path: Path, node: Node) -> Nested[Event]:
        """Yield what is put into a bucket after its content was removed."""
        if self._force:
            self._skip()
        else:
            yield self._expect_all(path, node)
        if node.exists:
            yield self._new(path, node)

    def _pair(self, path: Path, key: bytes, value: Value, node: Node) -> Nested[Event]:
        """Yield what becomes of a pair of the database."""
        self._expect(path, key, value, node)
        inner = node.inner.get(key)
        if inner is not None:
            unlike = inner.present is not False or (inner.exists and node.final.get(key, value) is not None)
            if unlike and (not self._force or (not inner.exists and inner.is_filled())):
                raise PatchMismatch(inner.line, f"{_key_text(path, key)} is a pair and not a bucket")
        if inner is not None and inner.exists:
            yield self._new((*path, key), inner)
        elif key not in node.final:
            yield Pairs([key], [value])
        elif (kept := node.final[key]) is not None:
            yield self._put(key, kept)

    def _missing(self, path: Path, key: bytes, node: Node) -> Nested[Event]:
        """Yield what changes put at a key that the database doesn't have, or has no more."""
        inner, expected, pair = node.inner.get(key), node.expected.get(key), node.final.get(key)
        was_there = node.removed  # and was looked at then
        if expected is not None and expected.value is not None and not was_there:
            raise PatchMismatch(expected.line, f"{_key_text(path, key)} is not there")
        if inner is not None and not self._force and (inner.present is None or (inner.present and not was_there)):
            raise PatchMismatch(inner.line, f"{_bucket_text((*path, key))} is not there")
        if inner is not None and (inner.exists or (self._force and inner.exists is None and inner.is_filled())):
            if pair is not None:
                raise PatchMismatch(inner.line, f"{_key_text(path, key)} is a pair and not a bucket")
            yield self._new((*path, key), inner)
        elif pair is not None:
            yield self._put(key, pair)

    def _new(self, path: Path, node: Node) -> Nested[Event]:
        """Yield a bucket that holds only what the changes put into it."""
        yield Enter(path[-1], node.sequence or 0)
        for key in sorted(node.keys()):
            yield self._missing(path, key, node)
        yield LEAVE

    def _put(self, key: bytes, kept: Kept) -> Pairs:
        return Pairs([key], [self._overlay.value(kept)])

    def _rest(self) -> Iterator[Event]:
        """Yield the rest of the open bucket of the database, and its end."""
        depth = 1
        while depth:
            event = next(self._events)
            depth += isinstance(event, Enter) - isinstance(event, Leave)
            yield event

    def _skip(self) -> None:
        for _ in self._rest():
            pass

    def _expect_all(self, path: Path, node: Node) -> Nested[Event]:
        """Check that the whole content of a removed bucket is expected; yields nothing."""
        pairs = {key for key, expected in node.expected.items() if expected.value is not None}
        buckets = {key for key, inner in node.inner.items() if inner.present}
        for event in self._events:
            if isinstance(event, Leave):
                break
            if isinstance(event, Enter):
                inner, place = node.inner.get(event.name), (*path, event.name)
                if inner is None or not inner.removed:
                    raise PatchMismatch(node.line, f"{_bucket_text(path)} holds {_bucket_text(place)}")
                buckets.discard(event.name)
                _expect_sequence(place, event.sequence, inner)
                yield self._expect_all(place, inner)
                continue
            for key, value in zip(event.keys, event.values):
                if key not in pairs:
                    line = node.expected[key].line if key in node.expected else node.line
                    raise PatchMismatch(line, f"{_bucket_text(path)} holds key {bucket_text((key,))}")
                self._expect(path, key, value, node)
                pairs.discard(key)
        for key in sorted(pairs):
            raise PatchMismatch(node.expected[key].line, f"{_key_text(path, key)} is not there")
        for key in sorted(buckets):
            raise PatchMismatch(node.inner[key].line, f"{_bucket_text((*path, key))} is not there")

    def _expect(self, path: Path, key: bytes, value: Value, node: Node) -> None:
        expected = node.expected.get(key)
        if expected is None:
            return
        if expected.value is None:
            raise PatchMismatch(expected.line, f"{_key_text(path, key)} is there already")
        if not self._overlay.equals(expected.value, value):
            raise PatchMismatch(expected.line, f"{_key_text(path, key)} has another value")


def _expect_sequence(path: Path, found: int, node: Node) -> None:
    if node.sequence_expected is not None and node.sequence_expected[0] != found:
        wanted, line = node.sequence_expected
        raise PatchMismatch(line, f"the sequence of {_bucket_text(path)} is {found}, not {wanted}")


def _bucket_text(path: Path) -> str:
    return f"bucket {bucket_text(path)}" if path else "the root bucket"


def _key_text(path: Path, key: bytes) -> str:
    return f"key {bucket_text((key,))} in {_bucket_text(path)}"
