"""Split rows into chunks that fit in memory."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any, TypeVar

    Row = TypeVar("Row", bound=Sequence[Any])

_AT_ONCE = 1 << 20  # bytes and characters in a chunk
_SIZES: dict[type, int] = {bytes: 1, str: 1, tuple: 16, list: 16}  # for a path: an estimate of a name's length


def row_chunks(rows: Iterable[Row], most: int) -> Iterator[list[Row]]:
    """Yield the rows in lists of at most ``most``, and fewer where their values are large."""
    held: list[Row] = []
    size = 0
    for row in rows:
        held.append(row)
        size += sum([len(value) * _SIZES[type(value)] for value in row if type(value) in _SIZES])
        if len(held) >= most or size >= _AT_ONCE:
            yield held
            held, size = [], 0
    if held:
        yield held
