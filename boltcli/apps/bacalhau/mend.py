"""The changes that mend an index: stray entries go, missing ones come, with the buckets that this takes."""

from __future__ import annotations

from ..contract import SEVERITIES, Change
from .job_store import path_of
from .records import is_hex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ..contract import AuditFinding, Path
    from .job_store import Index

    # A finding, and what makes the changes that mend it (None: nothing does).
    Mendable = tuple[AuditFinding, Callable[[], list[Change]] | None]

_FLAT = (b"idx_inprogress", b"idx_inprogress_executions", b"execution-live-index")


def mended(found: Iterable[Mendable]) -> Iterator[AuditFinding]:
    """Yield the findings about one index with their changes, the gravest first.

    Changes build on those before them, and the lighter ones may be left out
    (``audit`` without ``--verbose`` writes those of errors and warnings only).
    """
    for finding, repair in sorted(found, key=lambda each: SEVERITIES.index(each[0].severity)):
        if repair is not None:
            finding.changes = tuple(repair())
        yield finding


class Mender:
    """Makes changes to one index; what it adds once it doesn't add again.

    Entries are named as :class:`Index` names them, by bucket and key; what is
    removed is where they lie in the file, whatever is in their names.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._present: set[Path] | None = None
        self._left: dict[Path, int] | None = None
        self._filled: set[Path] = set()  # buckets into which something comes

    def path(self, name: str) -> Path:
        """Return the bucket of the entries called ``name``; every / in it is a level."""
        return path_of(self._index.bucket, name)

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
                    self._buckets().discard(path)
        return changes

    def drop(self, name: str) -> list[Change]:
        """Return what removes the empty bucket ``name``; nothing if something has come into it."""
        return [Change("remove", path) for path in self._index.empty_paths(name) if path not in self._filled]

    def add(self, name: str, key: str) -> list[Change]:
        """Return what adds an entry, and the buckets above it that aren't there; nothing where Bacalhau couldn't."""
        path = self.path(name)
        if not key or b"" in path or (not name and self._index.bucket not in _FLAT):
            return []
        if is_hex(key) or any(map(is_hex, name.split("/"))):
            return []
        changes, present = [], self._buckets()
        for end in range(1, len(path) + 1):
            self._filled.add(path[:end])
            if path[:end] not in present:
                present.add(path[:end])
                changes.append(Change("add", path[:end]))
        return [*changes, Change("add", path, key.encode(), None, b"")]

    def _buckets(self) -> set[Path]:
        """Return the buckets that are there, or will be by then."""
        if self._present is None:
            self._present = {(self._index.bucket,)}
            for path, _ in self._index.buckets():
                self._present.update(path[: end + 1] for end in range(len(path)))
        return self._present

    def _counts(self) -> dict[Path, int]:
        """Return how much is in each bucket: entries, and further buckets."""
        if self._left is None:
            self._left = dict.fromkeys(self._buckets(), 0)
            for path in self._buckets():
                if len(path) > 1:
                    self._left[path[:-1]] += 1
            for path, entries in self._index.buckets():
                self._left[path] += entries
        return self._left
