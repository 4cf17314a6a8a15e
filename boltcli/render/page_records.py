"""The JSON output of ``page`` and ``page-item`` for one page."""

from collections.abc import Iterator

from ..format.bucket import too_small
from ..format.constants import BRANCH_PAGE, BUCKET_HEADER_SIZE, BUCKET_LEAF_FLAG, FREELIST_PAGE, LEAF_PAGE, META_PAGE
from ..format.meta import Meta
from ..format.page import BUCKET_HEADER, BranchElements, LeafElements, type_name
from ..storage.raw import RawPage
from .page_text import must_be_item
from .records import Record, field, fields_of


def page_records(page: RawPage, form: str) -> Iterator[Record]:
    """Yield a record of the page, then of each element, its value in ``form``. At damage raises UnreadablePage."""
    record: Record = {"page": page.pgid, "type": type_name(page.flags), "count": page.count}
    record |= {"overflow": page.overflow, "size": len(page.data)}
    if page.flags == META_PAGE:
        record |= _meta(Meta.at(page.data, page.pgid))
    elif page.flags == FREELIST_PAGE:
        ids = page.freelist_ids()
        record |= {"count": len(ids), "ids": ids}
    yield record
    if page.flags == LEAF_PAGE:
        leaf = LeafElements(page)
        for index in range(leaf.count):
            key = field("key", leaf.key(index))
            yield {"page": page.pgid, "index": index, **key, **_value(leaf, index, form)}
    elif page.flags == BRANCH_PAGE:
        branch = BranchElements(page)
        for index in range(branch.count):
            key = field("key", branch.key(index))
            yield {"page": page.pgid, "index": index, **key, "child_page": branch.pgids[index]}


def item_record(page: RawPage, index: int, form: str, *, key: bool, value: bool) -> Record:
    """Element ``index`` of a leaf page, as far as it is wanted. Raises UnreadablePage."""
    must_be_item(page, index)
    leaf = LeafElements(page)
    return {
        "page": page.pgid,
        "index": index,
        **(field("key", leaf.key(index), form) if key else {}),
        **(field("value", leaf.value(index), form) if value else {}),
    }


def _value(leaf: LeafElements, index: int, form: str) -> Record:
    value = leaf.value(index)
    if not leaf.flags[index] & BUCKET_LEAF_FLAG:
        return field("value", value, form)
    if len(value) < BUCKET_HEADER_SIZE:
        raise too_small(leaf, index)
    return dict(zip(("root_page", "sequence"), BUCKET_HEADER.unpack_from(value)))


def _meta(meta: Meta) -> Record:
    return {
        **fields_of(meta, "version", "page_size", "flags"),
        "root_page": meta.root,
        "freelist_page": meta.freelist if meta.has_freelist else None,
        **fields_of(meta, "hwm", "txid"),
        "checksum": f"{meta.checksum:016x}",
        "valid": meta.problem() is None,
    }
