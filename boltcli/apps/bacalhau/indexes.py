"""An index as it lies in the file, and the changes that mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..contract import Change
from .records import is_hex, name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..contract import Path, Store
    from ..meter import Meter

    Place = tuple[Path, bytes, bytes]  # bucket, key, value

Entry = tuple[str, str]  # names down to the bucket joined by /, key

_FLAT = (b"idx_inprogress", b"idx_inprogress_executions", b"execution-live-index")


class Index:
    """An index: its ``entries``, and its ``empty`` buckets, by name and path.

    Entries are named by text. Where that doesn't lead back to the bytes in the
    file (they aren't UTF-8, or a name has a / in it), or an entry has a value,
    which it shouldn't, :meth:`places` knows how it lies there.
    """

    def __init__(self, bucket: bytes) -> None:
        self.bucket = bucket
        self.entries: set[Entry] = set()
        self.empty: list[tuple[str, Path]] = []
        self._odd: dict[Entry, list[Place]] = {}

    @classmethod
    def read(cls, meter: Meter, store: Store, bucket: bytes) -> Index:
        """Read the index ``bucket``, whose buckets may nest: a name with / in it is several."""
        index = cls(bucket)
        empty: set[Path] = set()
        path: Path = (bucket,)
        prefix, exact = "", True  # of the bucket at path, which is being read
        for place, value in meter.walk(store, path):
            empty.discard(place[:-1])
            if not isinstance(value, bytes):
                empty.add(place)
                continue
            if place[:-1] != path:
                path = place[:-1]
                prefix = _joined(path)
                exact = path == index.path(prefix)
            key, text = place[-1], name(place[-1])
            entry = prefix, text
            if value or not exact or (text.startswith("0x") and text.encode() != key) or entry in index.entries:
                index._odd[entry] = [*index.places(*entry), (path, key, value)]
            index.entries.add(entry)
        index.empty = [(_joined(path), path) for path in sorted(empty)]
        return index

    def path(self, name: str) -> Path:
        """Return the bucket of the entries called ``name``, where Bacalhau puts it: every / in it is a level."""
        return (self.bucket, *(part.encode() for part in name.split("/"))) if name else (self.bucket,)

    def places(self, name: str, key: str) -> list[Place]:
        """Return where an entry lies in the file; nothing if it isn't there."""
        entry = name, key
        if entry not in self.entries:
            return []
        return self._odd.get(entry) or [(self.path(name), key.encode(), b"")]

    def buckets(self) -> Iterator[tuple[Path, int]]:
        """Yield the buckets that have entries or nothing in them, with the number of entries."""
        counts: dict[Path, int] = {}
        paths: dict[str, Path] = {}
        for entry in self.entries:
            if entry in self._odd:
                found = [path for path, _, _ in self._odd[entry]]
            else:
                found = [paths.get(entry[0]) or paths.setdefault(entry[0], self.path(entry[0]))]
            for path in found:
                counts[path] = counts.get(path, 0) + 1
        yield from counts.items()
        yield from ((path, 0) for _, path in self.empty)


def _joined(path: Path) -> str:
    return "/".join(map(name, path[1:]))


class IndexRepair:
    """Makes changes to one index; what it adds once it doesn't add again.

    Entries are named as :class:`Index` names them; what is removed is where they
    lie in the file, whatever is in their names.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._filled: set[Path] = set()  # buckets into which something comes
        self._left: dict[Path, int] | None = None

    def remove(self, name: str, key: str, *, alone: bool = False) -> list[Change]:
        """Return what removes an entry; with ``alone`` its bucket too, if that has nothing else in it."""
        changes = []
        for path, raw, value in self._index.places(name, key):
            changes.append(Change("remove", path, raw, value))
            if alone and len(path) > 1:
                left = self._counts()
                left[path] -= 1
                if not left[path] and path not in self._filled:
                    changes.append(Change("remove", path))
                    del left[path]
        return changes

    def drop(self, path: Path) -> list[Change]:
        """Return what removes the empty bucket at ``path``; nothing if something has come into it."""
        return [] if path in self._filled else [Change("remove", path)]

    def add(self, name: str, key: str) -> list[Change]:
        """Return what adds an entry, and the buckets above it that aren't there; nothing where Bacalhau couldn't."""
        path = self._index.path(name)
        if not key or b"" in path or (not name and self._index.bucket not in _FLAT):
            return []
        if is_hex(key) or any(map(is_hex, name.split("/"))):
            return []
        changes, there = [], self._counts()
        for end in range(1, len(path) + 1):
            self._filled.add(path[:end])
            if path[:end] not in there:
                there[path[:end]] = 0
                changes.append(Change("add", path[:end]))
        return [*changes, Change("add", path, key.encode(), None, b"")]

    def _counts(self) -> dict[Path, int]:
        """Return the buckets that are there, or will be by then, each with what was in it: entries and buckets."""
        if self._left is None:
            there: dict[Path, int] = {(self._index.bucket,): 0}
            for path, entries in self._index.buckets():
                for end in range(1, len(path) + 1):
                    there.setdefault(path[:end], 0)
                there[path] += entries
            for path in there:
                if len(path) > 1:
                    there[path[:-1]] += 1
            self._left = there
        return self._left
