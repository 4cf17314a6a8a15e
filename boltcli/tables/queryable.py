"""The methods of the library's ``Database`` for Arrow and DuckDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ArgumentError
from .pair_pages import Bounds

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
        bucket: Sequence[bytes | str] | None = None,
        wide: bool = False,
    ) -> RecordBatchReader:
        """Return a relation or a view as a ``pyarrow.RecordBatchReader``, which reads as it goes, a few MB at a time.

        ``columns`` selects columns and their order (None: all); values are read
        only if one of them needs them. ``bucket`` limits ``pairs`` to one
        bucket. ``wide`` makes integers decimals, for unsigned 64-bit values;
        without it a value above 2^63 raises
        :class:`~boltcli.errors.ArgumentError` while reading. An unknown relation
        or column raises the same; :class:`~boltcli.errors.MissingExtra` is
        raised without pyarrow, :class:`~boltcli.errors.Corrupted` and
        :class:`~boltcli.errors.DatabaseClosed` while reading.

        >>> import boltcli
        >>> with boltcli.open("fixtures/document.db") as db:
        ...     table = db.arrow(columns=["key_text"], bucket=["execution"]).read_all()
        >>> table.num_rows, table.column_names
        (4, ['key_text'])
        """
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
        bounds = Bounds()
        if bucket is not None:
            path = tuple(name.encode() if isinstance(name, str) else name for name in bucket)
            bounds = Bounds(path, exact=True)
        parts = batches(found, [file], columns, bounds, wide=wide)
        return reader(found, self._while_open(parts), columns, wide=wide)

    def duckdb(self, *, wide: bool = False) -> Connection:
        """Return a DuckDB connection of your own in which all relations of the file are tables.

        Nothing is read before a statement needs it; unlike in ``boltcli sql``,
        conditions on buckets and keys don't reduce what is read. Close the
        connection before the database. ``wide`` is as for
        :meth:`arrow`. Raises :class:`~boltcli.errors.MissingExtra` without
        duckdb and pyarrow.

        >>> import boltcli
        >>> with boltcli.open("fixtures/document.db") as db, db.duckdb() as connection:
        ...     connection.sql("SELECT count(*), count(DISTINCT bucket) FROM pairs").fetchall()
        [(21, 9)]
        """
        from .duck import Session

        return Session([self._table()], wide=wide).connection
