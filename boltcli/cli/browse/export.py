"""Write the rows of a table to a file."""

from collections.abc import Iterator
from typing import Any

from ...apps.contract import Column
from ...errors import ArgumentError
from ...render.row_files import complete, row_form
from ...render.table import Table as Written
from .keys import Gap
from .reader import Job
from .session import State
from .sidebar import Place
from .tables import FIRST, Table, counted_gaps, counted_rows

_COLUMNS = (Column("key", "bytes"), Column("value", "bytes"), Column("size", "integer"))
_WHOLE = 1 << 40  # bytes of a value that are written


def export(path: str, place: Place, sort: str, table: Table, state: State, job: Job) -> str:
    """Write all rows of ``table``, of a bucket with whole values; return a sentence. Raises BoltError.

    The file appears when it is complete. Rows that can't be read are left out, and the sentence says so; and if the
    table has only the first ones in the order ``sort``.
    """
    form = row_form(path)
    if form not in ("csv", "ndjson", "json"):
        raise ArgumentError(f"{path}: the ending must be .csv, .ndjson, .jsonl or .json")
    gaps: list[Gap] = []

    def rows() -> Iterator[tuple[Any, ...]]:
        for row in table.every(state, job):
            job.look()
            if row.gap is not None:
                gaps.append(row.gap)
            elif place.view:
                yield row.cells
            else:
                yield row.key, None if row.is_bucket else state.value(place.path, row.key, _WHOLE), row.size

    with complete(path) as file:
        number = Written(table.columns if place.view else _COLUMNS, rows()).write(file, form)
        state.snapshot.check_unchanged()
    missing = f"INCOMPLETE, {counted_gaps(gaps)}: " if gaps else ""
    first = "the first " if sort and number >= FIRST else ""
    return f"{missing}wrote {first}{counted_rows(number)} to {path}"
