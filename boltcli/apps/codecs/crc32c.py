"""CRC-32 with Castagnoli's polynomial, which etcd's hashes are; the door to the package that has it in C.

Without google-crc32c (of the extra ``apps``) Python reads about 10 MB a second.
"""

try:
    from google_crc32c import extend
except ImportError:
    extend = None

_TABLE = list(range(256))
for _ in range(8):
    _TABLE = [byte >> 1 ^ (0x82F63B78 if byte & 1 else 0) for byte in _TABLE]  # Castagnoli's polynomial, reflected


def plain(data: bytes, crc: int = 0) -> int:
    """Return the same as :func:`crc32c`, without the package."""
    register = crc ^ 0xFFFFFFFF
    for byte in data:
        register = register >> 8 ^ _TABLE[(register ^ byte) & 0xFF]
    return register ^ 0xFFFFFFFF


def crc32c(data: bytes, crc: int = 0) -> int:
    """Return the CRC of ``data`` after what ``crc`` is of, as zlib's ``crc32`` does.

    >>> hex(crc32c(b"56789", crc32c(b"1234")))
    '0xe3069283'
    """
    return plain(data, crc) if extend is None else extend(crc, data)
