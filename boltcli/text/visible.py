"""Escape names, keys, values and paths for a terminal, so that it shows them and never interprets them.

A byte string from a file may contain escape sequences (control bytes, C1 controls), and characters that reorder the
text around them (bidirectional controls). They are escaped as ``ls`` does it.
"""

from __future__ import annotations

_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_PLAIN = bytes((*range(0x20, 0x7F), 0x09, 0x0A))

# Code points to what is shown. U+DC80 to U+DCFF are, after surrogateescape, bytes that are not UTF-8.
# Below U+0020 JSON has its own escapes, and of the others the form is JSON's too.
_ESCAPES = {
    **{code: f"\\x{code:02x}" for code in range(0x20) if code not in (0x09, 0x0A)},
    **{code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029, *_BIDI)},
    **{0xDC00 + byte: f"\\x{byte:02x}" for byte in range(0x80, 0x100)},
}


_LINE_END = {0x0A: "\\n"}
_BETWEEN = {0x0A: "\\n", 0x09: "\\t"}


def visible(text: str) -> str:
    """Return ``text`` with terminal controls escaped, except newlines and tabs."""
    return text if text.isascii() and text.isprintable() else text.translate(_ESCAPES)


def one_line(text: str) -> str:
    """Return ``text``, in which a name may be, as one line: line ends are escaped, and terminal controls."""
    return text if text.isascii() and text.isprintable() else visible(text).translate(_LINE_END)


def field_text(text: str) -> str:
    """Return ``text`` as a field in a line of fields, between which there may be tabs: these are escaped, too."""
    return text if text.isascii() and text.isprintable() else visible(text).translate(_BETWEEN)


def visible_bytes(data: bytes) -> bytes:
    """Return the same of ``data``, which should be UTF-8; bytes that are not are escaped."""
    if not data.translate(None, _PLAIN):
        return data
    return data.decode("utf-8", "surrogateescape").translate(_ESCAPES).encode()


def incomplete(data: bytes) -> int:
    """Return how many bytes at the end of ``data`` may be the beginning of a character of UTF-8."""
    for length in range(1, min(3, len(data)) + 1):
        byte = data[-length]
        if byte >= 0xC0:  # the first byte of a character of 2, 3 or 4
            return length if length < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4) else 0
        if byte < 0x80:
            return 0
    return 0


def room_of(text: str) -> int:
    """Return how many columns of a terminal ``text`` takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum([0 if combining(letter) else 1 + (east_asian_width(letter) in "WF") for letter in text])


def cut(text: str, room: int) -> str:
    """Return ``text`` in at most ``room`` columns of a terminal; what is longer ends with an ellipsis."""
    return text if room_of(text) <= room else folded(text[: room + 1], room - 1)[0] + "…"


def folded(text: str, room: int) -> list[str]:
    """Return ``text`` in parts of at most ``room`` columns of a terminal, at least one part."""
    parts, start, taken = [], 0, 0
    for at, letter in enumerate(text):
        wide = 1 if letter.isascii() else room_of(letter)
        if taken + wide > room:
            parts.append(text[start:at])
            start, taken = at, 0
        taken += wide
    return [*parts, text[start:]]
