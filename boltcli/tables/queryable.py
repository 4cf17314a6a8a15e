"""The methods of the library's ``Database`` for Arrow and DuckDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ArgumentError
from ..ops.read.content import EVERYTHING, Bounds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TypeVar

    from ..storage.snapshot import Snapshot
    from .arrow import RecordBatchReader
    from .duck import Connection
    from .relations import TableFile

    T = TypeVar("T")


class Queryable:
    """A database as relations: the ones that ``boltcli sql`` lists, of this file."""

    if TYPE_CHECKING:

        @property
        def _snapshot(self) -> Snapshot: ...

        def _while_open(self, parts: Iterator[T]) -> Iterator[T]: ...

    def _table(self) -> TableFile:
        from .relations import TableFile

        return TableFile(self._snapshot.path, self._snapshot)

    def arrow(
        self,
        relation: str = "pairs",
        *,
        columns: Sequence[str] | None = None,
        bucket: bytes | str | Sequence[bytes | str] | None = None,
        wide: bool = False,
    ) -> RecordBatchReader:
        """Return a relation or a view as a ``pyarrow.RecordBatchReader``, which reads as it goes, a few MB at a time.

        ``columns`` selects columns and their order (None: all); values are read
        only if one of them needs them. ``bucket``, a name or a path,
        limits ``pairs`` to one bucket. ``wide`` makes integers decimals, for unsigned 64-bit values;
        without it a value above 2^63 raises
        :class:`~boltcli.errors.ArgumentError` while reading. An unknown relation
        or column raises the same, an unknown bucket
        :class:`~boltcli.errors.BucketNotFound`; :class:`~boltcli.errors.MissingExtra`
        is raised without pyarrow, :class:`~boltcli.errors.Corrupted` and
        :class:`~boltcli.errors.DatabaseClosed` while reading.

        >>> import boltcli
        >>> with boltcli.open("fixtures/document.db") as db:
        ...     table = db.arrow(columns=["key_text"], bucket=["execution"]).read_all()
        >>> table.num_rows, table.column_names
        (4, ['key_text'])
        """
        from ..tree.bucket import bucket_path, find_bucket
        from .arrow import batches, reader
        from .relations import relations

        file = self._table()
        known = relations([file])
        if relation not in known:
            raise ArgumentError(f"there is no relation {relation!r}; this file has: {', '.join(known)}")
        found = known[relation]
        names = [column.name for column in found.columns]
        for name in columns or ():
            if name not in names:
                raise ArgumentError(f"{relation} has no column {name!r}: it has {', '.join(names)}")
        if bucket is not None and relation != "pairs":
            raise ArgumentError("a bucket can only be asked for of pairs")
        bounds = EVERYTHING
        if bucket is not None:
            path = bucket_path(bucket)
            find_bucket(file.snapshot, path)
            bounds = Bounds(path, exact=True)
        parts = batches(found, [file], columns, bounds, wide=wide)
        return reader(found, self._while_open(parts), columns, wide=wide)

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

        ``bucket``, a name or a path, limits what is read of ``pairs`` to that
        bucket and the buckets in it, and ``prefix``, ``start`` and ``stop`` to a
        range of its keys. Without ``allow_files`` the statement can use no files,
        extensions and settings of DuckDB. Raises
        :class:`~boltcli.errors.ArgumentError` for a wrong statement,
        :class:`~boltcli.errors.BucketNotFound`,
        :class:`~boltcli.errors.MissingExtra` without duckdb and pyarrow, and
        :class:`~boltcli.errors.Corrupted` and
        :class:`~boltcli.errors.DatabaseClosed`, those also while reading.

        >>> import boltcli
        >>> with boltcli.open("fixtures/document.db") as db:
        ...     table = db.sql("SELECT count(*) AS pairs FROM pairs", bucket="execution", prefix="e-9").read_all()
        >>> table.to_pylist()
        [{'pairs': 1}]
        """
        from ..tree.bucket import bucket_path
        from ..tree.walk import bounds
        from .arrow import pyarrow
        from .duck import Session

        if bucket is None and (prefix or start or stop is not None):
            raise ArgumentError("prefix, start and stop need a bucket: keys are those of a bucket")
        first, last = bounds(_bytes(prefix), _bytes(start), None if stop is None else _bytes(stop))
        wanted = EVERYTHING if bucket is None else Bounds(bucket_path(bucket), start=first, stop=last)
        session = Session([self._table()], bounds=wanted, allow_files=allow_files)
        try:
            schema, batches = session.run(statement)
        except BaseException:
            session.close()
            raise
        if schema is None:
            session.close()
            return None
        parts = self._while_open(session.closing(batches))
        found: RecordBatchReader = pyarrow().RecordBatchReader.from_batches(schema, parts)
        return found

    def duckdb(self, *, wide: bool = False, allow_files: bool = False) -> Connection:
        """Return a DuckDB connection of your own in which all relations of the file are tables.

        Nothing is read before a statement needs it. Close the connection before
        the database. ``wide`` is as for :meth:`arrow`, ``allow_files`` as for
        :meth:`sql`. Raises :class:`~boltcli.errors.MissingExtra` without
        duckdb and pyarrow.

        >>> import boltcli
        >>> with boltcli.open("fixtures/document.db") as db, db.duckdb() as connection:
        ...     connection.sql("SELECT count(*), count(DISTINCT bucket) FROM pairs").fetchall()
        [(21, 9)]
        """
        from .duck import Session

        return Session([self._table()], wide=wide, allow_files=allow_files).connection


def _bytes(key: bytes | str) -> bytes:
    return key.encode() if isinstance(key, str) else key
