"""The recovered tree: buckets, their leaf pages, and the gaps between them.

Values are not kept: a bucket has the ids of its leaf pages, and the pages are read again for writing.
"""

from __future__ import annotations

from array import array
from struct import Struct
from typing import NamedTuple

from ...format.constants import BRANCH_PAGE, BUCKET_HEADER_SIZE, ELEMENT_SIZE, LEAF_PAGE, PAGE_HEADER_SIZE
from ...format.page import BUCKET_HEADER, HEADER, unload
from .lenient_page import mend_last_bucket, read_elements, sound_elements
from .page_table import AT_ONCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from ...format.page import Buffer
    from .lenient_page import Elements
    from .page_table import PageTable

if TYPE_CHECKING:
    # Bucket, page, low, high, the key that the page must begin with, whether its neighbours are leaves.
    Step = tuple["Bucket", int, bytes, bytes | None, bytes | None, bool]

# Where a page of a bucket comes from, the most trusted first.
IN_TREE, PLACED, OLDER = 0, 1, 255
_PLACE = Struct("<II")  # position and key size in an element
# Reasons of gaps: the page is sound, and something else.
OTHER_KEYS = "the page was used for other keys since"
OTHER_BUCKET = "the page was used for another bucket"
OTHER_PLACE = "the page holds keys of another place"
TWO_PLACES = "the page belongs to another place too"
REUSED = frozenset((OTHER_KEYS, OTHER_BUCKET, OTHER_PLACE, TWO_PLACES))
_MOST_BUCKETS = 1 << 24  # elements that call themselves buckets: noise may do so


class Bucket:
    """A bucket: the ids of its ``leaves`` with where each comes from (``origins``), and its nested buckets by name.

    ``added`` are the names of nested buckets that stand in none of its leaves. ``parent`` is None for a root.
    """

    __slots__ = ("added", "children", "gaps", "index", "leaves", "name", "origins", "parent", "root", "sequence")

    def __init__(self, parent: Bucket | None, name: bytes, root: int, sequence: int, index: int) -> None:
        self.parent = parent
        self.name = name
        self.root = root
        self.sequence = sequence
        self.index = index
        self.leaves = array("Q")
        self.origins = bytearray()
        self.children: dict[bytes, Bucket] = {}
        self.added: set[bytes] = set()
        self.gaps: list[Gap] = []

    def path(self) -> tuple[bytes, ...]:
        """Return the names that lead to it from the root bucket, whose path is ()."""
        names: list[bytes] = []
        bucket: Bucket | None = self
        while bucket is not None and bucket.parent is not None:
            names.append(bucket.name)
            bucket = bucket.parent
        return tuple(reversed(names))


class Gap:
    """A part of a bucket that cannot be reached: keys from ``low`` up to ``high`` (None: no end), below ``page``.

    ``reason`` says why. ``elements``: so many elements of a leaf are lost, not a whole page. ``filled`` counts the
    pages that were found to belong there; ``complete``: nothing is missing any more. ``leaf``: the lost page was a
    leaf, as its neighbours are.
    """

    __slots__ = ("bucket", "complete", "elements", "filled", "high", "leaf", "low", "page", "reason")

    def __init__(
        self, bucket: Bucket, low: bytes, high: bytes | None, page: int, reason: str, elements: int = 0
    ) -> None:
        self.bucket = bucket
        self.low = low
        self.high = high
        self.page = page
        self.reason = reason
        self.elements = elements
        self.filled = 0
        self.complete = False
        self.leaf = False

    def is_whole(self) -> bool:
        """Return whether all of a bucket is missing: its root page is lost."""
        return not self.low and self.high is None


class Change(NamedTuple):
    """Something that was taken otherwise than it stands in the file: of ``bucket``, on ``page``, and why.

    ``key`` None: all of the page.
    """

    bucket: Bucket
    page: int
    key: bytes | None
    reason: str


