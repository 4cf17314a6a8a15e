"""Write a new, dense database from a stream of content, or from rows of an import."""

from __future__ import annotations

from itertools import chain

from ...errors import ArgumentError, BoltError, DestinationError
from ...format.bucket import MAX_NESTING
from ...storage.destination import Destination
from ..read.content import LEAVE, Enter, Misplaced, Pairs, in_order, write
from .dense import DenseWriter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..read.content import Event

    # Of a bucket: its path and its sequence. Of a pair: the path of its bucket, its key, its value. Of many pairs
    # of one bucket: its path, their keys, their values.
    Path = tuple[bytes, ...]
    Row = tuple[Path, int] | tuple[Path, bytes, bytes] | tuple[Path, list[bytes], list[bytes]]

_BATCH = 256  # pairs that are gathered
_BATCH_BYTES = 1 << 16


class Loaded:
    """The result: the numbers of ``pairs`` and ``buckets``, and the ``size`` of the file in bytes."""

    __slots__ = ("buckets", "pairs", "size")

    def __init__(self, pairs: int, buckets: int, size: int) -> None:
        self.pairs = pairs
        self.buckets = buckets
        self.size = size


def load(
    rows: Iterable[Row], path: str, *, page_size: int, fill_percent: int = 100, replace: bool = False, sync: bool = True
) -> Loaded:
    """Write a database of ``rows`` to ``path``, which appears there when it is complete.

    They must be in key order, a bucket before its content; a bucket that appears
    only in the path of its content has the sequence 0. The path () is the root bucket:
    bbolt's API writes no pairs there, but files with some exist. Raises :class:`~boltcli.errors.ArgumentError`
    (``row 3: ...``), :class:`~boltcli.errors.DestinationExists`,
    :class:`~boltcli.errors.DestinationError`, and what ``rows`` raises; then
    there is no file.
    """
    with Destination(path, replace=replace, sync=sync) as destination:
        done = write_rows(rows, destination, page_size=page_size, fill_percent=fill_percent)
        destination.commit()
    return done


def write_rows(rows: Iterable[Row], destination: Destination, *, page_size: int, fill_percent: int = 100) -> Loaded:
    """Write a database of ``rows``, as :func:`load` takes them, to ``destination``; the caller commits it."""
    if not 10 <= fill_percent <= 100:
        raise ArgumentError(f"fill percent {fill_percent} is not between 10 and 100")
    content = _RowContent(rows)
    try:
        return write_content(content.events(), destination, content.sequence, page_size, fill_percent)
    except Misplaced as misplaced:
        raise ArgumentError(f"row {content.number + misplaced.index}: {misplaced}") from None


def write_content(
    events: Iterable[Event], destination: Destination, sequence: int, page_size: int, fill_percent: int = 100
) -> Loaded:
    """Write a database of ``events`` to ``destination``; ``sequence`` is that of the root bucket. Raises Misplaced."""
    writer = DenseWriter(destination.fd, page_size, fill_percent, sequence)
    try:
        pairs, buckets = write(in_order(events), writer)
    except OSError as error:
        raise DestinationError("write", destination.path, error) from error
    return Loaded(pairs, buckets, writer.size)


class _RowContent:
    """Rows as a stream of content; ``number`` is that of the row with which its last event began."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.number = 1
        self.sequence = 0  # of the root bucket: the first row has it
        self._rows = iter(rows)
        first = next(self._rows, None)
        if first is not None and len(first) == 2 and not first[0]:
            self.sequence = first[1]
            self.number = 2
        elif first is not None:
            self._rows = chain((first,), self._rows)
        self._path: list[bytes] = []  # of the innermost open bucket
        self._keys: list[bytes] = []
        self._values: list[bytes] = []
        self._bytes = 0

    def events(self) -> Iterator[Event]:
        """Yield the content. Raises :class:`Misplaced`, and what the rows raise."""
        number = self.number
        try:
            for row in self._rows:
                path = row[0]
                if len(row) == 3 and isinstance(row[1], bytes) and list(path) == self._path:
                    yield from self._pair(number, row[1], row[2])
                    number += 1
                    continue
                yield from self._flush()
                self.number = number
                if len(row) == 2:
                    if not path:
                        raise Misplaced("the root bucket must come first")
                    yield from self._go(path[:-1])
                    yield self._enter(path[-1], row[1])
                    number += 1
                    continue
                yield from self._go(path)
                if isinstance(row[1], bytes):
                    yield from self._pair(number, row[1], row[2])
                    number += 1
                    continue
                keys, values = row[1], row[2]
                if not keys:
                    raise Misplaced("no pairs at all")
                yield Pairs(keys, values)
                number += len(keys)
        except BoltError:
            yield from self._flush()  # what is wrong with the rows before it is said first
            raise
        yield from self._flush()
        yield from self._go(())

    def _pair(self, number: int, key: bytes, value: bytes) -> Iterator[Event]:
        if not self._keys:
            self.number = number
        self._keys.append(key)
        self._values.append(value)
        self._bytes += len(key) + len(value)
        if len(self._keys) == _BATCH or self._bytes >= _BATCH_BYTES:
            yield from self._flush()

    def _flush(self) -> Iterator[Event]:
        if self._keys:
            yield Pairs(self._keys, self._values)
            self._keys, self._values, self._bytes = [], [], 0

    def _go(self, path: Path) -> Iterator[Event]:
        """Make ``path`` the innermost open bucket."""
        if len(path) == len(self._path) and list(path) == self._path:
            return
        common = 0
        for name, wanted in zip(self._path, path):
            if name != wanted:
                break
            common += 1
        while len(self._path) > common:
            self._path.pop()
            yield LEAVE
        for name in path[common:]:
            yield self._enter(name, 0)

    def _enter(self, name: bytes, sequence: int) -> Enter:
        if len(self._path) > MAX_NESTING:
            raise Misplaced(f"buckets are nested deeper than {MAX_NESTING} levels")
        self._path.append(name)
        return Enter(name, sequence)
