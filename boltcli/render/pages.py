"""The table that ``pages`` prints."""

from __future__ import annotations

from ..format.page import type_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

HEADING = b"ID       TYPE       ITEMS  OVRFLW\n======== ========== ====== ======\n"


def table_rows(rows: Sequence[tuple[int, int]], free: int, tails: dict[int, str]) -> bytes:
    """Return a line for each of ``rows``: page id, and half of a header or ``free``.

    ``tails`` keeps what follows the id: most pages of a database look alike.
    """
    for head in {head for _, head in rows}:
        if head not in tails:
            tails[head] = _tail(head, free)
    return "".join([str(pgid).ljust(8) + tails[head] for pgid, head in rows]).encode()


def _tail(head: int, free: int) -> str:
    if head == free:
        return f" {'free':<10} {'':<6} {'':<6}\n"
    overflow = head >> 32
    return f" {type_name(head & 0xFFFF):<10} {head >> 16 & 0xFFFF:<6} {overflow or '':<6}\n"
