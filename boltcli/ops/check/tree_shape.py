"""Check the trees of all buckets: their pages, their shape, and nested buckets."""

from __future__ import annotations

from ...errors import Corrupted
from ...format.bucket import BucketRef, open_bucket
from ...format.constants import BRANCH_PAGE, BUCKET_HEADER_SIZE, LEAF_PAGE
from ...format.page import BranchElements, LeafElements, ascend
from ...tree.bucket import root_bucket
from ...tree.walk import Seen, flat, pages_or_damage
from .findings import Finding
from .page_layout import branch_layout, leaf_layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...format.page import Page
    from ...storage.snapshot import Snapshot
    from ...tree.walk import Nested
    from .findings import FindingKind
    from .page_owners import Accounts


def tree_findings(snapshot: Snapshot, accounts: Accounts) -> Iterator[Finding]:
    """Yield findings about the tree of each bucket, the root bucket first, parents before children."""
    return flat(_Trees(snapshot, accounts).tree(root_bucket(snapshot)))


class _Trees:
    def __init__(self, snapshot: Snapshot, accounts: Accounts) -> None:
        self.snapshot = snapshot
        self.accounts = accounts
        self.seen = Seen(snapshot)

    def tree(self, bucket: BucketRef) -> Nested[Finding]:
        inside: list[BucketRef] = []
        owner = self.accounts.bucket(bucket)
        depth = 0  # level of the first leaf
        for page in pages_or_damage(self.snapshot, bucket, self.seen):
            if isinstance(page, Corrupted):
                yield Finding("damaged", page.page or 0, str(page))
                continue
            yield from self.accounts.claim(page, owner)
            if page.flags == BRANCH_PAGE:
                problems = self._branch(page)
            else:
                problems = self._leaf(page, inside)
                level = len(page.stack)
                depth = depth or level
                if depth != level:
                    yield _finding("shape", page, f"a leaf on level {level}, the first one is on level {depth}")
                if not page.count and level > 1:
                    yield _finding("shape", page, "a leaf without elements below a branch page")
            try:
                for words in problems:
                    yield _finding("layout", page, words)
            except Corrupted as damage:
                yield Finding("layout", page.pgid, str(damage))
        for child in inside:
            yield self.tree(child)

    def _branch(self, page: Page) -> Iterator[str]:
        branch = BranchElements(page)
        yield from branch_layout(page, branch, self.snapshot.page_size)
        hwm = self.snapshot.meta.hwm
        for index, child in enumerate(branch.pgids):
            if not 2 <= child < hwm:
                yield f"element {index} leads to page {child}, expected one in [2, {hwm})"

    def _leaf(self, page: Page, inside: list[BucketRef]) -> Iterator[str]:
        leaf = LeafElements(page)
        yield from leaf_layout(page, leaf, self.snapshot.page_size)
        for index in leaf.bucket_indexes():
            try:
                child = open_bucket(leaf, index)
            except Corrupted as damage:
                yield damage.problem
                continue
            for words in self._bucket(child, leaf, index):
                yield f"element {index}, {child.label}: {words}"
            if child.root:
                inside.append(child)

    def _bucket(self, child: BucketRef, leaf: LeafElements, index: int) -> Iterator[str]:
        """Yield problems of a nested bucket: of its value and its inline page."""
        hwm = self.snapshot.meta.hwm
        if child.root:
            if not 2 <= child.root < hwm:
                yield f"its root is page {child.root}, expected one in [2, {hwm})"
            if leaf.value_sizes[index] != BUCKET_HEADER_SIZE:
                yield f"its value is {leaf.value_sizes[index]} bytes long, expected {BUCKET_HEADER_SIZE}"
            return
        page = child.inline
        assert page is not None
        page.end = page.limit = page.offset - BUCKET_HEADER_SIZE + leaf.value_sizes[index]
        yield from self._inline(page)

    def _inline(self, page: Page) -> Iterator[str]:
        if page.pgid or page.overflow:
            yield f"its inline page bears the id {page.pgid} and overflow {page.overflow}, expected 0 and 0"
        if page.flags != LEAF_PAGE:
            yield f"its inline page has the flags {page.flags:x}, expected those of a leaf"
            return
        try:
            leaf = LeafElements(page)
            yield from (f"in its inline page, {words}" for words in leaf_layout(page, leaf, 0))
            keys = leaf.keys()
        except Corrupted as damage:
            yield f"in its inline page, {damage.problem}"
            return
        if not ascend(keys):
            yield "in its inline page, the keys are out of order"
        if leaf.bucket_indexes():
            yield "its inline page holds a bucket, which must not be nested in an inline page"


def _finding(kind: FindingKind, page: Page, words: str) -> Finding:
    return Finding(kind, page.pgid, str(page.damaged(words)))
