"""Which pages are free: as the file's freelist says, or, where none is stored, by a full walk."""

from __future__ import annotations

from ...format.constants import FREELIST_PAGE
from ...format.page import DamagedElements, freelist_ids, type_name
from ...tree.kernel_walks import reached_pages
from ...tree.levels import Levels

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...format.meta import Meta
    from ...storage.snapshot import Snapshot

_BEYOND = 1 << 20  # pages beyond the file's end: a damaged meta may claim any number of them


def free_pages(snapshot: Snapshot) -> list[int]:
    """The ids of the free pages, ascending. Raises :class:`~boltcli.errors.Corrupted`."""
    return stored_free_pages(snapshot, snapshot.meta) if snapshot.meta.has_freelist else unreached_pages(snapshot)


def stored_free_pages(snapshot: Snapshot, meta: Meta) -> list[int]:
    """Return the ids in the freelist page of ``meta``, ascending. Raises :class:`~boltcli.errors.Corrupted`."""
    pgid = meta.freelist
    page = snapshot.any_page(pgid)  # bbolt doesn't ask what id it bears
    if page.flags != FREELIST_PAGE:
        raise snapshot.corrupted(f"invalid freelist page, its type is {type_name(page.flags)}", pgid)
    try:
        return sorted(freelist_ids(page.buffer, page.offset, page.count, page.limit, snapshot.page_count + _BEYOND))
    except DamagedElements as damage:
        raise snapshot.corrupted(str(damage), pgid) from None


def unreached_pages(snapshot: Snapshot) -> list[int]:
    """The ids of the pages, from 2 up to the high-water mark, that no bucket's tree holds.

    Raises :class:`~boltcli.errors.Corrupted`.
    """
    stop = min(snapshot.meta.hwm, snapshot.page_count + _BEYOND)
    quick = reached_pages(snapshot)
    if quick is not None:
        return [pgid for pgid, met in zip(range(stop), quick.ljust(stop, b"\0")) if not met and pgid >= 2]
    levels = Levels(snapshot)
    known = len(levels.heads)
    reached = bytearray(stop)
    roots = [snapshot.meta.root] if snapshot.meta.root else []  # 0 would be an inline bucket: bbolt passes over it
    met: set[int] = set()
    while roots:
        root = roots.pop()
        if root in met:
            raise snapshot.corrupted("the bucket's pages belong to another bucket too", root)
        met.add(root)
        branches, leaves = levels.tree(root)
        for pgid in (*branches, *leaves):
            if pgid < stop and reached[pgid]:
                raise snapshot.corrupted("the page is referenced more than once", pgid)
            overflow = levels.heads[pgid] >> 32 if pgid < known else 0
            reached[pgid : pgid + overflow + 1] = b"\1" * (min(pgid + overflow + 1, stop) - pgid)
        roots += levels.roots(leaves)
    return [pgid for pgid in range(2, stop) if not reached[pgid]]
