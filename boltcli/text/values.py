"""Byte strings as text, by three rules, and back.

*bbolt*: the bytes themselves where they are UTF-8 and Go calls them printable, else hexadecimal (:func:`auto`); and
the other formats of ``--format`` (:func:`formatted`).

*Typed*: what a command takes back as an argument: literal, or in a notation such as ``hex:`` (:func:`typed`, and
:func:`shell_quoted` for a shell's line). The other direction is ``cli/values.py``.

*JSON*: text where it is UTF-8, else hexadecimal in another field (:func:`text_of`, ``render/records.py``); inside of
decoded values, and in the cells of tables, ``0x`` and hexadecimal (:func:`cell_text`, ``json.jsonable``).
"""

from __future__ import annotations

from ..read_errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LARGE = 1 << 20  # bytes; a larger value is formatted slice by slice
_PRINTABLE = bytes(range(0x20, 0x7F))  # printable ASCII
# 1 for the bytes that never occur in printable text.
_CONTROLS = bytes(byte < 0x20 or byte == 0x7F for byte in range(256))
MORE_FORMATS = ("json", "base64", "u64", "time", "repr")  # bbolt doesn't have them
FORMATS = ("auto", "ascii-encoded", "hex", "bytes", "redacted", *MORE_FORMATS)
_HEX_DIGITS = frozenset(b"0123456789abcdefABCDEF")


class _UnsupportedFormat(ArgumentError):
    is_typed = True


def auto(data: bytes) -> bytes:
    """Return the bytes themselves if they are printable UTF-8, else hexadecimal."""
    if 1 not in data.translate(_CONTROLS):
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return data.hex().encode()
        if text.isascii():
            return data
        from .golang import is_print

        if is_print(text):
            return data
    return data.hex().encode()


def redacted(data: bytes) -> bytes:
    """Length and SHA-256 in place of the bytes."""
    from hashlib import sha256

    return f"<redacted len:{len(data)} sha256:{sha256(data).hexdigest()}>".encode()


def lines(items: list[bytes], form: str) -> bytes:
    """Return ``items`` as lines in the format ``form``; see :func:`formatted`."""
    if not items:
        return b""
    if form == "auto":
        # One look at all of them together; the exact rule for each only if that fails.
        text = b"\n".join(items) + b"\n"
        if text.translate(None, _PRINTABLE) == b"\n" * len(items):
            return text
        numbers = _numbers(items)
        if numbers is not None:
            return numbers
    return b"\n".join(formatted(items, form)) + b"\n"


def _numbers(items: list[bytes]) -> bytes | None:
    """Write keys of one size, each with a control byte, as numbers have it, by one call; None if they aren't so."""
    size = len(items[0])
    if not size or list(map(len, items)).count(size) < len(items):
        return None
    data = b"".join(items)
    known = 0
    for at in range(size):
        known |= int.from_bytes(data[at::size].translate(_CONTROLS), "little")
        if known.bit_count() == len(items):
            return data.hex("\n", size).encode() + b"\n"
    return None


def formatted(items: list[bytes], form: str) -> list[bytes]:
    """Return ``items`` in the format ``form``.

    Raises :class:`~boltcli.errors.ArgumentError` for an unknown format, unless
    there is nothing to write: bbolt looks at the format no sooner.
    """
    if not items:
        return items
    if form == "auto":
        if b"".join(items).translate(None, _PRINTABLE):
            from binascii import hexlify

            # Most that isn't printable has control bytes: then the rest of the rule isn't needed.
            items = [hexlify(item) if 1 in item.translate(_CONTROLS) else auto(item) for item in items]
    elif form == "ascii-encoded":
        from .golang import quote

        items = list(map(quote, items))
    elif form == "hex":
        from binascii import hexlify

        items = list(map(hexlify, items))
    elif form == "redacted":
        items = list(map(redacted, items))
    elif form in MORE_FORMATS:
        texts = zip(items, map(_MORE[form], items))
        items = [auto(item) if text is None else text for item, text in texts]
    elif form != "bytes":
        raise _UnsupportedFormat(f"formatBytes: unsupported format: {form}")
    return items


