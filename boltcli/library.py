"""The Python library: open a file, compact it; a database with all that can be asked of it."""

from __future__ import annotations

import os
import sys
import time
from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from .apps.contract import Audit, AuditOptions, Column
from .apps.registry import Recognised, recognised
from .apps.rows import view_rows
from .comparison import changes
from .database import Bucket, as_bytes
from .database import Database as Reading
from .errors import ArgumentError, MissingExtra
from .format.page import type_name
from .ops.check.database_check import check, file_warnings
from .ops.check.deep_check import deep_check
from .ops.check.findings import Finding
from .ops.read.content import EVERYTHING, Bounds
from .ops.space.pages import FREE, page_rows
from .ops.stats import BucketStats
from .ops.stats.buckets import database_stats
from .ops.write.compact import FILL_PERCENT, TX_MAX_SIZE, Compaction
from .ops.write.compact import compact as compact_snapshot
from .storage.live import Live, open_state
from .storage.source import LOCK_PATIENCE, at_offset, open_source
from .tree.bucket import bucket_path, find_bucket
from .tree.page_map import free_pages
from .tree.walk import bounds

if TYPE_CHECKING:
    from .ops.compare.change import Change
    from .storage.snapshot import Snapshot
    from .storage.source import Source, Way
    from .tables.arrow import RecordBatchReader
    from .tables.duck import Connection

__all__ = ["Bucket", "Database", "PageRow", "ViewRows", "compact", "open", "view"]

T = TypeVar("T")


def open(
    path: str | os.PathLike[str], *, lock: Way = "auto", timeout: float = LOCK_PATIENCE, previous: bool = False,
    offset: int = 0,
) -> Database:  # fmt: skip
    """Open the database file at ``path`` for reading, or the one in a program's data directory.

    ``lock`` says what to do if another process holds bbolt's lock: ``auto`` waits ``timeout`` seconds (0: for ever),
    then reads without the lock; ``wait`` then fails; ``try`` doesn't wait and reads without the lock; ``none`` doesn't
    lock. Without the lock a private copy of one state is opened, in memory or, above 64 MiB, in a temporary file;
    :func:`view` doesn't need the copy. ``previous`` opens the state before the last transaction, ``offset`` the
    database that begins at that byte of the file.

    Raises SourceNotFound, OpenError, InvalidDatabase or, if the file is written to too fast to be copied, Changed. Use
    it in a ``with`` statement, or call :meth:`Database.close`.
    """
    return Database(open_state(_source(path, lock, timeout, offset), previous=previous), owns=True)


def _source(path: str | os.PathLike[str], lock: Way, timeout: float, offset: int) -> Source:
    """Open a file, or the database in a program's data directory."""
    from .fleet.find import resolved

    return open_source(at_offset(resolved(os.fspath(path)), offset), lock, timeout)


def view(
    path: str | os.PathLike[str],
    read: Callable[[Database], T],
    *,
    lock: Way = "auto",
    timeout: float = LOCK_PATIENCE,
    previous: bool = False,
    offset: int = 0,
) -> T:
    """Call ``read`` with the open database and return its result; the other arguments are those of :func:`open`.

    Without the lock ``read`` is called again if the database was written to in the meantime, so it must have no side
    effects. It must not return the database or a bucket, as they are closed afterwards.
    """
    with Live(_source(path, lock, timeout, offset), previous=previous) as live:
        return live.read(lambda snapshot: read(Database(snapshot)))


