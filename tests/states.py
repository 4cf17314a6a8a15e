"""States of a database as plain Python, and changes applied to them one by one: the reference for what compares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import boltcli
from boltcli.ops.compare.change import Change
from boltcli.ops.read.content import Pairs, bucket_at
from boltcli.ops.write.load import load

Content = dict[bytes, Any]
"""Keys to values, or to a sequence and the content of a bucket."""

Way = tuple[bytes, ...]


class State:
    """All buckets with their sequences, and all pairs."""

    def __init__(self) -> None:
        self.buckets: dict[Way, int] = {(): 0}
        self.pairs: dict[tuple[Way, bytes], bytes] = {}

    @classmethod
    def of(cls, path: str | Path) -> State:
        """What the library reads from a file."""
        state = cls()
        with boltcli.open(path) as db:
            state._read((), db)
        return state

    def _read(self, way: Way, bucket: boltcli.Bucket) -> None:
        self.buckets[way] = bucket.sequence
        for key, value in bucket.items():
            if isinstance(value, bytes):
                self.pairs[way, key] = value
            else:
                self._read((*way, key), value)

    def apply(self, changes: Iterable[Change]) -> State:
        """Carry out ``changes``, each of which must fit the state that it meets."""
        for change in changes:
            self._one(change)
        return self

    def _one(self, change: Change) -> None:
        op, way, key, old, new = change.op, change.bucket, change.key, change.old, change.new
        if key is not None:
            assert way in self.buckets
            assert (*way, key) not in self.buckets
            assert self.pairs.pop((way, key), None) == old
            assert (op == "add", op == "remove") == (old is None, new is None)
            assert old != new
            if isinstance(new, bytes):
                self.pairs[way, key] = new
        elif op == "add":
            assert way not in self.buckets
            assert way[:-1] in self.buckets
            assert (way[:-1], way[-1]) not in self.pairs
            self.buckets[way] = 0
        elif op == "remove":
            del self.buckets[way]
            assert not any(other[: len(way)] == way for other in self.buckets)
            assert not any(other[: len(way)] == way for other, _ in self.pairs)
        else:
            assert self.buckets[way] == old != new
            assert isinstance(new, int)
            self.buckets[way] = new

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and (self.buckets, self.pairs) == (other.buckets, other.pairs)

    def __hash__(self) -> int:
        raise TypeError

    def count(self, other: State) -> int:
        """How many changes lead to ``other``, where no key goes from a pair to a bucket."""
        sequences = sum(self.buckets.get(way, 0) != number for way, number in other.buckets.items())
        buckets = len(self.buckets.keys() ^ other.buckets.keys())
        places = self.pairs.keys() | other.pairs.keys()
        return sequences + buckets + sum(self.pairs.get(place) != other.pairs.get(place) for place in places)


def rows(content: Content, way: Way = ()) -> Iterator[Any]:
    """``content`` as :func:`load` takes it."""
    for key in sorted(content):
        if isinstance(content[key], bytes):
            yield way, Pairs([key], [content[key]])
        else:
            sequence, inner = content[key]
            yield bucket_at((*way, key), sequence)
            yield from rows(inner, (*way, key))


def database(path: Path, content: Content, page_size: int = 4096) -> Path:
    """A file that holds ``content``."""
    load(rows(content), str(path), page_size=page_size, sync=False)
    return path
