"""Files for results: the forms of rows by the endings of names, and how a file appears when it is complete."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from ..errors import ArgumentError, DestinationError

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
    """Return the form of rows that options ask for: one of ``FORMATS``, or "" for text. Raises
    :class:`~boltcli.errors.ArgumentError` for a file with another ending."""
    form = format_of(output)
    if json or csv:
        return "csv" if csv else form if form == "json" else "ndjson"
    if output and not form:
        raise ArgumentError(f"{output}: the ending must be one of {', '.join(FORMATS)}")
    return form


@contextmanager
def lines_into(file: BinaryIO, kind: str) -> Iterator[BinaryIO]:
    """Context manager: a stream for lines, which become one array in ``file`` if ``kind`` is json."""
    if kind != "json":
        yield file
        return
    from .json_streams import as_array

    with as_array(file) as array:
        yield array  # type: ignore[misc]


@contextmanager
def complete(path: str, *, replace: bool = False, public: bool = False, sync: bool = True) -> Iterator[BinaryIO]:
    """Context manager: a file to write to, which appears at ``path`` at the end of the block unless it raises. The
    options are those of a ``Destination``."""
    from ..storage.destination import Destination

    with Destination(path, replace=replace, public=public, sync=sync) as destination:
        try:
            with open(destination.fd, "wb", closefd=False) as file:
                yield file
        except OSError as error:
            raise DestinationError("write", path, error) from error
        destination.commit()
