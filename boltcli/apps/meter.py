"""Reading a store while counting what its buckets hold, so that an audit needs no second pass for that."""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nsmallest

from .contract import Path, Store

LARGEST = 8


@dataclass
class Usage:
    """What is in a top-level bucket, at any depth: pairs, buckets, and bytes of the pairs' keys and values."""

    pairs: int = 0
    buckets: int = 0
    key_bytes: int = 0
    value_bytes: int = 0


class Meter:
    """Counts what is read through it: ``top`` by top-level bucket, ``largest()`` values of the database."""

    def __init__(self) -> None:
        self.top: dict[bytes, Usage] = {}
        self._large: list[tuple[int, Path]] = []

    def read(self, store: Store, path: Path) -> Iterator[tuple[bytes, bytes | Store]]:
        """Yield what is in the bucket ``store``, which is at ``path``, in key order."""
        usage = self.top.setdefault(path[0], Usage())
        for key, value in store.range():
            if isinstance(value, bytes):
                usage.pairs += 1
                usage.key_bytes += len(key)
                usage.value_bytes += len(value)
                if value:
                    self._large.append((-len(value), (*path, key)))
                if len(self._large) > 64:  # so many may gather before the smaller ones are let go
                    self._large = nsmallest(LARGEST, self._large)
            else:
                usage.buckets += 1
            yield key, value

    def walk(self, store: Store, path: Path) -> Iterator[tuple[Path, bytes | Store]]:
        """Yield what is in the bucket and in all buckets inside, each with its path, which ends in the key."""
        for key, value in self.read(store, path):
            yield (*path, key), value
            if not isinstance(value, bytes):
                yield from self.walk(value, (*path, key))

    def count(self, store: Store, path: Path) -> None:
        for _ in self.walk(store, path):
            pass

    def rest(self, db: Store) -> None:
        """Count the top-level buckets that haven't been read."""
        for name, value in db.range():
            if not isinstance(value, bytes) and name not in self.top:
                self.top[name] = Usage()
                self.count(value, (name,))

    def largest(self) -> list[tuple[Path, int]]:
        """Return the path (which ends in the key) and the size of the largest values, the largest first."""
        return [(path, -size) for size, path in nsmallest(LARGEST, self._large)]
