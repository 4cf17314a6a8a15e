"""Collect changes by bucket and key: the state that they expect, and the state that they result in.

Changes are added in order. The first change of a key says what the database
must contain; each later one must fit the result of the one before. Names and
keys are kept in memory, values in a temporary file if there are many.
"""

from __future__ import annotations

from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, NamedTuple

from ...errors import ArgumentError, PatchMismatch, bucket_text
from ...format.constants import MAX_KEY_SIZE
from ..read.content import MAX_VALUE_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .change import Change, Path

_IN_MEMORY = 16 << 20  # bytes of values in memory
_SLICE = 1 << 20  # bytes of a value that are compared at once


class Kept(NamedTuple):
    """The position and size of a stored value."""

    place: int
    size: int


class Expected(NamedTuple):
    """The value that the change on line ``line`` expects in the database; None: no such key."""

    value: Kept | None
    line: int


class Node:
    """The changes of one bucket.

    ``expected`` and ``final`` are the pairs before and after (None: no such
    pair). ``present``: whether the bucket must exist before (None: either),
    ``exists``: the same after; ``removed``: its whole content is removed.
    ``sequence`` is (before, after, line). ``line`` is the first line about it.
    """

    __slots__ = ("exists", "expected", "final", "inner", "line", "present", "removed", "sequence", "sequence_expected")

    def __init__(self, line: int) -> None:
        self.line = line
        self.expected: dict[bytes, Expected] = {}
        self.final: dict[bytes, Kept | None] = {}
        self.inner: dict[bytes, Node] = {}
        self.present: bool | None = None
        self.exists: bool | None = None
        self.removed = False
        self.sequence: int | None = None
        self.sequence_expected: tuple[int, int] | None = None  # number, line


class Overlay:
    """All changes together. ``force``: nothing is expected, and the last change of a key counts."""

    def __init__(self, *, force: bool = False) -> None:
        self.force = force
        self.root = Node(0)
        self.root.exists = True
        self.count = 0
        self._values = SpooledTemporaryFile(max_size=_IN_MEMORY, prefix="boltcli-")  # noqa: SIM115
        self._end = 0

    def close(self) -> None:
        """Let go of the values."""
        self._values.close()

    def __enter__(self) -> Overlay:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def value(self, kept: Kept) -> bytes:
        """Return a value that was kept."""
        self._values.seek(kept.place)
        return self._values.read(kept.size)

    def holds(self, kept: Kept, value: bytes) -> bool:
        """Return whether the value that was kept is ``value``."""
        if kept.size != len(value):
            return False
        self._values.seek(kept.place)
        parts = range(0, kept.size, _SLICE)
        return all(self._values.read(len(part)) == part for part in (value[at : at + _SLICE] for at in parts))

    def _keep(self, value: bytes) -> Kept:
        if len(value) > _IN_MEMORY:
            self._values.rollover()
        self._values.seek(self._end)
        self._values.write(value)
        kept = Kept(self._end, len(value))
        self._end += len(value)
        return kept

    def add(self, changes: Iterable[tuple[int, Change]]) -> None:
        """Take ``changes``, each with the number of its line.

        Raises :class:`~boltcli.errors.PatchMismatch` for one that doesn't fit
        those before it, and :class:`~boltcli.errors.ArgumentError` for one
        that can't be.
        """
        for line, change in changes:
            self.count += 1
            _check(line, change)
            if change.key is not None:
                self._pair(line, change)
            elif change.op == "change":
                self._sequence(line, change)
            else:
                self._bucket(line, change)

    def _node(self, line: int, path: Path) -> Node:
        node = self.root
        for name in path:
            inner = node.inner.get(name)
            if inner is None:
                _check_name(line, name)
                inner = node.inner[name] = Node(line)
            node = inner
        return node

    def _pair(self, line: int, change: Change) -> None:
        node = self._node(line, change.bucket)
        key, op = change.key, change.op
        assert key is not None
        old = change.old if isinstance(change.old, bytes) else None
        if not self.force:
            if op != "add" and old is None:
                raise ArgumentError(f"line {line}: there must be the old value (--force does not ask for it)")
            if node.exists is False and op != "remove":
                raise PatchMismatch(line, f"{_bucket(change.bucket)} was removed before")
            if key in node.final or (node.removed and node.exists):
                self._fit(line, change, node.final.get(key))
            else:
                node.expected[key] = Expected(None if old is None else self._keep(old), line)
        node.final[key] = self._keep(change.new) if isinstance(change.new, bytes) else None

    def _fit(self, line: int, change: Change, now: Kept | None) -> None:
        """Check that a change fits the result of those before it."""
        assert change.key is not None
        place = f"key {bucket_text((change.key,))} in {_bucket(change.bucket)}"
        if change.old is None:
            if now is not None:
                raise PatchMismatch(line, f"{place} was added before")
        elif now is None:
            raise PatchMismatch(line, f"{place} was removed before")
        elif not (isinstance(change.old, bytes) and self.holds(now, change.old)):
            raise PatchMismatch(line, f"{place} has another value since a line before")

    def _bucket(self, line: int, change: Change) -> None:
        node = self._node(line, change.bucket)
        if change.op == "add":
            if node.exists is None:
                node.present = False
            elif node.exists and not self.force:
                raise PatchMismatch(line, f"{_bucket(change.bucket)} was added before")
            node.exists = True
            return
        if not self.force:
            if node.exists is False:
                raise PatchMismatch(line, f"{_bucket(change.bucket)} was removed before")
            if any(kept is not None for kept in node.final.values()) or any(
                each.exists for each in node.inner.values()
            ):
                raise PatchMismatch(line, f"{_bucket(change.bucket)} is not empty")
        if node.exists is None:
            node.present = True
        if node.exists is None or self.force:
            node.removed = True
        node.exists = False
        node.sequence = None
        if self.force:
            node.final.clear()
            node.inner.clear()

    def _sequence(self, line: int, change: Change) -> None:
        node = self._node(line, change.bucket)
        assert isinstance(change.new, int)
        if not self.force:
            if not isinstance(change.old, int):
                raise ArgumentError(f"line {line}: there must be the old number (--force does not ask for it)")
            if node.exists is False:
                raise PatchMismatch(line, f"{_bucket(change.bucket)} was removed before")
            now = node.sequence
            if now is None and (node.removed or node.present is False):
                now = 0
            if now is None:
                node.sequence_expected = change.old, line
            elif now != change.old:
                raise PatchMismatch(line, f"the sequence of {_bucket(change.bucket)} is {now} by then")
        node.sequence = change.new


def _check(line: int, change: Change) -> None:
    """Refuse what no database can contain."""
    if change.key is not None:
        _check_name(line, change.key)
    if not change.bucket and change.key is None and change.op != "change":
        raise ArgumentError(f"line {line}: the root bucket is always there")
    if isinstance(change.new, bytes) and len(change.new) > MAX_VALUE_SIZE:
        raise ArgumentError(f"line {line}: a value of {len(change.new)} bytes; {MAX_VALUE_SIZE} are the most")


def _check_name(line: int, name: bytes) -> None:
    if not 0 < len(name) <= MAX_KEY_SIZE:
        raise ArgumentError(f"line {line}: a key of {len(name)} bytes; 1 to {MAX_KEY_SIZE} are possible")


def _bucket(path: Path) -> str:
    return f"bucket {bucket_text(path)}" if path else "the root bucket"
