"""Write new databases: from an export, and from rows or a mapping."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import replace as replaced
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import ArgumentError
from ..format.constants import MAX_KEY_SIZE
from ..ops.read.content import Enter, Pairs, bucket_at
from ..ops.write.compact import TX_MAX_SIZE
from ..ops.write.load import Loaded, load
from ..render.json_rows import End, parsed_rows
from ..storage.files import Trying
from ..storage.opened import Read, take_stdin
from ..tree.bucket import bucket_path

if TYPE_CHECKING:
    from ..ops.read.content import Placed
    from . import Progress

    Names = bytes | str | Sequence[bytes | str]
    Path = tuple[bytes, ...]
    Row = tuple[Names, bytes | str, bytes | str]
    Content = Mapping[Any, Any]  # of names to values and to further mappings

__all__ = ["Loaded", "import_", "write"]

_SQLITE = b"SQLite format 3\0"
_ARROW = (b"PAR1", b"ARROW1")


def write(
    path: str | os.PathLike[str], rows: Iterable[Row] | Content, *, dense: bool = True, ordered: bool = False,
    sequences: Mapping[Any, int] | None = None, page_size: int = 0, fill_percent: int = 100,
    tx_max_size: int = TX_MAX_SIZE, replace: bool = False, sync: bool = True, progress: Progress | None = None,
) -> Loaded:  # fmt: skip
    """Write a new database to ``path``, which appears there when it is complete.

    ``rows`` are tuples of a bucket (a name, or a path, outermost name first), a key and a value; or a mapping of bucket
    names to mappings of keys to values or to further mappings, which are nested buckets. A str is encoded as UTF-8.
    Rows come in any order, in memory, and the last one of a key counts; ``ordered`` takes them as they come, any
    number, but in key order. ``sequences`` are those of buckets, by name or path; they are made if they have no row.

    The file is as small as possible, with pages filled up to ``fill_percent`` (10 to 100); without ``dense`` as bbolt
    would write it, in transactions of at most ``tx_max_size`` bytes (0: one). ``page_size`` is a power of two from 1024
    to 65536, 0 for the host's. ``replace`` replaces an existing file; without ``sync`` nothing is synced to the disk.
    ``progress(done, total)`` is called with pairs that are written; the total is the number of ``rows`` if these have a
    length, else 0.

    Raises ArgumentError for what no database can hold, and the errors of a destination; then nothing is written.

    >>> import boltcli, tempfile, os
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "new.db")
    ...     done = boltcli.write(path, {"users": {"ann": b"1", "more": {"bob": "2"}}}, page_size=4096)
    ...     with boltcli.open(path) as db:
    ...         print(done.pairs, done.buckets, done.size, db.bucket("users", "more")["bob"])
    2 2 20480 b'2'
    """
    numbers = {bucket_path(name): number for name, number in (sequences or {}).items()}
    for number in numbers.values():
        if not isinstance(number, int) or not 0 <= number < 1 << 64:
            raise ArgumentError(f"sequence {number!r}: must be a number of 64 bits")
    if not isinstance(tx_max_size, int):
        raise ArgumentError(f"tx_max_size {tx_max_size!r}: must be a number of bytes")
    if ordered and isinstance(rows, Mapping):
        raise ArgumentError("ordered is for rows")
    parts = _placed_rows(rows, numbers) if ordered else _sorted(rows, numbers)
    total = 0 if isinstance(rows, Mapping) or not isinstance(rows, Sized) else len(rows)
    limit = None if dense else tx_max_size
    return load(
        _shown(parts, progress, total), os.fspath(path), page_size=page_size, fill_percent=fill_percent,
        tx_max_size=limit, replace=replace, sync=sync,
    )  # fmt: skip


def _shown(parts: Iterator[Placed], progress: Progress | None, total: int) -> Iterator[Placed]:
    """Yield ``parts``, and show how many pairs these were."""
    if progress is None:
        yield from parts
        return
    done = 0
    for part in parts:
        yield part
        if isinstance(part[1], Pairs):
            done += len(part[1].keys)
            progress(done, total)


def _bytes(part: bytes | str, what: str) -> bytes:
    if isinstance(part, str):
        part = part.encode()
    if not isinstance(part, (bytes, bytearray, memoryview)):
        raise ArgumentError(f"a {what} is bytes or str, not {type(part).__name__}")
    if what == "key" and not 0 < len(part) <= MAX_KEY_SIZE:
        raise ArgumentError(f"a key of {len(part)} bytes; 1 to {MAX_KEY_SIZE} are possible")
    return bytes(part)


def _row(row: Row) -> tuple[Path, bytes, bytes]:
    try:
        bucket, key, value = row
    except (TypeError, ValueError):
        raise ArgumentError(f"a row is a bucket, a key and a value, not {row!r}") from None
    path = tuple([_bytes(name, "key") for name in bucket_path(bucket)])
    if not path:
        raise ArgumentError(f"the key {key!r} needs a bucket: bbolt puts no pairs into the root bucket")
    return path, _bytes(key, "key"), _bytes(value, "value")


def _placed_rows(rows: Iterable[Row], sequences: dict[Path, int]) -> Iterator[Placed]:
    """Yield rows that are in key order, with the buckets that begin. All ``sequences`` must be of buckets with rows."""
    left = dict(sequences)
    if () in left:
        yield bucket_at((), left.pop(()))
    last: Path = ()
    for path, group in groupby(map(_row, rows), key=itemgetter(0)):
        for depth in range(1, len(path) + 1):
            if path[:depth] != last[:depth] and path[:depth] in left:
                yield bucket_at(path[:depth], left.pop(path[:depth]))
        last = path
        for _, key, value in group:
            yield path, Pairs([key], [value])
    for path in left:
        raise ArgumentError(f"no row is in bucket {path!r}, which has a sequence")


def _sorted(rows: Iterable[Row] | Content, sequences: dict[Path, int]) -> Iterator[Placed]:
    """Yield rows, or a mapping, in key order."""
    root: dict[bytes, Any] = {}
    if isinstance(rows, Mapping):
        _gather(root, rows)
        for name, value in root.items():
            if isinstance(value, bytes):
                raise ArgumentError(f"the key {name!r} needs a bucket: bbolt puts no pairs into the root bucket")
    else:
        for path, key, value in map(_row, rows):
            bucket = _bucket(root, path)
            if isinstance(bucket.get(key), dict):
                raise ArgumentError(f"{key!r} is a bucket and a key of {path!r}")
            bucket[key] = value
    for path in sequences:
        _bucket(root, path)
    if sequences.get(()):
        yield bucket_at((), sequences[()])
    pending: list[tuple[Path, Iterator[tuple[bytes, Any]]]] = [((), iter(sorted(root.items())))]
    while pending:  # no recursion, as buckets nest deeper than Python's calls
        path, items = pending[-1]
        for name, value in items:
            if isinstance(value, dict):
                inner = (*path, name)
                yield bucket_at(inner, sequences.get(inner, 0))
                pending.append((inner, iter(sorted(value.items()))))
                break
            yield path, Pairs([name], [value])
        else:
            pending.pop()


def _bucket(root: dict[bytes, Any], path: Path) -> dict[bytes, Any]:
    for depth, name in enumerate(path, 1):
        root = root.setdefault(name, {})
        if not isinstance(root, dict):
            raise ArgumentError(f"{path[:depth]!r} is a bucket and a key")
    return root


def _gather(into: dict[bytes, Any], content: Content) -> None:
    """Copy a mapping, keys and values as bytes."""
    pending = [(into, content)]
    while pending:
        bucket, given = pending.pop()
        for name, value in given.items():
            key = _bytes(name, "key")
            if key in bucket:
                raise ArgumentError(f"the key {key!r} is there twice, as bytes and as text")
            if isinstance(value, Mapping):
                bucket[key] = {}
                pending.append((bucket[key], value))
            else:
                bucket[key] = _bytes(value, "value")


def import_(
    source: str | os.PathLike[str] | BinaryIO, destination: str | os.PathLike[str], *, partial: bool = False,
    page_size: int = 0, fill_percent: int = 100, replace: bool = False, sync: bool = True,
    progress: Progress | None = None,
) -> Loaded:  # fmt: skip
    """Make a database, as small as possible, from a file that :func:`boltcli.export` wrote.

    ``source`` is the path of lines of JSON, SQLite, Parquet or Arrow, "-" for lines on standard input, or a binary
    stream of lines. ``partial`` accepts an export that was cut short or ended with an error; then ``warnings`` of the
    result say so. ``progress(done, total)`` is called with bytes of the source, of a stream
    with pairs and 0. The other arguments are those of :func:`boltcli.write`.

    Raises OpenError if it can't be read, ArgumentError, MissingExtra and the errors of a destination; then nothing is
    written.

    >>> import boltcli, io, os, tempfile
    >>> lines = io.BytesIO()
    >>> counts = boltcli.export("fixtures/document.db", lines)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = boltcli.import_(io.BytesIO(lines.getvalue()), os.path.join(folder, "new.db"))
    >>> (done.pairs, done.buckets) == (counts["pairs"], counts["buckets"])
    True
    """
    warnings: list[str] = []
    given = os.fspath(source) if isinstance(source, (str, os.PathLike)) else source
    if not (isinstance(given, str) or hasattr(given, "read")):
        raise ArgumentError(f"the path of an export or a binary stream is needed, not {type(given).__name__}")
    with Read(given, database=False):
        done = load(
            _rows(given, partial, warnings, progress), os.fspath(destination), page_size=page_size,
            fill_percent=fill_percent, replace=replace, sync=sync,
        )  # fmt: skip
    return replaced(done, warnings=tuple(warnings))


def _rows(source: str | BinaryIO, partial: bool, warnings: list[str], progress: Progress | None) -> Iterator[Placed]:
    """Yield the rows of the source; its first bytes show the format: lines of JSON, SQLite, Parquet, Arrow."""
    if not isinstance(source, str):
        yield from _parsed(source, 0, partial, warnings, progress)
        return
    size = 0

    def shown(rows: int, total: int) -> None:
        if progress is not None:
            progress(size * rows // total if total else 0, size)

    with Trying("read", source):
        if source == "-":
            take_stdin("an export", "-")
        with sys.stdin.buffer if source == "-" else open(source, "rb") as file:
            magic = b"" if source == "-" else file.read(len(_SQLITE))
            size = os.fstat(file.fileno()).st_size if magic else 0
            if magic == _SQLITE:
                from ..tables.sqlite_file import read_rows as from_sqlite

                yield from from_sqlite(source, shown)
            elif magic.startswith(_ARROW):
                from ..tables.arrow import read_rows as from_arrow

                yield from from_arrow(source, shown)
            else:
                if magic:
                    file.seek(0)
                yield from _parsed(file, size, partial, warnings, progress)


def _parsed(
    file: BinaryIO, size: int, partial: bool, warnings: list[str], progress: Progress | None
) -> Iterator[Placed]:
    """Yield the rows in lines of JSON, up to the last line of an export; skip empty lines.

    Raises :class:`~boltcli.errors.ArgumentError` if the last line is missing or has other counts; with --partial
    this is a warning.
    """
    pairs = buckets = 0
    counted = True  # the output of deleted has no last line with counts
    end: End | None = None
    for said, line in parsed_rows(file):
        if not pairs and b'"certainty":' in line:
            counted = False
        if isinstance(said, End):
            end = said
            continue
        path, event = said
        if isinstance(event, Enter):
            buckets += bool(path)
        else:
            pairs += len(event.keys)
        if progress is not None:
            progress(file.tell() if size else pairs, size)
        yield said
    problem = _problem(end, pairs, buckets) if counted or end is not None else ""
    if problem and not partial:
        raise ArgumentError(f"{problem}; --partial imports the {pairs} pairs that it has")
    if problem:
        warnings.append(f"{problem}; imported the {pairs} pairs that it has")


def _problem(end: End | None, pairs: int, buckets: int) -> str:
    if end is None:
        return "the export has no last line with counts: it was cut short"
    if end.error is not None:
        return f"the export ended with an error: {end.error}"
    if (end.pairs, end.buckets) != (pairs, buckets):
        return f"its last line counts {end.pairs} pairs in {end.buckets} buckets, but it has {pairs} in {buckets}"
    return ""
