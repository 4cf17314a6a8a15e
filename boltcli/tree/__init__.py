"""The B+tree: bounded walks, lookups, buckets; and the freelist as the file stores it.

Every descent is bounded: a page that is its own ancestor, or a tree with more
pages than the file can hold, is reported as damage.
"""

from __future__ import annotations

from ..format.constants import FREELIST_PAGE
from ..format.page import type_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..format.meta import Meta
    from ..format.page import Page
    from ..storage.snapshot import Snapshot

BEYOND = 1 << 20  # page ids beyond the end of the file that are accepted; a damaged page may claim any number


def read_freelist(snapshot: Snapshot, meta: Meta) -> tuple[Page, list[int]]:
    """Return the freelist page of ``meta``, and the ids in it, in stored order; the page bears the id that it claims.

    Raises :class:`~boltcli.errors.Corrupted`.
    """
    page = snapshot.any_page(meta.freelist)
    claimed, page.pgid = page.pgid, meta.freelist  # bbolt doesn't check this page's id
    if page.flags != FREELIST_PAGE:
        raise page.damaged(f"invalid freelist page, its type is {type_name(page.flags)}")
    # The ids may extend to the end of the file: bbolt doesn't check the page's own end.
    ids = page.freelist_ids(page.limit, snapshot.page_count + BEYOND)
    page.pgid = claimed
    return page, ids
