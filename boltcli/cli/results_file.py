"""The results file of a run over many files: rows are saved as they come, the file appears when all are there. Of the
rows, memory holds only where each begins."""

from __future__ import annotations

import os
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from ..errors import ArgumentError, DestinationError
from ..extras import need
from ..fleet.state import UNKNOWN, file_state
from ..render.records import file_of
from ..render.row_files import format_of, lines_into, row_form
from ..render.table import table_of
from ..storage.destination import Destination, usual_mode
from ..storage.files import Closing, Trying, write_all
from ..storage.opened import refuse
from ..text.columns import Again
from ..text.json import lines, parsed

Row = dict[str, Any]

_U64 = (1 << 64) - 1

PARTIAL = ".partial"
_STATE = ("size", "mtime", "txid")


class ResultsFile(Closing):
    """A file of rows at ``path``, which appears when it is complete; until then the rows are in ``path.partial``.

    The partial file has a line of JSON for each row, whatever the format of ``path``, and each row is written at
    once, so that a killed run loses nothing. There are at most ``count`` rows. ``resume``, the name of earlier results,
    continues an existing partial file, ``force`` replaces it; without either it is an error. ``public``: the rows hold
    no keys and values.
    """

    def __init__(self, path: str, count: int, public: bool, force: bool, resume: str) -> None:
        """Raise ArgumentError, DestinationError, DestinationExists and MissingExtra before any work is done."""
        self.path = path
        self._partial_path = path + PARTIAL
        self._resume = resume
        self._form = row_form(path)
        if self._form in ("parquet", "arrow"):
            need("pyarrow", "sql", "Parquet")
        same = bool(resume) and os.path.abspath(path) == os.path.abspath(resume)
        self._destination = Destination(path, public=public, replace=force or same)
        try:
            self._partial = _opened(self._partial_path, path, force, bool(resume), usual_mode(public=public))
        except BaseException:
            self._destination.close()
            raise
        self._end = os.fstat(self._partial).st_size
        self._places = array("q", [-1]) * count

    def take_over(self, paths: Sequence[str], command: str, left: array[int], *, previous: bool) -> Iterator[Row]:
        """Take over the earlier rows of the ``command`` about unchanged files, and yield them; ``previous``: about the
        state before the last transaction. The numbers of the other files come to ``left``. Raises OpenError, and
        :class:`~boltcli.errors.ArgumentError` for a file that is not one of results."""
        with _Earlier([self._resume, self._partial_path] if self._resume else [], command) as earlier:
            if earlier.end < self._end:  # the last line is incomplete
                os.truncate(self._partial, earlier.end)
                self._end = earlier.end
            for number, path in enumerate(paths):
                row, place = earlier.get(path)
                state = file_state(path, previous=previous) if row else UNKNOWN
                if not row or state[0] is None or tuple(row[name] for name in _STATE) != state:
                    left.append(number)
                    continue
                if place < 0:
                    self.add(number, row)
                else:
                    self._places[number] = place
                yield row

    def add(self, number: int, row: Row) -> None:
        """Add the row of the file ``number``. Raises DestinationError."""
        line = lines([row])
        try:
            write_all(self._partial, line)
        except OSError as error:
            raise DestinationError("write", self._partial_path, error) from error
        self._places[number] = self._end
        self._end += len(line)

    def commit(self) -> None:
        """Write all rows to the file, in the order of the files. Raises DestinationError."""
        with open(self._partial_path, "rb") as partial:
            found = Again(lambda: _lines(partial, self._places))
            try:
                with open(self._destination.fd, "wb", closefd=False) as file:
                    if self._form in ("json", "ndjson"):
                        with lines_into(file, self._form) as target:
                            target.writelines(found)
                    else:
                        table_of(Again(lambda: map(parsed, found))).write(file, self._form)
            except OSError as error:
                raise DestinationError("write", self.path, error) from error
        self._destination.commit()
        os.unlink(self._partial_path)

    def close(self) -> None:
        os.close(self._partial)
        self._destination.close()


def _lines(file: BinaryIO, places: Sequence[int]) -> Iterator[bytes]:
    for place in places:
        if place >= 0:
            file.seek(place)
            yield file.readline()


class _Earlier(Closing):
    """The rows of earlier results of a ``command``, by the path of their files; failures are left out. ``results`` are
    files of JSON lines, the last of which may be incomplete, or missing. What comes later counts."""

    def __init__(self, results: Sequence[str], command: str) -> None:
        self._files: list[BinaryIO] = []
        found: list[int] = []
        self.end = 0  # of the last complete line
        try:
            for path in filter(os.path.exists, results):
                if format_of(path.removesuffix(PARTIAL)) != "ndjson" and not path.endswith(PARTIAL):
                    raise ArgumentError(
                        f"{path}: --resume needs results as lines of JSON, in a file that ends in .ndjson"
                    )
                with Trying("read", path):
                    self._files.append(open(path, "rb"))  # noqa: SIM115
                    found += self._read(path, self._files[-1], command)
        except BaseException:
            self.close()
            raise
        found.sort()
        # 16 bytes a row, as there may be a million.
        self._hashes = array("Q", (each >> 64 for each in found))
        self._rows = array("Q", (each & _U64 for each in found))

    def _read(self, path: str, file: BinaryIO, command: str) -> Iterator[int]:
        """Yield a number for each row: the hash of its file's path, 8 bits of the results' number, 56 of its place."""
        number = len(self._files) - 1
        self.end = 0
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
                yield (hash(file_of(row)) & _U64) << 64 | number << 56 | self.end
            self.end += len(line)

    def get(self, path: str) -> tuple[Row, int]:
        """Return the newest row of a file, empty if there is none, and where it is in a partial file, or -1."""
        key = hash(path) & _U64
        at = bisect_right(self._hashes, key) - 1
        while at >= 0 and self._hashes[at] == key:
            number, place = divmod(self._rows[at], 1 << 56)
            file = self._files[number]
            file.seek(place)
            row: Row = parsed(file.readline())
            if file_of(row) == path:
                return row, place if file.name.endswith(PARTIAL) else -1
            at -= 1
        return {}, -1

    def close(self) -> None:
        for file in self._files:
            file.close()


def _opened(partial: str, path: str, force: bool, resume: bool, mode: int) -> int:
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
    return fd
