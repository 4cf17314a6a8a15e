"""Times: RFC 3339 text, Go's binary form, big-endian numbers, and ages in words. All are nanoseconds since 1970, UTC.

Go's ``time.MarshalBinary``: a version byte (1, or 2 with the seconds of the offset in one more byte at the end),
big-endian seconds since 0001-01-01 UTC (i64), nanoseconds (i32), minutes east of UTC (i16; -1 is UTC itself). Source:
Go's ``time/time.go``.
"""

from datetime import UTC, datetime, timedelta

from .sizes import counted

SECOND = 1_000_000_000  # nanoseconds
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86400 * SECOND
_UNITS = ((365 * DAY, "year"), (DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second"))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_1_TO_1970 = 62_135_596_800  # seconds
ZERO = -_YEAR_1_TO_1970 * SECOND  # Go's zero time
_YEAR_10000 = 253_402_300_800  # seconds since 1970
_SIZES = {1: 15, 2: 16}  # bytes of a version


def parse_time(text: object) -> int | None:
    """Return an RFC 3339 time as nanoseconds since 1970, UTC; None for anything else, and for Go's zero time.

    >>> parse_time("1970-01-01T01:00:00.5+01:00"), parse_time("0001-01-01T00:00:00Z"), parse_time("soon")
    (500000000, None, None)
    """
    if not isinstance(text, str) or text.startswith("0001-"):
        return None
    head, _, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    try:
        moment = datetime.fromisoformat(head + rest[len(digits) :])
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return (moment - _EPOCH) // timedelta(seconds=1) * SECOND + int(digits[:9].ljust(9, "0"))


def moment(nanoseconds: int) -> datetime | int:
    """Return nanoseconds since 1970 as a time in UTC, cut to microseconds; unchanged beyond the years 1 to 9999.

    >>> moment(1721008606570000001), moment(1 << 70)
    (datetime.datetime(2024, 7, 15, 1, 56, 46, 570000, tzinfo=datetime.timezone.utc), 1180591620717411303424)
    """
    try:
        return utc_time(nanoseconds)
    except OverflowError:
        return nanoseconds


def since_epoch(moment: datetime) -> int:
    """Return an aware time as nanoseconds since 1970. Raises TypeError if it has no time zone."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def time_text(nanoseconds: int | None) -> str:
    """Return nanoseconds since 1970 as an RFC 3339 time in UTC, as short as Go writes it; "" for None.

    >>> time_text(1721008606570000000), time_text(0), time_text(None)
    ('2024-07-15T01:56:46.57Z', '1970-01-01T00:00:00Z', '')
    """
    if nanoseconds is None:
        return ""
    return _rfc3339(*divmod(nanoseconds, SECOND), None) or f"{nanoseconds} ns"


def utc_time(nanoseconds: int) -> datetime:
    """Return nanoseconds since 1970 as a time in UTC, cut to microseconds. Raises OverflowError."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


def moment_text(when: datetime) -> str:
    """Return a time as an RFC 3339 time in UTC.

    >>> moment_text(utc_time(1721008606570000999))
    '2024-07-15T01:56:46.57Z'
    """
    return time_text(since_epoch(when))


def _rfc3339(seconds: int, nanoseconds: int, offset: int | None) -> str | None:
    """Format seconds since 1970 at ``offset`` seconds east of UTC; None beyond the years 1 to 9999."""
    try:
        moment = datetime(1970, 1, 1) + timedelta(seconds=seconds + (offset or 0))
    except OverflowError:
        return None
    fraction = f".{nanoseconds:09}".rstrip("0") if nanoseconds else ""
    if not offset:
        return f"{moment.isoformat()}{fraction}Z"
    hours, minutes = divmod(abs(offset) // 60, 60)
    return f"{moment.isoformat()}{fraction}{'-' if offset < 0 else '+'}{hours:02}:{minutes:02}"


def _go_parts(data: bytes) -> tuple[int, int, int | None] | None:
    """Return seconds since 1970, nanoseconds and the offset in seconds of Go's binary form; None if it isn't that."""
    if not data or _SIZES.get(data[0]) != len(data):
        return None
    seconds = int.from_bytes(data[1:9], "big", signed=True) - _YEAR_1_TO_1970
    nanoseconds = int.from_bytes(data[9:13], "big", signed=True)
    minutes = int.from_bytes(data[13:15], "big", signed=True)
    if not 0 <= nanoseconds < SECOND or abs(minutes) > 24 * 60:
        return None
    offset = 60 * minutes + int.from_bytes(data[15:], "big", signed=True)
    return seconds, nanoseconds, None if minutes == -1 else offset


def go_time(data: object) -> int | None:
    """Return nanoseconds since 1970, UTC; None if ``data`` isn't Go's binary form of the years 1 to 9999.

    >>> go_time(bytes.fromhex("010000000edaefd6c70e4e1c00ffff"))
    1667096519240000000
    >>> go_time(bytes.fromhex("01000000000000000000000000ffff")) == ZERO, go_time(b"no time")
    (True, None)
    """
    parts = _go_parts(data) if isinstance(data, bytes) else None
    if parts is None or not -_YEAR_1_TO_1970 <= parts[0] < _YEAR_10000:
        return None
    return parts[0] * SECOND + parts[1]


def binary_time_text(data: bytes) -> str | None:
    """Return big-endian nanoseconds since 1970, or Go's binary form at its own offset, in RFC 3339; or None."""
    if len(data) == 8:
        return _rfc3339(*divmod(int.from_bytes(data, "big"), SECOND), None)
    parts = _go_parts(data)
    return None if parts is None else _rfc3339(*parts)


def age(then: int | None, now: int) -> str:
    """Return in words how long ago ``then`` was: its two largest units.

    >>> age(0, 90061 * 10**9), age(0, 3600 * 10**9), age(5, 5), age(None, 5), age(7, 5)
    ('1 day 1 hour', '1 hour', 'less than a second', 'an unknown time', 'less than a second')
    """
    if then is None:
        return "an unknown time"
    left = max(now - then, 0)
    parts: list[str] = []
    for size, unit in _UNITS:
        number, left = divmod(left, size)
        if number:
            parts.append(counted(number, unit))
        if len(parts) == 2 or (parts and not number):
            break
    return " ".join(parts) or "less than a second"


def short_age(seconds: float) -> str:
    """Return an age in its largest unit, for a column.

    >>> short_age(59.9), short_age(7200), short_age(200000)
    ('59s', '2h', '2d')
    """
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{int(seconds // length)}{unit}"
    return f"{int(seconds)}s"
