"""``check --deep``: the findings of bbolt's check, then those of checks that bbolt doesn't make.

They verify that everything below the high-water mark is as bbolt writes it: the owner of each page, the layout of
elements, buckets and the shape of their trees, and both meta pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import TYPE_CHECKING

from ...errors import Corrupted
from ...format.bucket import BucketRef, open_bucket
from ...format.constants import BRANCH_PAGE, BUCKET_HEADER_SIZE, LEAF_PAGE, MAX_KEY_SIZE, META_PAGE
from ...format.meta import Meta
from ...format.page import BranchElements, LeafElements, Page, ascend, type_name
from ...progress import portion
from ...storage.snapshot import Snapshot
from ...text.sizes import counted
from ...tree.page_map import DAMAGED, FREE, LOST, META, NOBODY, PageMap
from ...tree.walk import Seen
from .database_check import check
from .findings import Finding, stack_text

if TYPE_CHECKING:
    from ...progress import Progress

_OTHERS = {META: "the meta pages", FREE: "the free pages"}
# Kinds of findings about an unusable page, which are reported once.
_SAYS_IT = ("damaged", "multiple-references", "out-of-bounds", "invalid-type", "unexpected-type")


def _freelist_findings(ledger: PageMap) -> Iterator[Finding]:
    claimed = ledger.freelist()
    if claimed is None:
        return  # already reported by the check
    page, ids, before = claimed
    pgid, hwm = ledger.meta.freelist, ledger.meta.hwm
    yield from _claim_findings(ledger, page, pgid, before)
    if page.pgid != pgid:
        yield Finding("freelist", pgid, f"page {pgid}: the freelist identifies itself as page {page.pgid}")
    if ids != sorted(ids):
        yield Finding("freelist", pgid, f"page {pgid}: the freelist isn't in ascending order")
    own = range(pgid, pgid + page.overflow + 1)
    for free in ids:
        if not 2 <= free < hwm:
            yield Finding("freelist", free, f"page {free}: freed, expected one in [2, {hwm})")
        elif free in own:
            yield Finding("freelist", free, f"page {free}: freed, and it holds the freelist")
    if page.buffer[page.offset + page.freelist_size(len(ids)) : page.end].strip(b"\0"):
        yield Finding("freelist", pgid, f"page {pgid}: there are bytes after the freelist's ids")


def _claim_findings(ledger: PageMap, page: Page, pgid: int, before: list[tuple[int, int, int]]) -> Iterator[Finding]:
    """Yield findings about the run at ``pgid``, claimed by a bucket or the freelist, and by others ``before``."""
    stop, hwm = pgid + page.overflow + 1, ledger.meta.hwm
    if not before and stop <= hwm:
        return
    owner = page.bucket.label if isinstance(page.bucket, BucketRef) else "the freelist"
    way = f" {stack_text(page.stack)}" if page.stack else ""
    if stop > hwm:
        beyond = f"its last page is {stop - 1}, beyond the high-water mark, {hwm}"
        yield Finding("owner", pgid, f"page {pgid}: in {owner}, {beyond}{way}")
    said = set()
    for part, kind, number in before:
        other = _OTHERS.get(kind, "the freelist") if number == NOBODY else ledger.buckets[number].label
        if other not in said:
            said.add(other)
            also = "twice" if other == owner else f"in {other} and"
            yield Finding("owner", part, f"page {part}: {also} in {owner}{way}")


def _lost_findings(ledger: PageMap) -> Iterator[Finding]:
    snapshot = ledger.snapshot
    pgid = 2
    while pgid < min(ledger.meta.hwm, len(ledger.kinds)):
        if ledger.kinds[pgid] in (LOST, DAMAGED):
            try:
                page = snapshot.page(pgid)
            except Corrupted:
                yield Finding("lost", pgid, f"page {pgid}: it has no owner, and its type is unknown")
            else:
                what = f"a {type_name(page.flags)} page of {page.count} elements, {page.overflow + 1} pages long"
                yield Finding("lost", pgid, f"page {pgid}: it has no owner, and looks like {what}")
                pgid += page.overflow
        pgid += 1


def _layout(elements: LeafElements | BranchElements, page_size: int) -> Iterator[str]:
    """Yield the problems of a page's elements, as text. ``page_size`` 0: an inline page, without slack."""
    page, sizes = elements.page, elements.key_sizes
    problems = [*elements.layout_problems()]
    yield from problems
    least = int(page.flags == LEAF_PAGE)
    for index in [index for index, size in enumerate(sizes) if not least <= size <= MAX_KEY_SIZE][:1]:
        yield f"key {index} is {sizes[index]} bytes long, expected {least} to {MAX_KEY_SIZE}"
    if problems:
        return
    used = page.used()
    if not page_size and used != page.end - page.offset:
        yield f"{page.end - page.offset - used} bytes follow the last element, expected none"
    # bbolt allocates as many pages as needed; early versions of bolt allocated one more if they were full.
    if page_size and page.overflow not in ((used - 1) // page_size, used // page_size):
        yield f"its run is {page.overflow + 1} pages long, its elements need {(used - 1) // page_size + 1}"


def _tree_findings(ledger: PageMap, seen: Seen) -> Iterator[Finding]:
    """Claim the pages of all buckets; yield findings, the root bucket's first, parents before children."""
    depth = 0  # level of the first leaf in a tree
    for found in ledger.trees(seen):
        if isinstance(found, Corrupted):
            yield Finding("damaged", found.page or 0, str(found))
            continue
        page, before = found
        yield from _claim_findings(ledger, page, page.pgid, before)
        level = len(page.stack)
        if level == 1:
            depth = 0
        if page.flags == BRANCH_PAGE:
            problems = _branch(ledger.snapshot, page)
        else:
            problems = _leaf(ledger.snapshot, page)
            depth = depth or level
            if depth != level:
                words = f"a leaf on level {level}, the first one is on level {depth}"
                yield Finding("shape", page.pgid, str(page.damaged(words)))
            if not page.count and level > 1:
                yield Finding("shape", page.pgid, str(page.damaged("a leaf without elements below a branch page")))
        try:
            for words in problems:
                yield Finding("layout", page.pgid, str(page.damaged(words)))
        except Corrupted as damage:
            yield Finding("layout", page.pgid, str(damage))


def _branch(snapshot: Snapshot, page: Page) -> Iterator[str]:
    branch = BranchElements(page)
    yield from _layout(branch, snapshot.page_size)
    hwm = snapshot.meta.hwm
    for index, child in enumerate(branch.pgids):
        if not 2 <= child < hwm:
            yield f"element {index} leads to page {child}, expected one in [2, {hwm})"


def _leaf(snapshot: Snapshot, page: Page) -> Iterator[str]:
    leaf = LeafElements(page)
    yield from _layout(leaf, snapshot.page_size)
    for index in leaf.bucket_indexes():
        try:
            child = open_bucket(leaf, index)
        except Corrupted as damage:
            yield damage.problem
            continue
        for words in _bucket(snapshot, child, leaf, index):
            yield f"element {index}, {child.label}: {words}"


def _bucket(snapshot: Snapshot, child: BucketRef, leaf: LeafElements, index: int) -> Iterator[str]:
    hwm = snapshot.meta.hwm
    if child.root:
        if not 2 <= child.root < hwm:
            yield f"its root is page {child.root}, expected one in [2, {hwm})"
        if leaf.value_sizes[index] != BUCKET_HEADER_SIZE:
            yield f"its value is {leaf.value_sizes[index]} bytes long, expected {BUCKET_HEADER_SIZE}"
        return
    page = child.inline
    assert page is not None
    if page.pgid or page.overflow:
        yield f"its inline page has the id {page.pgid} and overflow {page.overflow}, expected 0 and 0"
    if page.flags != LEAF_PAGE:
        yield f"its inline page has the flags {page.flags:x}, expected those of a leaf"
        return
    try:
        inner = LeafElements(page)
        yield from (f"in its inline page, {words}" for words in _layout(inner, 0))
        keys = inner.keys()
    except Corrupted as damage:
        yield f"in its inline page, {damage.problem}"
        return
    if not ascend(keys):
        yield "in its inline page, the keys are out of order"
    if inner.bucket_indexes():
        yield "its inline page holds a bucket, which must not be nested in an inline page"


def meta_findings(snapshot: Snapshot, *, is_damaged: bool = False) -> Iterator[Finding]:
    """Yield findings about each meta page, and about the file's length compared with the high-water mark.
    ``is_damaged``: bbolt's check has found errors in the state that is read."""
    for meta in snapshot.metas:
        for words in _problems(snapshot, meta):
            yield Finding("meta", meta.page, f"meta page {meta.page}: {words}")
    rules, other = snapshot.meta, snapshot.metas[1 - snapshot.meta.page]
    used = rules.hwm * snapshot.page_size
    if snapshot.size < used:
        words = f"its high-water mark is page {rules.hwm}, at offset {used}, and the file ends at {snapshot.size}"
        if used >= 1 << 63:
            words = f"its high-water mark, page {rules.hwm}, is impossibly large"
        yield Finding("meta", rules.page, f"meta page {rules.page}: {words}")
    if other.problem() is not None or other.page_size != snapshot.page_size:
        return
    here = f"meta page {other.page}: it holds transaction {other.txid}"
    if abs(rules.txid - other.txid) != 1:
        apart = f"which is not next to {rules.txid}, the one of meta page {rules.page}"
        yield Finding("meta", other.page, f"{here}, {apart}")
    which = {-1: ", the one before,", 1: ", the one after,"}.get(other.txid - rules.txid, "")
    what = f"meta page {other.page}: transaction {other.txid}{which} is damaged{' too' * is_damaged}"
    before = copy(snapshot)  # shares the open file, and must not close it
    before.meta = other
    findings = check(before)
    first = next(findings, None)
    if first is not None:
        number = counted(1 + sum(1 for _ in findings), "error")
        yield Finding("fallback", other.page, f"{what}: {number}, the first: {first.message}")


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


def deep_check(snapshot: Snapshot, *, progress: Progress | None = None) -> Iterator[Finding]:
    """Yield the findings about the database: bbolt's in its order, then all others. Damage raises nothing."""
    told: set[int] = set()
    unreachable = is_damaged = False
    for finding in check(snapshot, progress=portion(progress, 0, 0.1)):
        if finding.kind in _SAYS_IT:
            told.add(finding.page)
        is_damaged = True
        unreachable = unreachable or finding.kind == "unreachable-unfreed"
        yield finding
    ledger = PageMap(snapshot)
    seen = Seen(snapshot, progress=portion(progress, 0.1, 1))
    meta = meta_findings(snapshot, is_damaged=is_damaged)
    for part in (meta, _freelist_findings(ledger), _tree_findings(ledger, seen)):
        for finding in part:
            if finding.kind != "damaged" or finding.page not in told:
                yield finding
    if unreachable:
        yield from _lost_findings(ledger)
