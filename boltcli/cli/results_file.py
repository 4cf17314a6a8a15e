"""The results file of a run over many files: rows are saved as they come, the file appears when all are there.

Of the rows, memory holds only where each begins.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import ArgumentError, DestinationError, OpenError
from ..render.table import table_of
from ..storage.destination import Destination, usual_mode
from ..storage.files import read_at, write_all
from ..storage.opened import refuse
from ..text.json import lines, parsed
from .row_output import format_of, lines_into, row_form

if TYPE_CHECKING:
    from ..fleet.state import State

Row = dict[str, Any]

PARTIAL = ".partial"
_STATE = ("size", "mtime", "txid")
_HASH = (1 << 64) - 1


class ResultsFile:
    """A file of rows at ``path``, which appears when it is complete; until then the rows are in ``path.partial``.

    The partial file has a line of JSON for each row, whatever the format of ``path``, and each row is written at
    once, so that a killed run loses nothing. There are at most ``count`` rows. ``resume`` continues an existing partial
    file, ``force`` replaces it; without either it is an error. ``public``: the rows hold no keys and values.
    """

    def __init__(
        self, path: str, count: int, *, replace: bool, force: bool, resume: bool, public: bool = False
    ) -> None:
        """Raise ArgumentError, DestinationError, DestinationExists and MissingExtra before any work is done."""
        self.path = path
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
        self._end = os.fstat(self._partial).st_size
        self._places = array("q", [-1]) * count

    def add(self, number: int, row: Row) -> None:
        """Add the row of the file ``number``. Raises DestinationError."""
        line = lines([row])
        try:
            write_all(self._partial, line)
        except OSError as error:
            raise DestinationError("write", self.path + PARTIAL, error) from error
        self.keep(number, self._end)
        self._end += len(line)

    def keep(self, number: int, place: int) -> None:
        """Take the row at this byte of the partial file for the file ``number``."""
        self._places[number] = place

    def commit(self) -> None:
        """Write all rows to the file, in the order of the files. Raises DestinationError."""
        with open(self.path + PARTIAL, "rb") as partial:
            found = _Lines(partial, self._places)
            try:
                with open(self._destination.fd, "wb", closefd=False) as file:
                    if self._form in ("json", "ndjson"):
                        with lines_into(file, self._form) as target:
                            target.writelines(found)
                    else:
                        table_of(_Rows(found)).write(file, self._form)
            except OSError as error:
                raise DestinationError("write", self.path, error) from error
        self._destination.commit()
        os.unlink(self.path + PARTIAL)

    def __enter__(self) -> ResultsFile:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._partial)
        self._destination.close()


class _Lines:
    """The lines at ``places`` of ``file``, as often as they are read."""

    def __init__(self, file: BinaryIO, places: Sequence[int]) -> None:
        self._file = file
        self._places = places

    def __iter__(self) -> Iterator[bytes]:
        for place in self._places:
            if place >= 0:
                self._file.seek(place)
                yield self._file.readline()


class _Rows:
    """The rows that lines of JSON are."""

    def __init__(self, lines: _Lines) -> None:
        self._lines = lines

    def __iter__(self) -> Iterator[Row]:
        return map(parsed, self._lines)


class Earlier:
    """The rows of earlier results of a ``command``, by the path of their files; failures are left out.

    ``results`` are files of JSON lines, the last of which may be incomplete, or missing. What comes later counts.
    """

    def __init__(self, results: Sequence[str], command: str) -> None:
        """Raise OpenError, and :class:`~boltcli.errors.ArgumentError` for a file that is not one of results."""
        self._files: list[BinaryIO] = []
        found: list[int] = []
        try:
            for path in filter(os.path.exists, results):
                if format_of(path.removesuffix(PARTIAL)) != "ndjson" and not path.endswith(PARTIAL):
                    raise ArgumentError(f"{path}: --resume takes results as lines of JSON, a file that ends in .ndjson")
                self._files.append(open(path, "rb"))  # noqa: SIM115
                found += _places(path, self._files[-1], command, len(self._files) - 1)
        except BaseException as error:
            self.close()
            if isinstance(error, OSError) and not isinstance(error, OpenError):
                raise OpenError("read", path, error.strerror or str(error)) from error
            raise
        found.sort()
        self._hashes = array("Q", (each >> 64 for each in found))
        self._rows = array("Q", (each & _HASH for each in found))

    def get(self, path: str) -> tuple[Row, int] | None:
        """Return the newest row of a file, and where it is in a partial file, or -1; None if there is none."""
        key = hash(path) & _HASH
        at = bisect_right(self._hashes, key) - 1
        while at >= 0 and self._hashes[at] == key:
            number, place = divmod(self._rows[at], 1 << 56)
            file = self._files[number]
            file.seek(place)
            row: Row = parsed(file.readline())
            if _path(row) == path:
                return row, place if str(file.name).endswith(PARTIAL) else -1
            at -= 1
        return None

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()


def _places(path: str, file: BinaryIO, command: str, number: int) -> Iterator[int]:
    """Yield a number for each row: the hash of its file's path, 8 bits of ``number``, 56 bits of where it begins."""
    place = 0
    for line in file:
        if not line.endswith(b"\n"):
            return
        try:
            row = parsed(line)
        except ValueError as error:
            raise ArgumentError(f"{path}: not the results of an earlier run: {error}") from None
        if not isinstance(row, dict) or not {"path", "command", "status", *_STATE} <= row.keys():
            raise ArgumentError(f"{path}: not the results of an earlier run: columns are missing")
        if row["command"] == command and not row.get("error"):
            yield (hash(_path(row)) & _HASH) << 64 | number << 56 | place
        place += len(line)


def _path(row: Row) -> str:
    return os.fsdecode(bytes.fromhex(row["path_hex"])) if row.get("path_hex") else str(row["path"])


def is_as_before(row: Row, state: State) -> bool:
    """Return whether ``state`` is the state of the file that ``row`` was made from."""
    return state[0] is not None and tuple(row[name] for name in _STATE) == state


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
