"""The browser's open database: its application, and refreshing to the newest state."""

import os
from collections.abc import Callable
from itertools import islice

from ...apps.contract import Application, Codec
from ...apps.registry import recognised
from ...database import Database
from ...errors import BoltError, KeyNotFound
from ...format.bucket import BucketRef
from ...ops.check.database_check import check
from ...ops.check.findings import Finding
from ...ops.space.page_use import PageStory, page_story
from ...storage.snapshot import Snapshot
from ...text.values import path_text, shell_quoted
from ...tree.bucket import find_bucket, seek
from ...tree.page_map import PageMap, page_map
from ...tree.walk import leaf_ranges

Path = tuple[bytes, ...]

_MOST_BUCKETS = 500  # nested buckets of a bucket that the tree shows; the list of keys has all
_MOST_PAGES = 500  # leaf pages searched for them
_FINDINGS = 100_000


class Session:
    """The database at ``path``; ``reopen`` returns a snapshot of its newest state, which the session closes."""

    def __init__(self, path: str, snapshot: Snapshot, reopen: Callable[[], Snapshot]) -> None:
        self.path = path
        self.snapshot = snapshot
        self._reopen = reopen
        self._mark = self._signature()
        self._maps: tuple[PageMap, PageMap | None, list[Finding]] | None = None
        self.application = self._application()

    def _application(self) -> Application | None:
        try:
            found = recognised(self.snapshot)
        except BoltError:
            return None
        return found.application if found else None

    @property
    def title(self) -> str:
        """The name of the file, its transaction, and its application."""
        whose = f" · {self.application.name}" if self.application else ""
        return f"{os.path.basename(self.path)} · transaction {self.snapshot.meta.txid}{whose}"

    def codec(self, path: Path) -> Codec | None:
        """Return how the application decodes the pairs of the bucket at ``path``."""
        if self.application is None:
            return None
        try:
            return self.application.codec_in(Database(self.snapshot), path)
        except BoltError:
            return self.application.codec(path)

    def bucket(self, path: Path) -> BucketRef:
        return find_bucket(self.snapshot, path)

    def value(self, path: Path, key: bytes, most: int) -> bytes:
        """Return the value of ``key``, or its first ``most`` bytes. Raises BoltError."""
        leaf, index = seek(self.snapshot, self.bucket(path), key)
        if index >= leaf.count or leaf.key(index) != key:
            raise KeyNotFound(key)
        start, stop = leaf.value_span(index)
        return leaf.buffer[start : min(stop, start + most)]

    def buckets(self, path: Path) -> tuple[list[bytes], bool]:
        """Return names of the buckets in the bucket at ``path``, and whether these are all."""
        names: list[bytes] = []
        for number, (leaf, keys, _, _) in enumerate(leaf_ranges(self.snapshot, self.bucket(path))):
            names += [keys[index] for index in leaf.bucket_indexes()]
            if len(names) > _MOST_BUCKETS or number >= _MOST_PAGES:
                return names[:_MOST_BUCKETS], False
        return names, True

    def command(self, path: Path, key: bytes | None, is_bucket: bool = False) -> str:
        """Return the command line that prints the selected item."""
        file = shell_quoted(self.path)
        if key is None:
            return f"boltcli items {file} {path_text(path)}" if path else f"boltcli buckets {file}"
        verb = "items" if is_bucket else "get"
        return f"boltcli {verb} {file} {path_text((*path, key))}"

    def story(self, page: int) -> tuple[PageStory, PageMap]:
        """Return the description of ``page``, and the map of all pages; the first call reads the whole file."""
        snapshot = self.snapshot
        if self._maps is None:
            other = snapshot.metas[1 - snapshot.meta.page]
            before = page_map(snapshot, other) if other.problem() is None else None
            self._maps = page_map(snapshot), before, list(islice(check(snapshot, 0), _FINDINGS))
        now, before, findings = self._maps
        return page_story(snapshot, page, now, before, findings), now

    def _signature(self) -> tuple[int, int, int]:
        try:
            status = os.stat(self.path)
        except OSError:
            return 0, 0, 0
        return status.st_ino, status.st_size, status.st_mtime_ns

    @property
    def has_changed(self) -> bool:
        """Whether the file was written to, or replaced, since it was read."""
        return self._signature() != self._mark

    def refresh(self) -> bool:
        """Read the newest state; return whether it changed. If this raises BoltError, the old state stays."""
        mark = self._signature()
        newer = self._reopen()
        older, self.snapshot = self.snapshot, newer
        changed = older.meta.txid != newer.meta.txid or self._mark[0] != mark[0]
        self._mark = mark
        self._maps = None
        older.close()
        self.application = self._application()
        return changed

    def close(self) -> None:
        self.snapshot.close()
