"""The Python library: open a file; a database with all that can be asked of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from .api import open_snapshot, source_of
from .api import read as read_state
from .database import Bucket
from .database import Database as Reading
from .errors import ArgumentError
from .format.page import type_name
from .ops.check.database_check import file_warnings
from .ops.read.content import EVERYTHING, Bounds
from .ops.space.pages import FREE, page_rows
from .results.view_rows import ViewRows
from .storage.live import newer_state
from .storage.source import LOCK_PATIENCE
from .tree.bucket import as_bytes, bucket_path, find_bucket
from .tree.page_map import free_pages

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from .api import Opening
    from .api.check import Findings
    from .api.compare import Changes
    from .apps.contract import Audit
    from .apps.registry import Recognised
    from .ops.stats import BucketStats
    from .results.arrow import RecordBatchReader
    from .storage.given import Content
    from .storage.snapshot import Snapshot
    from .storage.source import Way
    from .tables.duck import Connection

    Path = str | os.PathLike[str]

__all__ = ["Bucket", "Database", "PageRow", "ViewRows", "open", "view"]

T = TypeVar("T")


def open(
    path: Path | Content, *, lock: Way = "auto", timeout: float = LOCK_PATIENCE, previous: bool = False,
    offset: int = 0,
) -> Database:  # fmt: skip
    """Open the database file at ``path`` for reading, or the one in a program's data directory.

    ``path`` may also be the database's bytes, or a binary file, which is neither closed nor moved, and not locked: an
    open file of the system is read where it is, any other as a whole, from its beginning if it can seek.

    ``lock`` says what to do if another process holds bbolt's lock: ``auto`` waits ``timeout`` seconds (0: for ever),
    then reads without the lock; ``wait`` then fails; ``try`` doesn't wait and reads without the lock; ``none`` doesn't
    lock. Without the lock a private copy of one state is opened, in memory or, above 64 MiB, in a temporary file;
    :func:`view` doesn't need the copy. ``previous`` opens the state before the last transaction, ``offset`` the
    database that begins at that byte of the file.

    Raises SourceNotFound, OpenError, InvalidDatabase or, if the file is written to too fast to be copied, Changed. Use
    it in a ``with`` statement, or call :meth:`Database.close`.
    """
    opening: Opening = {"lock": lock, "timeout": timeout, "previous": previous, "offset": offset}

    def newer(before: Snapshot) -> Snapshot | None:
        # A writer that had the lock at first is not waited for again.
        way: Way = "try" if lock == "auto" and not before.locked else lock
        source, _ = source_of(path, {**opening, "lock": way})
        return newer_state(source, before, previous=previous)

    state = open_snapshot(path, opening)
    return Database(state, owns=True, newer=newer if isinstance(path, (str, os.PathLike)) else None)


def view(
    path: Path | Content,
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
    opening: Opening = {"lock": lock, "timeout": timeout, "previous": previous, "offset": offset}
    return read_state(path, lambda snapshot: read(Database(snapshot)), opening)


class PageRow(NamedTuple):
    """A page: its id, type (free, branch, leaf, meta, freelist), number of elements and of overflow pages."""

    page: int
    type: str
    elements: int
    overflow: int


class Database(Reading):
    """An open database: its root bucket, which holds the top-level buckets. See :func:`open`."""

    def __init__(
        self, snapshot: Snapshot, *, owns: bool = False, newer: Callable[[Snapshot], Snapshot | None] | None = None
    ) -> None:
        """With ``owns`` the file is closed, with a ResourceWarning, when the last reference to this is gone.

        ``newer(snapshot)`` returns the newest state if it is another one, else None.
        """
        super().__init__(snapshot)
        self._owns = owns
        self._newer = newer

    def refresh(self) -> bool:
        """Move to the newest transaction of the file at the path; return whether it is another one than before.

        Buckets that were taken before show the new state from then on; iterators that were begun before raise Changed.
        With the lock there can't be another transaction, except in another file that was moved to the path. Raises what
        :func:`open` raises, and then nothing has changed, and ArgumentError unless this was opened by its path.
        """
        before = self._snapshot
        if self._newer is None:
            raise ArgumentError("only a database that was opened by its path can be refreshed")
        found = self._newer(before)
        if found is None:
            return False
        self._move(found)
        before.close()
        return True

    def close(self) -> None:
        """Unmap the file and release its lock; its buckets can't be read any more."""
        self._file.close()

    def __enter__(self) -> Database:
        self._snapshot  # noqa: B018 - raises if it is closed
        return self

    def __exit__(self, *error: Any) -> None:
        if not self.closed:
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

    def _repr_html_(self) -> str:
        from .results.notebook import elements, facts, page

        if self.closed:
            return page(repr(self)[1:-1])
        known = self.application
        about = facts(
            transaction=self.txid, page_size=f"{self.page_size} bytes", application=known or "not known",
            warnings="; ".join(self.warnings) or "none",
        )  # fmt: skip
        return page(self.path, about, elements(self.range()))

    @property
    def warnings(self) -> list[str]:
        """Warnings about a file whose database is sound: an invalid meta page, an unexpected length."""
        return list(file_warnings(self._snapshot))

    @property
    def locked(self) -> bool:
        """Whether this process holds the shared lock; if not, this is a private copy or belongs to :func:`view`."""
        return self._snapshot.locked

    def check(self, from_page: int = 0, *, deep: bool = False) -> Findings:
        """Yield the findings of :func:`boltcli.check`, with ``deep`` also those that bbolt's check doesn't make."""
        from .api.check import check

        return check(self, from_page, deep=deep)

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

    def changes(self, *, previous: bool = True) -> Changes:
        """Return the changes of the last transaction, or without ``previous`` those since this was opened."""
        from .api.compare import changes

        return changes(self, previous=previous)

    @property
    def application(self) -> Recognised | None:
        """The application that wrote the file: ``name``, ``layout``, ``certainty``; None if it isn't known."""
        from .apps.registry import recognised

        return recognised(self._snapshot)

    def _known(self) -> Recognised:
        found = self.application
        if found is None:
            raise ArgumentError("no known application wrote this database")
        return found

    def view(self, name: str, **options: str) -> ViewRows:
        """Return the rows of a view of the application's records: named tuples, which data frames take, too.

        Times are ``datetime`` in UTC: see :class:`ViewRows`. Raises ArgumentError if there is no such view or option.

        >>> import boltcli
        >>> with boltcli.open("fixtures/bacalhau-compute-1.4.db") as db:
        ...     [row.id for row in db.view("executions") if row.state == "Publishing"]
        ['e-1b8464a8-75db-42ca-99fe-f2b34538a9d2']
        """
        from .apps.rows import view_rows

        known = self._known()
        found = known.application.view(name)
        if found is None:
            raise ArgumentError(f"{known.application.name} has no view {name!r}")
        view_rows(found, self, options)  # raises for an option that there isn't
        return ViewRows(found.columns, lambda: self._while_open(view_rows(found, self, options)))

    def audit(self, *, now: datetime | None = None, older_than: timedelta | None = None) -> Audit:
        """Audit the application's records; see :func:`boltcli.audit`. Raises ArgumentError."""
        from .api.audit import audit

        return audit(self, now=now, older_than=older_than)

    def stats(self, prefix: bytes | str = b"") -> BucketStats:
        """Return the summed statistics of the top-level buckets whose name begins with ``prefix``."""
        from .ops.stats.buckets import database_stats

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
        from .results.arrow import reader, schema
        from .tables.arrow import batches
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
        """Run a SQL statement and return its result, which is read as it goes; see :func:`boltcli.sql`.

        >>> import boltcli
        >>> with boltcli.open("fixtures/document.db") as db:
        ...     table = db.sql("SELECT count(*) AS pairs FROM pairs", bucket="execution", prefix="e-9").read_all()
        >>> table.to_pylist()
        [{'pairs': 1}]
        """
        from .api.tables import sql

        return sql(statement, self, bucket=bucket, prefix=prefix, start=start, stop=stop, allow_files=allow_files)

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
