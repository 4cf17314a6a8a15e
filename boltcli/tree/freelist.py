"""The freelist as the file stores it."""

from __future__ import annotations

from ..format.constants import FREELIST_PAGE
from ..format.page import type_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..format.meta import Meta
    from ..storage.snapshot import Snapshot

BEYOND = 1 << 20  # pages beyond the file's end: a damaged page may claim any number of them


def stored_free_pages(snapshot: Snapshot, meta: Meta) -> list[int]:
    """Return the ids in the freelist page of ``meta``, ascending. Raises :class:`~boltcli.errors.Corrupted`."""
    page = snapshot.any_page(meta.freelist)
    page.pgid = meta.freelist  # bbolt doesn't ask what id it bears
    if page.flags != FREELIST_PAGE:
        raise page.damaged(f"invalid freelist page, its type is {type_name(page.flags)}")
    # As long as the file lasts: bbolt doesn't look at the page's own end.
    return sorted(page.freelist_ids(page.limit, snapshot.page_count + BEYOND))
