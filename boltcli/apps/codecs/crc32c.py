"""CRC-32 with Castagnoli's polynomial, which etcd's hashes are; Python's zlib has another one.

A byte at a time in Python is 100 times too slow. A CRC is linear: a block is
cut into lanes of equal length, whose CRCs are computed at once, a byte of every
lane in each step, by ``bytes.translate`` and big integers, all in C. Lanes are
then joined by the operator that appends a lane's length of zeros.
"""

from __future__ import annotations

_POLYNOMIAL = 0x82F63B78  # Castagnoli's, reflected
_LANE = 256  # bytes
_LANES = 1024
_BLOCK = _LANE * _LANES


def _table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
        table.append(byte)
    return table


TABLE = _table()
# What a step adds to each byte of the register, by the byte that leaves it.
_BYTES = [bytes(entry >> shift & 0xFF for entry in TABLE) for shift in (0, 8, 16, 24)]


def _zeros(count: int) -> list[list[int]]:
    """Return the operator that takes a register through ``count`` zero bytes: a table for each byte of the register."""
    tables = []
    for shift in (0, 8, 16, 24):
        singles = []
        for bit in range(8):
            register = 1 << bit + shift
            for _ in range(count):
                register = register >> 8 ^ TABLE[register & 0xFF]
            singles.append(register)
        table = [0] * 256
        for byte in range(256):
            for bit in range(8):
                if byte >> bit & 1:
                    table[byte] ^= singles[bit]
        tables.append(table)
    return tables


class Crc32c:
    """A running CRC: ``update(data)``, then ``value``; :attr:`value` may be asked again after more data.

    >>> crc = Crc32c(); crc.update(b"1234"); crc.update(b"56789"); hex(crc.value)
    '0xe3069283'
    """

    __slots__ = ("_append", "_parts", "_register", "_waiting")

    def __init__(self) -> None:
        self._register = 0xFFFFFFFF
        self._parts: list[bytes] = []
        self._waiting = 0
        self._append: list[list[int]] | None = None

    def update(self, data: bytes) -> None:
        """Add ``data``."""
        self._parts.append(data)
        self._waiting += len(data)
        if self._waiting >= _BLOCK:
            self._work()

    @property
    def value(self) -> int:
        """The CRC of all data so far."""
        register = self._register
        for byte in b"".join(self._parts):
            register = register >> 8 ^ TABLE[(register ^ byte) & 0xFF]
        return register ^ 0xFFFFFFFF

    def _work(self) -> None:
        data = b"".join(self._parts)
        whole = len(data) - len(data) % _BLOCK
        for start in range(0, whole, _BLOCK):
            self._register = self._block(data[start : start + _BLOCK])
        self._parts = [data[whole:]]
        self._waiting = len(data) - whole

    def _block(self, data: bytes) -> int:
        """Return the register after a block."""
        first, second, third, fourth = self._append = self._append or _zeros(_LANE)
        register = self._register
        for lane in _lanes(data):
            register = (
                first[register & 0xFF]
                ^ second[register >> 8 & 0xFF]
                ^ third[register >> 16 & 0xFF]
                ^ fourth[register >> 24]
                ^ lane
            )
        return register


def _lanes(data: bytes) -> list[int]:
    """Return the register of each lane, from 0: its lowest bytes are one string of all lanes, and so on."""
    read = int.from_bytes
    low = second = third = 0
    high = 0
    for at in range(_LANE):
        index = (low ^ read(data[at::_LANE], "little")).to_bytes(_LANES, "little")
        low = second ^ read(index.translate(_BYTES[0]), "little")
        second = third ^ read(index.translate(_BYTES[1]), "little")
        third = high ^ read(index.translate(_BYTES[2]), "little")
        high = read(index.translate(_BYTES[3]), "little")
    columns = [part.to_bytes(_LANES, "little") for part in (low, second, third, high)]
    return [a | b << 8 | c << 16 | d << 24 for a, b, c, d in zip(*columns)]
