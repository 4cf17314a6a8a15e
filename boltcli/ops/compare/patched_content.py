"""Merge the elements of a database with changes, as a stream of content in key order."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ...errors import PatchMismatch, bucket_text
from ...format.bucket import BucketRef
from ...tree.bucket import root_bucket
from ...tree.walk import flat
from ..read.content import LEAVE, Enter, Pairs, content
from .tree_cursor import TreeCursor, Visits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...storage.snapshot import Snapshot
    from ...tree.walk import Nested
    from ..read.content import Event
    from .change import Path
    from .overlay import Kept, Node, Overlay
    from .tree_cursor import Value


def patched_content(snapshot: Snapshot, overlay: Overlay) -> Iterator[Event]:
    """Yield the content of ``snapshot`` with the changes of ``overlay``.

    Raises :class:`~boltcli.errors.PatchMismatch` where a change doesn't fit the
    database, naming the first such change in key order, and
    :class:`~boltcli.errors.Corrupted`.
    """
    return flat(_Merge(snapshot, overlay).bucket((), root_bucket(snapshot), overlay.root))


def patched_sequence(snapshot: Snapshot, overlay: Overlay) -> int:
    """Return the sequence of the root bucket after the changes of ``overlay``."""
    sequence = overlay.root.sequence
    return snapshot.meta.sequence if sequence is None else sequence


class _Merge:
    def __init__(self, snapshot: Snapshot, overlay: Overlay) -> None:
        self._visits = Visits(snapshot)
        self._overlay = overlay
        self._force = overlay.force

    def bucket(self, path: Path, ref: BucketRef, node: Node | None) -> Nested[Event]:
        """Yield a bucket of the database, and what becomes of it."""
        if node is None:
            yield self._unchanged(path[-1], ref)
            return
        if node.sequence_expected is not None and node.sequence_expected[0] != ref.sequence:
            wanted, line = node.sequence_expected
            raise PatchMismatch(line, f"the sequence of {_bucket(path)} is {ref.sequence}, not {wanted}")
        if node.removed:
            if not self._force:
                yield self._check_removal(path, ref, node)
            if node.exists:
                yield from self._new(path, node)
            return
        if path:
            yield Enter(path[-1], ref.sequence if node.sequence is None else node.sequence)
        yield from self._merged(path, ref, node)
        if path:
            yield LEAVE

    def _unchanged(self, name: bytes, ref: BucketRef) -> Nested[Event]:
        yield Enter(name, ref.sequence)
        yield content(self._visits.snapshot, ref, is_sound=True)
        yield LEAVE

    def _element(self, key: bytes, value: Value) -> Nested[Event]:
        if isinstance(value, BucketRef):
            yield self._unchanged(key, value)
        else:
            yield Pairs([key], [value])

    def _merged(self, path: Path, ref: BucketRef, node: Node) -> Nested[Event]:
        concerned = sorted({*node.expected, *node.final, *node.inner}, reverse=True)  # the next one last
        cursor = TreeCursor(self._visits, ref)
        while cursor.fill():
            if not cursor.mixed and (not concerned or concerned[-1] > cursor.keys[-1]):
                yield Pairs(cursor.keys, cast("list[bytes]", cursor.values))
                cursor.at = len(cursor.keys)
                continue
            for key, value in zip(cursor.keys, cursor.values):
                while concerned and concerned[-1] < key:
                    yield from self._missing(path, concerned.pop(), node)
                if concerned and concerned[-1] == key:
                    concerned.pop()
                    yield from self._present(path, key, value, node)
                else:
                    yield from self._element(key, value)
            cursor.at = len(cursor.keys)
        while concerned:
            yield from self._missing(path, concerned.pop(), node)

    def _present(self, path: Path, key: bytes, value: Value, node: Node) -> Nested[Event]:
        """Yield an element of the database that changes are about."""
        inner = node.inner.get(key)
        if isinstance(value, BucketRef):
            self._expect_no_pair(path, key, node, inner)
            if inner is not None and not self._force and inner.present is False:
                raise PatchMismatch(inner.line, f"{_bucket((*path, key))} is there already")
            pair = node.final.get(key)
            if pair is not None and (inner is None or inner.exists):
                if not self._force:
                    raise PatchMismatch(node.expected[key].line, f"{_place(path, key)} is a bucket")
            else:
                yield self.bucket((*path, key), value, inner)
            if pair is not None:
                yield self._pair(key, pair)
            return
        self._expect_pair(path, key, value, node)
        if inner is not None:
            unlike = inner.present is not False or (inner.exists and node.final.get(key, value) is not None)
            if unlike and (not self._force or (not inner.exists and _holds(inner))):
                raise PatchMismatch(inner.line, f"{_place(path, key)} is a pair and not a bucket")
            if inner.exists:
                yield from self._new((*path, key), inner)
                return
        if key not in node.final:
            yield Pairs([key], [value])
        elif (kept := node.final[key]) is not None:
            yield self._pair(key, kept)

    def _missing(self, path: Path, key: bytes, node: Node) -> Nested[Event]:
        """Yield a key that the database doesn't have."""
        expected = node.expected.get(key)
        if expected is not None and expected.value is not None:
            raise PatchMismatch(expected.line, f"{_place(path, key)} is not there")
        inner = node.inner.get(key)
        if inner is not None and not self._force and inner.present is not False:
            raise PatchMismatch(inner.line, f"{_bucket((*path, key))} is not there")
        pair = node.final.get(key)
        if inner is not None and (inner.exists or (self._force and inner.exists is None and _holds(inner))):
            if pair is not None:
                raise PatchMismatch(inner.line, f"{_place(path, key)} is a pair and not a bucket")
            yield from self._new((*path, key), inner)
        elif pair is not None:
            yield self._pair(key, pair)

    def _new(self, path: Path, node: Node) -> Nested[Event]:
        """Yield a bucket that holds only what the changes put into it."""
        yield Enter(path[-1], node.sequence or 0)
        for key in sorted({*node.expected, *node.final, *node.inner}):
            inner, pair, expected = node.inner.get(key), node.final.get(key), node.expected.get(key)
            if not node.removed:  # else what was there is looked at already
                if expected is not None and expected.value is not None:
                    raise PatchMismatch(expected.line, f"{_place(path, key)} is not there")
                if inner is not None and inner.present and not self._force:
                    raise PatchMismatch(inner.line, f"{_bucket((*path, key))} is not there")
            if inner is not None and (inner.exists or (self._force and inner.exists is None and _holds(inner))):
                if pair is not None:
                    raise PatchMismatch(inner.line, f"{_place(path, key)} is a pair and not a bucket")
                yield self._new((*path, key), inner)
            elif inner is not None and inner.exists is None and not self._force:
                raise PatchMismatch(inner.line, f"{_bucket((*path, key))} is not there")
            elif pair is not None:
                yield self._pair(key, pair)
        yield LEAVE

    def _pair(self, key: bytes, kept: Kept) -> Pairs:
        return Pairs([key], [self._overlay.value(kept)])

    def _check_removal(self, path: Path, ref: BucketRef, node: Node) -> Nested[Event]:
        """Check that the whole content of a bucket to remove is expected; yields nothing."""
        left = {key for key, expected in node.expected.items() if expected.value is not None}
        buckets = {key for key, inner in node.inner.items() if inner.present}
        cursor = TreeCursor(self._visits, ref)
        while cursor.fill():
            for key, value in zip(cursor.keys, cursor.values):
                if isinstance(value, BucketRef):
                    inner = node.inner.get(key)
                    if inner is None or not inner.removed:
                        raise PatchMismatch(node.line, f"{_bucket(path)} holds {_bucket((*path, key))}")
                    buckets.discard(key)
                    if inner.sequence_expected is not None and inner.sequence_expected[0] != value.sequence:
                        number, line = inner.sequence_expected
                        raise PatchMismatch(
                            line, f"the sequence of {_bucket((*path, key))} is {value.sequence}, not {number}"
                        )
                    yield self._check_removal((*path, key), value, inner)
                else:
                    expected = node.expected.get(key)
                    if expected is None or expected.value is None:
                        raise PatchMismatch(
                            node.line if expected is None else expected.line,
                            f"{_bucket(path)} holds key {bucket_text((key,))}",
                        )
                    self._expect_pair(path, key, value, node)
                    left.discard(key)
            cursor.at = len(cursor.keys)
        for key in sorted(left):
            raise PatchMismatch(node.expected[key].line, f"{_place(path, key)} is not there")
        for key in sorted(buckets):
            raise PatchMismatch(node.inner[key].line, f"{_bucket((*path, key))} is not there")

    def _expect_pair(self, path: Path, key: bytes, value: bytes, node: Node) -> None:
        expected = node.expected.get(key)
        if expected is None:
            return
        if expected.value is None:
            raise PatchMismatch(expected.line, f"{_place(path, key)} is there already")
        if not self._overlay.holds(expected.value, value):
            raise PatchMismatch(expected.line, f"{_place(path, key)} has another value")

    def _expect_no_pair(self, path: Path, key: bytes, node: Node, inner: Node | None) -> None:
        expected = node.expected.get(key)
        if expected is not None and (expected.value is not None or inner is None or not inner.removed):
            raise PatchMismatch(expected.line, f"{_place(path, key)} is a bucket")


def _holds(node: Node) -> bool:
    """Return whether anything is put into a bucket that no change adds."""
    return (
        bool(node.exists)
        or any(kept is not None for kept in node.final.values())
        or any(map(_holds, node.inner.values()))
    )


def _bucket(path: Path) -> str:
    return f"bucket {bucket_text(path)}" if path else "the root bucket"


def _place(path: Path, key: bytes) -> str:
    return f"key {bucket_text((key,))} in {_bucket(path)}"
