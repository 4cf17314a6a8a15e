"""Check the consistency of a database page by page: the findings of ``bbolt check``, with its messages and order.

The order (bbolt ``tx_check.go``): ids freed twice; then from the root bucket down, for each bucket first every page of
its tree, then the order of keys, then its child buckets; then pages that are neither reachable nor free. bbolt ends at
the first page that fails an assertion. Here that page is a finding, and those below it are skipped.
"""

from __future__ import annotations

from ...format.bucket import BucketRef, bucket_header
from ...format.constants import BRANCH_PAGE, LEAF_PAGE, PAGE_TYPES
from ...format.page import BranchElements, LeafElements, type_name
from ...read_errors import Corrupted
from ...storage.snapshot import BEYOND
from ...tree.bucket import child_bucket, root_bucket
from ...tree.page_map import BEYOND as BEYOND_MARK
from ...tree.page_map import FREE, FREELIST, LEAF, LOST, PageMap, unreached_pages
from ...tree.walk import Seen, flat, in_order
from .findings import Finding, stack_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from ...format.page import Page
    from ...storage.snapshot import Snapshot
    from ...tree.walk import Nested

# A page may be referenced several times; the limit is this many visits a page, on average.
_VISITS = 64
_VISIT = 16  # a visit counts at least this much, or the pages of its run if they are more


