"""Format a large value slice by slice, so that only one slice of its text is in memory."""

from binascii import b2a_base64
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator
from typing import Any

from .golang import escaped, is_print
from .json import LARGEST_JSON, line
from .values import formatted

Record = dict[str, Any]

_SLICE = 3 << 16  # bytes; a multiple of 3, as base64 writes three bytes together


def slices(data: bytes | str, form: str) -> Iterator[str]:
    """Yield what :func:`~boltcli.text.values.formatted` makes of ``data``, each slice of whole characters.

    Two more forms are ``text``, for what is UTF-8 or text, and ``cell``, as tables have bytes. What isn't UTF-8 is
    surrogates. Raises :class:`~boltcli.errors.ArgumentError` for an unknown format.
    """
    parts: Iterator[Any] = (data[start : start + _SLICE] for start in range(0, len(data), _SLICE))
    if isinstance(data, str):
        yield from parts
    elif form == "text":
        yield from _decoded(data)
    elif form == "bytes":
        yield from _decoded(data, "surrogateescape")
    elif form == "hex":
        yield from map(bytes.hex, parts)
    elif form == "base64":
        yield from (b2a_base64(part, newline=False).decode() for part in parts)
    elif form == "ascii-encoded":
        yield '"'
        yield from map(escaped, _decoded(data, "surrogateescape"))
        yield '"'
    elif form == "repr":
        # repr() chooses the quotes by what is in the value: so that it chooses the same for a slice, the other kind
        # stands before that.
        quote, other = ('"', b"'") if b"'" in data and b'"' not in data else ("'", b'"')
        yield "b" + quote
        yield from (repr(other + part)[3:-1] for part in parts)
        yield quote
    elif form == "redacted" or (form == "json" and len(data) <= LARGEST_JSON):
        yield formatted([data], form)[0].decode()
    elif form == "cell":
        is_text = _all(data, str.isprintable)
        yield "" if is_text else "0x"
        yield from slices(data, "text" if is_text else "hex")
    else:
        formatted([b""], form)  # is there such a format? Here is the same as auto, then
        yield from slices(data, "text" if _all(data, is_print) else "hex")


def _decoded(data: bytes, errors: str = "strict") -> Iterator[str]:
    """Yield ``data`` as text. Raises UnicodeDecodeError."""
    decoder = getincrementaldecoder("utf-8")(errors)
    for start in range(0, len(data), _SLICE):
        yield decoder.decode(data[start : start + _SLICE])
    yield decoder.decode(b"", final=True)


def _all(data: bytes, test: Callable[[str], object]) -> bool:
    """Return whether ``data`` is UTF-8 and ``test`` holds for all of its text."""
    try:
        return all(map(test, _decoded(data)))
    except UnicodeDecodeError:
        return False


class Sliced:
    """A large value in a form of :func:`slices` as a string of JSON, which it yields in pieces."""

    def __init__(self, data: bytes | str, form: str) -> None:
        self._data = data
        self._form = form

    def __iter__(self) -> Iterator[bytes]:
        yield b'"'
        for text in slices(self._data, self._form):
            yield line(text)[1:-2]
        yield b'"'


def sliced(name: str, data: bytes, form: str) -> Record:
    """Return the large byte string ``data`` as :func:`~boltcli.render.records.field` does."""
    if form in ("hex", "base64", "ascii-encoded", "redacted", "repr"):
        return {f"{name}_{form.replace('-', '_')}": Sliced(data, form)}
    formatted([b""], form)  # is there such a format? Here is the same as auto, then
    return {name: Sliced(data, "text")} if _all(data, lambda _: True) else {f"{name}_hex": Sliced(data, "hex")}


def pieces(record: Record) -> Iterator[bytes]:
    """Yield a record as a line of JSON, in pieces if there are large values in it, or iterators, which are lists."""
    if not any(isinstance(value, Sliced) or hasattr(value, "__next__") for value in record.values()):
        yield line(record)
        return
    mark = b"{"
    for name, value in record.items():
        yield mark + line(name)[:-1] + b":"
        if isinstance(value, Sliced):
            yield from value
        elif hasattr(value, "__next__"):
            yield b"["
            for number, each in enumerate(value):
                yield b"," * bool(number) + line(each)[:-1]
            yield b"]"
        else:
            yield line(value)[:-1]
        mark = b","
    yield b"}\n"
