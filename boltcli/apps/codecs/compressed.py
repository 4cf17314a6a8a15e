"""Compressed values: gzip by Python, zstd and snappy by the packages of the extra; the doors to them.

What comes out is bounded, since a few bytes may claim to be terabytes.
"""

from __future__ import annotations

import zlib

from ...extras import need

MOST = 64 << 20  # bytes of a value that are worth decoding
_GZIP, _ZSTD, _FRAMED_SNAPPY = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\xff\x06\x00\x00sNaPpY"
NAMES = ("gzip", "zstd", "snappy")


def kind_of(data: bytes) -> str | None:
    """Return gzip, zstd or snappy by the bytes that ``data`` begins with; None for others."""
    if data.startswith(_GZIP):
        return "gzip"
    if data.startswith(_ZSTD):
        return "zstd"
    return "snappy" if data.startswith(_FRAMED_SNAPPY) else None


def unpacked(data: bytes, kind: str) -> bytes:
    """Return what ``data`` is, uncompressed. Raises ValueError, or MissingExtra without the package that it takes."""
    if kind == "gzip":
        return _gzip(data)
    return _zstd(data) if kind == "zstd" else _snappy(data)


def _gzip(data: bytes) -> bytes:
    stream = zlib.decompressobj(wbits=31)
    try:
        out = stream.decompress(data, MOST + 1)
    except zlib.error as error:
        raise ValueError("no gzip") from error
    if not stream.eof or stream.unused_data:
        raise ValueError("no whole gzip stream")
    return out


def _zstd(data: bytes) -> bytes:
    zstandard = need("zstandard", "apps", "zstd")
    try:
        size = zstandard.frame_content_size(data)
        if size > MOST:
            raise ValueError("too large")
        out: bytes = zstandard.ZstdDecompressor(max_window_size=MOST).decompressobj().decompress(data)
    except (zstandard.ZstdError, MemoryError) as error:
        raise ValueError("no zstd") from error
    if len(out) > MOST:
        raise ValueError("too large")
    return out


def _snappy(data: bytes) -> bytes:
    cramjam = need("cramjam", "apps", "snappy")
    try:
        if data.startswith(_FRAMED_SNAPPY):
            return bytes(cramjam.snappy.decompress(data))
        from .integers import uvarint

        size, at = uvarint(data)
        if size > min(MOST, 64 * (len(data) - at)):  # 3 bytes of a copy make at most 64
            raise ValueError("too large")
        return bytes(cramjam.snappy.decompress_raw(data))
    except cramjam.DecompressionError as error:
        raise ValueError("no snappy") from error
