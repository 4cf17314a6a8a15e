"""Times and ages in words, for views and audits."""

from __future__ import annotations

from datetime import datetime, timedelta

SECOND = 1_000_000_000  # nanoseconds
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86400 * SECOND
_UNITS = ((365 * DAY, "year"), (DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second"))
_DAYS_BEFORE_1970 = 719163  # datetime's ordinal of 1970-01-01


def parse_time(text: object) -> int | None:
    """Return an RFC 3339 time as nanoseconds since 1970, UTC; None for anything else, and for Go's zero time.

    >>> parse_time("1970-01-01T01:00:00.5+01:00"), parse_time("0001-01-01T00:00:00Z"), parse_time("soon")
    (500000000, None, None)
    """
    if not isinstance(text, str) or text.startswith("0001-"):
        return None
    head, dot, rest = text.partition(".")
    digits = ""
    if dot:
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        head += rest[len(digits) :]
    try:
        moment = datetime.fromisoformat(head)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    days = moment.toordinal() - _DAYS_BEFORE_1970
    offset = moment.utcoffset()
    seconds = days * 86400 + moment.hour * 3600 + moment.minute * 60 + moment.second
    if offset is not None:
        seconds -= offset.days * 86400 + offset.seconds
    return seconds * SECOND + int(digits[:9].ljust(9, "0"))


def time_text(nanoseconds: int | None) -> str:
    """Return nanoseconds since 1970 as an RFC 3339 time in UTC, as short as Go writes it; "" for None.

    >>> time_text(1721008606570000000), time_text(0), time_text(None)
    ('2024-07-15T01:56:46.57Z', '1970-01-01T00:00:00Z', '')
    """
    if nanoseconds is None:
        return ""
    seconds, rest = divmod(nanoseconds, SECOND)
    try:
        moment = datetime(1970, 1, 1) + timedelta(seconds=seconds)
    except OverflowError:
        return f"{nanoseconds} ns"
    fraction = f".{rest:09}".rstrip("0") if rest else ""
    return f"{moment.isoformat()}{fraction}Z"


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
            parts.append(f"{number} {unit}{'s' if number != 1 else ''}")
            if len(parts) == 2:
                break
        elif parts:
            break
    return " ".join(parts) or "less than a second"
