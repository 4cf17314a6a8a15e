"""Buckets: how a leaf element describes the bucket that is its value."""

from __future__ import annotations

from ..read_errors import Corrupted, bucket_text
from .constants import BUCKET_HEADER_SIZE, INLINE_HEADERS_SIZE
from .page import BUCKET_HEADER, HEADER, LeafElements, Page

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .page import Owner

MAX_NESTING = 1000  # levels of buckets inside a top-level one
_NAMES = 8  # names shown of each end of a deep path


def path_of(bucket: Any) -> tuple[bytes, ...]:
    """Return the path of ``bucket``: the names of it and of its parents, but of the outermost one."""
    names: list[bytes] = []
    while bucket.parent is not None:
        names.append(bucket.name)
        bucket = bucket.parent
    return tuple(reversed(names))


class BucketRef:
    """A bucket as the element in its parent describes it.

    ``root`` is the page id of its root; 0 for an inline bucket, whose only page is :attr:`inline`. ``page`` is the leaf
    page that holds the element (0 for the root bucket), ``depth`` the number of buckets it is in.
    """

    __slots__ = ("_inline", "depth", "name", "page", "parent", "root", "sequence")

    def __init__(
        self, root: int, sequence: int = 0, *, name: bytes = b"", parent: Owner | None = None, page: int = 0,
        inline: tuple[Page, int, int] | None = None,
    ) -> None:  # fmt: skip
        """``inline``: the page that the inline page lies in, and where it begins and ends."""
        self.root = root
        self.sequence = sequence
        self.page = page
        self.name = name
        self.parent = parent
        self.depth: int = parent.depth + 1 if parent is not None else 0
        self._inline = inline

    @property
    def inline(self) -> Page | None:
        if self._inline is None:
            return None
        around, start, end = self._inline
        place, buffer = around.file_offset + start - around.offset, around.buffer
        return Page(HEADER.unpack_from(buffer, start), buffer, start, end, place, around.path, bucket=self)

    @property
    def names(self) -> Sequence[bytes]:
        """The bucket's path from the root bucket; of a deep path the outermost and the innermost names."""
        names = path_of(self)
        return names if len(names) <= 2 * _NAMES else (*names[:_NAMES], b"...", *names[-_NAMES:])

    @property
    def label(self) -> str:
        return f"bucket {bucket_text(self.names)}" if self.parent is not None else "the root bucket"


def bucket_header(leaf: LeafElements, index: int) -> tuple[int, int, int, int]:
    """Return root page, sequence, start and end of the bucket in element ``index``. Raises Corrupted if it is none."""
    start, stop = leaf.value_span(index)
    if stop - start >= BUCKET_HEADER_SIZE:
        root, sequence = BUCKET_HEADER.unpack_from(leaf.buffer, start)
        if root or stop - start >= INLINE_HEADERS_SIZE:
            return root, sequence, start, stop
    raise too_small(leaf, index)


def open_bucket(leaf: LeafElements, index: int, name: bytes | None = None) -> BucketRef:
    """Return the bucket in element ``index`` of a leaf page. Raises Corrupted, also if buckets are nested too deep."""
    page = leaf.page
    if page.bucket is not None and page.bucket.depth > MAX_NESTING:
        raise page.damaged(f"buckets are nested deeper than {MAX_NESTING} levels")
    root, sequence, start, stop = bucket_header(leaf, index)
    inline = None if root else (page, start + BUCKET_HEADER_SIZE, stop)
    if name is None:
        name = leaf.key(index)
    return BucketRef(root, sequence, name=name, parent=page.bucket, page=page.pgid, inline=inline)


def buckets_in(page: Page) -> list[BucketRef]:
    """Return the buckets in a leaf page, in order. Raises as :func:`open_bucket` does."""
    if not page.holds_buckets():
        return []
    leaf = LeafElements(page)
    return [open_bucket(leaf, index) for index in leaf.bucket_indexes()]


def too_small(leaf: LeafElements, index: int) -> Corrupted:
    return leaf.page.damaged(f"element {index} is too small to be a bucket")
