"""``surgery freelist rebuild``: write what bbolt writes when it opens a database without a freelist.

It finds the free pages by a full walk and commits an empty transaction, which allocates pages for the freelist, writes
it, and writes the older meta page anew (``db.go`` Open, ``tx.go`` Commit).
"""

from __future__ import annotations

import os

from ...errors import Corrupted
from ...format.constants import META_PAGE
from ...format.meta import Meta
from ...format.page import HEADER
from ...storage.snapshot import Snapshot
from ...storage.source import Source
from ...tree.page_map import unreached_pages
from ..check.database_check import is_sound
from ..check.exact_check import check_trees
from .pager import Space

TYPE_CHECKING = False
if TYPE_CHECKING:
    Patch = tuple[int, bytes]


def rebuild_freelist(path: str, fd: int) -> tuple[list[Patch], int]:
    """Return the patches (offset, bytes) that store a freelist in the database ``fd``, and its new size in bytes.

    The database must not have a freelist, and no other process may write to it; ``path`` is its name in errors. Raises
    :class:`~boltcli.errors.Corrupted` for a damaged database, as its free pages aren't known.
    """
    with Snapshot(path, Source(os.dup(fd), path, is_own_copy=True)) as snapshot:
        return _patches(snapshot)


def _patches(snapshot: Snapshot) -> tuple[list[Patch], int]:
    meta = snapshot.meta
    if meta.has_freelist:
        return [], snapshot.size
    finding = None if is_sound(snapshot) else next(check_trees(snapshot), None)
    if finding is not None:
        raise Corrupted(f"which pages are free isn't known: {finding.message}", page=finding.page)
    page_size = snapshot.page_size
    space = Space(page_size, meta.hwm, snapshot.size)
    for free in unreached_pages(snapshot):
        space.release(free, 1)
    space.begin()
    pgid, pages, freelist = space.end()
    new = Meta(meta.packed(), meta.page)
    new.freelist, new.hwm, new.txid = pgid, space.hwm, (meta.txid + 1) % (1 << 64)
    slot = new.txid % 2
    head = HEADER.pack(slot, META_PAGE, 0, 0) + new.packed()
    patches = [
        (pgid * page_size, freelist.ljust(pages * page_size, b"\0")),
        (slot * page_size, head.ljust(page_size, b"\0")),
    ]
    return patches, space.size
