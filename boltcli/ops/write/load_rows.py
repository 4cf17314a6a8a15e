"""Write a new, dense database from a stream of buckets and pairs."""

from __future__ import annotations

from ...errors import ArgumentError, DestinationError
from ...format.bucket import MAX_NESTING
from ...format.constants import ELEMENT_SIZE, MAX_KEY_SIZE
from ...format.page import ascend
from ...storage.destination import Destination
from .compact.dense import Dense
from .compact.leaf_slices import elements
from .compact.source_reader import Child

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    # Of a bucket: its path and its sequence. Of a pair: the path of its bucket, its key, its value. Of many pairs
    # of one bucket: its path, their keys, their values; or the first key, the last one, their number, and table and
    # data of a leaf page of them, where the keys ascend and no value is large.
    Path = tuple[bytes, ...]
    Packed = tuple[Path, bytes, bytes, int, bytes]
    Row = tuple[Path, int] | tuple[Path, bytes, bytes] | tuple[Path, list[bytes], list[bytes]] | Packed

MAX_VALUE_SIZE = (1 << 31) - 2  # bytes; bbolt refuses longer values
_BATCH = 256  # pairs that are laid out together
_BATCH_BYTES = 1 << 16
_LARGE = 1 << 20  # bytes; a larger value is written directly, not laid out with others


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
    writer = Dense(destination.fd, page_size, fill_percent)
    loader = _Loader(writer)
    number = 0
    try:
        for row in rows:
            number += 1
            if len(row) == 2:
                loader.bucket(*row)
            elif len(row) == 5:
                loader.packed(*row)
                number += row[3] - 1
            else:
                path, key, value = row
                if isinstance(key, bytes):
                    loader.pair(path, key, value)  # type: ignore[arg-type]
                else:
                    loader.many(path, key, value)  # type: ignore[arg-type]
                    number += len(key) - 1
        loader.finish()
    except _Refused as refused:
        raise ArgumentError(f"row {number + refused.rows}: {refused}") from None
    except OSError as error:
        raise DestinationError("write", destination.path, error) from error
    return Loaded(loader.pairs, loader.buckets, writer.size)


class _Refused(Exception):
    """A row is not valid at its place; ``rows`` is the number of rows of its batch before it."""

    rows = 0


class _Loader:
    """Passes the rows to a writer, bucket by bucket."""

    def __init__(self, writer: Dense) -> None:
        self.writer = writer
        self.pairs = 0
        self.buckets = 0
        self._path: list[bytes] = []  # the path of the innermost open bucket
        self._last = [b""]  # the last key in each open bucket, beginning with the root bucket
        self._keys: list[bytes] = []
        self._values: list[bytes] = []
        self._bytes = 0

    def bucket(self, path: tuple[bytes, ...], sequence: int) -> None:
        """Add a bucket, which must be a new one."""
        if not path:
            if self.buckets:
                raise _Refused("the root bucket must come first")
            self.writer.sequence = sequence
            return
        self._go(path[:-1])
        self._enter(path[-1], sequence)

    def pair(self, path: tuple[bytes, ...], key: bytes, value: bytes) -> None:
        """Add a pair to a bucket, which is created if it doesn't exist."""
        if len(value) > MAX_VALUE_SIZE:
            raise _Refused(f"a value of {len(value)} bytes; {MAX_VALUE_SIZE} are the most")
        self._go(path)
        self._ascend(key)
        if len(value) > _LARGE:
            self._flush()
            self.writer.large(key, value)
            self.pairs += 1
            return
        self._keys.append(key)
        self._values.append(value)
        self._bytes += len(key) + len(value)
        self.pairs += 1
        if len(self._keys) == _BATCH or self._bytes >= _BATCH_BYTES:
            self._flush()

    def many(self, path: Path, keys: list[bytes], values: list[bytes]) -> None:
        """Add many pairs of a bucket at once, which is faster than :meth:`pair` for each."""
        if not keys:
            raise _Refused("no pairs at all")
        self._go(path)
        sizes = list(map(len, keys))
        if not (
            keys[0] > self._last[-1]
            and ascend(keys)
            and 0 < min(sizes) <= max(sizes) <= MAX_KEY_SIZE
            and max(map(len, values)) <= _LARGE
        ):
            for row, (key, value) in enumerate(zip(keys, values)):
                try:
                    self.pair(path, key, value)
                except _Refused as refused:
                    refused.rows = row
                    raise
            return
        self._flush()
        self.writer.pairs([elements([0] * len(keys), keys, values)])
        self._last[-1] = keys[-1]
        self.pairs += len(keys)

    def packed(self, path: Path, first: bytes, last: bytes, count: int, data: bytes) -> None:
        """The same, laid out already."""
        self._go(path)
        self._ascend(first)
        self._flush()
        table = ELEMENT_SIZE * count
        self.writer.pairs([(data, 0, count, table, len(data) - table)])
        self._last[-1] = last
        self.pairs += count

    def finish(self) -> None:
        """Write the last pairs."""
        self._go(())
        self._flush()  # pairs of the root bucket itself
        self.writer.finish()

    def _go(self, path: tuple[bytes, ...]) -> None:
        """Make ``path`` the innermost open bucket."""
        if len(path) == len(self._path) and list(path) == self._path:
            return
        common = 0
        for name, wanted in zip(self._path, path):
            if name != wanted:
                break
            common += 1
        self._flush()
        while len(self._path) > common:
            self._path.pop()
            self._last.pop()
            self.writer.leave()
        for name in path[common:]:
            self._enter(name, 0)

    def _enter(self, name: bytes, sequence: int) -> None:
        self._ascend(name)
        if len(self._path) > MAX_NESTING:
            raise _Refused(f"buckets are nested deeper than {MAX_NESTING} levels")
        self._flush()
        self.writer.enter(Child(name, sequence, iter(())))
        self._path.append(name)
        self._last.append(b"")
        self.buckets += 1

    def _ascend(self, key: bytes) -> None:
        if not 0 < len(key) <= MAX_KEY_SIZE:
            raise _Refused(f"a key of {len(key)} bytes; 1 to {MAX_KEY_SIZE} are possible")
        if key <= self._last[-1]:
            raise _Refused(f"the key {key[:40]!r} isn't above the one before it in its bucket, {self._last[-1][:40]!r}")
        self._last[-1] = key

    def _flush(self) -> None:
        if self._keys:
            self.writer.pairs([elements([0] * len(self._keys), self._keys, self._values)])
            self._keys, self._values, self._bytes = [], [], 0
