"""The formats of ``--format`` that bbolt doesn't have. Each returns None for bytes that it does not suit."""

from __future__ import annotations

from binascii import b2a_base64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_U64 = 8  # bytes
_GO_TIME = 15  # bytes of Go's binary time, version 1; version 2 has one more
_UNIX_DAY = 719163  # of 1970-01-01, counted from 0001-01-01, which is 1
_DAY = 86400  # seconds


def json(data: bytes) -> bytes | None:
    """Return JSON indented; numbers are as in JavaScript."""
    from .orjson_writer import indented

    return indented(data)


def base64(data: bytes) -> bytes:
    """Return base64 with the standard alphabet, padded."""
    return b2a_base64(data, newline=False)


def u64(data: bytes) -> bytes | None:
    """Return a big-endian number of 8 bytes, in decimal."""
    return b"%d" % int.from_bytes(data, "big") if len(data) == _U64 else None


def time(data: bytes) -> bytes | None:
    """Return a time in RFC 3339, from 8 bytes (big-endian nanoseconds since 1970) or Go's ``time.MarshalBinary``.

    Source of the latter: Go's ``time/time.go``. A version byte (1, or 2 with the
    seconds of the offset), big-endian seconds since 0001-01-01 UTC (i64),
    nanoseconds (i32), minutes east of UTC (i16; -1 is UTC itself).
    """
    text = time_text(data)
    return None if text is None else text.encode()


def time_text(data: bytes) -> str | None:
    """Return the same as str; None if it is no time of the years 1 to 9999."""
    if len(data) == _U64:
        seconds, nanoseconds = divmod(int.from_bytes(data, "big"), 10**9)
        return _rfc3339(seconds + (_UNIX_DAY - 1) * _DAY, nanoseconds, 0, utc=True)
    if len(data) - _GO_TIME not in (0, 1) or data[0] != len(data) - _GO_TIME + 1:
        return None
    seconds = int.from_bytes(data[1:9], "big", signed=True)
    nanoseconds = int.from_bytes(data[9:13], "big", signed=True)
    minutes = int.from_bytes(data[13:15], "big", signed=True)
    if not 0 <= nanoseconds < 10**9:
        return None
    if minutes == -1:
        return _rfc3339(seconds, nanoseconds, 0, utc=True)
    offset = 60 * minutes + (int.from_bytes(data[15:], "big", signed=True) if len(data) > _GO_TIME else 0)
    return _rfc3339(seconds, nanoseconds, offset, utc=offset == 0)


def _rfc3339(seconds: int, nanoseconds: int, offset: int, *, utc: bool) -> str | None:
    """Format seconds since the year 1 (UTC) at ``offset`` seconds east of UTC."""
    from datetime import date

    day, second = divmod(seconds + offset, _DAY)
    try:
        text = date.fromordinal(day + 1).isoformat()
    except (ValueError, OverflowError):
        return None
    text += f"T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    if nanoseconds:
        text += f".{nanoseconds:09}".rstrip("0")
    if utc:
        return text + "Z"
    sign = "-" if offset < 0 else "+"
    return f"{text}{sign}{abs(offset) // 3600:02}:{abs(offset) // 60 % 60:02}"


def python_repr(data: bytes) -> bytes:
    """Return a literal of Python."""
    return repr(data).encode()


FORMATS: dict[str, Callable[[bytes], bytes | None]] = {
    "json": json, "base64": base64, "u64": u64, "time": time, "repr": python_repr,
}  # fmt: skip
