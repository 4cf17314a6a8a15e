"""The results file of a run over many files: rows are saved as they come, the file appears when all are there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError, DestinationError
from ..render.table import table_of
from ..storage.destination import Destination, usual_mode
from ..storage.files import read_at, write_all
from ..storage.opened import refuse
from .row_output import lines_into, row_form

if TYPE_CHECKING:
    Row = dict[str, Any]

PARTIAL = ".partial"


class ResultsFile:
    """A file of rows at ``path``, which appears when it is complete; until then the rows are in ``path.partial``.

    The partial file has a line of JSON for each row, whatever the format of ``path``, and each row is written at
    once, so that a killed run loses nothing. ``resume`` continues an existing partial file, ``force`` replaces it;
    without either it is an error. ``public``: the rows hold no keys and values of the files.
    """

    def __init__(self, path: str, *, replace: bool, force: bool, resume: bool, public: bool = False) -> None:
        """Raise ArgumentError, DestinationError, DestinationExists and MissingExtra before any work is done."""
        self.path = path
        self.rows: list[Row] = []
        self._form = row_form(path)
        if self._form in ("parquet", "arrow"):
            from ..extras import need

            need("pyarrow", "sql", "Parquet")
        self._destination = Destination(path, public=public, replace=replace)
        try:
            self._partial = _opened(path + PARTIAL, path, force=force, resume=resume, mode=usual_mode(public=public))
        except BaseException:
            self._destination.close()
            raise

    def take_over(self, row: Row) -> None:
        """Add a row of earlier results."""
        self.rows.append(row)

    def add(self, row: Row) -> None:
        """Add a new row and write it to the partial file. Raises DestinationError."""
        from ..text.json import lines

        self.rows.append(row)
        try:
            write_all(self._partial, lines([row]))
        except OSError as error:
            raise DestinationError("write", self.path + PARTIAL, error) from error

    def commit(self) -> None:
        """Write all rows to the file, in the order of their paths. Raises DestinationError."""
        rows = sorted(self.rows, key=lambda row: str(row["path"]))
        try:
            with open(self._destination.fd, "wb", closefd=False) as file:
                if self._form in ("json", "ndjson"):
                    from ..text.json import lines

                    with lines_into(file, self._form) as target:
                        target.write(lines(rows))
                else:
                    table_of(rows).write(file, self._form)
        except OSError as error:
            raise DestinationError("write", self.path, error) from error
        self._destination.commit()
        os.unlink(self.path + PARTIAL)

    def __enter__(self) -> ResultsFile:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._partial)
        self._destination.close()


def _opened(partial: str, path: str, *, force: bool, resume: bool, mode: int) -> int:
    """Return a descriptor to append rows to. Raises ArgumentError, DestinationError, DestinationIsSource."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
    flags |= 0 if resume else os.O_TRUNC if force else os.O_EXCL
    try:
        if os.path.exists(partial):
            refuse(partial, os.stat(partial))
        fd = os.open(partial, flags, mode)
        there = os.fstat(fd).st_mode & 0o7777
        if there & ~mode and hasattr(os, "fchmod"):
            os.fchmod(fd, there & mode)  # one that was there
    except FileExistsError:
        raise ArgumentError(
            f"{partial} has the results of an unfinished run: --resume {path} continues it, --force discards them"
        ) from None
    except OSError as error:
        raise DestinationError("open", partial, error) from error
    _cut_last_line(fd)
    return fd


def _cut_last_line(fd: int) -> None:
    """Remove an incomplete last line."""
    end = size = os.fstat(fd).st_size
    while end:
        start = max(end - (1 << 16), 0)
        found = read_at(fd, start, end - start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end < size:
        os.truncate(fd, end)
