"""bbolt's write transactions: a port of its ``bucket.go``, ``node.go`` and ``tx.go``, over the pages of :mod:`.pager`.

A :class:`Bucket` opens the pages that a transaction changes, each as a :class:`Node`; only these are in memory. There
are no deletions. bbolt spills nested buckets in random order; here they are sorted by name.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate, repeat

from ...errors import BoltError
from ...format.constants import BUCKET_LEAF_FLAG, ELEMENT_SIZE, LEAF_PAGE, MAX_KEY_SIZE, PAGE_HEADER_SIZE
from ...format.encode import branch_page, leaf_page
from ...format.page import BUCKET_HEADER, HEADER, BranchElements, LeafElements, Page, ascend
from ...tree.walk import flat
from ..read.content import MAX_VALUE_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ...format.encode import Piece
    from ...tree.walk import Nested
    from .pager import BboltFile

_LEAST = 2  # bbolt's MinKeysPerPage


class BboltRefuses(BoltError):
    """bbolt's API refuses an operation; the message is bbolt's."""


class Node:
    """A page that is being changed. ``values`` are values in a leaf, page ids in a branch."""

    __slots__ = ("children", "flags", "is_leaf", "key", "keys", "pages", "parent", "pgid", "spilled", "values")

    def __init__(self, is_leaf: bool, parent: Node | None = None) -> None:
        self.is_leaf = is_leaf
        self.parent = parent
        self.keys: list[bytes] = []
        self.values: list[Piece | int] = []
        self.flags: list[int] = []
        self.key: bytes | None = None  # the one by which its parent knows it
        self.children: list[Node] = []  # those that are being changed
        self.pgid = 0  # 0: it has no page yet
        self.pages = 0
        self.spilled = False

    def sizes(self) -> list[int]:
        values = map(len, self.values) if self.is_leaf else repeat(0)  # type: ignore[arg-type]
        return [ELEMENT_SIZE + len(key) + size for key, size in zip(self.keys, values)]

    def find(self, key: bytes) -> tuple[int, bool]:
        index = bisect_left(self.keys, key)
        return index, index < len(self.keys) and self.keys[index] == key

    def put(self, old: bytes, key: bytes, value: Piece | int, flags: int) -> None:
        """Put an element in the place of that with the key ``old``, or add it."""
        index, found = self.find(old)
        if found:
            self.keys[index], self.values[index], self.flags[index] = key, value, flags
        else:
            self.keys.insert(index, key)
            self.values.insert(index, value)
            self.flags.insert(index, flags)

    def pieces(self, pgid: int, overflow: int) -> list[Piece]:
        if self.is_leaf:
            return leaf_page(pgid, overflow, self.flags, self.keys, self.values)  # type: ignore[arg-type]
        return branch_page(pgid, overflow, self.keys, self.values)  # type: ignore[arg-type]

    def split(self, page_size: int, threshold: int) -> Iterator[tuple[Node, int]]:
        """Cut the node into nodes of a page each; yields them with the sizes of their pages.

        A node of more than four elements that takes a page or more is cut where the next element would go over
        ``threshold``, after two elements at least, three before the end at most.
        """
        ends = list(accumulate(self.sizes(), initial=PAGE_HEADER_SIZE))
        start, last = 0, len(ends) - 1
        cuts = []
        while last - start > 2 * _LEAST and PAGE_HEADER_SIZE + ends[last] - ends[start] >= page_size:
            fitting = bisect_right(ends, threshold - PAGE_HEADER_SIZE + ends[start], start) - 1 - start
            start += min(max(fitting, _LEAST), last - start - _LEAST - 1)
            cuts.append(start)
        if not cuts:
            yield self, ends[last]
            return
        if self.parent is None:
            self.parent = Node(False)
            self.parent.children = [self]
        keys, values, flags = self.keys, self.values, self.flags
        for start, stop in zip([0, *cuts], [*cuts, last]):
            node = self
            if start:
                node = Node(self.is_leaf, self.parent)
                self.parent.children.append(node)
            node.keys, node.values, node.flags = keys[start:stop], values[start:stop], flags[start:stop]
            yield node, PAGE_HEADER_SIZE + ends[stop] - ends[start]


class Bucket:
    """A bucket that a transaction has opened."""

    __slots__ = ("_edge", "_inline", "_nodes", "buckets", "file", "full", "root", "root_node", "sequence")

    def __init__(self, file: BboltFile, root: int, sequence: int, inline: bytes = b"") -> None:
        self.file = file
        self.root = root
        self.sequence = sequence
        self.root_node: Node | None = None
        self.buckets: dict[bytes, Bucket] = {}
        self.full = False  # its pages are filled to the brim, else by half
        self._inline = inline  # the page of an inline bucket
        self._nodes: dict[int, Node] = {}
        self._edge: Node | None = None  # the right-most leaf, if it is open: keys above its last one belong there

    def create(self, name: bytes, sequence: int) -> Bucket:
        """Create the bucket called ``name``. Raises :class:`BboltRefuses`."""
        if not name:
            raise BboltRefuses("bucket name required")
        leaf = self.leaf(name)
        index, found = leaf.find(name)
        if found:
            is_bucket = leaf.flags[index] & BUCKET_LEAF_FLAG
            raise BboltRefuses("bucket already exists" if is_bucket else "incompatible value")
        leaf.put(name, name, _EMPTY, BUCKET_LEAF_FLAG)
        child = self.buckets[name] = Bucket(self.file, 0, sequence)
        child.root_node = child._edge = Node(True)
        return child

    def reopen(self, name: bytes, before: Bucket) -> Bucket:
        """Return the bucket called ``name``, as ``before`` was committed."""
        self.buckets[name] = Bucket(self.file, before.root, before.sequence, before._inline)
        return self.buckets[name]

    def put(self, keys: Sequence[bytes], values: Sequence[Piece]) -> None:
        """Put pairs; those that belong at the end go there at once. Raises :class:`BboltRefuses`."""
        if self._edge is None:
            self.leaf(keys[0])
        edge = self._edge
        if (
            edge is not None
            and keys[0] > (edge.keys[-1] if edge.keys else b"")
            and ascend(keys)
            and max(map(len, keys)) <= MAX_KEY_SIZE
            and max(map(len, values)) <= MAX_VALUE_SIZE
        ):
            edge.keys += keys
            edge.values += values
            edge.flags += [0] * len(keys)
            return
        for key, value in zip(keys, values):
            if not 0 < len(key) <= MAX_KEY_SIZE:
                raise BboltRefuses("key too large" if key else "key required")
            if len(value) > MAX_VALUE_SIZE:
                raise BboltRefuses("value too large")
            leaf = self.leaf(key)
            index, found = leaf.find(key)
            if found and leaf.flags[index] & BUCKET_LEAF_FLAG:
                raise BboltRefuses("incompatible value")
            leaf.put(key, key, value, 0)

    def store(self) -> bytes:
        """Write what was changed; returns the value of the bucket's element in its parent."""
        node, file = self.root_node, self.file
        if node is not None and node.is_leaf and ELEMENT_SIZE * len(node.keys) < file.page_size // 4:
            size = PAGE_HEADER_SIZE + sum(node.sizes())
            if size <= file.page_size // 4 and not any(node.flags):
                if self.root and node.pgid:
                    file.release(node.pgid, node.pages)
                self.root, self._inline = 0, b"".join(node.pieces(0, 0))
                return BUCKET_HEADER.pack(0, self.sequence) + self._inline
        self.spill()
        return BUCKET_HEADER.pack(self.root, self.sequence)

    def spill(self) -> None:
        """Write the changed nodes to new pages. The buckets inside must be stored already."""
        node = self.root_node
        if node is None:
            return
        self._spill(node)
        while node.parent is not None:
            node = node.parent
        self.root_node = node
        self.root, self._inline = node.pgid, b""

    def _spill(self, node: Node) -> None:
        if node.spilled:
            return
        node.children.sort(key=lambda child: child.keys[0])
        for child in list(node.children):
            self._spill(child)
        node.children = []
        file = self.file
        for part, size in node.split(file.page_size, file.page_size if self.full else file.page_size // 2):
            if part.pgid:
                file.release(part.pgid, part.pages)
            part.pages = -(-size // file.page_size)
            part.pgid = file.allocate(part.pages)
            file.writer.put(part.pgid, part.pages, part.pieces(part.pgid, part.pages - 1), size)
            part.spilled = True
            if part.parent is not None:
                part.parent.put(part.keys[0] if part.key is None else part.key, part.keys[0], part.pgid, 0)
                part.key = part.keys[0]
        parent = node.parent
        if parent is not None and parent.pgid == 0:
            self._spill(parent)

    def leaf(self, key: bytes) -> Node:
        """Return the leaf in which ``key`` is or would be, to be changed."""
        node = self.root_node or self._node(self.root, None)
        is_last = True
        while not node.is_leaf:
            index, found = node.find(key)
            index = index if found else max(index - 1, 0)
            is_last = is_last and index == len(node.keys) - 1
            pgid = node.values[index]
            assert isinstance(pgid, int)
            node = self._node(pgid, node)
        if is_last:
            self._edge = node
        return node

    def _node(self, pgid: int, parent: Node | None) -> Node:
        found = self._nodes.get(pgid)
        if found is None:
            found = _parsed(self._inline, 0) if self._inline else _parsed(self.file.read(pgid), pgid)
            found.parent = parent
            if parent is None:
                self.root_node = found
            else:
                parent.children.append(found)
            self._nodes[pgid] = found
        return found


class BboltWriter:
    """Writes content by transactions of at most ``limit`` bytes, 0: by one, as bbolt's compaction does.

    The limit is on the bytes of keys, values and names. A pair that would exceed it begins the next transaction. Each
    pair is put at its place, so keys may come in any order. Raises :class:`BboltRefuses`.
    """

    def __init__(self, file: BboltFile, limit: int) -> None:
        self.file = file
        self.limit = limit
        self.transactions = 0
        self._weight = 0  # of the transaction, bytes
        self._names: list[bytes] = []  # of the buckets that are open, from the outside in
        file.begin()
        self._open = [Bucket(file, file.root, 0)]

    @property
    def size(self) -> int:
        return self.file.size

    def enter(self, name: bytes, sequence: int) -> None:
        if self.limit and self._weight + len(name) > self.limit:
            self._next_transaction()
        self._weight += len(name)
        self._open.append(self._bucket().create(name, sequence))
        self._names.append(name)

    def pairs(self, keys: Sequence[bytes], values: Sequence[Piece]) -> None:
        """Put pairs into the innermost open bucket, by as many transactions as it takes."""
        weight = sum(map(len, keys)) + sum(map(len, values))
        if not self.limit or self._weight + weight <= self.limit:
            self._weight += weight
            self._bucket().put(keys, values)
            return
        ends = list(accumulate([len(key) + len(value) for key, value in zip(keys, values)], initial=0))
        start, least = 0, 0
        while start < len(keys):
            stop = max(bisect_right(ends, self.limit - self._weight + ends[start], start) - 1, start + least)
            if stop > start:
                self._weight += ends[stop] - ends[start]
                self._bucket().put(keys[start:stop], values[start:stop])
                start = stop
            if start < len(keys):
                self._next_transaction()
                least = 1  # what doesn't fit into a transaction of its own gets one all the same

    def leave(self) -> None:
        self._names.pop()
        self._open.pop()

    def finish(self) -> None:
        self._commit()
        self.file.finish()

    def _bucket(self) -> Bucket:
        bucket = self._open[-1]
        # As in bbolt's compaction all of these are filled to the brim; the root bucket never is.
        bucket.full = len(self._open) > 1
        return bucket

    def _next_transaction(self) -> None:
        self._commit()
        self.file.begin()
        before, self._open = self._open, [Bucket(self.file, self.file.root, 0)]
        for name, bucket in zip(self._names, before[1:]):
            self._open.append(self._open[-1].reopen(name, bucket))
        self._weight = 0

    def _commit(self) -> None:
        root = self._open[0]
        for parent, name, child in flat(_inside(root)):
            value = child.store()
            if child.root_node is not None:
                parent.leaf(name).put(name, name, value, BUCKET_LEAF_FLAG)
            del parent.buckets[name]  # with all its nodes: many buckets may be nested in each other
        root.spill()
        self.file.commit(root.root)
        self.transactions += 1


_EMPTY = BUCKET_HEADER.pack(0, 0) + HEADER.pack(0, LEAF_PAGE, 0, 0)


def _inside(bucket: Bucket) -> Nested[tuple[Bucket, bytes, Bucket]]:
    """Yield the open buckets inside ``bucket`` by name, each after those inside it: what it is in, its name, and it."""
    for name, child in sorted(bucket.buckets.items()):
        yield _inside(child)
        yield bucket, name, child


def _parsed(data: bytes, pgid: int) -> Node:
    page = Page(HEADER.unpack_from(data), data, 0, len(data), 0)
    node = Node(page.flags == LEAF_PAGE)
    node.pgid, node.pages = pgid, page.overflow + 1
    if node.is_leaf:
        leaf = LeafElements(page)
        node.keys, node.values, node.flags = leaf.keys(), [*leaf.values()], leaf.flags
    else:
        branch = BranchElements(page)
        node.keys, node.values, node.flags = branch.keys(), [*branch.pgids], [0] * page.count
    node.key = node.keys[0] if page.count else None
    return node
