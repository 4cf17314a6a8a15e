"""Apply changes to a copy of a database, or in place.

Each change is applied to what the changes before it left; beneath that is the database, in which keys are looked up.
Names and keys are kept in memory, values in a temporary file if there are many. Then the content of the database is
read as a stream, and written with the changes.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, NamedTuple

from ...errors import ArgumentError, DestinationError, DestinationExists, OpenError, PatchMismatch, bucket_text
from ...format.bucket import MAX_NESTING, BucketRef, open_bucket
from ...format.constants import BUCKET_LEAF_FLAG, MAX_KEY_SIZE
from ...storage.destination import Destination
from ...storage.files import Closing, copy_sparse, with_mode
from ...storage.holders import Holder, holders, openers
from ...storage.opened import strictest
from ...storage.snapshot import Snapshot
from ...storage.source import Source, open_source, wait_for_lock
from ...tree.bucket import root_bucket, seek
from ...tree.walk import Whole, flat
from ..read.content import LEAVE, MAX_VALUE_SIZE, Enter, Leave, Misplaced, Pairs, content, in_order
from ..read.select_items import items
from ..write.compact import PAGE_SIZES
from ..write.load import Loaded, write_content

if TYPE_CHECKING:
    from ...tree.walk import Nested
    from ..read.content import Event, Value
    from .change import Change, Op, Path

_IN_MEMORY = 16 << 20  # bytes of values in memory


class Kept(NamedTuple):
    """The position and size of a stored value."""

    place: int
    size: int


class Step(NamedTuple):
    """A :class:`Change` of the line ``line``, whose values are kept."""

    line: int
    op: Op
    bucket: Path
    key: bytes | None
    old: Kept | int | None
    new: Kept | int | None


@dataclass(slots=True, eq=False)
class Node:
    """A bucket as the changes so far leave it: the ``pairs`` (None: removed) and buckets that they were about.

    Beneath them is ``ref``, the bucket in the database; None if this is a new one. ``line`` removed it.
    """

    ref: BucketRef | None
    sequence: int = 0
    exists: bool = True
    line: int = 0
    pairs: dict[bytes, Kept | None] = field(default_factory=dict)
    inner: dict[bytes, Node] = field(default_factory=dict)

    def is_filled(self) -> bool:
        """Return whether changes put something into it."""
        return any(self.pairs.values()) or any(each.exists and each.ref is None for each in self.inner.values())


class Overlay(Closing):
    """All changes together. ``force``: no old values are compared, and the last change of a key counts."""

    def __init__(self, *, force: bool = False) -> None:
        self.force = force
        self.steps: list[Step] = []
        self._values = SpooledTemporaryFile(max_size=_IN_MEMORY, prefix="boltcli-")  # noqa: SIM115

    def close(self) -> None:
        self._values.close()

    def value(self, kept: Kept) -> bytes:
        """Return a value that was kept."""
        self._values.seek(kept.place)
        return self._values.read(kept.size)

    def _keep(self, value: bytes | int | None) -> Kept | int | None:
        if not isinstance(value, bytes):
            return value
        place = self._values.seek(0, os.SEEK_END)
        self._values.write(value)
        return Kept(place, len(value))

    def add(self, changes: Iterable[tuple[int, Change]]) -> None:
        """Take ``changes``, each with the number of its line. Raises ArgumentError."""
        for line, change in changes:
            _check(line, change, old=not self.force)
            old = None if self.force else self._keep(change.old)
            self.steps.append(Step(line, change.op, change.bucket, change.key, old, self._keep(change.new)))

    def patched(self, snapshot: Snapshot, events: Iterable[Event]) -> tuple[Iterator[Event], int]:
        """Return the content ``events`` of ``snapshot`` with the changes, and the sequence of its root bucket.

        Raises PatchMismatch for the first change that doesn't fit, or a removed bucket that isn't empty at the end.
        """
        patch = _Patch(self, snapshot)
        for step in self.steps:
            patch.apply(step)
        pending: list[tuple[Path, Node]] = [((), patch.root)]
        while pending:  # no recursion, as buckets nest deeper than Python's calls
            path, node = pending.pop()
            if not node.exists:
                patch.verify_empty(node, path)
            pending += [((*path, name), inner) for name, inner in sorted(node.inner.items(), reverse=True)]
        return flat(patch.merged(patch.root, iter(events))), patch.root.sequence


def _check(line: int, change: Change, *, old: bool) -> None:
    """Refuse what no database can contain, and what has no old value if there must be one."""
    for name in (*change.bucket, *(() if change.key is None else (change.key,))):
        if not 0 < len(name) <= MAX_KEY_SIZE:
            raise ArgumentError(f"line {line}: a key of {len(name)} bytes; a key has 1 to {MAX_KEY_SIZE}")
    if not change.bucket and change.key is None and change.op != "change":
        raise ArgumentError(f"line {line}: the root bucket always exists")
    if len(change.bucket) > MAX_NESTING + 1:
        raise ArgumentError(f"line {line}: buckets are nested deeper than {MAX_NESTING} levels")
    if isinstance(change.new, bytes) and len(change.new) > MAX_VALUE_SIZE:
        raise ArgumentError(f"line {line}: a value of {len(change.new)} bytes; a value has at most {MAX_VALUE_SIZE}")
    what = "number" if change.key is None else "value"
    needs_old = change.op == "change" or (change.op == "remove" and change.key is not None)
    if old and needs_old and not isinstance(change.old, int if change.key is None else bytes):
        raise ArgumentError(f"line {line}: the old {what} is missing (with --force it is not needed)")


class _Patch:
    """The changes of ``overlay`` on top of one state of a database."""

    def __init__(self, overlay: Overlay, snapshot: Snapshot) -> None:
        self._overlay = overlay
        self._force = overlay.force
        self._snapshot = snapshot
        self.root = Node(root_bucket(snapshot), snapshot.meta.sequence)

    def apply(self, step: Step) -> None:
        line, op, path, key, _, new = step
        if key is None and op != "change":
            parent = self._enter(step, path[:-1])
            if parent is not None:
                self._bucket(step, parent, path[-1])
            return
        node = self._enter(step, path)
        if node is None:
            return
        if not (node.exists or (key is not None and op == "remove")):
            raise PatchMismatch(line, f"{_bucket_text(path)} was removed before")
        if key is not None:
            self._pair(step, node, key)
        elif self._force or node.sequence == step.old:
            assert isinstance(new, int)
            node.sequence = new
        else:
            raise PatchMismatch(line, f"the sequence of {_bucket_text(path)} is {node.sequence}, not {step.old}")

    def _find(self, node: Node, key: bytes) -> Node | Kept | bytes | None:
        """Return the bucket or the value that the changes so far leave at ``key``; None if there is neither."""
        inner, kept = node.inner.get(key), node.pairs.get(key)
        if inner is not None or key in node.pairs or node.ref is None:
            return kept or (inner if inner is not None and inner.exists else None)
        leaf, index = seek(self._snapshot, node.ref, key)
        if index >= leaf.count or leaf.key(index) != key:
            return None
        if not leaf.flags[index] & BUCKET_LEAF_FLAG:
            return leaf.value(index)
        ref = open_bucket(leaf, index, key)
        inner = node.inner[key] = Node(ref, ref.sequence)
        return inner

    def _enter(self, step: Step, path: Path) -> Node | None:
        """Return the bucket at ``path``, also a removed one, with ``force`` a new one; None: there is nothing to do."""
        node = self.root
        for depth, name in enumerate(path, 1):
            found = self._find(node, name)
            inner = node.inner.get(name)
            if found is None and self._force:
                if step.op == "remove" or (step.key is None and step.op == "change"):
                    return None
                inner = node.inner[name] = Node(None)
            elif found is None and inner is None:
                raise PatchMismatch(step.line, f"{_bucket_text(path[:depth])} does not exist")
            elif found is not None and found is not inner:
                if self._force and step.op == "remove":
                    return None
                raise PatchMismatch(step.line, f"{_key_text(path[: depth - 1], name)} is a pair and not a bucket")
            assert inner is not None
            node = inner
        return node

    def _bucket(self, step: Step, parent: Node, name: bytes) -> None:
        found, inner, place = self._find(parent, name), parent.inner.get(name), _bucket_text(step.bucket)
        problem = ""
        if found is not None and not isinstance(found, Node):
            problem = f"{_key_text(step.bucket[:-1], name)} is a pair and not a bucket"
        elif step.op == "add" and isinstance(found, Node):
            problem = f"{place} {'already exists' if found.ref is not None else 'was added before'}"
        elif step.op == "add" and not parent.exists:
            problem = f"{_bucket_text(step.bucket[:-1])} was removed before"
        elif step.op == "remove" and found is None:
            problem = f"{place} {'does not exist' if inner is None else 'was removed before'}"
        elif step.op == "remove" and isinstance(found, Node) and found.is_filled():
            problem = f"{place} is not empty"
        if problem and not self._force:
            raise PatchMismatch(step.line, problem)
        if step.op == "add" and not isinstance(found, Node):
            if inner is not None:
                self.verify_empty(inner, step.bucket)
            parent.pairs[name], parent.inner[name] = None, Node(None)
        elif step.op == "remove" and isinstance(found, Node):
            found.exists, found.line = False, step.line
            if self._force:
                parent.inner[name] = Node(None, exists=False)

    def _pair(self, step: Step, node: Node, key: bytes) -> None:
        found = self._find(node, key)
        place, is_known = _key_text(step.bucket, key), key in node.pairs
        if self._force:
            if isinstance(found, Node) and step.new is not None:
                node.inner[key] = Node(None, exists=False)
        elif isinstance(found, Node):
            raise PatchMismatch(step.line, f"{place} is a bucket")
        elif step.old is None:
            if found is not None:
                raise PatchMismatch(step.line, f"{place} {'was added before' if is_known else 'already exists'}")
        elif found is None:
            raise PatchMismatch(step.line, f"{place} {'was removed before' if is_known else 'does not exist'}")
        elif self._value(found) != self._value(step.old):
            raise PatchMismatch(step.line, f"{place} has another value{' since an earlier line' * is_known}")
        node.pairs[key] = step.new if isinstance(step.new, Kept) else None

    def _value(self, value: Kept | bytes | int) -> bytes | int:
        return self._overlay.value(value) if isinstance(value, Kept) else value

    def verify_empty(self, node: Node, path: Path) -> None:
        if node.ref is None:
            return
        for part in items(self._snapshot, node.ref):
            for key, value in zip(part.keys, part.values):
                inner = node.inner.get(key)
                if isinstance(value, BucketRef) and (inner is None or inner.exists):
                    raise PatchMismatch(node.line, f"{_bucket_text(path)} holds {_bucket_text((*path, key))}")
                if not isinstance(value, BucketRef) and key not in node.pairs:
                    raise PatchMismatch(node.line, f"{_bucket_text(path)} holds key {bucket_text((key,))}")

    def merged(self, node: Node, events: Iterator[Event]) -> Nested[Event]:
        """Yield what becomes of the bucket that is open in ``events``, the content of the database."""
        concerned = sorted({*node.pairs, *node.inner}, reverse=True)  # the next one last
        for event in events:
            if isinstance(event, Leave):
                break
            if isinstance(event, Pairs) and not (concerned and concerned[-1] <= event.keys[-1]):
                yield event
                continue
            elements: Iterable[tuple[bytes, Value | Enter]]
            elements = [(event.name, event)] if isinstance(event, Enter) else zip(event.keys, event.values)
            for key, found in elements:
                while concerned and concerned[-1] < key:
                    yield self._put(node, concerned.pop())
                if not concerned or concerned[-1] != key:
                    if isinstance(found, Enter):
                        yield found
                        yield from _rest(events)
                    else:
                        yield Pairs([key], [found])
                    continue
                inner = node.inner.get(concerned.pop())
                if inner is not None and inner.exists and inner.ref is not None:
                    yield Enter(key, inner.sequence)
                    yield self.merged(inner, events)
                    yield LEAVE
                    continue
                if isinstance(found, Enter):
                    for _ in _rest(events):
                        pass
                yield self._put(node, key)
        while concerned:
            yield self._put(node, concerned.pop())

    def _put(self, node: Node, key: bytes) -> Nested[Event]:
        """Yield what changes put at a key, whatever was there before: a pair, a new bucket, nothing."""
        kept, inner = node.pairs.get(key), node.inner.get(key)
        if kept is not None:
            yield Pairs([key], [self._overlay.value(kept)])
        elif inner is not None and inner.exists:
            yield Enter(key, inner.sequence)
            for name in sorted({*inner.pairs, *inner.inner}):
                yield self._put(inner, name)
            yield LEAVE


def _rest(events: Iterator[Event]) -> Iterator[Event]:
    depth = 1
    while depth:
        event = next(events)
        depth += isinstance(event, Enter) - isinstance(event, Leave)
        yield event


def _bucket_text(path: Path) -> str:
    return f"bucket {bucket_text(path)}" if path else "the root bucket"


def _key_text(path: Path, key: bytes) -> str:
    return f"key {bucket_text((key,))} in {_bucket_text(path)}"


def patch(snapshot: Snapshot, overlay: Overlay, path: str, *, sync: bool = True) -> Loaded:
    """Write ``snapshot`` with the changes of ``overlay`` to ``path``, with its page size, as small as possible.

    Raises PatchMismatch, Corrupted, and the errors of a destination: then there is no file.
    """
    with Destination(path, mode=strictest(snapshot.mode), sync=sync) as destination:
        done = _write(snapshot, overlay, destination)
        snapshot.finish()
        destination.commit()
    return done


def patch_in_place(
    path: str, overlay: Overlay, *, backup: bool = True, timeout: float = 0, sync: bool = True
) -> tuple[Loaded, str | None]:
    """Replace the database at ``path``, in one step, by one with the changes of ``overlay``.

    The exclusive lock is taken first; ``timeout`` is the longest wait in seconds (0: for ever). Permissions, owner and
    extended attributes stay. With ``backup`` the old file is kept under the name that is returned. Raises as
    :func:`patch` does, and OpenError if another process has the file open, as it would continue with the old one.
    """
    source = open_source(path, "none")
    try:
        if source.is_own_copy:
            raise OpenError("lock", path, "it is not a regular file; write the result elsewhere (-o)")
        _lock(source, timeout)
        with (
            Snapshot(path, source.duplicate()) as snapshot,
            Destination(path, mode=snapshot.mode, replace=True, in_place=True, sync=sync) as destination,
        ):
            done = _write(snapshot, overlay, destination)
            snapshot.finish()
            _resemble(source, destination)
            kept = _keep(source) if backup else None
            destination.commit()
        return done, kept
    finally:
        source.close()


def _write(snapshot: Snapshot, overlay: Overlay, destination: Destination) -> Loaded:
    page_size = snapshot.page_size if snapshot.page_size in PAGE_SIZES else mmap.PAGESIZE
    found = in_order(content(snapshot, is_sound=True, guard=Whole(snapshot, once=True)))  # as the changes are
    events, sequence = overlay.patched(snapshot, found)
    try:
        return write_content(events, destination, sequence, page_size)
    except Misplaced as misplaced:  # the changes are sorted
        raise snapshot.corrupted(str(misplaced), snapshot.meta.root) from None


def _lock(source: Source, timeout: float) -> None:
    """Take the exclusive lock of the file that is at the path now."""
    if os.name == "nt":
        raise OpenError("lock", source.path, "Windows can't replace a file that is open; write a copy with -o")
    if not wait_for_lock(source, timeout, exclusive=True):
        if source.reason != "held":
            raise OpenError("lock", source.path, source.reason)
        holder = next((each for each in holders(source) if not each.waits), Holder(""))
        raise OpenError("lock", source.path, f"{holder} holds the database open; stop it first")
    if not os.path.samestat(os.fstat(source.fd), os.stat(source.path)):
        raise OpenError("lock", source.path, "another file has taken its place in the meantime; try again")
    for other in openers(source):
        raise OpenError("lock", source.path, f"{other} has the database open; stop it first")


def _resemble(source: Source, destination: Destination) -> None:
    status = os.fstat(source.fd)
    try:
        made = os.fstat(destination.fd)
        if hasattr(os, "fchown") and (made.st_uid, made.st_gid) != (status.st_uid, status.st_gid):
            os.fchown(destination.fd, status.st_uid, status.st_gid)
        with_mode(destination.fd, status.st_mode)
    except OSError as error:
        raise DestinationError("chown", destination.path, error) from error
    if hasattr(os, "listxattr"):
        try:
            for name in os.listxattr(source.fd):
                os.setxattr(destination.fd, name, os.getxattr(source.fd, name))
        except OSError:
            pass  # labels that the system sets itself, or none at all on this file system


def _keep(source: Source) -> str:
    """Keep the old file as ``.bak``, or with a number; return that name."""
    place = os.path.realpath(source.path) if os.path.islink(source.path) else source.path
    for number in count():
        name = f"{place}.bak{f'.{number}' if number else ''}"
        try:
            os.link(place, name)
        except FileExistsError:
            continue
        except OSError:  # no links on this file system
            try:
                with Destination(name, mode=os.fstat(source.fd).st_mode & 0o7777) as destination:
                    copy_sparse(source.fd, destination.fd)
                    destination.commit()
            except DestinationExists:
                continue
            except OSError as error:
                raise DestinationError("write", name, error) from error
        return name
    raise AssertionError
