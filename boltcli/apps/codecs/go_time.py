"""Go's ``time.MarshalBinary``: version, seconds since year 1, nanoseconds, minutes of offset; big-endian.

They take 1, 8, 4 and 2 bytes; version 2 has one more with the seconds of the offset. Source: Go's ``time/time.go``.
"""

from __future__ import annotations

from ..words import SECOND

_YEAR_1_TO_1970 = 62_135_596_800  # seconds
ZERO = -_YEAR_1_TO_1970 * SECOND  # Go's zero time
_YEAR_10000 = 253_402_300_800  # seconds since 1970
_SIZES = {1: 15, 2: 16}


def go_time(data: object) -> int | None:
    """Return nanoseconds since 1970, UTC; None if ``data`` isn't such a time in the years 1 to 9999.

    >>> go_time(bytes.fromhex("010000000edaefd6c70e4e1c00ffff"))
    1667096519240000000
    >>> go_time(b"\\1" + bytes(14)) == ZERO, go_time(b"no time")
    (True, None)
    """
    if not isinstance(data, bytes) or not data or _SIZES.get(data[0]) != len(data):
        return None
    seconds = int.from_bytes(data[1:9], "big", signed=True) - _YEAR_1_TO_1970
    nanoseconds = int.from_bytes(data[9:13], "big", signed=True)
    offset = int.from_bytes(data[13:15], "big", signed=True)
    if not 0 <= nanoseconds < SECOND or not -_YEAR_1_TO_1970 <= seconds < _YEAR_10000 or abs(offset) > 24 * 60:
        return None
    return seconds * SECOND + nanoseconds
