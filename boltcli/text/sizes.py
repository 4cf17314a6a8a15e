"""Sizes and numbers for people: 1536 bytes are ``1.5 KiB``."""

from __future__ import annotations

_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def size(count: int) -> str:
    """Return ``count`` bytes in the largest unit that gives at least 1, with at most one decimal."""
    if abs(count) < 1024:
        return f"{count} B"
    unit = 0
    value = count / 1024
    while abs(value) >= 1023.95 and unit < len(_UNITS) - 1:
        value /= 1024
        unit += 1
    return f"{value:.{1 if abs(value) < 99.95 else 0}f} {_UNITS[unit]}"


def written(count: int, human: bool) -> str:
    """Return ``count`` bytes for people, or with the word."""
    return size(count) if human else f"{count} bytes"


def amount(count: int, human: bool) -> str:
    """Return ``count`` bytes for people, or as a plain number."""
    return size(count) if human else str(count)


def counted(number: int, what: str) -> str:
    """Return ``1 page``, ``2 pages``."""
    return f"{number} {what}{'s' * (number != 1)}"
