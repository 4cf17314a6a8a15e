"""The typical form of a bucket's pairs, judged by its pages, older pages and its sibling buckets."""

from __future__ import annotations

from itertools import islice

from .elements import page_elements
from .orphans import BUCKETS, PAIRS, holds, likeness, sample, shape_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .orphans import Group, Pairs, Shape
    from .tree import Bucket, RecoveredTree

_SIBLINGS = 16  # buckets beside one that are looked at
_FEW = 2  # of them must show it, if names stand in pairs
_LONG = 6  # bytes of a name that hardly stands in a value by chance
_NAMED, _NOT_NAMED = 8.0, -4.0  # points where the names of the buckets beside stand in their pairs, and this one does


class Looks:
    """What the buckets of a tree that is being filled hold: kinds, shapes, and whether their names stand in it."""

    def __init__(self, tree: RecoveredTree, references: list[RecoveredTree]) -> None:
        """``references``: older trees."""
        self._table = tree.table
        self._older = [{each.path(): each.leaves for each in tree.buckets if each.leaves} for tree in references]
        self._kinds: dict[int, int] = {}
        self._shapes: dict[int, tuple[int, Shape | None]] = {}
        self._offsets: dict[int, int | None] = {}

    def kind(self, bucket: Bucket) -> int:
        """Return whether a bucket holds pairs (1), buckets (2) or both (3); 0 if nothing tells."""
        kind = self._kinds.get(bucket.index)
        if kind is None:
            kind = 0
            for page in bucket.leaves[:4]:
                found = page_elements(self._table, page)
                if found is not None and found.keys:
                    kind |= holds(found)
            if bucket.leaves:
                self._kinds[bucket.index] = kind
            else:
                kinds = {_holds(pairs) for pairs in self._peers(bucket)}
                kind = kinds.pop() if len(kinds) == 1 else 0
        return kind

    def likeness(self, group: Group, bucket: Bucket) -> float:
        """Return points for pairs that look like the bucket's, or like what it had; negative ones if they don't."""
        shape = self._shape(bucket)
        return 0.0 if shape is None else likeness(group.shape, shape)

    def named(self, group: Group, bucket: Bucket) -> float:
        """Return points for pairs with the bucket's name in them, if its siblings' pairs have their names."""
        parent = bucket.parent
        if parent is None or len(parent.children) <= _FEW:
            return 0.0
        if parent.index not in self._offsets:
            self._offsets[parent.index] = self._find_names(parent)
        at = self._offsets[parent.index]
        if at is None or (at < 0 and len(bucket.name) < _LONG) or self._shape(bucket) is None:
            return 0.0
        if self.likeness(group, bucket) < 0:
            return 0.0
        return _NAMED if _stands(bucket.name, group.samples, at) else _NOT_NAMED

    def _peers(self, bucket: Bucket) -> list[Pairs]:
        """Return pairs of buckets that should look like a nested one: of its name beside its parent's, or beside it."""
        parent = bucket.parent
        if parent is None or parent.parent is None:
            return []
        cousins = [each.children.get(bucket.name) for each in islice(parent.parent.children.values(), _SIBLINGS)]
        if parent.parent.parent is None or not any(each for each in cousins if each is not bucket):
            cousins = list(islice(parent.children.values(), _SIBLINGS))
        some = [self._pairs(each) for each in cousins if each is not None and each is not bucket]
        return [pairs for pairs in some if pairs]

    def _find_names(self, parent: Bucket) -> int | None:
        """Return the offset of nested buckets' names in their keys; -1: elsewhere in their pairs; None: nowhere."""
        some = islice(parent.children.values(), _SIBLINGS)
        known = [(each.name, pairs) for each in some if (pairs := self._pairs(each))]
        if len(known) < _FEW:
            return None
        name, pairs = known[0]
        at = next(iter(pairs)).find(name)
        if at >= 0 and all(_stands(name, pairs, at) for name, pairs in known):
            return at
        long = [(name, pairs) for name, pairs in known if len(name) >= _LONG]
        return -1 if len(long) >= _FEW and all(_stands(name, pairs, -1) for name, pairs in long) else None

    def _shape(self, bucket: Bucket) -> Shape | None:
        """Return what the bucket's pairs look like, as far as they are known."""
        size = len(bucket.leaves)
        known = self._shapes.get(bucket.index)
        if known is None or (size and size >= 2 * known[0]):
            pairs = self._pairs(bucket)
            if not pairs:
                peers = self._peers(bucket)[:_FEW]
                if peers and likeness(shape_of(peers[0]), shape_of(peers[-1])) > 0:
                    pairs = peers[0] | peers[-1]
            self._shapes[bucket.index] = known = size, shape_of(pairs) if pairs else None
        return known[1]

    def _pairs(self, bucket: Bucket) -> Pairs:
        """Return some pairs of the bucket, or that it had."""
        leaves: Sequence[int] = bucket.leaves
        if not leaves:
            path = bucket.path()
            leaves = next((older[path] for older in self._older if path in older), leaves)
        pairs: Pairs = {}
        for number in {0, len(leaves) // 2, len(leaves) - 1} if leaves else ():
            found = page_elements(self._table, leaves[number])
            if found is not None and found.keys:
                pairs.update(sample(found))
        return pairs


def _holds(pairs: Pairs) -> int:
    """Return what is among pairs: pairs, buckets, or both."""
    flags = {flag for flag, _ in pairs.values()}
    return (BUCKETS if flags - {0} else 0) | (PAIRS if 0 in flags else 0)


def _stands(name: bytes, pairs: Pairs, at: int) -> bool:
    """Return whether a name is in every key at ``at``, or (-1) in half of the pairs, or in one of few."""
    if at >= 0:
        return all(key.startswith(name, at) for key in pairs)
    values = [value for flag, value in pairs.values() if not flag]
    met = sum(name in value for value in values)
    return bool(met) and 2 * met >= len(values)
