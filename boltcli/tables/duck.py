"""Relations in DuckDB: the only module that imports it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError, BoltError
from ..extras import need
from ..ops.read.content import EVERYTHING, Bounds
from ..results.arrow import TooWide
from ..tree.bucket import find_bucket
from .arrow import dataset
from .relations import PAIRS, TableFile, relations

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

    __all__ = ["Connection", "Session"]

_ROWS = 256  # rows in a batch of the result
_CLOSED = {
    "temp_directory": "",  # a statement that doesn't fit in memory fails; it must be set before the next one
    "enable_external_access": "false",  # no file is read or written, nothing is attached, no extension is loaded
    "allow_community_extensions": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "lock_configuration": "true",  # and no statement can set anything again
}
# How DuckDB's errors begin that say what these settings are in the way of.
_REFUSED = ("Permission Error", "Invalid Input Error: Cannot change configuration option")
_RIGHTS = "--allow-files (allow_files=True in Python) lets statements use files, extensions and settings"
_SUGGESTIONS = ("Did you mean", "Candidate bindings", "Candidate functions")


class Session:
    """A DuckDB connection with the relations of ``files``.

    Nothing is read before a statement needs it, and of ``pairs`` only what is within ``bounds``. Without
    ``allow_files`` statements can use no files, extensions and settings. Close the ``connection``.
    """

    def __init__(
        self, files: Sequence[TableFile], *, bounds: Bounds = EVERYTHING, allow_files: bool = False, wide: bool = False
    ) -> None:
        """``wide`` is for statements run through ``connection``; :meth:`run` finds out itself whether it needs it.

        Raises MissingExtra, and BucketNotFound if a file doesn't have the bucket of ``bounds``.
        """
        for file in files:
            find_bucket(file.snapshot, bounds.bucket)
        duckdb = need("duckdb", "sql", "sql")
        self._bounds = bounds
        self.files = files
        self.relations = relations(files)
        self._failures: list[Exception] = []
        self.connection: Connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
        self.connection.execute("SET TimeZone='UTC'").fetchall()
        self._register(wide=wide)
        for name, value in {} if allow_files else _CLOSED.items():
            self.connection.execute(f"SET {name}='{value}'").fetchall()

    def _register(self, *, wide: bool) -> None:
        for name, relation in self.relations.items():
            bounds = self._bounds if relation is PAIRS else EVERYTHING
            table = dataset(relation, self.files, bounds, wide=wide, failures=self._failures)
            self.connection.register(name, table)

    def run(self, statement: str) -> tuple[Any, Iterator[Any]]:
        """Run ``statement``; return the result's Arrow schema (None: there is no result) and its record batches.

        Raises ArgumentError for a wrong statement, and Corrupted for damage, here or while the batches are read.
        """
        try:
            return self._begin(statement)
        except TooWide:
            self._register(wide=True)
            return self._begin(statement)

    def _begin(self, statement: str) -> tuple[Any, Iterator[Any]]:
        self._failures.clear()
        with self._translated():
            result = self.connection.sql(statement)
            if result is None:
                return None, iter(())
            reader = getattr(result, "to_arrow_reader", result.fetch_record_batch)(_ROWS)
            first = next(iter(reader), None)
        return reader.schema, self._rest(first, reader)

    def _rest(self, batch: Any, reader: Any) -> Iterator[Any]:
        while batch is not None:
            yield batch
            with self._translated():
                batch = next(iter(reader), None)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Context manager: raises the cause of an error of DuckDB or Arrow."""
        try:
            yield
        except Exception as error:
            for failure in self._failures:
                if isinstance(failure, (BoltError, MemoryError)):
                    raise failure from None
            if type(error).__module__.startswith(("pyarrow", "duckdb", "_duckdb")):
                raise _error(str(error)) from None
            raise

    def closing(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Yield ``batches``, then close the connection."""
        with self.connection:
            yield from batches


def _error(message: str) -> BoltError:
    """Return an error of DuckDB or Arrow as one line: the first one, and what it suggests."""
    first, *rest = (" ".join(line.split()) for line in message.split("\n"))
    suggestion = next((line for line in rest if line.startswith(_SUGGESTIONS)), "")
    if first.startswith("Out of Memory Error"):
        what = first.partition(": ")[2]
        return BoltError(f"out of memory: {what}; with --allow-files DuckDB can use temporary files")
    if first.startswith(_REFUSED):
        return ArgumentError(f"{first}; {_RIGHTS}")
    return ArgumentError(f"{first} {suggestion}".rstrip())