def check_trees(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield what is wrong with the trees, as bbolt looks at them to find the free pages: nothing else counts."""
    check = ExactCheck(snapshot)
    check.ledger.kinds[:2] = bytes((LOST, LOST))  # the meta pages don't count either
    return flat(check._buckets(root_bucket(snapshot)))


class ExactCheck:
    """The state of one check: the ledger of the pages that were reached, and the free ones."""

    def __init__(self, snapshot: Snapshot, progress: Callable[[int, int], None] | None = None) -> None:
        self.snapshot = snapshot
        self.progress = progress
        self.hwm = snapshot.meta.hwm
        # With some pages beyond the end of the file, which runs may claim, but not all that a file may claim.
        self.ledger = PageMap(snapshot, beyond=BEYOND)
        self.freed: set[int] = set()
        self.freelist_known = True
        self.visited = 0
        self.budget = _VISITS * snapshot.page_count + BEYOND
        self.seen = Seen(snapshot)
        self.open: set[int] = set()  # the root pages of the buckets around the one that is being checked
        self.greatest: bytes | None = None  # the greatest key of the last page, with those below it
        self.damaged: set[int] = set()

    def run(self, from_page: int) -> Iterator[Finding]:
        """Yield the findings about the database, page by page; see ``database_check.py``."""
        yield from self._load_freelist(from_page)
        yield from self._reach_fixed_pages()
        if from_page == 0:
            yield from flat(self._buckets(root_bucket(self.snapshot)))
            yield from self._unreachable()
            if self.budget < 0:
                words = "pages are referenced so often that not all references were followed"
                yield Finding("uncounted", self.snapshot.meta.root, f"{words}: there are more findings")
        elif not 2 <= from_page < self.hwm:
            yield Finding("out-of-range", from_page, f"page ID ({from_page}) out of range [2, {self.hwm})")
        else:
            yield from self._below(from_page)

    def _damage(self, damage: Corrupted) -> Iterator[Finding]:
        """Yield a finding, once for each page, where bbolt panics."""
        page = damage.page if damage.page is not None else -1
        if page not in self.damaged:
            self.damaged.add(page)
            yield Finding("damaged", page, str(damage))

    def _load_freelist(self, from_page: int) -> Iterator[Finding]:
        if not self.snapshot.meta.has_freelist:
            # Free are the pages that a full walk doesn't reach: unknown if the tree is damaged (bbolt panics there). It
            # is not needed for a check from the root, which reaches the same pages.
            self.freelist_known = False
            if from_page and next(check_trees(self.snapshot), None) is None:
                self.freed = set(unreached_pages(self.snapshot))
            return
        try:
            _, ids = self.snapshot.freelist()
        except Corrupted as damage:
            self.freelist_known = False
            yield from self._damage(damage)
            return
        for free in sorted(ids):
            if free in self.freed:
                yield Finding("already-freed", free, f"page {free}: already freed")
            self.freed.add(free)
        self.ledger.free(ids)

    def _reach_fixed_pages(self) -> Iterator[Finding]:
        freelist = self.snapshot.meta.freelist
        for pgid in (0, 1, freelist) if self.freelist_known else (0, 1):
            length = 1
            try:
                length += self.snapshot.page(pgid).overflow
            except Corrupted as damage:
                yield from self._damage(damage)
        if self.freelist_known:
            self.ledger.claim(freelist, length, FREELIST)

    def _unreachable(self) -> Iterator[Finding]:
        """bbolt also lists each page beyond the end of the file; here they are one line."""
        if not self.freelist_known:
            return
        kinds = self.ledger.kinds
        stop = min(self.hwm, len(kinds))
        end = min(stop, self.snapshot.page_count)
        beyond = self.hwm - stop + kinds.count(LOST, end, stop)
        if beyond == 1:
            end = stop  # as bbolt lists it
        pgid = kinds.find(LOST, 0, end)
        while pgid >= 0:
            yield Finding("unreachable-unfreed", pgid, f"page {pgid}: unreachable unfreed")
            pgid = kinds.find(LOST, pgid + 1, end)
        if beyond > 1:
            pages = f"{beyond} of the pages {end} to {self.hwm - 1}, beyond the end of the file"
            yield Finding("unreachable-unfreed", end, f"{pages}: unreachable unfreed")

    def _buckets(self, bucket: BucketRef) -> Nested[Finding]:
        """Check ``bucket`` and all buckets inside it; inline ones are skipped, as in bbolt."""
        root = bucket.root
        if root in self.open:
            yield from self._damage(self.snapshot.corrupted("the bucket is nested in itself", root))
        elif root:
            leaves: list[int] = []
            ordered = yield from self._tree(root, leaves)
            inside = yield from self._children(bucket, leaves, ordered)
            self.open.add(root)
            for child in inside:
                yield self._buckets(child)
            self.open.remove(root)

    def _children(
        self, bucket: BucketRef, leaves: list[int], ordered: bool
    ) -> Generator[Finding, None, list[BucketRef]]:
        """Return the nested buckets of ``bucket`` that have a tree of their own."""
        inside = []
        for pgid in leaves:
            page = self.snapshot.page(pgid)
            if page.flags != LEAF_PAGE:
                continue
            leaf = LeafElements(page)
            for index in leaf.bucket_indexes():
                try:
                    # bbolt looks each bucket up by name, and doesn't find some if keys are out of order.
                    found = BucketRef(bucket_header(leaf, index)[0]) if ordered else None
                    child = found or child_bucket(self.snapshot, bucket, leaf.key(index))
                except Corrupted as damage:
                    yield from self._damage(damage)
                else:
                    if child is not None and child.root:
                        inside.append(child)
        return inside

    def _below(self, start: int) -> Iterator[Finding]:
        """Check the tree at page ``start``, then each leaf as if it were a bucket's whole tree, as bbolt does."""
        try:
            page = self.snapshot.any_page(start)
        except Corrupted as damage:
            yield Finding("damaged", start, str(damage))
            return
        if page.pgid != start or page.flags not in PAGE_TYPES:
            why = f"page {start}: has unexpected type/flags: {page.flags:x}"
            if page.pgid != start:
                why = f"Page expected to be: {start}, but self identifies as {page.pgid}"
            yield Finding("damaged", start, f"panic: assertion failed: {why}")
            return
        leaves: list[int] = []
        yield from self._tree(start, leaves)
        for pgid in leaves:
            page = self.snapshot.page(pgid)
            if page.flags != LEAF_PAGE:
                yield _unexpected_type(page)
                continue
            for child in (yield from self._children(BucketRef(pgid, 0), [pgid], False)):
                yield from flat(self._buckets(child))

    def _tree(self, root: int, leaves: list[int]) -> Generator[Finding, None, bool]:
        """Check every page of a tree, then the order of its keys; return whether they are in order.

        Appends to ``leaves`` the leaves that hold buckets, and pages that are neither leaf nor branch.
        """
        if self.budget < 0 and self._is_known(root):
            return True  # visited often enough
        yield from flat(self._pages(root))
        ordered = True
        for finding in flat(self._key_order(root, None, None, [], set(), leaves)):
            ordered = False
            yield finding
        return ordered

    def _pages(self, pgid: int, above: tuple[int, ...] = ()) -> Nested[Finding]:
        """Visit every page of the tree at page ``pgid``, a branch before its children; ``above`` are those above."""
        known = self._is_known(pgid)
        try:
            page = self.snapshot.page(pgid, (*above, pgid))
            self.snapshot.poll()
            if self.progress is not None:
                self.visited += 1
                self.progress(self.visited, self.hwm)
            stack = page.stack
            if pgid > self.hwm:
                yield Finding("out-of-bounds", pgid, f"page {pgid}: out of bounds: {self.hwm} {stack_text(stack)}")
            length = min(page.overflow + 1, len(self.ledger.kinds) - pgid) if self.budget >= 0 else 1
            self.budget -= max(length, _VISIT)
            for part, kind, _ in self.ledger.claim(pgid, length, LEAF):
                if kind != FREE:
                    yield Finding("multiple-references", part, f"page {part}: multiple references {stack_text(stack)}")
            if pgid in self.freed:
                yield Finding("reachable-freed", pgid, f"page {pgid}: reachable freed")
            elif page.flags not in (BRANCH_PAGE, LEAF_PAGE):
                words = f"page {pgid}: invalid type: {type_name(page.flags)} {stack_text(stack)}"
                yield Finding("invalid-type", pgid, words)
            # Unlike bbolt's cursor, its check accepts a branch page without children.
            entered = page.flags == BRANCH_PAGE and page.count and pgid not in above
            if entered and not (self.budget < 0 and known):
                for child in page.children():
                    yield self._pages(child, page.stack)
        except Corrupted as damage:
            yield from self._damage(damage)

    def _is_known(self, pgid: int) -> bool:
        return pgid < len(self.ledger.kinds) and self.ledger.kinds[pgid] not in (LOST, FREE, BEYOND_MARK)

    def _key_order(
        self, pgid: int, low: bytes | None, high: bytes | None, stack: list[int], visited: set[int], leaves: list[int]
    ) -> Nested[Finding]:
        """Find keys that do not ascend, or lie outside of ``low`` to before ``high``; set ``greatest``."""
        self.greatest = greatest = None
        if pgid in stack or (self.budget < 0 and pgid in visited):
            return
        visited.add(pgid)
        stack.append(pgid)
        children: list[int] = []
        keys: list[bytes] = []
        try:
            page = self.snapshot.page(pgid, stack)
            self.seen.spend(page)
            if page.flags == LEAF_PAGE:
                leaf = LeafElements(page)
                if any(leaf.flags):
                    leaves.append(pgid)
                keys = leaf.keys()
                if not in_order(keys, low, high):
                    for index, (key, previous) in enumerate(zip(keys, [low, *keys])):
                        yield from element_disorder("leaf", index, key, pgid, previous, high, stack)
                greatest = keys[-1] if keys else None
                leaf.verify_values()
            elif page.flags == BRANCH_PAGE:
                elements = BranchElements(page)
                keys = elements.keys()
                children = elements.pgids
            else:
                leaves.append(pgid)
                yield _unexpected_type(page)
        except Corrupted as damage:
            yield from self._damage(damage)
        previous = low
        for index, (child, key, end) in enumerate(zip(children, keys, [*keys[1:], high])):
            yield from element_disorder("branch", index, key, child, previous, high, stack)
            yield self._key_order(child, key, end, stack, visited, leaves)
            previous = greatest = self.greatest
        stack.pop()
        self.greatest = greatest


def _unexpected_type(page: Page) -> Finding:
    return Finding("unexpected-type", page.pgid, f"unexpected page type (flags: {page.flags:x}) for pgId:{page.pgid}")


def element_disorder(
    page_type: str, index: int, key: bytes, pgid: int, previous: bytes | None, high: bytes | None, stack: list[int]
) -> Iterator[Finding]:
    """Check one element as bbolt's ``verifyKeyOrder``; of a branch, ``pgid`` is the child, and ``stack`` ends above."""
    before = previous or b""
    below = before > key if index == 0 else before >= key
    beyond = high is not None and key >= high
    if not (below or beyond):
        return
    pages = f"[{' '.join(map(str, stack))}]"
    place = f"key[{index}]=(hex)\0 on {page_type} page({pgid})"
    if below:
        line = f"the first {place} needs to be >= the key in the ancestor (\0). Stack: {pages}"
        if index:
            found = "<" if before > key else "="
            line = f"{place} needs to be > (found {found}) than previous element (hex)\0. Stack: {pages}"
        yield Finding("key-order", pgid, line, (key, before))
    if beyond:
        # As in bbolt, the message names the previous element, not the bound that is violated.
        line = f"{place} needs to be < than key of the next element in ancestor (hex)\0. Pages stack: {pages}"
        yield Finding("key-order", pgid, line, (key, before))
