"""What writes the values that the codecs read: varints, Go's times, fields of protobuf."""

from __future__ import annotations

from boltcli.text.times import SECOND, ZERO


def put_go_time(nanoseconds: int) -> bytes:
    """Return nanoseconds since 1970 as Go marshals that time in UTC."""
    seconds, rest = divmod(nanoseconds - ZERO, SECOND)
    return b"\1" + seconds.to_bytes(8, "big") + rest.to_bytes(4, "big") + b"\xff\xff"


def put_uvarint(value: int) -> bytes:
    """Return ``value`` (0 to 2^64-1) as a varint."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def put_varint(value: int) -> bytes:
    """Return ``value`` as a signed varint."""
    return put_uvarint(value << 1 if value >= 0 else (~value << 1) | 1)


def put(number: int, value: int | bytes) -> bytes:
    """Return a field: an int as a varint, bytes with their length."""
    if isinstance(value, bytes):
        return put_uvarint(number << 3 | 2) + put_uvarint(len(value)) + value
    return put_uvarint(number << 3) + put_uvarint(value % (1 << 64))
