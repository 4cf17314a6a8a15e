"""Write a new, dense database from a stream of content, or from an import: buckets and pairs, each with its path."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from itertools import chain, takewhile
from operator import eq
from typing import TYPE_CHECKING

from ...errors import ArgumentError, BoltError, DestinationError
from ...record import Record
from ...storage.destination import Destination
from ..read.content import LEAVE, Enter, Misplaced, Pairs, in_order, write
from .compact import PAGE_SIZES
from .dense import DenseWriter
from .pager import BboltFile
from .transactions import BboltWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..read.content import Event, Path, Placed, Value

_BATCH = 256  # pairs that are gathered
_BATCH_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Loaded(Record):
    """The result: the numbers of ``pairs`` and ``buckets``, and the ``size`` of the file in bytes; ``warnings`` are
    sentences about what was read."""

    pairs: int
    buckets: int
    size: int
    warnings: tuple[str, ...] = ()


def load(
    parts: Iterable[Placed],
    path: str,
    *,
    page_size: int = 0,
    fill_percent: int = 100,
    tx_max_size: int | None = None,
    replace: bool = False,
    sync: bool = True,
) -> Loaded:
    """Write a database of ``parts`` to ``path``, which appears there when it is complete.

    It is as small as possible, with pages filled up to ``fill_percent``; or with ``tx_max_size`` as bbolt writes it, in
    transactions of at most so many bytes (0: one). ``page_size`` 0: the host's.

    They must be in key order, a bucket before its content; one that appears only in the path of its content has the
    sequence 0. Raises ArgumentError (``row 3: ...``; a bucket is a row, and a pair is one), the errors of a
    destination, and what ``parts`` raises; then there is no file.
    """
    if page_size and page_size not in PAGE_SIZES:
        raise ArgumentError(f"page size {page_size} is not a power of two from {PAGE_SIZES[0]} to {PAGE_SIZES[-1]}")
    with Destination(path, replace=replace, sync=sync) as destination:
        if not 10 <= fill_percent <= 100:
            raise ArgumentError(f"fill percent {fill_percent} is not between 10 and 100")
        nested = _Nested(parts)
        page_size = page_size or mmap.PAGESIZE
        try:
            if tx_max_size is None:
                done = write_content(nested.events(), destination, nested.sequence, page_size, fill_percent)
            elif nested.sequence:
                raise ArgumentError("bbolt gives the root bucket no sequence")
            else:
                writer = BboltWriter(BboltFile(destination.fd, page_size), tx_max_size)
                done = _written(nested.events(), destination, writer)
        except Misplaced as misplaced:
            raise ArgumentError(f"row {nested.number + misplaced.index}: {misplaced}") from None
        destination.commit()
    return done


def write_content(
    events: Iterable[Event], destination: Destination, sequence: int, page_size: int, fill_percent: int = 100
) -> Loaded:
    """Write a database of ``events`` to ``destination``; ``sequence`` is that of the root bucket. Raises Misplaced."""
    return _written(events, destination, DenseWriter(destination.fd, page_size, fill_percent, sequence))


def _written(events: Iterable[Event], destination: Destination, writer: DenseWriter | BboltWriter) -> Loaded:
    try:
        return Loaded(*write(in_order(events), writer), writer.size)
    except OSError as error:
        raise DestinationError("write", destination.path, error) from error


class _Nested:
    """Buckets and pairs with paths as a stream of content; ``number`` is that of the row its last event began with."""

    def __init__(self, parts: Iterable[Placed]) -> None:
        self.number = 1
        self.sequence = 0  # of the root bucket, which comes first if it has one
        self._parts = iter(parts)
        for path, event in self._parts:
            if isinstance(event, Enter) and not path:
                self.number, self.sequence = 2, event.sequence
            else:
                self._parts = chain([(path, event)], self._parts)
            break
        self._path: list[bytes] = []  # of the innermost open bucket
        self._keys: list[bytes] = []
        self._values: list[Value] = []
        self._bytes = 0

    def events(self) -> Iterator[Event]:
        """Yield the content, small groups of pairs joined. Raises :class:`Misplaced`, and what the parts raise."""
        number = self.number
        try:
            for path, event in self._parts:
                is_more = isinstance(event, Pairs) and list(path) == self._path
                if not is_more:
                    yield from self._flush()
                if not self._keys:
                    self.number = number
                if isinstance(event, Enter):
                    if not path:
                        raise Misplaced("the root bucket must come first")
                    yield from self._go(path[:-1])
                    self._path.append(event.name)
                    yield event
                    number += 1
                    continue
                if not is_more:
                    yield from self._go(path)
                number += len(event.keys)
                self._keys += event.keys
                self._values += event.values
                self._bytes += sum(map(len, event.keys)) + sum(map(len, event.values))
                if len(self._keys) >= _BATCH or self._bytes >= _BATCH_BYTES:
                    yield from self._flush()
        except BoltError:
            yield from self._flush()  # what is wrong with the rows before it is said first
            raise
        yield from self._flush()
        yield from self._go(())

    def _flush(self) -> Iterator[Event]:
        if self._keys:
            yield Pairs(self._keys, self._values)
            self._keys, self._values, self._bytes = [], [], 0

    def _go(self, path: Path) -> Iterator[Event]:
        """Make ``path`` the innermost open bucket."""
        common = sum(takewhile(bool, map(eq, self._path, path)))
        while len(self._path) > common:
            self._path.pop()
            yield LEAVE
        for name in path[common:]:
            self._path.append(name)
            yield Enter(name, 0)
