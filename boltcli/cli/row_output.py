"""Write rows of a table as text, JSON or CSV to standard output, or to a file in the format of its suffix."""

from __future__ import annotations

import os
from contextlib import contextmanager

from ..errors import ArgumentError, DestinationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from ..render.table import Table

# The forms of files of rows by the endings of their names: lines of JSON are "ndjson", an array is "json".
FORMATS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "json",
    ".arrow": "arrow",
}


def format_of(path: str) -> str:
    """Return the form of a file of rows, by the ending of its name; "" for another ending."""
    return FORMATS.get(os.path.splitext(path)[1].lower(), "")


def row_form(output: str, *, json: bool = False, csv: bool = False) -> str:
    """Return the form of rows that options ask for: one of ``FORMATS``, or "" for text.

    Raises :class:`~boltcli.errors.ArgumentError` for a file with another ending.
    """
    form = format_of(output)
    if json or csv:
        return "csv" if csv else form if form == "json" else "ndjson"
    if output and not form:
        raise ArgumentError(f"{output}: the ending must be one of {', '.join(FORMATS)}")
    return form


def write_table(
    table: Table, out: BinaryIO, form: str, *, output: str = "", force: bool = False, tabs: bool = False,
    human: bool = False, finish: Callable[[], object] | None = None,
) -> None:  # fmt: skip
    """Write a table in a form of ``FORMATS``, or "" for text, to ``out`` or to the file ``output``.

    The file appears when it is complete and ``finish`` was called. On a terminal text is columns as wide as that,
    elsewhere, with ``tabs``, fields with tabs between them, or columns; ``human``: sizes have units there, too.
    """
    if output:
        with complete(output, replace=force) as file:
            count = table.write(file, form)
            if finish is not None:
                finish()
        out.write(f"{count} rows -> {output}\n".encode("utf-8", "surrogateescape"))
    elif form:
        table.write(out, form)
    elif out.isatty():
        from shutil import get_terminal_size

        from .streams import wants_style, write_styled

        for line in table.screen_lines(get_terminal_size().columns, styled=wants_style(out)):
            write_styled(out, line)
    else:
        out.writelines(table.tab_lines() if tabs else table.text_lines(human=human))


@contextmanager
def lines_into(file: BinaryIO, kind: str) -> Iterator[BinaryIO]:
    """Context manager: a stream for lines, which become one array in ``file`` if ``kind`` is json."""
    if kind != "json":
        yield file
        return
    from ..render.json_array import as_array

    with as_array(file) as array:
        yield array  # type: ignore[misc]


@contextmanager
def result_file(path: str, *, replace: bool, public: bool, sync: bool = True) -> Iterator[tuple[BinaryIO, bool]]:
    """Context manager: a file for results as of :func:`complete`, and whether they are JSON by its suffix."""
    kind = format_of(path)
    with complete(path, replace=replace, public=public, sync=sync) as file, lines_into(file, kind) as target:
        yield target, kind in ("json", "ndjson")


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
