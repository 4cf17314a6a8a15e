"""Read one CSV record as Go's ``encoding/csv`` does, because pflag reads ``--fields`` this way.

Python's csv module accepts records that Go refuses.
"""

from __future__ import annotations

from ..errors import ArgumentError

_BARE = 'bare " in non-quoted-field'
_QUOTE = 'extraneous or missing " in quoted-field'


def first_record(text: str) -> list[str]:
    """Return the fields of the first record of ``text``. Raises ArgumentError with Go's message."""
    fields = _Record(text.encode("utf-8", "surrogateescape")).read()
    return [field.decode("utf-8", "surrogateescape") for field in fields]


class _Record:
    """A record. ``line`` is the rest of the current line, which begins at ``number`` and ``column`` (bytes, from 1)."""

    def __init__(self, data: bytes) -> None:
        lines = data.replace(b"\r\n", b"\n").removesuffix(b"\r").split(b"\n")
        self.lines = [line + b"\n" for line in lines[:-1]] + lines[-1:]
        self.line = b""
        self.number = 0
        self.column = 1

    def read(self) -> list[bytes]:
        while not self.line.strip(b"\n"):
            if not self._next_line():
                raise ArgumentError("EOF")
        self.start = self.number
        fields: list[bytes] = []
        more = True
        while more:
            field, more = self._quoted() if self.line.startswith(b'"') else self._plain()
            fields.append(field)
        return fields

    def _next_line(self) -> bool:
        if not self.lines or self.lines == [b""]:
            return False
        self.line = self.lines.pop(0)
        self.number += 1
        self.column = 1
        return True

    def _take(self, count: int) -> bytes:
        taken, self.line = self.line[:count], self.line[count:]
        self.column += count
        return taken

    def _plain(self) -> tuple[bytes, bool]:
        field, comma, _ = self.line.removesuffix(b"\n").partition(b",")
        if b'"' in field:
            raise self._error(self.column + field.index(b'"'), _BARE)
        self._take(len(field) + len(comma))
        return field, bool(comma)

    def _quoted(self) -> tuple[bytes, bool]:
        self._take(1)
        field = b""
        while True:
            quote = self.line.find(b'"')
            if quote < 0:
                field += self._take(len(self.line))
                if not self._next_line():
                    raise self._error(self.column, _QUOTE)
                continue
            field += self._take(quote)
            self._take(1)
            if self.line.startswith(b'"'):
                field += self._take(1)
            elif self.line.startswith(b","):
                self._take(1)
                return field, True
            elif self.line in (b"", b"\n"):
                return field, False
            else:
                raise self._error(self.column - 1, _QUOTE)

    def _error(self, column: int, problem: str) -> ArgumentError:
        where = f"parse error on line {self.number}, column {column}"
        if self.number != self.start:
            where = f"record on line {self.start}; {where}"
        return ArgumentError(f"{where}: {problem}")
