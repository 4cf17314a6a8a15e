"""Buckets: where their tree begins, how a key is found in it, how its leaves follow each other."""

from __future__ import annotations

from ..errors import BucketNotFound, Corrupted, bucket_text
from ..format.constants import (
    BRANCH_PAGE,
    BUCKET_HEADER_SIZE,
    BUCKET_LEAF_FLAG,
    ELEMENT_SIZE,
    LEAF_PAGE,
    PAGE_HEADER_SIZE,
)
from ..format.page import (
    BUCKET_HEADER,
    HEADER,
    LEAF_ELEMENT,
    BranchElements,
    DamagedElements,
    LeafElements,
    branch_pgids,
)
from ..storage.snapshot import Page, Snapshot
from .descent import Descent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TypeVar

    from ..format.page import Buffer

    _Either = TypeVar("_Either", LeafElements, BranchElements)


# Far more levels than any tree has that fits a file: bbolt fills branch pages with two keys at least.
MAX_DEPTH = 1 << 16
_MAX_DATA = 0x7FFFFFFF  # bytes from an element to the end of its data, as far as bbolt can address them
_INLINE_HEADERS = BUCKET_HEADER_SIZE + PAGE_HEADER_SIZE
_NAMES = 8  # shown of either end of a deep nest


class BucketRef:
    """A bucket as its parent's element describes it.

    ``root`` is the page id of its tree; 0 for an inline bucket, whose only
    page is then ``inline``. ``sequence`` is the bucket's own counter. ``page``
    is the leaf page that holds the element (0 for the root bucket). ``name``
    and ``parent``, where they were given, say which bucket it is.
    """

    __slots__ = ("inline", "name", "page", "parent", "root", "sequence")

    def __init__(self, root: int, sequence: int, inline: Page | None = None, page: int = 0) -> None:
        self.root = root
        self.sequence = sequence
        self.inline = inline
        self.page = page
        self.name = b""
        self.parent: BucketRef | None = None

    def inside(self, parent: BucketRef, name: bytes) -> BucketRef:
        """This bucket, which is ``name`` in ``parent``."""
        self.parent = parent
        self.name = name
        return self

    @property
    def names(self) -> list[bytes]:
        """The names that lead here from the root bucket; of a deep nest the outermost and the innermost ones."""
        names: list[bytes] = []
        bucket: BucketRef = self
        while bucket.parent is not None:
            names.append(bucket.name)
            bucket = bucket.parent
        names.reverse()
        return names if len(names) <= 2 * _NAMES else [*names[:_NAMES], b"...", *names[-_NAMES:]]

    @property
    def label(self) -> str:
        """What to call it in a sentence."""
        return f"bucket {bucket_text(self.names)}" if self.parent is not None else "the root bucket"

    def __enter__(self) -> BucketRef:
        """``with bucket:`` tells the errors of its pages which bucket's they are."""
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, Corrupted):
            error.in_bucket(self.names)


def root_bucket(snapshot: Snapshot) -> BucketRef:
    """The bucket that holds all others; its root page is in the meta page."""
    return BucketRef(snapshot.meta.root, snapshot.meta.sequence)


def leaf_elements(snapshot: Snapshot, page: Page, stack: Sequence[int] = (), *, lenient: bool = False) -> LeafElements:
    """The elements of a leaf page; their data must stay inside the page's run.

    ``lenient`` allows them the whole rest of the file instead, where bbolt
    would read them. Raises :class:`~boltcli.errors.Corrupted`.
    """
    try:
        return LeafElements(page.buffer, page.offset, page.count, page.limit if lenient else page.end)
    except DamagedElements as damage:
        raise damaged(snapshot, page, damage, stack) from None


def branch_elements(
    snapshot: Snapshot, page: Page, stack: Sequence[int] = (), *, lenient: bool = False
) -> BranchElements:
    """The elements of a branch page; see :func:`leaf_elements`."""
    try:
        return BranchElements(page.buffer, page.offset, page.count, page.limit if lenient else page.end)
    except DamagedElements as damage:
        raise damaged(snapshot, page, damage, stack) from None


