"""Buckets: how a leaf element describes the bucket that is its value."""

from __future__ import annotations

from ..read_errors import Corrupted, bucket_text
from .constants import BUCKET_HEADER_SIZE, ELEMENT_SIZE, INLINE_HEADERS_SIZE, MAX_DATA, PAGE_HEADER_SIZE
from .page import BUCKET_HEADER, HEADER, LEAF_ELEMENT, LeafElements, Page

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .page import Buffer, Header, Owner

    Inline = tuple[Header, Buffer, int, int, int, int, str | None]

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


def open_bucket(leaf: LeafElements, index: int, name: bytes | None = None, *, lenient: bool = False) -> BucketRef:
    """Return the bucket in element ``index`` of a leaf page; if ``name`` is given, the key is not read.

    The bucket is opened as bbolt does it: only its header must be there, and
    the page header of an inline bucket. bbolt reads both from the file if the
    value is aligned, whatever its size; else from a copy of the value. With
    ``lenient`` the page of an inline bucket is neither checked nor returned.
    Raises :class:`~boltcli.errors.Corrupted` if the value cannot be a bucket.
    This is decided here, and for ``check`` in :func:`bucket_for_check`.
    """
    page, buffer = leaf.page, leaf.buffer
    if page.bucket is not None and page.bucket.depth > MAX_NESTING:
        raise page.damaged(f"buckets are nested deeper than {MAX_NESTING} levels")
    data = leaf.positions[index] + leaf.key_sizes[index]
    start = leaf.start + ELEMENT_SIZE * index + data
    size = leaf.value_sizes[index]
    stop = min(start + size, leaf.end)
    is_copy = (start - page.offset) % 8 != 0
    head = buffer[start : min(start + INLINE_HEADERS_SIZE, stop if is_copy else leaf.end)]
    if is_copy:  # Go pads a short copy with zeros, to 16 or 32 bytes
        head = head.ljust(BUCKET_HEADER_SIZE if len(head) <= 24 else INLINE_HEADERS_SIZE, b"\0")
    if not size or start >= leaf.end or len(head) < BUCKET_HEADER_SIZE or data + size > MAX_DATA:
        raise too_small(leaf, index, "be a bucket")
    root, sequence = BUCKET_HEADER.unpack_from(head)
    inline = None
    if not (root or (lenient and size > BUCKET_HEADER_SIZE)):
        if size <= BUCKET_HEADER_SIZE or len(head) < INLINE_HEADERS_SIZE:
            raise too_small(leaf, index, "hold its inline bucket")
        header: Header = HEADER.unpack_from(head, BUCKET_HEADER_SIZE)
        offset = start + BUCKET_HEADER_SIZE
        end = limit = max(stop, offset + PAGE_HEADER_SIZE)
        if not is_copy:
            limit = page.limit
            if header[2] and _end_of(buffer, offset, header[2], leaf.end) > stop:
                end = leaf.end
        inline = header, buffer, offset, end, limit, page.file_offset + offset - page.offset, page.path
    if name is None:
        try:
            name = leaf.key(index)
        except Corrupted:  # the caller doesn't need the inline page
            name = b"?"
    return BucketRef(root, sequence, name=name, parent=page.bucket, page=page.pgid, inline=inline)


def _end_of(buffer: Buffer, offset: int, count: int, end: int) -> int:
    """Return the end offset of the last element's data in a leaf page; beyond ``end`` if the element begins there."""
    at = offset + PAGE_HEADER_SIZE + ELEMENT_SIZE * (count - 1)
    if at + ELEMENT_SIZE > end:
        return end + 1
    _, position, key_size, value_size = LEAF_ELEMENT.unpack_from(buffer, at)
    return int(at + position + key_size + value_size)


def buckets_in(page: Page) -> list[BucketRef]:
    """Return the buckets in a leaf page, in order. Raises as :func:`open_bucket` does."""
    if not page.holds_buckets():
        return []
    leaf = LeafElements(page)
    return [open_bucket(leaf, index) for index in leaf.bucket_indexes()]


def bucket_for_check(leaf: LeafElements, index: int, start: int) -> BucketRef:
    """Return the bucket whose value begins at ``start``, validated exactly as far as bbolt's check does it.

    Of an inline bucket only the header is read. Raises :class:`~boltcli.errors.Corrupted`.
    """
    size = leaf.value_sizes[index]
    if size and start + BUCKET_HEADER_SIZE <= leaf.end:
        bucket = BucketRef(*BUCKET_HEADER.unpack_from(leaf.buffer, start))
        if bucket.root or size > BUCKET_HEADER_SIZE:
            return bucket
    raise too_small(leaf, index)


def too_small(leaf: LeafElements, index: int, purpose: str = "be a bucket") -> Corrupted:
    """Return the error for element ``index``, whose value is too small or lies outside its page."""
    try:
        leaf.value_span(index)
    except Corrupted as damage:
        return damage
    return leaf.page.damaged(f"element {index} is too small to {purpose}")
