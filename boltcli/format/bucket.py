"""Buckets: how a leaf element describes the bucket that is its value."""

from __future__ import annotations

from ..errors import Corrupted, bucket_text
from .constants import BUCKET_HEADER_SIZE, INLINE_HEADERS_SIZE
from .page import BUCKET_HEADER, HEADER, LeafElements, Page

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .page import Buffer, Header, Owner

    Inline = tuple[Header, Buffer, int, int, int, str | None]

MAX_NESTING = 1000  # levels of buckets inside a top-level one
_NAMES = 8  # names shown of each end of a deep path


class BucketRef:
    """A bucket as the element in its parent describes it.

    ``root`` is the page id of the root of its tree; 0 for an inline bucket,
    whose only page is :attr:`inline`. ``sequence`` is the bucket's sequence
    number. ``page`` is the id of the leaf page that holds the element (0 for
    the root bucket). ``name`` and ``parent`` say which bucket it is, if known,
    ``depth`` how many buckets it is in.
    """

    __slots__ = ("_inline", "depth", "name", "page", "parent", "root", "sequence")

    def __init__(
        self, root: int, sequence: int = 0, *, name: bytes = b"", parent: Owner | None = None, page: int = 0,
        inline: Inline | None = None,
    ) -> None:  # fmt: skip
        """``inline``: the arguments of :class:`Page` for the inline page."""
        self.root = root
        self.sequence = sequence
        self.page = page
        self.name = name
        self.parent = parent
        self.depth: int = parent.depth + 1 if parent is not None else 0
        self._inline = inline

    @property
    def inline(self) -> Page | None:
        """The page of an inline bucket."""
        return None if self._inline is None else Page(*self._inline, bucket=self)

    @property
    def names(self) -> list[bytes]:
        """The bucket's path from the root bucket; of a deep path the outermost and the innermost names."""
        names: list[bytes] = []
        bucket: Owner = self
        while bucket.parent is not None:
            names.append(bucket.name)
            bucket = bucket.parent
        names.reverse()
        return names if len(names) <= 2 * _NAMES else [*names[:_NAMES], b"...", *names[-_NAMES:]]

    @property
    def label(self) -> str:
        """A description of the bucket for a sentence."""
        return f"bucket {bucket_text(self.names)}" if self.parent is not None else "the root bucket"


def open_bucket(leaf: LeafElements, index: int, name: bytes | None = None) -> BucketRef:
    """Return the bucket in element ``index`` of a leaf page; if ``name`` is given, the key is not read.

    As for bbolt, only its header must be there, and the page header of an inline bucket. Raises
    :class:`~boltcli.errors.Corrupted` if the value cannot be a bucket.
    """
    page, buffer = leaf.page, leaf.buffer
    if page.bucket is not None and page.bucket.depth > MAX_NESTING:
        raise page.damaged(f"buckets are nested deeper than {MAX_NESTING} levels")
    start, stop = leaf.value_span(index)
    if stop - start < BUCKET_HEADER_SIZE:
        raise too_small(leaf, index)
    root, sequence = BUCKET_HEADER.unpack_from(buffer, start)
    inline = None
    if not root:
        if stop - start < INLINE_HEADERS_SIZE:
            raise too_small(leaf, index)
        offset = start + BUCKET_HEADER_SIZE
        header: Header = HEADER.unpack_from(buffer, offset)
        inline = header, buffer, offset, stop, page.file_offset + offset - page.offset, page.path
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
    """Return the error for element ``index``, whose value is too small."""
    return leaf.page.damaged(f"element {index} is too small to be a bucket")
