"""Byte strings as text, by three rules, and back.

*bbolt*: the bytes themselves where they are UTF-8 and Go calls them printable, else hexadecimal (:func:`auto`).

*Typed*: what a command takes back as an argument: literal, or in a notation such as ``hex:``; see ``cli/values.py``.

*JSON*: text where it is UTF-8, else hexadecimal in another field (``render/records.py``); inside of decoded values, and
in the cells of tables, ``0x`` and hexadecimal (``json.jsonable``).
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
FORMATS = ("auto", "ascii-encoded", "hex", "bytes", "redacted", "json", "base64", "u64", "time", "repr")


class _UnsupportedFormat(ArgumentError):
    is_typed = True


def auto(data: bytes) -> bytes:
    """Return the bytes themselves if they are printable UTF-8, else hexadecimal."""
    return data if 1 not in data.translate(_CONTROLS) and shown_text(data) is not None else data.hex().encode()


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
        size = len(items[0])
        if size and set(map(len, items)) == {size}:
            data = b"".join(items)
            if 0 not in data[::size].translate(_CONTROLS):  # big-endian numbers: each begins with a control byte
                return data.hex("\n", size).encode() + b"\n"
    return b"\n".join(formatted(items, form)) + b"\n"


def formatted(items: list[bytes], form: str) -> list[bytes]:
    """Return ``items`` in the format ``form``. Raises ArgumentError for an unknown one, if there are items."""
    if not items or form == "bytes":
        return items
    if form == "auto":
        if b"".join(items).translate(None, _PRINTABLE):
            # Most that isn't printable has control bytes: then the rest of the rule isn't needed.
            return [item.hex().encode() if 1 in item.translate(_CONTROLS) else auto(item) for item in items]
        return items
    texts = map(converter(form), items)
    return [auto(item) if text is None else text for item, text in zip(items, texts)]


def converter(form: str) -> Callable[[bytes], bytes | None]:
    """Return what makes another format of bytes, None if it doesn't suit. Raises ArgumentError for an unknown one."""
    if form not in _FORMATS:
        raise _UnsupportedFormat(f"formatBytes: unsupported format: {form}")
    return _FORMATS[form]


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
    wrong = argument.translate(None, b"0123456789abcdefABCDEF")
    if wrong:
        from .golang import code_point

        raise ArgumentError(f"encoding/hex: invalid byte: {code_point(wrong[0])}")
    if len(argument) % 2:
        raise ArgumentError("encoding/hex: odd length hex string")
    return bytes.fromhex(argument.decode())


def _quoted(data: bytes) -> bytes:
    from .golang import quote

    return quote(data)


def _json(data: bytes) -> bytes | None:
    from .json import indented

    return indented(data)


def _base64(data: bytes) -> bytes:
    from binascii import b2a_base64

    return b2a_base64(data, newline=False)


def _time(data: bytes) -> bytes | None:
    from .times import binary_time_text

    text = binary_time_text(data)
    return None if text is None else text.encode()


# The other formats; None for bytes that one does not suit. From json on bbolt doesn't have them.
_FORMATS: dict[str, Callable[[bytes], bytes | None]] = {
    "ascii-encoded": _quoted,
    "hex": lambda data: data.hex().encode(),
    "redacted": redacted,
    "json": _json,  # indented; numbers are as in JavaScript
    "base64": _base64,  # the standard alphabet, padded
    "u64": lambda data: b"%d" % int.from_bytes(data, "big") if len(data) == 8 else None,  # big-endian
    "time": _time,  # in RFC 3339, of big-endian nanoseconds since 1970 or Go's binary form
    "repr": lambda data: repr(data).encode(),  # a literal of Python
}


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
        return f"$'{''.join(map(_ansi_c, argument))}'"
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
    text = text_of(data)
    if text is None or (text.isascii() and text.isprintable()):
        return text
    from .golang import is_print

    return text if is_print(text) else None


def as_text(data: bytes) -> str:
    """Return bytes as text for a message; what isn't UTF-8 is escaped."""
    return data.decode("utf-8", "backslashreplace")


def bytes_text(data: bytes) -> str:
    """Return bytes as text if they are printable UTF-8, else as 0x and hexadecimal."""
    text = text_of(data)
    return f"0x{data.hex()}" if text is None or not text.isprintable() else text
