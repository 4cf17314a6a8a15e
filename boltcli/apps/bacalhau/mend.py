"""The changes that mend an index: stray entries go, missing ones come, with the buckets that this takes."""

from __future__ import annotations

from ..contract import Change

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contract import Path
    from .job_store import Index

_HEX = "0x"  # begins names that aren't UTF-8; they aren't changed


class Mender:
    """Makes changes to one index, the top-level bucket ``bucket``; what it adds once it doesn't add again."""

    def __init__(self, bucket: str, index: Index) -> None:
        self.bucket = bucket.encode()
        self._index = index
        self._present: set[Path] | None = None
        self._left: dict[str, int] | None = None
        self._filled: set[Path] = set()  # buckets into which something comes

    def path(self, name: str) -> Path:
        """Return the bucket of the entries called ``name``; every / in it is a level."""
        return (self.bucket, *(part.encode() for part in name.split("/"))) if name else (self.bucket,)

    def remove(self, name: str, key: str, *, alone: bool = False) -> list[Change]:
        """Return what removes an entry; with ``alone`` its bucket too, if that has no other."""
        if name.startswith(_HEX) or key.startswith(_HEX):
            return []
        path = self.path(name)
        changes = [Change("remove", path, key.encode(), self._index.values.get((name, key), b""))]
        if alone and name:
            if self._left is None:
                self._left = {}
                for bucket, _ in self._index.entries:
                    self._left[bucket] = self._left.get(bucket, 0) + 1
            self._left[name] -= 1
            if not self._left[name]:
                changes.append(Change("remove", path))
                self._buckets().discard(path)
        return changes

    def drop(self, name: str) -> list[Change]:
        """Return what removes the empty bucket ``name``; nothing if something has come into it."""
        path = self.path(name)
        return [] if name.startswith(_HEX) or path in self._filled else [Change("remove", path)]

    def add(self, name: str, key: str) -> list[Change]:
        """Return what adds an entry, and the buckets above it that aren't there."""
        if name.startswith(_HEX) or key.startswith(_HEX) or not key or (self.path(name) and b"" in self.path(name)):
            return []
        changes, present = [], self._buckets()
        path = self.path(name)
        for end in range(1, len(path) + 1):
            self._filled.add(path[:end])
            if path[:end] not in present:
                present.add(path[:end])
                changes.append(Change("add", path[:end]))
        return [*changes, Change("add", path, key.encode(), None, b"")]

    def _buckets(self) -> set[Path]:
        """Return the buckets that are there, or will be by then."""
        if self._present is None:
            self._present = {(self.bucket,)}
            for bucket in {bucket for bucket, _ in self._index.entries}.union(self._index.empty):
                path = self.path(bucket)
                self._present.update(path[: end + 1] for end in range(len(path)))
        return self._present