def quoted_keys(keys: list[bytes]) -> list[bytes]:
    """Return each key as ``page`` writes it: double-quoted if it is printable, else in hexadecimal."""
    from .golang import quote

    texts = formatted(keys, "auto")
    return [quote(key) if text is key else text for key, text in zip(keys, texts)]


def parse(argument: bytes, form: str) -> bytes:
    """Return the bytes that ``argument`` stands for. Raises :class:`~boltcli.errors.ArgumentError`."""
    if form == "ascii-encoded":  # the name is bbolt's; it means: as it is
        return argument
    if form != "hex":
        raise _UnsupportedFormat(f"parseBytes: unsupported format: {form}")
    for byte in argument:
        if byte not in _HEX_DIGITS:
            from .golang import code_point

            raise ArgumentError(f"encoding/hex: invalid byte: {code_point(byte)}")
    if len(argument) % 2:
        raise ArgumentError("encoding/hex: odd length hex string")
    return bytes.fromhex(argument.decode("ascii"))


# The formats of MORE_FORMATS. Each returns None for bytes that it does not suit.


def _json(data: bytes) -> bytes | None:
    """Return JSON indented; numbers are as in JavaScript."""
    from .json import indented

    return indented(data)


def _base64(data: bytes) -> bytes:
    """Return base64 with the standard alphabet, padded."""
    from binascii import b2a_base64

    return b2a_base64(data, newline=False)


def _u64(data: bytes) -> bytes | None:
    """Return a big-endian number of 8 bytes, in decimal."""
    return b"%d" % int.from_bytes(data, "big") if len(data) == 8 else None


def _time(data: bytes) -> bytes | None:
    """Return a time in RFC 3339, from big-endian nanoseconds since 1970 or Go's binary form."""
    from .times import binary_time_text

    text = binary_time_text(data)
    return None if text is None else text.encode()


def _repr(data: bytes) -> bytes:
    """Return a literal of Python."""
    return repr(data).encode()


_MORE: dict[str, Callable[[bytes], bytes | None]] = dict(zip(MORE_FORMATS, (_json, _base64, _u64, _time, _repr)))


NOTATIONS = ("hex:", "u64:", "u32:", "str:")
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_")


def typed(name: bytes) -> str:
    """Return ``name`` as an argument, without shell quotes: literal, or in a notation."""
    text = shown_text(name)
    if not text:
        return "hex:" + name.hex()
    return f"str:{text}" if text.startswith((*NOTATIONS, "-")) else text


def shell_quoted(argument: str) -> str:
    """Return ``argument`` quoted for a shell, in one line: for bash and zsh if it can't be printed."""
    if argument and (_SAFE.issuperset(argument) or argument.isalnum()):
        return argument
    if not argument.isprintable():
        return "$'" + "".join(map(_ansi_c, argument)) + "'"
    return "'" + argument.replace("'", "'\\''") + "'"


def _ansi_c(char: str) -> str:
    if char in "\\'":
        return "\\" + char
    if char.isprintable():
        return char
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))


def shell_word(name: bytes) -> str:
    """Return ``name`` as a word of a shell's line."""
    return shell_quoted(typed(name))


def path_text(names: Iterable[bytes]) -> str:
    """Return the names that lead to a bucket, as words of a shell's line."""
    return " ".join(map(shell_word, names))


def text_of(data: bytes) -> str | None:
    """Return bytes as text if they are UTF-8, else None."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def text_or_bytes(data: bytes) -> str | bytes:
    """Return bytes as text if they are UTF-8, else as they are."""
    text = text_of(data)
    return data if text is None else text


def shown_text(data: bytes) -> str | None:
    """Return bytes as text if the rule of bbolt shows them as they are, else None."""
    from .golang import is_print

    text = text_of(data)
    return text if text is not None and is_print(text) else None


def as_text(data: bytes) -> str:
    """Return bytes as text for a message; what isn't UTF-8 is escaped."""
    return data.decode("utf-8", "backslashreplace")


def bytes_text(data: bytes) -> str:
    """Return bytes as text if they are printable UTF-8, else as 0x and hexadecimal."""
    text = text_of(data)
    return f"0x{data.hex()}" if text is None or not text.isprintable() else text
