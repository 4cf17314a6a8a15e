"""Integers in keys and values: Go's varints, and fixed sizes."""


class Reader:
    """Reads bytes from the first to the last; it raises ValueError where there are no more."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        self.at += self.within(size)
        return self.data[self.at - size : self.at]

    def within(self, count: int) -> int:
        """Return ``count``, of what takes a byte each at least."""
        if count > len(self.data) - self.at:
            raise ValueError("cut short")
        return count


def uvarint(data: bytes, at: int = 0) -> tuple[int, int]:
    """Read an unsigned varint at ``at``: return it and where it ends. Raises ValueError.

    >>> uvarint(b"\\xac\\x02"), uvarint(b"\\x05", 0)
    ((300, 2), (5, 1))
    """
    if at < len(data) and data[at] < 0x80:  # like most
        return data[at], at + 1
    value = shift = 0
    for end in range(at, min(at + 10, len(data))):
        byte = data[end]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >> 64:
                break
            return value, end + 1
        shift += 7
    raise ValueError("no varint")


def whole_uvarint(data: bytes) -> int | None:
    """Return the unsigned varint that ``data`` is; None if it isn't one."""
    try:
        value, end = uvarint(data)
    except ValueError:
        return None
    return value if end == len(data) else None


def varint(data: bytes) -> int | None:
    """Return the signed varint (zigzag, Go's ``binary.PutVarint``) that ``data`` is; None if it isn't one.

    >>> varint(b"\\x08"), varint(b"\\x03"), varint(b"\\x80"), varint(b"\\x08\\x00")
    (4, -2, None, None)
    """
    value = whole_uvarint(data)
    return None if value is None else (value >> 1) ^ -(value & 1)


def u64(data: object) -> int | None:
    """Return 8 bytes, big-endian, as a number; None for anything else."""
    return int.from_bytes(data, "big") if isinstance(data, bytes) and len(data) == 8 else None


def i64(data: object) -> int | None:
    """Return 8 bytes, big-endian, as a signed number; None for anything else."""
    number = u64(data)
    return None if number is None else signed(number)


def signed(value: int) -> int:
    """Return an unsigned number of 64 bits as the signed one with the same bits.

    >>> signed(5), signed(2**64 - 1)
    (5, -1)
    """
    return value - (1 << 64) if value >> 63 else value
