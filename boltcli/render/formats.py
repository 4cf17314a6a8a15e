"""Write keys and values in the formats of ``--format``, and parse those of ``--parse-format``."""

from __future__ import annotations

from ..read_errors import ArgumentError

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
        from .notations import FORMATS

        texts = zip(items, map(FORMATS[form], items))
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
