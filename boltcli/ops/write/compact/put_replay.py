"""bbolt's compaction, pair by pair, for a source whose keys don't ascend, or whose pages are referenced repeatedly.

Each pair is inserted at its place, so any page of the copy may change again. This follows bbolt's write transaction in
``bucket.go`` and ``node.go``, without deletions. Only pages that a transaction touches are in memory. bbolt writes
nested buckets in random order; here they are sorted by name.
"""

from __future__ import annotations

from bisect import bisect_left

from ....errors import BoltError
from ....format.constants import BUCKET_LEAF_FLAG, ELEMENT_SIZE, LEAF_PAGE, MAX_KEY_SIZE, PAGE_HEADER_SIZE
from ....format.encode import branch_page
from ....format.page import BUCKET_HEADER, HEADER, BranchElements, LeafElements, Page
from ....storage.files import read_or_raise
from .leaf_slices import elements, leaf_page

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .allocator import NewFile
    from .source_walk import Event

_LEAST = 2  # bbolt's MinKeysPerPage


class Refused(BoltError):
    """bbolt's API refuses an operation; the message is bbolt's."""


class _Node:
    """A page that is being changed. ``values`` are bytes in a leaf, page ids in a branch."""

    __slots__ = ("children", "flags", "is_leaf", "key", "keys", "pages", "parent", "pgid", "spilled", "values")

    def __init__(self, is_leaf: bool, parent: _Node | None = None) -> None:
        self.is_leaf = is_leaf
        self.parent = parent
        self.keys: list[bytes] = []
        self.values: list[bytes | int] = []
        self.flags: list[int] = []
        self.key: bytes | None = None  # the one by which its parent knows it
        self.children: list[_Node] = []  # those that are being changed
        self.pgid = 0
        self.pages = 0
        self.spilled = False

    def sizes(self) -> list[int]:
        """Return bytes that each element takes."""
        if not self.is_leaf:
            return [ELEMENT_SIZE + len(key) for key in self.keys]
        return [
            ELEMENT_SIZE + len(key) + len(value)  # type: ignore[arg-type]
            for key, value in zip(self.keys, self.values)
        ]

    def put(self, old: bytes, key: bytes, value: bytes | int, flags: int) -> None:
        index = bisect_left(self.keys, old)
        if index < len(self.keys) and self.keys[index] == old:
            self.keys[index], self.values[index], self.flags[index] = key, value, flags
        else:
            self.keys.insert(index, key)
            self.values.insert(index, value)
            self.flags.insert(index, flags)

    def pieces(self, pgid: int, overflow: int) -> list[bytes | memoryview]:
        """Return the page, to be written."""
        if not self.is_leaf:
            return branch_page(pgid, overflow, self.keys, self.values)  # type: ignore[arg-type]
        count = len(self.keys)
        chunks = [elements(self.flags, self.keys, self.values)] if count else []  # type: ignore[arg-type]
        return leaf_page(pgid, overflow, count, chunks)


