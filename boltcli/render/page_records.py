"""The JSON output of ``page`` and ``page-item`` for one page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..format.bucket import too_small
from ..format.constants import (
    BRANCH_PAGE,
    BUCKET_HEADER_SIZE,
    BUCKET_LEAF_FLAG,
    FREELIST_PAGE,
    LEAF_PAGE,
    META_PAGE,
    NO_FREELIST,
)
from ..format.meta import Meta
from ..format.page import BUCKET_HEADER, BranchElements, LeafElements, type_name
from .page_text import must_be_item
from .records import put

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..storage.raw import RawPage

    Record = dict[str, Any]


def page_records(page: RawPage, form: str) -> Iterator[Record]:
    """Yield a record of the page itself, then one for each element of a branch or leaf page; values are in ``form``.

    Yields what precedes damage, then raises :class:`~boltcli.errors.UnreadablePage`.
    """
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
            yield _leaf(leaf, index, form)
    elif page.flags == BRANCH_PAGE:
        branch = BranchElements(page)
        for index in range(branch.count):
            element: Record = {"page": page.pgid, "index": index}
            put(element, "key", branch.key(index))
            element["child_page"] = branch.pgids[index]
            yield element


def item_record(page: RawPage, index: int, form: str, *, key: bool, value: bool) -> Record:
    """Element ``index`` of a leaf page, as far as it is wanted. Raises UnreadablePage."""
    must_be_item(page, index)
    leaf = LeafElements(page)
    record: Record = {"page": page.pgid, "index": index}
    if key:
        put(record, "key", leaf.key(index), form)
    if value:
        put(record, "value", leaf.value(index), form)
    return record


def _leaf(leaf: LeafElements, index: int, form: str) -> Record:
    record: Record = {"page": leaf.page.pgid, "index": index}
    put(record, "key", leaf.key(index))
    value = leaf.value(index)
    if leaf.flags[index] & BUCKET_LEAF_FLAG:
        if len(value) < BUCKET_HEADER_SIZE:
            raise too_small(leaf, index)
        record["root_page"], record["sequence"] = BUCKET_HEADER.unpack_from(value)
    else:
        put(record, "value", value, form)
    return record


def _meta(meta: Meta) -> Record:
    return {
        "version": meta.version,
        "page_size": meta.page_size,
        "flags": meta.flags,
        "root_page": meta.root,
        "freelist_page": None if meta.freelist == NO_FREELIST else meta.freelist,
        "hwm": meta.hwm,
        "txid": meta.txid,
        "checksum": f"{meta.checksum:016x}",
        "valid": meta.problem() is None,
    }
