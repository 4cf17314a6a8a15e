"""Find the free pages: in the stored freelist, or by a full walk if none is stored."""

from __future__ import annotations

from ...kernel import reached_pages
from ...tree.freelist import BEYOND, stored_free_pages
from ...tree.walk import Seen, all_pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...storage.snapshot import Snapshot


def free_pages(snapshot: Snapshot) -> list[int]:
    """Return the ids of the free pages, ascending. Raises :class:`~boltcli.errors.Corrupted`."""
    return stored_free_pages(snapshot, snapshot.meta) if snapshot.meta.has_freelist else unreached_pages(snapshot)


def unreached_pages(snapshot: Snapshot) -> list[int]:
    """Return the ids of the pages, from 2 up to the high-water mark, that are in no bucket's tree.

    Raises :class:`~boltcli.errors.Corrupted`.
    """
    stop = min(snapshot.meta.hwm, snapshot.page_count + BEYOND)
    quick = reached_pages(snapshot)
    if quick is not None:
        return [pgid for pgid, met in zip(range(stop), quick.ljust(stop, b"\0")) if not met and pgid >= 2]
    seen = Seen(snapshot, runs=True)
    for _ in all_pages(snapshot, seen):
        pass
    return [pgid for pgid, met in enumerate(seen.marks[:stop].ljust(stop, b"\0")) if not met and pgid >= 2]