class _Bucket:
    """A bucket that a transaction has opened."""

    __slots__ = ("buckets", "full", "inline", "nodes", "root", "root_node", "sequence", "tx")

    def __init__(self, tx: _Transaction, root: int, sequence: int, inline: bytes = b"") -> None:
        self.tx = tx
        self.root = root
        self.sequence = sequence
        self.inline = inline  # the page of an inline bucket
        self.root_node: _Node | None = None
        self.nodes: dict[int, _Node] = {}
        self.buckets: dict[bytes, _Bucket] = {}
        self.full = False

    def node(self, pgid: int, parent: _Node | None) -> _Node:
        """Return the page to be changed."""
        found = self.nodes.get(pgid)
        if found is None:
            found = self.tx.read(pgid) if not self.inline else _parsed(self.inline, 0, len(self.inline))
            found.parent = parent
            if parent is None:
                self.root_node = found
            else:
                parent.children.append(found)
            self.nodes[pgid] = found
        return found

    def leaf(self, key: bytes) -> _Node:
        """Return the leaf in which ``key`` is or would be, to be changed."""
        node = self.root_node or self.node(self.root, None)
        while not node.is_leaf:
            child = node.values[_child(node.keys, key)]
            assert isinstance(child, int)
            node = self.node(child, node)
        return node

    def look(self, key: bytes) -> tuple[int, bytes] | None:
        """Return flags and value of ``key``, without changing anything."""
        node = self.root_node or self._page(self.root)
        while not node.is_leaf:
            child = node.values[_child(node.keys, key)]
            assert isinstance(child, int)
            node = self.nodes.get(child) or self._page(child)
        index = bisect_left(node.keys, key)
        if index == len(node.keys) or node.keys[index] != key:
            return None
        value = node.values[index]
        assert isinstance(value, bytes)
        return node.flags[index], value

    def _page(self, pgid: int) -> _Node:
        return _parsed(self.inline, 0, len(self.inline)) if self.inline else self.tx.look(pgid)

    def child(self, name: bytes) -> _Bucket:
        """Return the bucket called ``name``, which is there."""
        found = self.buckets.get(name)
        if found is None:
            there = self.look(name)
            assert there is not None
            root, sequence = BUCKET_HEADER.unpack_from(there[1])
            found = _Bucket(self.tx, root, sequence, b"" if root else there[1][BUCKET_HEADER.size :])
            self.buckets[name] = found
        return found

    def create(self, name: bytes, sequence: int) -> None:
        if not name:
            raise Refused("bucket name required")
        there = self.look(name)
        if there is not None:
            raise Refused("bucket already exists" if there[0] & BUCKET_LEAF_FLAG else "incompatible value")
        empty = BUCKET_HEADER.pack(0, 0) + HEADER.pack(0, LEAF_PAGE, 0, 0)
        self.leaf(name).put(name, name, empty, BUCKET_LEAF_FLAG)
        self.inline = b""
        child = self.child(name)
        child.node(0, None)
        child.sequence = sequence

    def put(self, key: bytes, value: bytes) -> None:
        if not 0 < len(key) <= MAX_KEY_SIZE:
            raise Refused("key too large" if key else "key required")
        there = self.look(key)
        if there is not None and there[0] & BUCKET_LEAF_FLAG:
            raise Refused("incompatible value")
        self.leaf(key).put(key, key, value, 0)

    def store(self) -> bytes:
        """Write what was changed; returns the value of the bucket's element in its parent."""
        node = self.root_node
        if node is not None and node.is_leaf and not any(node.flags):
            size = PAGE_HEADER_SIZE + sum(node.sizes())
            if size <= self.tx.file.page_size // 4:
                if self.root and node.pgid:
                    self.tx.file.release(node.pgid, node.pages)
                self.root = 0
                return BUCKET_HEADER.pack(0, self.sequence) + b"".join(node.pieces(0, 0))
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
        self.root = node.pgid

    def _spill(self, node: _Node) -> None:
        if node.spilled:
            return
        node.children.sort(key=lambda child: child.keys[0])
        for child in list(node.children):
            self._spill(child)
        node.children = []
        file = self.tx.file
        for part in self._split(node):
            if part.pgid:
                file.release(part.pgid, part.pages)
            size = PAGE_HEADER_SIZE + sum(part.sizes())
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

    def _split(self, node: _Node) -> list[_Node]:
        page_size = self.tx.file.page_size
        threshold = page_size if self.full else page_size // 2
        parts = [node]
        sizes = node.sizes()
        while len(sizes) > 2 * _LEAST and PAGE_HEADER_SIZE + sum(sizes) >= page_size:
            size = PAGE_HEADER_SIZE
            index = 0
            for index in range(len(sizes) - _LEAST):
                if index >= _LEAST and size + sizes[index] > threshold:
                    break
                size += sizes[index]
            if node.parent is None:
                node.parent = _Node(False)
                node.parent.children = [node]
            rest = _Node(node.is_leaf, node.parent)
            node.parent.children.append(rest)
            for name in ("keys", "values", "flags"):
                column = getattr(node, name)
                setattr(rest, name, column[index:])
                del column[index:]
            sizes = sizes[index:]
            node = rest
            parts.append(node)
        return parts


