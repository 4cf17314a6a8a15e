"""Write rows of a table as text, JSON or CSV to standard output, or to a file in the format of its suffix."""

from __future__ import annotations

import os
from contextlib import contextmanager

from ..errors import ArgumentError, BoltError, DestinationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any, BinaryIO

ENDINGS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".ndjson": "json",
    ".jsonl": "json",
    ".json": "array",
    ".arrow": "arrow",
}


def is_results(path: str) -> bool:
    """Return whether ``path`` has the suffix of a file of rows."""
    return os.path.splitext(path)[1].lower() in ENDINGS


class Form:
    """The form of rows: ``kind`` is text, json (lines), array (of JSON), csv, parquet or arrow.

    ``output`` is a file, or "" for standard output.

    Raises :class:`~boltcli.errors.ArgumentError` for a file with another suffix.
    """

    __slots__ = ("force", "kind", "output")

    def __init__(self, *, json: bool = False, csv: bool = False, output: str = "", force: bool = False) -> None:
        self.output = output
        self.force = force
        self.kind = "json" if json else "csv" if csv else "text"
        if json and ENDINGS.get(os.path.splitext(output)[1].lower()) == "array":
            self.kind = "array"
        if output and self.kind == "text":
            if not is_results(output):
                raise ArgumentError(f"{output}: the ending must be one of {', '.join(ENDINGS)}")
            self.kind = ENDINGS[os.path.splitext(output)[1].lower()]


def write_rows(form: Form, names: Sequence[str], rows: Iterable[Sequence[Any]], out: BinaryIO) -> None:
    """Write ``rows`` as text, JSON or CSV to ``out``, or to the form's file, which appears when it is complete."""
    from ..render import table_rows

    if form.output:
        make = table_rows.csv_lines if form.kind == "csv" else table_rows.json_lines
        count = 0

        def counted() -> Iterator[Sequence[Any]]:
            nonlocal count
            for row in rows:
                count += 1
                yield row

        with complete(form.output, replace=form.force) as file, lines_into(file, form.kind) as target:
            target.writelines(make(names, counted()))
        out.write(f"{count} rows -> {form.output}\n".encode("utf-8", "surrogateescape"))
    elif form.kind in ("json", "array"):
        with lines_into(out, form.kind) as target:
            target.writelines(table_rows.json_lines(names, rows))
    elif form.kind == "csv":
        out.writelines(table_rows.csv_lines(names, rows))
    elif out.isatty():
        from ..render.rich_table import rich_rows
        from .streams import wants_style, write_styled

        write_styled(out, rich_rows(names, rows, styled=wants_style(out)))
    else:
        out.writelines(table_rows.plain_table(names, rows))


@contextmanager
def lines_into(file: BinaryIO, kind: str) -> Iterator[BinaryIO]:
    """Context manager: a stream for lines, which become one array in ``file`` if ``kind`` is array."""
    if kind != "array":
        yield file
        return
    from ..render.json_array import ArrayWriter

    array = ArrayWriter(file)
    try:
        yield array  # type: ignore[misc]
    except BoltError:
        array.end()  # the last element says what is wrong
        raise
    array.end()


@contextmanager
def result_file(path: str, *, replace: bool, public: bool) -> Iterator[tuple[BinaryIO, bool]]:
    """Context manager: a file for results as of :func:`complete`, and whether they are JSON by its suffix."""
    kind = ENDINGS.get(os.path.splitext(path)[1].lower(), "")
    with complete(path, replace=replace, public=public) as file, lines_into(file, kind) as target:
        yield target, kind in ("json", "array")


@contextmanager
def complete(path: str, *, replace: bool = False, public: bool = False, sync: bool = True) -> Iterator[BinaryIO]:
    """Context manager: a file to write to, which appears at ``path`` at the end of the block unless it raises.

    The options are those of a ``Destination``.
    """
    from ..storage.destination import Destination

    with Destination(path, replace=replace, public=public, sync=sync) as destination:
        try:
            with open(destination.fd, "wb", closefd=False) as file:
                yield file
        except OSError as error:
            raise DestinationError("write", path, error) from error
        destination.commit()
