"""Find databases that begin in the middle of a file, as in one that was joined of two, whatever their page sizes."""

from __future__ import annotations

from ...format.constants import MAGIC, META_PAGE, META_SIZE, PAGE_HEADER_SIZE, PAGE_SIZE_SEARCH
from ...format.meta import Meta
from ...format.page import find, unload
from .pages import AT_ONCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...format.page import Buffer
    from .tree import RecoveredTree

_MAGIC = MAGIC.to_bytes(4, "little")
_MOST_DATABASES = 64  # databases in a file


def starts(buffer: Buffer, tree: RecoveredTree, after: int, end: int) -> list[int]:
    """Return the offsets after ``after`` at which another database begins, ascending.

    One that lies whole in the run of a page of ``tree``, or before ``end``, is or was a value. Of the two meta pages
    one is enough.
    """
    found: list[int] = []
    at = _find_magic(buffer, after)
    while at >= 0 and len(found) < _MOST_DATABASES:
        start, stop = _extent(buffer, at - PAGE_HEADER_SIZE)
        if start >= after and start not in found and stop > max(end, _run_end(tree, start)):
            found.append(start)
        at = _find_magic(buffer, at + 1)
    return found


def _find_magic(buffer: Buffer, start: int) -> int:
    """Return the offset of the next magic number, or -1; the buffer may be a mapped file larger than memory."""
    while start < len(buffer):
        at = find(buffer, _MAGIC, start, start + AT_ONCE + len(_MAGIC))
        if at >= 0:
            return at
        start += AT_ONCE
        unload(buffer)
    return -1


def _extent(buffer: Buffer, at: int) -> tuple[int, int]:
    """Return where the database begins and ends of which a meta page is at ``at``; -1, -1 if there is no valid one."""
    header = buffer[at : at + PAGE_HEADER_SIZE]
    meta = Meta(bytes(buffer[at + PAGE_HEADER_SIZE : at + PAGE_HEADER_SIZE + META_SIZE]), 0)
    number = int.from_bytes(header[:8], "little")
    if (
        header[8:10] != META_PAGE.to_bytes(2, "little")
        or number > 1
        or meta.problem() is not None
        or meta.page_size not in PAGE_SIZE_SEARCH
    ):
        return -1, -1
    start = at - number * meta.page_size
    return start, start + meta.hwm * meta.page_size


def _run_end(tree: RecoveredTree, offset: int) -> int:
    """Return the end of the run of pages of the tree in which ``offset`` lies; 0 if it lies in none."""
    table = tree.table
    page = offset // table.page_size
    if not tree.used[page]:
        return 0
    page += 1
    while page < table.pages and tree.used[page] and not table.own[page]:
        page += 1
    return page * table.page_size