def compact(
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    *,
    tx_max_size: int = TX_MAX_SIZE,
    dense: bool = False,
    page_size: int = 0,
    fill_percent: int = FILL_PERCENT,
    replace: bool = False,
    sync: bool = True,
    progress: Callable[[int, int], None] | None = None,
    lock: Way = "auto",
    timeout: float = LOCK_PATIENCE,
    previous: bool = False,
    offset: int = 0,
) -> Compaction:
    """Write a copy of the database ``source`` without its free pages to ``destination``.

    It is the file that ``bbolt compact`` writes with transactions of at most ``tx_max_size`` bytes (0: one
    transaction); ``dense`` writes the smallest file instead, with pages filled up to ``fill_percent`` (10 to 100).
    ``page_size`` is that of the copy: a power of two from 1024 to 65536, 0 for the host's. ``replace`` replaces an
    existing file; without ``sync`` nothing is synced to the disk. ``progress(done, total)`` is called with pages of the
    source. The other arguments are those of :func:`open`: the source may be in use.

    Raises what :func:`open` raises, DamagedSource or Corrupted, DestinationExists, DestinationIsSource,
    DestinationError and ArgumentError; then no copy is written. It appears only when it is complete.

    >>> import boltcli, tempfile, os
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = boltcli.compact("fixtures/document.db", os.path.join(folder, "copy.db"), dense=True, page_size=4096)
    >>> done.source_size, done.size, done.pairs, done.buckets
    (262144, 32768, 21, 11)
    """
    if not isinstance(tx_max_size, int) or tx_max_size < 0:
        raise ArgumentError(f"tx_max_size {tx_max_size!r}: must be a number of bytes, 0 or more")
    with Live(_source(source, lock, timeout, offset), previous=previous) as live:
        return live.read(
            lambda snapshot: compact_snapshot(
                snapshot,
                os.fspath(destination),
                tx_max_size=tx_max_size,
                dense=dense,
                page_size=page_size,
                fill_percent=fill_percent,
                replace=replace,
                sync=sync,
                progress=progress,
            )
        )


class PageRow(NamedTuple):
    """A page: its id, type (free, branch, leaf, meta, freelist), number of elements and of overflow pages."""

    page: int
    type: str
    elements: int
    overflow: int