def damaged(snapshot: Snapshot, page: Page, damage: DamagedElements, stack: Sequence[int] = ()) -> Corrupted:
    """``damage`` as an error that says where."""
    return Corrupted(str(damage), page=page.pgid, offset=page.file_offset, stack=stack, path=snapshot.path)


def open_bucket(
    snapshot: Snapshot,
    page: Page,
    leaf: LeafElements,
    index: int,
    parent: BucketRef | None = None,
    *,
    lenient: bool = False,
) -> BucketRef:
    """The bucket in element ``index`` of ``leaf`` (the elements of ``page``), which is a page of ``parent``.

    With ``lenient`` the page of an inline bucket is not looked at, and left out.
    Raises :class:`~boltcli.errors.Corrupted` if its value cannot be a bucket.
    """
    bucket = _open_bucket(snapshot, page, leaf, index, lenient)
    if parent is not None:
        try:
            bucket.inside(parent, leaf.key(index))
        except DamagedElements:  # not what was asked for
            bucket.inside(parent, b"?")
    return bucket


def _open_bucket(snapshot: Snapshot, page: Page, leaf: LeafElements, index: int, lenient: bool) -> BucketRef:
    """Open a bucket as bbolt does: only its header must be there, and for an inline one that of its page.

    bbolt reads both from the file where the value is aligned, whatever its size; else from a copy of the value.
    """
    buffer = leaf.buffer
    start = leaf.start + ELEMENT_SIZE * index + leaf.positions[index] + leaf.key_sizes[index]
    size = leaf.value_sizes[index]
    stop = min(start + size, leaf.end)
    is_copy = (start - page.offset) % 8 != 0
    head = buffer[start : min(start + _INLINE_HEADERS, stop if is_copy else leaf.end)]
    if is_copy:  # Go fills a small one with zeros, up to 16 or 32 bytes
        head = head.ljust(BUCKET_HEADER_SIZE if len(head) <= 24 else _INLINE_HEADERS, b"\0")
    is_addressable = leaf.positions[index] + leaf.key_sizes[index] + size <= _MAX_DATA
    if not size or start >= leaf.end or len(head) < BUCKET_HEADER_SIZE or not is_addressable:
        raise damaged(snapshot, page, _too_small(leaf, index, "be a bucket"))
    root, sequence = BUCKET_HEADER.unpack_from(head)
    if root:
        return BucketRef(root, sequence, None, page.pgid)
    if lenient and size > BUCKET_HEADER_SIZE:
        return BucketRef(0, sequence, None, page.pgid)
    if size <= BUCKET_HEADER_SIZE or len(head) < _INLINE_HEADERS:
        raise damaged(snapshot, page, _too_small(leaf, index, "hold its inline bucket"))
    bears, flags, count, overflow = HEADER.unpack_from(head, BUCKET_HEADER_SIZE)
    offset = start + BUCKET_HEADER_SIZE
    end = limit = max(stop, offset + PAGE_HEADER_SIZE)
    if not is_copy:
        limit = page.limit
        if count and _end_of(buffer, offset, count, leaf.end) > stop:
            end = leaf.end
    place = page.file_offset + offset - page.offset
    return BucketRef(0, sequence, Page(bears, flags, count, overflow, buffer, offset, end, limit, place), page.pgid)


def _end_of(buffer: Buffer, offset: int, count: int, end: int) -> int:
    """Where the data of the last element of a leaf page end; beyond ``end`` if that element begins there."""
    at = offset + PAGE_HEADER_SIZE + ELEMENT_SIZE * (count - 1)
    if at + ELEMENT_SIZE > end:
        return end + 1
    _, position, key_size, value_size = LEAF_ELEMENT.unpack_from(buffer, at)
    return int(at + position + key_size + value_size)


def _too_small(leaf: LeafElements, index: int, purpose: str) -> DamagedElements:
    try:
        leaf.value_span(index)
    except DamagedElements as damage:
        return damage
    return DamagedElements(f"element {index} is too small to {purpose}")


