"""Format byte strings and numbers as Go does: ``%q``, ``%x``, ``%#U``, float32 arithmetic."""

from __future__ import annotations

from _struct import Struct  # struct is Python code and takes longer to load

_SHORT_ESCAPES = {
    '"': '\\"', "\\": "\\\\",
    "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v",
}  # fmt: skip
PLAIN_IN_JSON = bytes(set(range(0x20, 0x7F)) - set(b'"\\<>&'))
_FLOAT32 = Struct("<f")


def is_print(text: str) -> bool:
    """Return whether ``unicode.IsPrint`` holds for every character; the table is loaded only beyond ASCII."""
    if text.isascii():
        return text.isprintable()
    from .isprint import is_print as beyond_ascii

    return beyond_ascii(text)


def quote(data: bytes) -> bytes:
    """Return ``%q`` of a string or byte slice: double-quoted, escaped, with non-ASCII letters as they are."""
    text = data.decode("utf-8", "surrogateescape")
    if is_print(text) and '"' not in text and "\\" not in text:
        return b'"' + data + b'"'
    return f'"{escaped(text)}"'.encode()


def escaped(text: str) -> str:
    """Return what stands between the quotes of ``%q``; bytes that aren't UTF-8 are surrogates in ``text``."""
    return text.translate({ord(char): _escape(char) for char in set(text)})


def _escape(char: str) -> str:
    code = ord(char)
    if char in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[char]
    if 0xDC80 <= code <= 0xDCFF:  # surrogateescape: a byte that isn't part of valid UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if is_print(char):
        return char
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def quote_char(char: str) -> str:
    """Return ``%q`` of a rune: single-quoted."""
    if char == "'":
        return "'\\''"
    return f"'{char if char == chr(34) else _escape(char)}'"


def code_point(code: int) -> str:
    """Return ``%#U`` of a code point: ``U+0067 'g'``, the character only if it is printable."""
    char = chr(code)
    return f"U+{code:04X} '{char}'" if is_print(char) else f"U+{code:04X}"


def json_string(data: bytes) -> bytes:
    """Return a byte string as ``encoding/json`` writes it, safe for HTML: bytes that aren't UTF-8 become U+FFFD."""
    if not data.translate(None, PLAIN_IN_JSON):
        return b'"' + data + b'"'
    text = data.decode("utf-8", "surrogateescape")
    return f'"{"".join(map(_json_escape, text))}"'.encode()


def _json_escape(char: str) -> str:
    if char in '\\"':
        return "\\" + char
    if char in "\b\f\n\r\t":
        return _SHORT_ESCAPES[char]
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # surrogateescape: a byte that isn't part of valid UTF-8
        return "\\ufffd"
    return f"\\u{code:04x}" if code < 0x20 or char in "<>&\u2028\u2029" else char


def percent(part: int, whole: int) -> int:
    """Return ``int(float32(part) * 100.0 / float32(whole))``, rounded at each step; 0 if ``whole`` is 0."""
    return int(_float32(_float32(_float32(part) * 100.0) / _float32(whole))) if whole else 0


def _float32(value: float) -> float:
    return float(_FLOAT32.unpack(_FLOAT32.pack(value))[0])
