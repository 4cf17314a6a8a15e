"""Check both meta pages, their consistency, and the state that the older one describes."""

from __future__ import annotations

from copy import copy

from ...format.constants import META_PAGE
from ...format.page import type_name
from .database_check import check
from .findings import Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...format.meta import Meta
    from ...storage.snapshot import Snapshot


def meta_findings(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield findings about each meta page, and about the file's length compared with the high-water mark."""
    for meta in snapshot.metas:
        for words in _problems(snapshot, meta):
            yield Finding("meta", meta.page, f"meta page {meta.page}: {words}")
    used = snapshot.meta.hwm * snapshot.page_size
    if snapshot.size < used:
        yield Finding(
            "meta", snapshot.meta.page,
            f"meta page {snapshot.meta.page}: its high-water mark is page {snapshot.meta.hwm}, "
            f"at offset {used}, and the file ends at {snapshot.size}"
            if used < 1 << 63
            else f"meta page {snapshot.meta.page}: its high-water mark, page {snapshot.meta.hwm}, is impossibly large",
        )  # fmt: skip
    yield from _side_by_side(snapshot)


def _problems(snapshot: Snapshot, meta: Meta) -> Iterator[str]:
    page = snapshot.any_page(meta.page)
    if page.flags != META_PAGE:
        yield f"its page is a {type_name(page.flags)} page"
    if page.pgid != meta.page:
        yield f"its page identifies itself as page {page.pgid}"
    problem = meta.problem()
    if problem is not None:
        yield f"it is not valid: {problem}"
        return
    if meta.page_size != snapshot.page_size:
        yield f"its page size is {meta.page_size}, that of the file is {snapshot.page_size}"
    # The page is not checked against the txid: bbolt's Tx.WriteTo and CopyFile put the newer meta on page 0.
    if meta.flags:
        yield f"its flags are {meta.flags:x}, expected 0"
    if meta.sequence:
        yield f"the root bucket's sequence is {meta.sequence}, expected 0"
    for name, pgid in (("root", meta.root), ("freelist", meta.freelist)):
        if not 2 <= pgid < meta.hwm and (name == "root" or meta.has_freelist):
            yield f"its {name} is page {pgid}, expected one in [2, {meta.hwm})"


def _side_by_side(snapshot: Snapshot) -> Iterator[Finding]:
    rules, other = snapshot.meta, snapshot.metas[1 - snapshot.meta.page]
    if other.problem() is not None or other.page_size != snapshot.page_size:
        return
    here = f"meta page {other.page}: it holds transaction {other.txid}"
    if abs(rules.txid - other.txid) != 1:
        apart = f"which doesn't follow or precede {rules.txid}, the one of meta page {rules.page}"
        yield Finding("meta", other.page, f"{here}, {apart}")
    before = copy(snapshot)  # shares the open file, and must not close it
    before.meta = other
    count = 0
    first: Finding | None = None
    for finding in check(before):
        first = first or finding
        count += 1
    if first is not None:
        words = first.message
        yield Finding(
            "fallback", other.page,
            f"{here}, which could not serve as a fallback: {count} errors, the first: {words}",
        )  # fmt: skip
