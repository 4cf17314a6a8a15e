"""Keys, items and values of a bucket, as Python's mappings have them."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, ValuesView
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:

    class Key(bytes):
        """What type checkers take a key for: bytes, with which ``in`` may compare a str, too."""

        __hash__ = bytes.__hash__

        def __eq__(self, other: object) -> bool: ...


V = TypeVar("V")


class Items(ItemsView["Key", V]):
    """The items of a bucket, read in order; the base class would look up each key."""

    _mapping: Any

    def __iter__(self) -> Iterator[tuple[Key, V]]:
        return iter(self._mapping.range())


class Values(ValuesView[V]):
    """The values of a bucket, read in order."""

    _mapping: Any

    def __iter__(self) -> Iterator[V]:
        return (value for _, value in self._mapping.range())

    def __contains__(self, value: object) -> bool:
        return any(each == value for each in self)


def as_bytes(key: bytes | str) -> bytes:
    """Return ``key``, a str as UTF-8."""
    return key.encode() if isinstance(key, str) else key
