"""An index as it lies in the file, and the changes that mend it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cached_property

from ..contract import Change, Path, Store
from ..meter import Meter
from ..values import find
from .records import name

Entry = tuple[Path, bytes]  # bucket, key


class Index:
    """An index: its ``entries``, the ``values`` of those that have one, which they shouldn't, its ``empty`` buckets."""

    def __init__(self, bucket: bytes) -> None:
        self.bucket = bucket
        self.entries: set[Entry] = set()
        self.values: dict[Entry, bytes] = {}
        self.empty: list[Path] = []

    @classmethod
    def read(cls, meter: Meter, store: Store, bucket: bytes) -> Index:
        """Read the index ``bucket``, whose buckets may nest."""
        index = cls(bucket)
        empty: set[Path] = set()
        path: Path = (bucket,)
        for place, value in meter.walk(store, path):
            empty.discard(place[:-1])
            if not isinstance(value, bytes):
                empty.add(place)
                continue
            if place[:-1] != path:  # entries of a bucket share its path
                path = place[:-1]
            entry = path, place[-1]
            index.entries.add(entry)
            if value:
                index.values[entry] = value
        index.empty = sorted(empty)
        return index

    def entry(self, name: bytes, key: bytes) -> Entry:
        """Return the entry ``key`` of ``name`` where Bacalhau puts it: every / in the name is a level of buckets."""
        return ((self.bucket, *name.split(b"/")) if name else (self.bucket,)), key


def read_indexes(db: Store, meter: Meter, buckets: Mapping[str, bytes]) -> dict[str, Index]:
    """Return those indexes that are there, by the names that audits give them."""
    stores = {index: (bucket, find(db, bucket)) for index, bucket in buckets.items()}
    return {index: Index.read(meter, store, bucket) for index, (bucket, store) in stores.items() if store is not None}


class IndexRepair:
    """Makes changes to one index, each of which builds on those before."""

    def __init__(self, index: Index) -> None:
        self._index = index

    @cached_property
    def _left(self) -> dict[Path, int]:
        """How many entries and buckets are in each bucket that is there, or will be by then."""
        entries = Counter(path for path, _ in self._index.entries)
        paths = {path[:end] for path in (*entries, *self._index.empty) for end in range(1, len(path) + 1)}
        inside = Counter(path[:-1] for path in paths)
        return {path: entries[path] + inside[path] for path in paths | {(self._index.bucket,)}}

    def remove(self, entry: Entry, *, alone: bool = False) -> list[Change]:
        """Return what removes an entry; with ``alone`` its bucket too, if that has nothing else in it."""
        path, key = entry
        self._left[path] -= 1
        change = Change("remove", path, key, self._index.values.get(entry, b""))
        return [change, *self.drop(path)] if alone and len(path) > 1 else [change]

    def drop(self, path: Path) -> list[Change]:
        """Return what removes the bucket at ``path``; nothing if there is something in it."""
        if self._left[path]:
            return []
        del self._left[path]
        return [Change("remove", path)]

    def add(self, entry: Entry, *, flat: bool) -> list[Change]:
        """Return what adds an entry, and the buckets above it that aren't there; nothing where Bacalhau couldn't.

        ``flat``: entries of this index are in no bucket of their own.
        """
        path, key = entry
        if (len(path) == 1) != flat or not all(part and name(part).encode() == part for part in (*path, key)):
            return []
        changes = []
        for end in range(2, len(path) + 1):
            if path[:end] not in self._left:
                self._left[path[:end]] = 0
                self._left[path[: end - 1]] += 1
                changes.append(Change("add", path[:end]))
        self._left[path] += 1
        return [*changes, Change("add", path, key, None, b"")]