def has_branches(snapshot: Snapshot, bucket: BucketRef) -> bool:
    """Whether the tree of ``bucket`` is of more than one page; raises :class:`~boltcli.errors.Corrupted`."""
    with bucket:
        return bucket.root != 0 and snapshot.page(bucket.root, (bucket.root,)).flags == BRANCH_PAGE


def leaf_pages(
    snapshot: Snapshot, bucket: BucketRef, branches: list[int] | None = None, descent: Descent | None = None
) -> Iterator[Page]:
    """The leaf pages of ``bucket``, in key order; the ids of the pages above them go into ``branches``.

    Pages that are referenced more than once come as often. Yields what
    precedes a damaged page, then raises :class:`~boltcli.errors.Corrupted`: so
    it does for a page below itself. ``descent`` is
    that of a walk over more buckets.
    """
    with bucket:
        if bucket.root:
            yield from _leaves(snapshot, bucket, branches, descent or Descent(snapshot))
        else:
            yield inline_page(snapshot, bucket)


def inline_page(snapshot: Snapshot, bucket: BucketRef) -> Page:
    """The page of an inline bucket. Raises :class:`~boltcli.errors.Corrupted` if it is no leaf."""
    page = bucket.inline
    if page is None:  # as a meta page can say; all other buckets have one or the other
        meta = snapshot.meta.page
        raise snapshot.corrupted("the root bucket has neither a page nor an inline one", meta)
    if page.flags != LEAF_PAGE:
        raise Corrupted(
            f"an inline bucket's page must be a leaf (flags: {page.flags:x})",
            page=bucket.page, offset=page.file_offset, path=snapshot.path,
        )  # fmt: skip
    return page


def _leaves(snapshot: Snapshot, bucket: BucketRef, branches: list[int] | None, descent: Descent) -> Iterator[Page]:
    stack = [bucket.root]
    pending: list[Iterator[int]] = []
    while True:
        pgid = stack[-1]
        page = snapshot.page(pgid, stack)
        descent.visit(stack)
        if page.flags == LEAF_PAGE:
            yield page
            stack.pop()
        else:  # bbolt's cursor takes a page of any other type for a branch
            pending.append(iter(children(snapshot, page, stack)))
            if branches is not None:
                branches.append(pgid)
        if not next_child(stack, pending):
            return


def next_child(stack: list[int], pending: list[Iterator[int]]) -> bool:
    """Put the next page of a depth-first walk on top of ``stack``; False if there is none.

    ``stack`` is the way to a page that is done, without that; ``pending`` the
    children still to come of each branch page on it.
    """
    while pending:
        child = next(pending[-1], None)
        if child is not None:
            stack.append(child)
            return True
        pending.pop()
        stack.pop()
    return False


def children(snapshot: Snapshot, page: Page, stack: Sequence[int] = ()) -> list[int]:
    """The child page ids of a branch page, as bbolt's cursor comes to them. Raises :class:`~boltcli.errors.Corrupted`.

    The cursor goes to the first element of a branch page before it asks for
    their number, so one with the count 0 has one child.
    """
    try:
        return branch_pgids(page.buffer, page.offset, page.count or 1, page.limit)
    except DamagedElements as damage:
        raise damaged(snapshot, page, damage, stack) from None


def seek(snapshot: Snapshot, bucket: BucketRef, key: bytes, *, lenient: bool = False) -> tuple[Page, LeafElements, int]:
    """Where ``key`` is or would be: leaf page, its elements, index (maybe past the last).

    Reads only the pages on the way down, and of those only the keys that the
    binary search compares (the same ones that bbolt's does, so that on a
    damaged page both end at the same element). Raises
    :class:`~boltcli.errors.Corrupted`.
    """
    with bucket:
        if lenient:
            return _seek(snapshot, bucket, key, lenient=True)
        try:
            return _seek(snapshot, bucket, key, lenient=False)
        except Corrupted:
            # A key that leaves its page is compared, as bbolt does it; what is found must lie in its page.
            page, leaf, index = _seek(snapshot, bucket, key, lenient=True)
            leaf.end = page.end
            return page, leaf, index