class Database(Reading):
    """An open database: its root bucket, which holds the top-level buckets. See :func:`open`."""

    def __init__(self, snapshot: Snapshot, *, owns: bool = False) -> None:
        """With ``owns`` the file is closed, with a ResourceWarning, when the last reference to this is gone."""
        super().__init__(snapshot)
        self._owns = owns

    def close(self) -> None:
        """Unmap the file and release its lock; its buckets can't be read any more."""
        self._file.close()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *error: Any) -> None:
        self._file.__exit__(*error)

    def __del__(self) -> None:
        # When the interpreter ends modules can't be imported any more; the system closes the file.
        if not getattr(self, "_owns", False) or self._file.closed or sys is None or sys.is_finalizing():
            return
        try:
            import warnings

            warnings.warn(f"unclosed database {self.path!r}", ResourceWarning, stacklevel=2, source=self)
        finally:
            self._file.close()

    def __repr__(self) -> str:
        if self.closed:
            return f"<Database {self.path!r}, closed>"
        lock = "locked" if self.locked else "not locked"
        return f"<Database {self.path!r}: transaction {self.txid}, pages of {self.page_size} bytes, {lock}>"

    @property
    def warnings(self) -> list[str]:
        """Warnings about a file whose database is sound: an invalid meta page, an unexpected length."""
        return list(file_warnings(self._snapshot))

    @property
    def locked(self) -> bool:
        """Whether this process holds the shared lock; if not, this is a private copy or belongs to :func:`view`."""
        return self._snapshot.locked

    def check(self, from_page: int = 0, *, deep: bool = False) -> Iterator[Finding]:
        """Yield the findings of ``boltcli check``, with ``deep`` also those that bbolt's check doesn't make."""
        if not deep:
            return self._while_open(check(self._snapshot, from_page))
        if from_page:
            raise ArgumentError("a deep check reads the whole file: leave out from_page")
        return self._while_open(deep_check(self._snapshot))

    def pages(self) -> Iterator[PageRow]:
        """Yield all pages below the high-water mark, as ``boltcli pages`` lists them, without overflow pages.

        >>> import boltcli
        >>> with boltcli.open("fixtures/document.db") as db:
        ...     [row.page for row in db.pages() if row.type == "free"]
        [3, 7, 8]
        """
        for rows in self._while_open(page_rows(self._snapshot, free_pages(self._snapshot))):
            for page, head in rows:
                if head == FREE:
                    yield PageRow(page, "free", 0, 0)
                else:
                    yield PageRow(page, type_name(head & 0xFFFF), head >> 16 & 0xFFFF, head >> 32)

    def changes(self, *, previous: bool = True) -> Iterator[Change]:
        """Yield the changes of the last transaction, or without ``previous`` those since this was opened."""
        return self._while_open(changes(self._snapshot, previous=previous))

    @property
    def application(self) -> Recognised | None:
        """The application that wrote the file: ``name``, ``layout``, ``certainty``; None if it isn't known."""
        return recognised(self._snapshot)

    def _known(self) -> Recognised:
        found = self.application
        if found is None:
            raise ArgumentError("no known application wrote this database")
        return found

    def view(self, name: str, **options: str) -> ViewRows:
        """Return the rows of a view of the application's records, as named tuples; times are nanoseconds since 1970.

        ``to_pandas()`` of the result makes a data frame. Raises ArgumentError if there is no such view or option.

        >>> import boltcli
        >>> with boltcli.open("fixtures/bacalhau-compute-1.4.db") as db:
        ...     [row.id for row in db.view("executions") if row.state == "Publishing"]
        ['e-1b8464a8-75db-42ca-99fe-f2b34538a9d2']
        """
        known = self._known()
        found = known.application.view(name)
        if found is None:
            raise ArgumentError(f"{known.application.name} has no view {name!r}")
        row = namedtuple("Row", [column.name for column in found.columns], rename=True)  # type: ignore[misc]
        rows: Iterator[Any] = map(row._make, view_rows(found, self, options))
        return ViewRows(self._while_open(rows), found.columns)

    def audit(self, *, now: int | None = None, older_than: int | None = None) -> Audit:
        """Audit the application's records: answers by name, and findings with remedies. Raises ArgumentError.

        ``now``: nanoseconds since 1970, None for the current time. ``older_than``: an age in nanoseconds.
        """
        application = self._known().application
        found = application.audit(self, AuditOptions(time.time_ns() if now is None else now, older_than))
        if found is None:
            raise ArgumentError(f"{application.name} has no audit")
        return found

    def stats(self, prefix: bytes | str = b"") -> BucketStats:
        """Return the summed statistics of the top-level buckets whose name begins with ``prefix``."""
        return database_stats(self._snapshot, as_bytes(prefix))[1]

    def arrow(
        self,
        relation: str = "pairs",
        *,
        columns: Sequence[str] | None = None,
        bucket: bytes | str | Sequence[bytes | str] | None = None,
        wide: bool = False,
    ) -> RecordBatchReader:
        """Return a relation or a view as a ``pyarrow.RecordBatchReader``, which reads as it goes, a few MB at a time.

        ``columns`` selects columns and their order; values are read only if one needs them. ``bucket``, a name or a
        path, limits ``pairs`` to one bucket. ``wide`` makes integers decimals, for unsigned 64-bit values above 2^63.
        Raises ArgumentError (also while reading, for such a value), BucketNotFound, MissingExtra without pyarrow, and
        Corrupted and DatabaseClosed while reading.

        >>> import boltcli
        >>> with boltcli.open("fixtures/document.db") as db:
        ...     table = db.arrow(columns=["key_text"], bucket=["execution"]).read_all()
        >>> table.num_rows, table.column_names
        (4, ['key_text'])
        """
        from .tables.arrow import batches, reader, schema
        from .tables.relations import TableFile, relations

        file = TableFile(self.path, self._snapshot)
        known = relations([file])
        if relation not in known:
            raise ArgumentError(f"there is no relation {relation!r}; this file has: {', '.join(known)}")
        found = known[relation]
        names = [column.name for column in found.columns]
        for name in columns or ():
            if name not in names:
                raise ArgumentError(f"{relation} has no column {name!r}: it has {', '.join(names)}")
        bounds = EVERYTHING
        if bucket is not None:
            if relation != "pairs":
                raise ArgumentError("only pairs can be restricted to a bucket")
            path = bucket_path(bucket)
            find_bucket(file.snapshot, path)
            bounds = Bounds(path, exact=True)
        parts = batches(found, [file], columns, bounds, wide=wide)
        return reader(schema(found.columns, wide=wide), self._while_open(parts), columns)

    def sql(
        self,
        statement: str,
        *,
        bucket: bytes | str | Sequence[bytes | str] | None = None,
        prefix: bytes | str = b"",
        start: bytes | str = b"",
        stop: bytes | str | None = None,
        allow_files: bool = False,
    ) -> RecordBatchReader | None:
        """Run a SQL statement and return its result, which is read as it goes; None if it has none.

        ``bucket``, a name or a path, limits what is read of ``pairs`` to that bucket and the buckets in it, and
        ``prefix``, ``start`` and ``stop`` to a range of its keys. Without ``allow_files`` the statement can use no
        files, extensions and settings of DuckDB. Raises ArgumentError for a wrong statement, BucketNotFound,
        MissingExtra without duckdb and pyarrow, and Corrupted and DatabaseClosed, those also while reading.

        >>> import boltcli
        >>> with boltcli.open("fixtures/document.db") as db:
        ...     table = db.sql("SELECT count(*) AS pairs FROM pairs", bucket="execution", prefix="e-9").read_all()
        >>> table.to_pylist()
        [{'pairs': 1}]
        """
        from .tables.arrow import pyarrow
        from .tables.duck import Session
        from .tables.relations import TableFile

        if bucket is None and (prefix or start or stop is not None):
            raise ArgumentError("prefix, start and stop need a bucket, whose keys they limit")
        first, last = bounds(as_bytes(prefix), as_bytes(start), None if stop is None else as_bytes(stop))
        wanted = EVERYTHING if bucket is None else Bounds(bucket_path(bucket), start=first, stop=last)
        session = Session([TableFile(self.path, self._snapshot)], bounds=wanted, allow_files=allow_files)
        try:
            schema, batches = session.run(statement)
        except BaseException:
            session.connection.close()
            raise
        if schema is None:
            session.connection.close()
            return None
        parts = self._while_open(session.closing(batches))
        found: RecordBatchReader = pyarrow().RecordBatchReader.from_batches(schema, parts)
        return found

    def duckdb(self, *, wide: bool = False, allow_files: bool = False) -> Connection:
        """Return a DuckDB connection of your own in which all relations of the file are tables, read when needed.

        Close it before the database. ``wide`` is as for :meth:`arrow`, ``allow_files`` as for :meth:`sql`.

        >>> import boltcli
        >>> with boltcli.open("fixtures/document.db") as db, db.duckdb() as connection:
        ...     connection.sql("SELECT count(*), count(DISTINCT bucket) FROM pairs").fetchall()
        [(21, 9)]
        """
        from .tables.duck import Session
        from .tables.relations import TableFile

        return Session([TableFile(self.path, self._snapshot)], wide=wide, allow_files=allow_files).connection


