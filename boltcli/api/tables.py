"""Databases as tables: SQL over them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack
from weakref import finalize

from ..errors import ArgumentError
from ..ops.read.content import EVERYTHING, Bounds
from ..progress import portion
from ..tables.relations import Relation, TableFile
from ..tables.relations import relations as relations_of
from ..tree.bucket import as_bytes, bucket_path
from ..tree.walk import bounds
from . import as_list, for_path, growing, opened, while_open

if TYPE_CHECKING:
    from ..results.arrow import RecordBatchReader
    from . import Given, Opening, Progress

    Names = bytes | str | Sequence[bytes | str]
    Warn = Callable[[str, str], object]

__all__ = ["relations", "sql"]


def sql(
    statement: str, sources: Given | Iterable[Given] = (), *, bucket: Names | None = None, prefix: bytes | str = b"",
    start: bytes | str = b"", stop: bytes | str | None = None, allow_files: bool = False, warn: Warn | None = None,
    progress: Progress | None = None, **opening: Unpack[Opening],
) -> RecordBatchReader | None:  # fmt: skip
    """Run a SQL statement over databases, and return its result, which is read as it goes; None if it has none.

    ``sources`` are paths or open databases, one or several; each relation has the rows of all. ``bucket``, a name or a
    path, limits what is read of ``pairs`` to that bucket and the buckets in it, and ``prefix``, ``start`` and ``stop``
    to a range of its keys. Without ``allow_files`` the statement can use no files, extensions and settings of DuckDB.
    ``warn(path, message)`` is called with what is to be said about a file, ``progress(done, total)`` with pages, of
    several files with shares. Files are closed once all is read, or the result is gone. The other arguments are those
    of :func:`boltcli.open`.

    Raises what that raises, ArgumentError for a wrong statement, BucketNotFound, MissingExtra without duckdb and
    pyarrow, and Corrupted and DatabaseClosed, those also while reading.

    >>> import boltcli
    >>> one, two = "fixtures/bacalhau-compute-1.4.db", "fixtures/bacalhau-compute-1.5.db"
    >>> found = boltcli.sql("SELECT count(*) AS pairs FROM pairs GROUP BY path ORDER BY pairs", [one, two])
    >>> found.read_all().to_pylist()
    [{'pairs': 1110}, {'pairs': 1488}]
    """
    from ..results.arrow import pyarrow
    from ..tables.duck import Session

    if bucket is None and (prefix or start or stop is not None):
        raise ArgumentError("prefix, start and stop need a bucket, whose keys they limit")
    first, last = bounds(as_bytes(prefix), as_bytes(start), None if stop is None else as_bytes(stop))
    wanted = EVERYTHING if bucket is None else Bounds(bucket_path(bucket), start=first, stop=last)
    each = as_list(sources)
    stack = ExitStack()
    try:
        session = Session(_files(each, stack, opening, warn, progress), bounds=wanted, allow_files=allow_files)
        stack.enter_context(session.connection)
        schema, batches = session.run(statement)
    except BaseException:
        stack.close()
        raise
    if schema is None:
        stack.close()
        return None
    parts = _until_closed(batches, each, stack)
    found: RecordBatchReader = pyarrow().RecordBatchReader.from_batches(schema, parts)
    finalize(found, stack.close)
    return found


def relations(sources: Given | Iterable[Given], **opening: Unpack[Opening]) -> dict[str, Relation]:
    """Return the relations of databases by name: those that every database has, and the views of their applications.

    Raises what :func:`boltcli.open` raises.
    """
    with ExitStack() as stack:
        return relations_of(_files(as_list(sources), stack, opening))


def _files(
    sources: Sequence[Given], stack: ExitStack, opening: Opening, warn: Warn | None = None,
    progress: Progress | None = None,
) -> list[TableFile]:  # fmt: skip
    found, progress = [], growing(progress)
    for number, source in enumerate(sources):
        snapshot = stack.enter_context(opened(source, for_path(source, opening)))
        tell = None if warn is None else partial(warn, snapshot.path)
        shown = portion(progress, number / len(sources), (number + 1) / len(sources))
        found.append(TableFile(snapshot.path, snapshot, tell, shown))
    return found


def _until_closed(batches: Iterator[Any], sources: Sequence[Given], stack: ExitStack) -> Iterator[Any]:
    """Yield batches while the databases among the sources are open, then close what was opened."""
    for source in sources:
        batches = while_open(source, batches)
    with stack:
        yield from batches
