"""A value as the browser shows it: decoded, as JSON, as text, in hexadecimal."""

from dataclasses import dataclass
from typing import Any

from ...apps.decode import Decoder
from ...text.json import load
from ...text.visible import visible

TEXT, JSON, PRETTY, HEX, DECODED = ("text", "JSON", "pretty JSON", "hexadecimal", "decoded")
MOST = 1 << 16  # bytes of a value that are shown as text or in hexadecimal
LARGEST = 16 << 20  # bytes of a value that are read; a larger value is neither parsed as JSON nor decoded
_AT_ONCE = 1 << 18  # bytes of the largest value that is decoded automatically
LONGEST = 2000  # characters of a scalar in a folded value
NAME, STRING, NUMBER, _WORD = "bold", "green", "magenta", "italic"  # styles of JSON's parts


@dataclass(slots=True)
class ShownValue:
    """A value in one ``form``: ``text``, as it is or in parts with their styles, or ``data`` (a dict or list, folded).

    ``about`` says more of the form.
    """

    form: str
    about: str
    text: str | list[tuple[str, str]] = ""
    data: Any = None


def show_value(
    value: bytes, form: str = "", *, width: int = 80, decoder: Decoder | None = None,
    path: tuple[bytes, ...] = (), key: bytes = b"", size: int | None = None,
) -> ShownValue:  # fmt: skip
    """Return ``value`` in ``form``; without one, or where that doesn't suit, in the first that does.

    These are decoded, JSON, text, hexadecimal. ``size`` is that of the whole value, if ``value`` is its beginning.
    """
    whole = len(value) if size is None else size
    found = _in_form(value, form, width, decoder, path, key, whole) if form else None
    if found is None:
        known = _decoded(value, decoder, path, key) if whole <= _AT_ONCE else None
        found = known if known is not None and known.about != "json" else None
        found = found or _json(value, JSON, whole)
        if found is None:
            found = ShownValue(TEXT, "", plain_text(value)) if _is_text(value) else _hex(value, width)
        if form:
            found.about = f"{found.about}, not {form}".removeprefix(", ")
    if found.data is None and found.form in (TEXT, HEX) and whole > MOST:
        found.text = f"{found.text}\n({whole - MOST} more bytes are not shown)"
    return found


def _in_form(
    value: bytes, form: str, width: int, decoder: Decoder | None, path: tuple[bytes, ...], key: bytes, whole: int
) -> ShownValue | None:
    if form == HEX:
        return _hex(value, width)
    if form == TEXT:
        return ShownValue(TEXT, "", plain_text(value))
    if whole > LARGEST:
        return None
    return _decoded(value, decoder, path, key) if form == DECODED else _json(value, form, whole)


def _decoded(value: bytes, decoder: Decoder | None, path: tuple[bytes, ...], key: bytes) -> ShownValue | None:
    """Return what ``value`` means, by its application or by a guess; None if it is only text or bytes."""
    found = (decoder or Decoder()).value(path, key, value)
    data = found.value
    if isinstance(data, str) and (data == f"0x{value.hex()}" or data.encode("utf-8", "surrogateescape") == value):
        return None
    about = found.guess if found.guess == "json" else f"guessed: {found.guess}" if found.guess else "by the application"
    if isinstance(data, (dict, list)):
        return ShownValue(DECODED, about, data=data)
    return ShownValue(DECODED, about, data if isinstance(data, str) else scalar(data))


def _json(value: bytes, form: str, whole: int) -> ShownValue | None:
    if value.lstrip()[:1] not in ((b"{", b"[") if form == JSON else (value.lstrip()[:1],)) or whole > LARGEST:
        return None
    data = load(value)
    if data is value:
        return None
    if form == PRETTY:
        return ShownValue(PRETTY, "", pretty(data))
    return ShownValue(JSON, "", data=data) if isinstance(data, (dict, list)) else ShownValue(JSON, "", scalar(data))


def _hex(value: bytes, width: int) -> ShownValue:
    return ShownValue(HEX, "", hex_text(value, width))


def pretty(data: Any, margin: str = "") -> list[tuple[str, str]]:
    """Return JSON with a line for each member, as texts and their styles; what is nested very deep stays on a line."""
    inner = margin + "  "
    if not (isinstance(data, (dict, list)) and data) or len(margin) > 100:
        return [(scalar(data) if not isinstance(data, (dict, list)) else str(data), style_of(data))]
    is_dict = isinstance(data, dict)
    found: list[tuple[str, str]] = [("{\n" if is_dict else "[\n", "")]
    members: list[tuple[Any, Any]] = list(data.items() if isinstance(data, dict) else enumerate(data))
    for number, (name, part) in enumerate(members, 1):
        found += [(inner, ""), *([(f'"{visible(name)}"', NAME), (": ", "")] if is_dict else [])]
        found += [*pretty(part, inner), (",\n" if number < len(data) else "\n", "")]
    return [*found, (f"{margin}{'}' if is_dict else ']'}", "")]


def style_of(value: Any) -> str:
    """Return the style in which a scalar of JSON is shown."""
    if value is None or isinstance(value, bool):
        return _WORD
    return NUMBER if isinstance(value, (int, float)) else STRING if isinstance(value, str) else ""


def scalar(value: Any) -> str:
    """Return a value other than a dict or list as JSON."""
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


def hex_text(value: bytes, width: int) -> str:
    """Return lines with offset, bytes in hexadecimal, and the printable characters; as many bytes as fit ``width``."""
    size = max((width - 7) * 2 // 7 // 4 * 4, 4)  # two digits and a character a byte, a blank after two bytes
    room = size * 5 // 2 - 1
    lines = []
    for at in range(0, min(len(value), MOST), size):
        part = value[at : at + size]
        letters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in part)
        lines.append(f"{at:04x} {part.hex(' ', -2):<{room}} {letters}")
    return "\n".join(lines)
