"""Replace keys by others of the same length and in the same order, without knowing all keys in advance.

Keys with a common prefix get a common prefix. At the first difference of two neighbours, the greater key gets a greater
byte; a replacement is never above the original byte, so a greater one is always available.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

_FLOORS = (0x61, 0x41, 0x30, 0x20, 0)  # a, A, 0, space: where bytes of that kind begin
_MOST = 1 << 8  # bytes of a masked key that are written
_STEP = 2  # at most so much is skipped between two bytes, by chance


class Renamer:
    """Replaces the keys of one bucket. They are given in ascending order; else ``keys`` are all there are, sorted."""

    __slots__ = ("_chance", "_last", "_named", "_renamed")

    def __init__(self, chance: Random, keys: Sequence[bytes] | None = None) -> None:
        self._chance = chance
        self._last = b""
        self._renamed = b""
        self._named: dict[bytes, bytes] | None = None
        if keys is not None:
            self._named = {key: self._next(key) for key in keys}

    def name(self, key: bytes) -> bytes:
        """Return what stands for ``key``."""
        return self._next(key) if self._named is None else self._named[key]

    def _next(self, key: bytes) -> bytes:
        last = self._last
        if key == last:
            return self._renamed
        common = 0
        for one, other in zip(last, key):
            if one != other:
                break
            common += 1
        renamed = bytearray(self._renamed[:common])
        for at in range(common, len(key)):
            byte = key[at]
            if at == common and common < len(last):
                least = self._renamed[common] + 1
            else:
                least = next(floor for floor in _FLOORS if floor <= byte)
            renamed.append(min(byte, least + self._chance.randrange(_STEP + 1)))
        self._last, self._renamed = key, bytes(renamed)
        return self._renamed


def masked(key: bytes, known: int, before: bytes) -> bytes:
    """Return what stands for a key of which only the first ``known`` bytes may be shown; of a long one the beginning.

    The rest are zeros. It stays above the key ``before`` it, which is shown, if it was, and never rises.
    """
    before = before[:_MOST]
    common = 0
    for one, other in zip(key, before):
        if one != other:
            break
        common += 1
    shown = key[: max(known, common)]
    if known <= common < min(len(key), len(before)) and key > before:
        shown += bytes([before[common] + 1])
    return shown.ljust(min(len(key), _MOST), b"\0")
