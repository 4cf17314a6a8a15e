"""Read one CSV record as Go's ``encoding/csv`` does, because pflag reads ``--fields`` this way. Python's csv module
accepts records that Go refuses."""

from ..errors import ArgumentError

_BARE = 'bare " in non-quoted-field'
_QUOTE = 'extraneous or missing " in quoted-field'


def first_record(text: str) -> list[str]:
    """Return the fields of the first record of ``text``. Raises ArgumentError with Go's message."""
    data = text.encode("utf-8", "surrogateescape").replace(b"\r\n", b"\n").removesuffix(b"\r")
    start = at = len(data) - len(data.lstrip(b"\n"))
    if start == len(data):
        raise ArgumentError("EOF")
    fields: list[str] = []
    more = True
    while more:
        field = b""
        if data.startswith(b'"', at):
            ended = False
            at += 1
            while not ended:
                quote = data.find(b'"', at)
                if quote < 0:
                    raise _error(data, start, len(data) - 1, _QUOTE, 1)
                follows = data[quote + 1 : quote + 2]
                if follows not in (b'"', b",", b"\n", b""):
                    raise _error(data, start, quote, _QUOTE)
                ended = follows != b'"'
                field += data[at : quote + (not ended)]  # one of two quotes
                at = quote + 2
            more = follows == b","
        else:
            field, comma, _ = data[at:].partition(b"\n")[0].partition(b",")
            if b'"' in field:
                raise _error(data, start, at + field.index(b'"'), _BARE)
            at += len(field) + 1
            more = bool(comma)
        fields.append(field.decode("utf-8", "surrogateescape"))
    return fields


def _error(data: bytes, start: int, at: int, problem: str, after: int = 0) -> ArgumentError:
    """Return the error at the byte ``at``, or ``after`` it, in a record that begins at ``start``."""
    number, first = (data.count(b"\n", 0, place) + 1 for place in (at, start))
    column = at - data.rfind(b"\n", 0, at) + after
    where = f"parse error on line {number}, column {column}"
    return ArgumentError(f"{f'record on line {first}; ' if first != number else ''}{where}: {problem}")
