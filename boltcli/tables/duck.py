"""Relations in DuckDB: the only module that imports it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError, BoltError
from ..extras import need
from .arrow import TooWide, dataset
from .pair_pages import EVERYTHING, Bounds
from .pushdown import pair_bounds
from .relations import TableFile, relations

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

    from .relations import Relation

    __all__ = ["Connection", "Session"]

_ROWS = 256  # rows in a batch of the result


class Session:
    """A DuckDB connection with the relations of ``files``.

    Statements see every relation as a table. Nothing is read before a statement needs it.
    """

    def __init__(self, files: Sequence[TableFile], *, wide: bool = False) -> None:
        """``wide`` is for statements run through ``connection``; :meth:`run` finds out itself whether it needs it.

        Raises :class:`~boltcli.errors.MissingExtra`.
        """
        duckdb = need("duckdb", "sql", "sql")
        self._error: type[Exception] = duckdb.Error
        self.files = files
        self.relations: dict[str, Relation] = relations(files)
        self._failures: list[Exception] = []
        self.connection: Connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
        self.connection.execute("SET TimeZone='UTC'").fetchall()
        self._register(EVERYTHING, wide=wide)

    def _register(self, bounds: Bounds, *, wide: bool) -> None:
        for name, relation in self.relations.items():
            table = dataset(
                relation,
                self.files,
                bounds if name == "pairs" else EVERYTHING,
                wide=wide and relation.name != "pairs",
                failures=self._failures,
            )
            self.connection.register(name, table)

    def run(self, statement: str) -> tuple[Any, Iterator[Any]]:
        """Run ``statement``; return the result's Arrow schema (None: there is no result) and its record batches.

        Raises :class:`~boltcli.errors.ArgumentError` for what is wrong with the statement, and
        :class:`~boltcli.errors.Corrupted` for damage, before the first batch or while they are read.
        """
        bounds = self._bounds(statement)
        for wide in (False, True):
            self._failures.clear()
            self._register(bounds, wide=wide)
            try:
                return self._begin(statement)
            except TooWide:
                continue
        raise ArgumentError("an integer needs more than 64 bits")

    def _begin(self, statement: str) -> tuple[Any, Iterator[Any]]:
        try:
            result = self.connection.sql(statement)
            if result is None:
                return None, iter(())
            reader = getattr(result, "to_arrow_reader", result.fetch_record_batch)(_ROWS)
            first = next(iter(reader), None)
        except Exception as error:
            raise self._translated(error) from None
        return reader.schema, self._rest(first, reader)

    def _rest(self, first: Any, reader: Any) -> Iterator[Any]:
        if first is not None:
            yield first
        while True:
            try:
                batch = next(iter(reader), None)
            except Exception as error:
                raise self._translated(error) from None
            if batch is None:
                return
            yield batch

    def _translated(self, error: Exception) -> Exception:
        """Return the cause of an error of DuckDB or Arrow."""
        for failure in self._failures:
            if isinstance(failure, (BoltError, TooWide)):
                return failure
        if isinstance(error, self._error) or type(error).__module__.startswith(("pyarrow", "duckdb", "_duckdb")):
            return ArgumentError(" ".join(str(error).split("\n")[0].split()))
        return error

    def _bounds(self, statement: str) -> Bounds:
        """Return what the statement can need of the pairs; everything if DuckDB does not explain the statement."""
        import json

        try:
            rows = self.connection.execute("SELECT json_serialize_sql($1)", [statement]).fetchall()
            tree = json.loads(rows[0][0])
        except (self._error, ValueError):
            return EVERYTHING
        return pair_bounds(tree)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
