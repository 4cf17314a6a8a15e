"""The columns of tables, and rows that can be read again."""

from __future__ import annotations

from ..record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Generic, TypeVar

    T = TypeVar("T")

    class _Rows(Generic[T]): ...

else:

    class _Rows:
        __class_getitem__ = classmethod(lambda cls, _: cls)  # `diff` doesn't import typing


class Column(Record):
    """A column of a table: its name, and the type of its values; each may be None where a record has none.

    ``text`` str, ``integer`` int, ``number`` float, ``boolean`` bool, ``bytes`` bytes, ``time`` int (nanoseconds since
    1970, UTC), ``json`` a list or dict of what JSON can say.
    """

    __slots__ = ("name", "type")
    if TYPE_CHECKING:
        name: str
        type: str

    def __init__(self, name: str, type: str = "text") -> None:
        super().__init__(name, type)


class Again(_Rows["T"]):
    """Rows that can be read more than once: each time from what ``make`` returns."""

    def __init__(self, make: Callable[[], Iterator[T]]) -> None:
        self._make = make

    def __iter__(self) -> Iterator[T]:
        return self._make()