def _seek(snapshot: Snapshot, bucket: BucketRef, key: bytes, *, lenient: bool) -> tuple[Page, LeafElements, int]:
    stack: list[int] = []
    page = bucket.inline
    if page is None:
        stack.append(bucket.root)
        page = snapshot.page(bucket.root, stack, lone=not lenient)
    try:
        while page.flags == BRANCH_PAGE:
            if bucket.root == 0:
                raise DamagedElements("an inline bucket's page must be a leaf")
            branch = _to_search(BranchElements, page) if lenient else branch_elements(snapshot, page, stack)
            if not branch.count:
                raise DamagedElements("a branch page without elements")
            index, exact = _search(branch, key)
            if not exact and index > 0:
                index -= 1
            if index >= len(branch.pgids):  # disordered keys can lead there; bbolt would crash
                raise DamagedElements("its keys are out of order")
            child = branch.pgids[index]
            if child in stack:
                raise DamagedElements(f"its child {child} is its own ancestor")
            stack.append(child)
            page = snapshot.page(child, stack, lone=not lenient)
        if page.flags != LEAF_PAGE:
            raise DamagedElements(f"a tree cannot hold a page of its type (flags: {page.flags:x})")
        leaf = _to_search(LeafElements, page) if lenient else leaf_elements(snapshot, page, stack)
        index, _ = _search(leaf, key)
        if len(leaf.positions) <= index < leaf.count:
            raise DamagedElements(f"{leaf.count} elements do not fit")
        leaf.count = len(leaf.positions)
        return page, leaf, index
    except DamagedElements as damage:
        raise damaged(snapshot, page, damage, stack) from None


def _to_search(kind: type[_Either], page: Page) -> _Either:
    """The elements of a page that lie in the file, ``count`` being what the page claims: a search may not come to more.

    Keys may lie anywhere in the file.
    """
    room = (page.limit - page.offset - PAGE_HEADER_SIZE) // ELEMENT_SIZE
    elements = kind(page.buffer, page.offset, min(page.count, room), page.limit)
    elements.count = page.count
    return elements


def _search(elements: LeafElements | BranchElements, key: bytes) -> tuple[int, bool]:
    """Index of the first key that isn't below ``key``, and whether ``key`` was met on the way."""
    low, high = 0, elements.count
    exact = False
    more = len(key) + 1
    while low < high:
        middle = (low + high) // 2
        if middle >= len(elements.positions):
            raise DamagedElements(f"{elements.count} elements do not fit")
        found = elements.key(middle, more)
        if found < key:
            low = middle + 1
        else:
            exact = exact or found == key
            high = middle
    return low, exact


def child_bucket(snapshot: Snapshot, bucket: BucketRef, name: bytes, *, lenient: bool = False) -> BucketRef | None:
    """The bucket called ``name`` inside ``bucket``, or None."""
    page, leaf, index = seek(snapshot, bucket, name, lenient=lenient)
    with bucket:
        try:
            if index < leaf.count and leaf.flags[index] & BUCKET_LEAF_FLAG and leaf.key(index) == name:
                return open_bucket(snapshot, page, leaf, index, bucket, lenient=lenient)
        except DamagedElements as damage:
            raise damaged(snapshot, page, damage) from None
    return None


def find_bucket(snapshot: Snapshot, path: Iterable[bytes], start: BucketRef | None = None) -> BucketRef:
    """The bucket at ``path``, names from the outside in, below ``start`` (default: the root bucket).

    Raises :class:`~boltcli.errors.BucketNotFound`.
    """
    bucket = start or root_bucket(snapshot)
    for name in path:
        child = child_bucket(snapshot, bucket, name)
        if child is None:
            raise BucketNotFound()
        bucket = child
    return bucket


def get(snapshot: Snapshot, bucket: BucketRef, key: bytes) -> bytes | None:
    """The value of ``key``; None if there is no such key, or if it is a bucket."""
    page, leaf, index = seek(snapshot, bucket, key)
    with bucket:
        try:
            if index < leaf.count and not leaf.flags[index] & BUCKET_LEAF_FLAG and leaf.key(index) == key:
                return leaf.value(index)
        except DamagedElements as damage:
            raise damaged(snapshot, page, damage) from None
    return None
