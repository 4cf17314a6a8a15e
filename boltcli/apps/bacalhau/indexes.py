"""An index as it lies in the file, and the changes that mend it."""

from collections import Counter
from collections.abc import Mapping
from functools import cached_property

from ..contract import Change, Path, Store
from ..meter import Meter
from ..values import find
from .records import name

Entry = tuple[Path, bytes]  # bucket, key


PAIRED = ("idx_inprogress_executions", "idx_executions_by_node")  # whose keys are "execution:job"
# Indexes whose entries are in no bucket of their own.
FLAT = frozenset(("idx_inprogress", "idx_inprogress_executions", "live_index"))


class Index:
    """An index: its ``entries``, the ``values`` of those that have one, which they shouldn't, its ``empty`` buckets."""

    def __init__(self, meter: Meter, store: Store | None, bucket: bytes, *, flat: bool) -> None:
        self.bucket = bucket
        self.flat = flat
        self.entries: set[Entry] = set()
        self.values: dict[Entry, bytes] = {}
        empty: set[Path] = set()
        path: Path = (bucket,)
        for place, value in meter.walk(store, path) if store is not None else ():
            empty.discard(place[:-1])
            if not isinstance(value, bytes):
                empty.add(place)
                continue
            if place[:-1] != path:  # entries of a bucket share its path
                path = place[:-1]
            entry = path, place[-1]
            self.entries.add(entry)
            if value:
                self.values[entry] = value
        self.empty = sorted(empty)

    def entry(self, name: str | bytes, key: bytes) -> Entry:
        """Return the entry ``key`` of ``name`` where Bacalhau puts it: every / in the name is a level of buckets."""
        name = name.encode() if isinstance(name, str) else name
        return (self.bucket, *(name.split(b"/") if b"/" in name else (name,) if name else ())), key


def read_indexes(db: Store, meter: Meter, buckets: Mapping[str, bytes]) -> dict[str, Index]:
    """Return those indexes that are there, by the names that audits give them; of a job index what isn't there."""
    stores = ((called, bucket, find(db, bucket)) for called, bucket in buckets.items())
    return {
        called: Index(meter, store, bucket, flat=called in FLAT)
        for called, bucket, store in stores
        if store is not None or called == "job_index"
    }


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

    def remove(self, path: Path, key: bytes) -> list[Change]:
        self._left[path] -= 1
        return [Change("remove", path, key, self._index.values.get((path, key), b""))]

    def remove_alone(self, path: Path, key: bytes) -> list[Change]:
        """Return what removes an entry, and its bucket if that has nothing else in it."""
        return [*self.remove(path, key), *(self.drop(path) if len(path) > 1 else ())]

    def drop(self, path: Path, _: bytes = b"") -> list[Change]:
        """Return what removes the bucket at ``path``; nothing if there is something in it."""
        if self._left[path]:
            return []
        del self._left[path]
        return [Change("remove", path)]

    def add(self, path: Path, key: bytes) -> list[Change]:
        """Return what adds an entry, and the buckets above it that aren't there; nothing where Bacalhau couldn't."""
        nameable = all(part and name(part).encode() == part for part in (*path, key))
        if not nameable or (len(path) == 1) != self._index.flat:
            return []
        changes = []
        for end in range(2, len(path) + 1):
            if path[:end] not in self._left:
                self._left[path[:end]] = 0
                self._left[path[: end - 1]] += 1
                changes.append(Change("add", path[:end]))
        self._left[path] += 1
        return [*changes, Change("add", path, key, None, b"")]