class ViewRows(Iterator[Any]):
    """The rows of a view, named tuples, as they are read; ``columns`` have their names and types."""

    def __init__(self, rows: Iterator[Any], columns: Sequence[Column]) -> None:
        self._rows = rows
        self.columns = tuple(columns)

    def __next__(self) -> Any:
        return next(self._rows)

    def to_pandas(self) -> Any:
        """Return the rows that are left as a ``pandas.DataFrame``. Raises MissingExtra without pandas.

        Times are timestamps in UTC, integers ``Int64`` (Python's own where 64 bits are too few).
        """
        try:
            import pandas
        except ImportError:
            raise MissingExtra("pandas", "", "to_pandas") from None
        rows = list(self)
        return pandas.DataFrame(
            {
                column.name: _series(pandas, [row[place] for row in rows], column.type)
                for place, column in enumerate(self.columns)
            },
            columns=[column.name for column in self.columns],
        )


def _series(pandas: Any, values: list[Any], kind: str) -> Any:
    if kind == "time":
        kept = [value if value is not None and -(1 << 63) < value < 1 << 63 else None for value in values]
        return pandas.Series(pandas.array(kept, dtype="Int64")).astype("datetime64[ns]").dt.tz_localize("UTC")
    kinds = {"integer": "Int64", "boolean": "boolean", "number": "Float64"}
    try:
        return pandas.Series(values, dtype=kinds.get(kind, object))
    except (OverflowError, TypeError, ValueError):  # integers of more than 64 bits
        return pandas.Series(values, dtype=object)
