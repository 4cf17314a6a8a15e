"""Format a large value slice by slice, so that only one slice of its text is in memory."""

from __future__ import annotations

from binascii import b2a_base64, hexlify
from codecs import getincrementaldecoder
from typing import TYPE_CHECKING, Any

from .golang import escaped, is_print
from .json import LARGEST_JSON, line
from .values import formatted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Record = dict[str, Any]

_SLICE = 3 << 16  # bytes; a multiple of 3, as base64 writes three bytes together
_TEXT = "text"  # the form of a value in JSON that is UTF-8


def slices(data: bytes, form: str) -> Iterator[bytes]:
    """Yield what :func:`~boltcli.text.values.formatted` makes of ``data``, each slice of whole characters.

    Raises :class:`~boltcli.errors.ArgumentError` for an unknown format.
    """
    if form == "bytes":
        yield data
    elif form in ("hex", "base64"):
        encode: Callable[[bytes], bytes] = hexlify if form == "hex" else lambda part: b2a_base64(part, newline=False)
        for start in range(0, len(data), _SLICE):
            yield encode(data[start : start + _SLICE])
    elif form == "ascii-encoded":
        yield b'"'
        for text in _decoded(data, "surrogateescape"):
            yield escaped(text).encode()
        yield b'"'
    elif form == "repr":
        # repr() chooses the quotes by what is in the value: so that it chooses the same for a slice, the other kind
        # stands before that.
        quote, other = (b'"', b"'") if b"'" in data and b'"' not in data else (b"'", b'"')
        yield b"b" + quote
        for start in range(0, len(data), _SLICE):
            yield repr(other + data[start : start + _SLICE])[3:-1].encode()
        yield quote
    elif form == "redacted" or (form == "json" and len(data) <= LARGEST_JSON):
        yield formatted([data], form)[0]
    else:
        formatted([b""], form)  # is there such a format? Here is the same as auto, then
        yield from slices(data, "bytes" if _all(data, is_print) else "hex")


def text_parts(text: str) -> Iterator[str]:
    """Yield ``text`` in slices."""
    yield from (text[start : start + _SLICE] for start in range(0, len(text), _SLICE))


def texts(data: bytes, printable: Callable[[str], bool] = is_print, mark: str = "") -> Iterator[str]:
    """Yield ``data`` as text where all of it is ``printable`` UTF-8, else ``mark`` and hex digits."""
    if _all(data, printable):
        yield from _decoded(data)
    else:
        yield mark
        yield from (part.decode() for part in slices(data, "hex"))


def _decoded(data: bytes, errors: str = "strict") -> Iterator[str]:
    """Yield ``data`` as text. Raises UnicodeDecodeError."""
    decoder = getincrementaldecoder("utf-8")(errors)
    for start in range(0, len(data), _SLICE):
        yield decoder.decode(data[start : start + _SLICE])
    yield decoder.decode(b"", final=True)


def _all(data: bytes, test: Callable[[str], bool]) -> bool:
    """Return whether ``data`` is UTF-8 and ``test`` holds for all of its text."""
    try:
        return all(map(test, _decoded(data)))
    except UnicodeDecodeError:
        return False


class Sliced:
    """A large value as a string of JSON, which it yields in pieces."""

    __slots__ = ("data", "form")

    def __init__(self, data: bytes | str, form: str = _TEXT) -> None:
        self.data = data
        self.form = form

    def __iter__(self) -> Iterator[bytes]:
        data = self.data
        if isinstance(data, str):
            found = text_parts(data)
        else:
            found = _decoded(data) if self.form == _TEXT else map(bytes.decode, slices(data, self.form))
        yield b'"'
        for text in found:
            yield line(text)[1:-2]
        yield b'"'


def put_sliced(record: Record, field: str, data: bytes, form: str) -> None:
    """Give ``record`` the large byte string ``data`` as ``field``, as :func:`~boltcli.render.records.put` does."""
    if form in ("hex", "base64", "ascii-encoded", "redacted", "repr"):
        record[f"{field}_{form.replace('-', '_')}"] = Sliced(data, form)
        return
    formatted([b""], form)  # is there such a format? Here is the same as auto, then
    if _all(data, lambda _: True):
        record[field] = Sliced(data)
    else:
        record[f"{field}_hex"] = Sliced(data, "hex")


class Listed:
    """A list of JSON whose elements an iterator makes, one by one."""

    __slots__ = ("found",)

    def __init__(self, found: Iterator[Any]) -> None:
        self.found = found

    def __iter__(self) -> Iterator[bytes]:
        mark = b"["
        for each in self.found:
            yield mark + line(each)[:-1]
            mark = b","
        yield b"]" if mark == b"," else b"[]"


def pieces(record: Record) -> Iterator[bytes]:
    """Yield a record as a line of JSON, in pieces if there are large values or iterators in it."""
    record = {name: Listed(value) if hasattr(value, "__next__") else value for name, value in record.items()}
    if not any(isinstance(value, (Sliced, Listed)) for value in record.values()):
        yield line(record)
        return
    mark = b"{"
    for name, value in record.items():
        yield mark + line(name)[:-1] + b":"
        yield from value if isinstance(value, (Sliced, Listed)) else (line(value)[:-1],)
        mark = b","
    yield b"}\n"