class RecoveredTree:
    """What was reached so far. ``owner`` has, for each page, 1 + the index in ``buckets`` of the one that holds it.

    ``used`` marks all pages of reached runs; ``changes`` is what was taken otherwise than it stands there. ``names``
    are those of the top-level buckets. ``joined``: what is in a bucket, by index, if that is another database.
    """

    __slots__ = ("buckets", "changes", "gaps", "joined", "names", "owner", "table", "top", "used")

    def __init__(self, table: PageTable) -> None:
        self.table = table
        self.owner = array("Q", bytes(8 * table.pages))
        self.used = bytearray(table.pages)
        self.buckets: list[Bucket] = []
        self.gaps: list[Gap] = []
        self.changes: list[Change] = []
        self.joined: dict[int, RecoveredTree] = {}
        self.names: set[bytes] = set()
        self.top = self.bucket(None, b"", 0, 0)

    def bucket(self, parent: Bucket | None, name: bytes, root: int, sequence: int) -> Bucket:
        """Return a new bucket in ``parent``."""
        made = Bucket(parent, name, root, sequence, len(self.buckets))
        self.buckets.append(made)
        if parent is not None:
            parent.children[name] = made
        return made

    def gap(
        self, bucket: Bucket, low: bytes, high: bytes | None, page: int, reason: str, elements: int = 0,
        *, leaf: bool = False,
    ) -> None:  # fmt: skip
        """Note that something is missing."""
        found = Gap(bucket, low, high, page, reason, elements)
        found.leaf = leaf
        bucket.gaps.append(found)
        self.gaps.append(found)

    def owner_of(self, page: int) -> Bucket | None:
        """Return the bucket that holds the page."""
        index = self.owner[page] if page < self.table.pages else 0
        return self.buckets[index - 1] if index else None

    def walk(
        self, bucket: Bucket, page: int, low: bytes = b"", high: bytes | None = None, origin: int = IN_TREE,
        *, strict: bool = False,
    ) -> None:  # fmt: skip
        """Add all that can be reached from ``page`` to ``bucket``, whose keys there are from ``low`` up to ``high``.

        ``strict``, for trees that are not the newest one: a child's first key must be its branch element's.
        """
        stack: list[Step] = [(bucket, page, low, high, None, False)]
        while stack:
            bucket, page, low, high, expected, leaf = stack.pop()
            found, reason = self.read(page, low, high)
            if found is None:
                self.gap(bucket, low, high, page, reason, leaf=leaf)
                continue
            if strict and expected is not None and not (found.count and found.key(0) == expected):
                self.gap(bucket, low, high, page, OTHER_KEYS, leaf=leaf)
                continue
            self._take(bucket, page, found)
            if found.leaf:
                bucket.leaves.append(page)
                bucket.origins.append(origin)
                if found.lost:
                    self.gap(bucket, low, high, page, f"{found.lost} damaged elements", found.lost)
                if found.has_buckets():
                    stack += self._nested(bucket, page, found, strict)
                continue
            if found.lost or not found.count:
                lost = found.lost or 1
                reason = f"{lost} damaged branch elements" if found.keys else "a branch page without elements"
                self.gap(bucket, low, high, page, reason, lost)
            keys = found.keys
            below: list[Step] = []
            leaves = any(self.table.is_tree(child) and self.table.kind[child] == LEAF_PAGE for child in found.pgids)
            for i, child in enumerate(found.pgids):
                start = keys[i] if i else low
                stop = keys[i + 1] if i + 1 < len(keys) else high
                below.append((bucket, child, start, stop, keys[i], leaves))
            below.reverse()
            stack += below

    def _take(self, bucket: Bucket, page: int, found: Elements) -> None:
        """Mark the page and the rest of its run."""
        table = self.table
        own = table.is_tree(page)
        self.changes += [Change(bucket, page, key, reason) for key, reason in found.mended]
        if not own:
            reason = f"the page says that it is page {table.bears(page)}, of type {table.flags(page):#x}"
            self.changes.append(Change(bucket, page, None, f"{reason}: it was taken for what is expected here"))
        self.owner[page] = bucket.index + 1
        pages = 1 + table.overflows[page]
        if pages == 1 and own and found.table is not None:  # known to be sound
            self.used[page] = 1
            return
        end = max(found.ends, default=0)
        needed = max(1, -(-(end - page * table.page_size) // table.page_size))
        if needed > pages or (needed < pages and table.is_torn(page)):
            reason = f"its header says {pages} pages, its elements need {needed}"
            self.changes.append(Change(bucket, page, None, reason))
            pages = needed
        for each in range(page, min(page + pages, table.pages)):
            self.used[each] = 1

    def _nested(self, bucket: Bucket, page: int, found: Elements, strict: bool) -> list[Step]:
        """Return the buckets in a leaf page that have pages of their own, to be walked."""
        roots: list[Step] = []
        buffer = found.buffer
        if bucket is self.top:
            self.names.update(key for key, flag in zip(found.keys, found.flags) if flag)
        for i, flag in enumerate(found.flags):
            if not flag:
                continue
            start, stop, name = found.mids[i], found.ends[i], found.keys[i]
            if stop - start < BUCKET_HEADER_SIZE:
                self.gap(bucket, name, name + b"\0", page, "a bucket's value that is too small", 1)
                continue
            root, sequence = BUCKET_HEADER.unpack_from(buffer, start)
            if root == 0 or name in bucket.children:
                continue
            if len(self.buckets) >= _MOST_BUCKETS:
                self.gap(bucket, name, name + b"\0", page, "there are too many buckets", 1)
                continue
            if strict and (is_reused(self.table, found.keys, root) or is_reused(self.table, self.names, root)):
                self.gap(self.bucket(bucket, name, root, sequence), b"", None, root, OTHER_BUCKET)
                continue
            roots.append((self.bucket(bucket, name, root, sequence), root, b"", None, None, False))
        roots.reverse()
        return roots

    def read(self, page: int, low: bytes, high: bytes | None) -> tuple[Elements | None, str]:
        """Return the elements of the page if they belong between ``low`` and ``high``; else None and why not."""
        table = self.table
        if page < 2 or page >= table.pages:
            return None, "the page lies beyond the end of the file" if page > 1 else "not a page of a tree"
        if self.owner[page]:
            return None, TWO_PLACES
        found = page_elements(table, page)
        if table.is_tree(page):
            if found is None:
                return None, "the page cannot be read"
            if not fits(found, low, high, 2):
                return None, OTHER_PLACE if found.sound else "the page is damaged"
            return found, ""
        if table.is_zero(page):
            return None, "the page is all zeros"
        bears = table.bears(page)
        if found is None or not found.keys or not fits(found, low, high, 3):
            if table.kind[page] in (BRANCH_PAGE, LEAF_PAGE):
                return None, f"the page says that it is page {bears}"
            return None, "the page is not one of a tree"
        if bears != page and bears < table.pages and table.page_bytes(bears) == table.page_bytes(page):
            return None, f"the page is a copy of page {bears}"
        return found, ""


def is_reused(table: PageTable, names: Collection[bytes], root: int) -> bool:
    """Return whether a nested bucket's page has the ``names`` of an outer bucket, so that it was reused for it."""
    if not table.is_tree(root) or table.kind[root] == BRANCH_PAGE or not names:
        return False
    inner = page_elements(table, root)
    if inner is None or not inner.keys or not all(inner.flags):
        return False
    common = len(set(names).intersection(inner.keys))
    return common == len(names) or (2 * common > min(len(inner.keys), len(names)) and common > 1)


def fits(found: Elements, low: bytes, high: bytes | None, enough: int) -> bool:
    """Return whether ``enough`` of the first, middle and last keys are from ``low`` to before ``high``."""
    if not found.count:
        return True
    wanted = (found.key(0), found.key(found.count // 2), found.key(-1))
    return sum(low <= key and (high is None or key < high) for key in wanted) >= enough


def page_elements(table: PageTable, page: int) -> Elements | None:
    """Return the elements of a branch or leaf page, or None; a damaged page type is guessed from the content."""
    page_size = table.page_size
    start = page * page_size
    if start + PAGE_HEADER_SIZE > table.size:
        return None
    table.visits += page_size
    if table.visits > AT_ONCE:
        table.visits = 0
        unload(table.buffer)
    kind, count = table.kind[page], table.counts[page]
    end = min(start + (table.overflows[page] + 1) * page_size, table.size)
    cut = 0
    if PAGE_HEADER_SIZE + ELEMENT_SIZE * count > page_size:
        # No page's table lies in that of another one: all pages together have no more elements than the file has room.
        following = table.own.find(1, page + 1, -(-end // page_size))
        if following >= 0:
            most = ((following - page) * page_size - PAGE_HEADER_SIZE) // ELEMENT_SIZE
            cut, count = max(0, count - most), min(count, most)
    if table.sound[page]:
        found = sound_elements(table.buffer, start, kind, count, end)
        found.dense = table.sound[page] > 1
        return found
    if kind in (BRANCH_PAGE, LEAF_PAGE):
        found = read_elements(table.buffer, start, kind, count, end, end)
        if found.flags and found.flags[-1]:
            _check_last(table, found, end)
        if found.sound and count and not cut:
            table.sound[page] = 1 + found.dense
        found = found if found.sound else _reread(table, page, kind, count, found)
        if cut:
            found.mended.append((None, f"its header says {count + cut} elements, and another page lies among them"))
        return found
    # Only a page whose elements are all in order is taken for one of a type that it doesn't name.
    for kind in (LEAF_PAGE, BRANCH_PAGE):
        found = read_elements(table.buffer, start, kind, count, end, end)
        if found.sound and found.dense and found.keys:
            if kind == BRANCH_PAGE and not all(1 < child < table.pages for child in found.pgids):
                continue
            return found
    return None


def first_key_of(table: PageTable, page: int) -> bytes | None:
    """Return the first key of a page, None if it has none. It is kept: damage may have a thousand pages lead to one."""
    if table.sound[page]:
        first = page * table.page_size + PAGE_HEADER_SIZE
        at, size = _PLACE.unpack_from(table.buffer, first + (4 if table.kind[page] == LEAF_PAGE else 0))
        return table.buffer[first + at : first + at + size]
    if page not in table.firsts:
        found = page_elements(table, page)
        table.firsts[page] = found.keys[0] if found is not None and found.keys else None
    return table.firsts[page]


def first_key(table: PageTable, page: int) -> bytes | None:
    """Return the first key of a page that bears its own id."""
    return first_key_of(table, page) if table.is_tree(page) else None


def _check_last(table: PageTable, found: Elements, end: int) -> None:
    """Check the sizes of the last element, which has no neighbour after it, by the bucket's root page."""
    start, stop = found.mids[-1], found.ends[-1]
    root = int.from_bytes(found.buffer[start : start + 8], "little") if stop - start >= BUCKET_HEADER_SIZE else 1
    if root and not 1 < root < table.pages:
        mend_last_bucket(found, end)


def _reread(table: PageTable, page: int, kind: int, count: int, found: Elements) -> Elements:
    """Return the same with another overflow, if the header's can't be right."""
    start = page * table.page_size
    following = table.own.find(1, page + 1)
    limit = (following if following >= 0 else table.pages) * table.page_size
    limit = min(limit, table.size)
    best = found
    if limit != start + (table.overflows[page] + 1) * table.page_size:
        other = read_elements(table.buffer, start, kind, count, limit, limit)
        if other.lost < best.lost or other.sound:
            best = other
    return best


def inline_elements(buffer: Buffer, start: int, stop: int) -> Elements | None:
    """Return the elements of an inline bucket, whose value stands there; None if it holds no leaf page."""
    at = start + BUCKET_HEADER_SIZE
    if at + PAGE_HEADER_SIZE > stop:
        return None
    _, flags, count, _ = HEADER.unpack_from(buffer, at)
    if flags != LEAF_PAGE:
        return None
    return read_elements(buffer, at, LEAF_PAGE, count, stop, stop)
