"""Write a recovered tree as a sound database: in key order, dense, each key once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...format.bucket import MAX_NESTING
from ...format.constants import BUCKET_HEADER_SIZE
from ...format.page import BUCKET_HEADER
from ...tree.walk import flat
from ..read.content import LEAVE, Enter, Pairs, write
from ..write.dense import DenseWriter
from .elements import Elements, inline_elements, readable
from .pages import Path
from .tree import IN_TREE, Altered, Bucket, Loss, RecoveredTree

if TYPE_CHECKING:
    from ...tree.walk import Nested
    from ..read.content import Event

Chosen = dict[bytes, tuple[Elements, int, int]]  # by key: elements of a page, the index in them, the page's id
Leaf = tuple[int, int, int]  # where it comes from, its place among the bucket's leaves, its page
_SECOND = "a second pair with this key on this page; it was left out"


@dataclass(eq=False)
class Emission:
    """One writing of a tree: all of it, or the bucket ``only`` with those that lead to it.

    ``duplicates`` counts second versions of keys, ``dropped`` are those of pages of the tree; ``within`` counts the
    pairs below the top-level bucket ``special``. ``lost`` and ``changed`` are about inline buckets.
    """

    tree: RecoveredTree
    special: bytes | None = None
    only: Path = ()
    pairs: int = 0
    buckets: int = 0
    duplicates: int = 0
    pages: int = 0
    within: int = 0
    lost: list[Loss] = field(default_factory=list)
    changed: list[Altered] = field(default_factory=list)
    dropped: list[Altered] = field(default_factory=list)
    _path: list[bytes] = field(default_factory=list)

    def write(self, fd: int | None = None, page_size: int = 0) -> int:
        """Write the database to ``fd`` (None: only count); returns its size in bytes. Raises OSError."""
        writer = DenseWriter(fd, page_size or self.tree.table.page_size)
        self.pairs, self.buckets = write(self.events(), writer)
        return writer.size

    def events(self) -> Iterator[Event]:
        """Yield the content of the new database."""
        events: Iterator[Event] = flat(self._bucket(self.tree.top))
        for event in events:
            if isinstance(event, Pairs) and self._path[:1] == [self.special]:
                self.within += len(event.keys)
            yield event

    def _bucket(self, bucket: Bucket) -> Nested[Event]:
        together: list[Leaf] = []  # those that share keys with each other
        last = b""
        for low, high, leaf in self._leaves(bucket):
            if together and low > last and not bucket.added:
                yield from self._merged(bucket, together)
                together = []
            together.append(leaf)
            last = max(last, high)
        if together or bucket.added:
            yield from self._merged(bucket, together)

    def _leaves(self, bucket: Bucket) -> list[tuple[bytes, bytes, Leaf]]:
        ranks = {page: (origin, i) for i, (page, origin) in enumerate(zip(bucket.leaves, bucket.origins))}
        found = []
        for page, elements in readable(self.tree.table, bucket.leaves):
            keys = [elements.key(0), elements.key(-1)] if elements.sound else elements.keys
            found.append((min(keys), max(keys), (*ranks[page], page)))
        return sorted(found, key=lambda entry: entry[0])

    def _merged(self, bucket: Bucket, leaves: list[Leaf]) -> Nested[Event]:
        """Yield the content of leaves that share keys; of two versions, that of the leaf that comes first."""
        chosen: Chosen = {}
        alone = len(leaves) == 1 and not bucket.added and len(self._path) >= len(self.only)
        self.pages += len(leaves)
        for origin, _, page in sorted(leaves):
            for _, found in readable(self.tree.table, [page]):
                if alone and found.sound and not any(found.flags):
                    yield Pairs(found.keys, list(map(found.buffer.__getitem__, map(slice, found.mids, found.ends))))
                    return
                self._choose(chosen, found, page, origin)
        yield from self._elements(bucket, chosen)

    def _choose(self, chosen: Chosen, found: Elements, page: int, origin: int) -> None:
        for i, key in enumerate(found.keys):
            if key not in chosen:
                chosen[key] = found, i, page
                continue
            self.duplicates += 1
            if origin == IN_TREE:
                self.dropped.append(Altered(tuple(self._path), key, page, _SECOND))

    def _elements(self, bucket: Bucket | None, chosen: Chosen) -> Nested[Event]:
        """Yield elements one by one, and the nested buckets that stand in none of them. None: of an inline bucket."""
        added = set() if bucket is None else bucket.added
        names = sorted(chosen.keys() | added)
        if len(self._path) < len(self.only):
            name = self.only[len(self._path)]
            names = [name] if name in added or (name in chosen and chosen[name][0].flags[chosen[name][1]]) else []
        for key in names:
            if bucket is not None and key in added:
                child = bucket.children[key]
                yield self._entered(key, child.sequence, self._bucket(child))
                continue
            found, i, page = chosen[key]
            yield self._nested(bucket, found, i, page) if found.flags[i] else Pairs([key], [found.value(i)])

    def _entered(self, name: bytes, sequence: int, inside: Nested[Event] | None) -> Nested[Event]:
        if len(self._path) > MAX_NESTING:
            reason = f"buckets are nested deeper than {MAX_NESTING} levels; this one was left out with its content"
            self.lost.append(Loss((*self._path, name), reason=reason))
            return
        self._path.append(name)
        yield Enter(name, sequence)
        if inside is not None:
            yield inside
        self._path.pop()
        yield LEAVE

    def _nested(self, bucket: Bucket | None, found: Elements, index: int, page: int) -> Nested[Event]:
        start, stop, name = found.mids[index], found.ends[index], found.keys[index]
        path = (*self._path, name)
        if stop - start < BUCKET_HEADER_SIZE:
            if bucket is None:  # else it is known from the walk
                self.lost.append(Loss(path, page=page, reason="a bucket's value that is too small"))
            return
        root, sequence = BUCKET_HEADER.unpack_from(found.buffer, start)
        inside: Nested[Event] | None = None
        if not root:
            inside = self._inline(page, inline_elements(found.buffer, start, stop))
        elif bucket is None:
            self.lost.append(Loss(path, page=root, reason="the root page of a bucket that lies in an inline bucket"))
        elif name in bucket.children:
            inside = self._bucket(bucket.children[name])
        yield self._entered(name, sequence, inside)

    def _inline(self, page: int, inner: Elements | None) -> Nested[Event]:
        path = tuple(self._path)
        if inner is None:
            self.lost.append(Loss(path, page=page, reason="the inline page of the bucket cannot be read"))
            return
        if inner.lost:
            self.lost.append(Loss(path, page=page, reason=f"{inner.lost} damaged elements of an inline bucket"))
        self.changed += [Altered(path, key, page, why) for key, why in inner.mended]
        chosen: Chosen = {}
        self._choose(chosen, inner, page, IN_TREE)
        yield from self._elements(None, chosen)
