"""A value as the browser shows it: as text, as JSON, in hexadecimal, or as its application decodes it."""

from dataclasses import dataclass
from typing import Any

from ...apps.codecs.guess import guess
from ...apps.contract import Codec
from ...text.json import load
from ...text.visible import visible

TEXT, JSON, HEX, DECODED = ("text", "json", "hex", "decoded")
MOST = 1 << 16  # bytes of a value that are shown as text or in hexadecimal
LARGEST = 16 << 20  # bytes of a value that are read; a larger value is neither parsed as JSON nor decoded
_AT_ONCE = 1 << 18  # bytes of the largest value that is decoded automatically
_HEX_LINE = 8  # bytes: three columns fit 80 characters


@dataclass(slots=True)
class ShownValue:
    """A value in one ``mode``: ``text``, or ``data`` (a dict or list, shown as a tree). ``title`` describes it."""

    mode: str
    title: str
    text: str = ""
    data: Any = None


def show_value(
    value: bytes, mode: str = "", key: bytes = b"", codec: Codec | None = None, size: int | None = None
) -> ShownValue:
    """Return ``value`` in ``mode``; an empty mode selects the first possible of decoded, JSON, text, hexadecimal.
    ``size`` is the size of the whole value, if ``value`` is only its beginning."""
    whole = len(value) if size is None else size
    found = _show(value, mode, key, codec, whole)
    if found.data is None and found.mode in (TEXT, HEX) and whole > MOST:
        found.text += f"\n({whole - MOST} more bytes are not shown)"
    return found


def _show(value: bytes, mode: str, key: bytes, codec: Codec | None, whole: int) -> ShownValue:
    size = f"{whole} bytes"
    if (mode == DECODED and whole <= LARGEST) or (not mode and whole <= _AT_ONCE):
        name, found = _decoded(value, key, codec)
        if name and (mode or name != "json"):
            return _structured(DECODED, f"decoded, {name}, {size}", found)
    if mode == DECODED:
        return ShownValue(DECODED, f"not decoded, {size}", "No codec can decode this value.\n\n" + hex_text(value))
    if mode in ("", JSON) and value.lstrip()[:1] in ((b"{", b"[") if not mode else (value.lstrip()[:1],)):
        found = load(value) if whole <= LARGEST else value
        if found is not value:
            return _structured(JSON, f"JSON, {size}", found)
    if mode == JSON:
        return ShownValue(JSON, f"not JSON, {size}", "This value is not JSON.\n\n" + plain_text(value))
    if mode == HEX or (not mode and not _is_text(value)):
        return ShownValue(HEX, f"hexadecimal, {size}", hex_text(value))
    return ShownValue(TEXT, f"text, {size}", plain_text(value))


def _decoded(value: bytes, key: bytes, codec: Codec | None) -> tuple[str, Any]:
    """Return the name of the decoder of ``value`` ("" if none fits), and the result."""
    if codec is not None and codec.value is not None:
        try:
            found = codec.value(key, value)
        except Exception:  # an application's own fault is no reason to show nothing
            found = value
        if found is not value and not isinstance(found, bytes):
            return "by the application", found
    return guess(value) or ("", None)


def _structured(mode: str, title: str, found: Any) -> ShownValue:
    is_tree = isinstance(found, (dict, list))
    return ShownValue(mode, title, data=found) if is_tree else ShownValue(mode, title, scalar(found))


def scalar(value: Any) -> str:
    """Return a value other than a dict or list as JSON; bytes that are not text in hexadecimal."""
    if isinstance(value, bytes):
        return "0x" + value[:MOST].hex() if not _is_text(value) else f'"{plain_text(value)}"'
    if isinstance(value, str):
        return f'"{visible(value[:MOST])}"'
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _is_text(value: bytes) -> bool:
    try:
        text = value[:MOST].decode()
    except UnicodeDecodeError as error:
        if len(value) <= MOST or error.start < MOST - 4:
            return False
        text = value[: error.start].decode()
    return all(char.isprintable() or char in "\n\t\r" for char in text)


def plain_text(value: bytes) -> str:
    """Return ``value`` as text, with control characters escaped."""
    return visible(value[:MOST].decode("utf-8", "surrogateescape").replace("\r\n", "\n"))


def hex_text(value: bytes) -> str:
    """Return lines with offset, bytes in hexadecimal, and the printable characters."""
    lines = []
    for at in range(0, min(len(value), MOST), _HEX_LINE):
        part = value[at : at + _HEX_LINE]
        letters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in part)
        lines.append(f"{at:04x} {part.hex(' ', -4):<17} {letters}")
    return "\n".join(lines)
