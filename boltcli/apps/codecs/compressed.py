"""Compressed values: gzip by Python, zstd and snappy by the packages of the extra; the doors to them.

What comes out is bounded while it comes, since a few bytes may become terabytes, whatever size they claim.
"""

import zlib

from ...extras import need
from .integers import uvarint

MOST = 4 << 20  # bytes of a value that is decoded, packed or not: as objects it takes many times its size
_WINDOW = 64 << 20  # bytes of zstd's memory
_PART = 256  # bytes of zstd unpacked at a time: 4 may become 128 KiB
_BLOCK = 64 << 10  # bytes of a chunk in snappy's framed form, uncompressed
_FRAMED_SNAPPY = b"\xff\x06\x00\x00sNaPpY"
_MAGIC = {"gzip": b"\x1f\x8b\x08", "zstd": b"\x28\xb5\x2f\xfd", "snappy": _FRAMED_SNAPPY}
NAMES = tuple(_MAGIC)


def kind_of(data: bytes) -> str | None:
    """Return gzip, zstd or snappy by the bytes that ``data`` begins with; None for others."""
    return next((kind for kind, magic in _MAGIC.items() if data.startswith(magic)), None)


def unpacked(data: bytes, kind: str) -> bytes:
    """Return what ``data`` is, uncompressed. Raises ValueError, or MissingExtra without the package that it takes."""
    return {"gzip": _gzip, "zstd": _zstd, "snappy": _snappy}[kind](data)


def _gzip(data: bytes) -> bytes:
    stream = zlib.decompressobj(wbits=31)
    try:
        out = stream.decompress(data, MOST + 1)
    except zlib.error as error:
        raise ValueError("no gzip") from error
    if len(out) > MOST:
        raise ValueError("too large")
    if not stream.eof or stream.unused_data:
        raise ValueError("no whole gzip stream")
    return out


def _zstd(data: bytes) -> bytes:
    zstandard = need("zstandard", "apps", "zstd")
    out, at = bytearray(), 0
    try:
        stream = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()
        while at < len(data) and not stream.eof:
            out += stream.decompress(data[at : at + _PART])
            at += _PART
            if len(out) > MOST:
                raise ValueError("too large")
    except (zstandard.ZstdError, MemoryError) as error:
        raise ValueError("no zstd") from error
    if not stream.eof:
        raise ValueError("no whole frame of zstd")
    return bytes(out)


def _snappy(data: bytes) -> bytes:
    cramjam = need("cramjam", "apps", "snappy")
    try:
        if data.startswith(_FRAMED_SNAPPY):
            if _framed_size(data) > MOST:
                raise ValueError("too large")
            return bytes(cramjam.snappy.decompress(data))
        size, at = uvarint(data)
        if size > min(MOST, 64 * (len(data) - at)):  # 3 bytes of a copy make at most 64
            raise ValueError("too large")
        return bytes(cramjam.snappy.decompress_raw(data))
    except cramjam.DecompressionError as error:
        raise ValueError("no snappy") from error


def _framed_size(data: bytes) -> int:
    at, size = 0, 0
    while at + 4 <= len(data):
        kind, length = data[at], int.from_bytes(data[at + 1 : at + 4], "little")
        if kind == 0:  # compressed, after a checksum of 4 bytes
            claimed, _ = uvarint(data, at + 8)
            if claimed > _BLOCK:
                raise ValueError("no snappy")
            size += claimed
        elif kind == 1:
            size += length
        at += 4 + length
    return size
