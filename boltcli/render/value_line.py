"""One value on a line."""

from __future__ import annotations

from .formats import LARGE, lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def value_line(value: bytes, form: str) -> Iterable[bytes]:
    """Yield one value and a newline, in pieces."""
    if len(value) <= LARGE:
        return (lines([value], form),)
    from itertools import chain

    from .slices import slices

    return chain(slices(value, form), (b"\n",))
