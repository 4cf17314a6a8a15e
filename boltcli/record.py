"""Results as immutable values, for modules that hot commands load; others have frozen dataclasses."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self


class Record:
    """A value whose fields are its slots: it has repr, equality, order, hash and pickle, and can't be changed.

    In the order a field that is None comes before all others.
    """

    __slots__: tuple[str, ...] = ()

    def __init__(self, *values: object) -> None:
        for name, value in zip(self.__slots__, values, strict=True):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a {type(self).__name__} can't be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a {type(self).__name__} can't be changed")

    def _values(self) -> tuple[Any, ...]:
        return tuple([getattr(self, name) for name in self.__slots__])

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({fields})"

    def __eq__(self, other: object) -> bool:
        return self._values() == other._values() if isinstance(other, type(self)) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._values())

    def __lt__(self, other: Self) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return [*map(_rank, self._values())] < [*map(_rank, other._values())]

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, (type(self), *self._values())


def _rank(value: object) -> tuple[bool, object]:
    return value is not None, value


def _made(kind: type[Record], *values: object) -> Record:
    found = kind.__new__(kind)
    Record.__init__(found, *values)
    return found