class _Transaction:
    """A write transaction, from its begin to its commit."""

    def __init__(self, file: NewFile) -> None:
        self.file = file
        self._pages: dict[int, _Node] = {}  # that were looked at
        self.root = _Bucket(self, file.root, file.sequence)

    def read(self, pgid: int) -> _Node:
        """Return a committed page, as an object of its own."""
        page_size = self.file.page_size
        data = read_or_raise(self.file.writer.fd, pgid * page_size, page_size)
        overflow = HEADER.unpack_from(data)[3]
        if overflow:
            data = read_or_raise(self.file.writer.fd, pgid * page_size, page_size * (overflow + 1))
        return _parsed(data, pgid, len(data))

    def look(self, pgid: int) -> _Node:
        """Return a committed page, not to be changed."""
        found = self._pages.get(pgid)
        if found is None:
            found = self._pages[pgid] = self.read(pgid)
        return found

    def commit(self) -> None:
        # Each bucket after those inside it, buckets inside one bucket by name: the other way round from the end.
        order: list[tuple[_Bucket, bytes, _Bucket]] = []
        pending = [(self.root, name, child) for name, child in sorted(self.root.buckets.items(), key=_name)]
        while pending:
            step = pending.pop()
            order.append(step)
            pending += [(step[2], name, child) for name, child in sorted(step[2].buckets.items(), key=_name)]
        for parent, name, child in reversed(order):
            value = child.store()
            if child.root_node is not None:
                parent.leaf(name).put(name, name, value, BUCKET_LEAF_FLAG)
        self.root.spill()
        self.file.commit(self.root.root)


class PutReplay:
    """One compaction by ``transactions`` so far of at most ``limit`` bytes; 0: without limit.

    :meth:`take` raises :class:`Refused` for what bbolt refuses.
    """

    def __init__(self, file: NewFile, limit: int) -> None:
        self.file = file
        self.limit = limit
        self.transactions = 0
        self.pairs = 0
        self.buckets = 0
        self._size = 0
        self._names: list[bytes] = []  # of the buckets that are open, from the outside in
        file.begin()
        self._tx = _Transaction(file)
        self._open = [self._tx.root]

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.file.size

    def take(self, events: Iterable[Event]) -> None:
        """Carry out ``events``, and end the last transaction."""
        for name, value in events:
            if name is None:
                self._names.pop()
                self._open.pop()
            elif isinstance(value, bytes):
                self._weigh(len(name) + len(value))
                self._fill()
                self._open[-1].put(name, value)
                self.pairs += 1
            else:
                self._weigh(len(name))
                self._fill()
                self._open[-1].create(name, value)
                self._open.append(self._open[-1].child(name))
                self._names.append(name)
                self.buckets += 1
        self._commit()
        self.file.finish()

    def _weigh(self, size: int) -> None:
        if self.limit and self._size + size > self.limit:
            self._commit()
            self.file.begin()
            self._tx = _Transaction(self.file)
            self._open = [self._tx.root]
            for name in self._names:
                self._open.append(self._open[-1].child(name))
            self._size = 0
        self._size += size

    def _fill(self) -> None:
        self._open[-1].full = len(self._open) > 1

    def _commit(self) -> None:
        self._tx.commit()
        self.transactions += 1


def _name(item: tuple[bytes, _Bucket]) -> bytes:
    return item[0]


def _child(keys: list[bytes], key: bytes) -> int:
    index = bisect_left(keys, key)
    return index if index < len(keys) and keys[index] == key else max(index - 1, 0)


def _parsed(data: bytes, pgid: int, end: int) -> _Node:
    """Return a page that was written here."""
    page = Page(HEADER.unpack_from(data), data, 0, end, end, 0)
    node = _Node(page.flags == LEAF_PAGE)
    node.pgid, node.pages = pgid, page.overflow + 1
    if node.is_leaf:
        leaf = LeafElements(page)
        node.keys, node.flags = leaf.keys(), leaf.flags
        node.values = [*leaf.values()]
    else:
        branch = BranchElements(page)
        node.keys, node.flags = branch.keys(), [0] * page.count
        node.values = [*branch.pgids]
    node.key = node.keys[0] if page.count else None
    return node
