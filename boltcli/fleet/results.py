"""Read the results of an earlier run, which are reused for unchanged files."""

from __future__ import annotations

import csv
import json
import os
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError, OpenError

if TYPE_CHECKING:
    from .state import State

    Row = dict[str, Any]

_STATE = ("size", "mtime", "txid")


def read_results(path: str, command: str) -> dict[str, Row]:
    """Return the rows of ``command`` in the file ``path``, by the path of each row's file; failures are left out.

    The suffix selects the format: .csv, .parquet or .arrow, else lines of JSON
    (the last may be incomplete) or an array. A missing file has no rows. Raises
    OpenError, and :class:`~boltcli.errors.ArgumentError` if it has other
    columns.
    """
    if not os.path.exists(path):
        return {}
    ending = os.path.splitext(path)[1].lower()
    try:
        if ending in (".parquet", ".arrow"):
            from ..tables.arrow_files import read_table

            rows = read_table(path)
        elif ending == ".csv":
            with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
                rows = list(csv.DictReader(file))
        else:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                head = file.read(1)
                file.seek(0)
                # An array; or lines, of which the last may be incomplete.
                rows = json.load(file) if head == "[" else [json.loads(line) for line in file if line.endswith("\n")]
    except OSError as error:
        raise OpenError("read", path, error.strerror or str(error)) from error
    except (ValueError, csv.Error) as error:
        raise ArgumentError(f"{path}: not the results of an earlier run: {error}") from None
    if any(not isinstance(row, dict) or not {"path", "command", "status", *_STATE} <= row.keys() for row in rows):
        raise ArgumentError(f"{path}: not the results of an earlier run: columns are missing")
    found = {_path(row): row for row in rows if row["command"] == command}
    return {path: row for path, row in found.items() if not row.get("error")}


def _path(row: Row) -> str:
    return os.fsdecode(bytes.fromhex(row["path_hex"])) if row.get("path_hex") else str(row["path"])


def is_as_before(row: Row, state: State) -> bool:
    """Return whether ``state`` is the state of the file that ``row`` was made from."""
    before = [row[name] for name in _STATE]
    return state[0] is not None and [_text(value) for value in before] == [_text(value) for value in state]


def _text(value: object) -> str:
    return "" if value is None else str(value)
