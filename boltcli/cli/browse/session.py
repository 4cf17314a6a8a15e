"""The file that is browsed: its application, its buckets and values, command lines that show the same."""

import os
from collections.abc import Callable, Iterator
from itertools import islice

from ...apps.contract import View
from ...apps.decode import Decoder
from ...apps.registry import Recognised, recognised
from ...database import Database
from ...errors import BoltError, KeyNotFound
from ...format.bucket import BucketRef, open_bucket
from ...format.constants import LEAF_PAGE
from ...ops.check.database_check import check
from ...ops.check.findings import Finding
from ...ops.space.page_use import PageStory, page_story
from ...storage.live import Live
from ...storage.snapshot import Snapshot
from ...text.values import path_text, shell_quoted
from ...tree.bucket import find_bucket, seek
from ...tree.page_map import PageMap, page_map
from .keys import Gap, parts

Path = tuple[bytes, ...]

_MOST_BUCKETS = 500  # nested buckets of a bucket that are shown beside the table, which has all
_MOST_PAGES = 500  # leaf pages searched for them
_DEEPEST = 100  # levels of buckets that are shown there
_FINDINGS = 100_000


class State:
    """What is found out once about a state of the file: whose it is, and how its pairs are decoded."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.db = Database(snapshot)
        self.known: Recognised | None = recognised(snapshot)
        self.decoder = Decoder(self.known.application if self.known is not None else None, None, self.db)
        self.maps: tuple[PageMap, PageMap | None, list[Finding]] | None = None
        # By a view's name, or a bucket's path: the number of rows, and of damages.
        self.counts: dict[tuple[str | bytes, ...], tuple[int, int]] = {}

    def count_text(self, key: tuple[str | bytes, ...]) -> str:
        """Return the number of rows of a view or bucket, as far as it is known; with a mark if some can't be read."""
        found = self.counts.get(key)
        return "" if found is None else f"≥{found[0]:,}" if found[1] else f"{found[0]:,}"

    @property
    def views(self) -> list[View]:
        return list(self.known.application.views) if self.known is not None else []

    def bucket(self, path: Path) -> BucketRef:
        """Return the bucket at ``path``. Raises BoltError."""
        return find_bucket(self.snapshot, path)

    def value(self, path: Path, key: bytes, most: int) -> bytes:
        """Return the value of ``key``, or its first ``most`` bytes. Raises BoltError."""
        leaf, index = seek(self.snapshot, self.bucket(path), key)
        if index >= leaf.count or leaf.key(index) != key:
            raise KeyNotFound(key)
        start, stop = leaf.value_span(index)
        return leaf.buffer[start : min(stop, start + most)]

    def keys_in(self, path: Path, name: bytes) -> int | None:
        """Return the number of keys in the bucket ``name`` of that at ``path``, if one page has them; else None."""
        leaf, index = seek(self.snapshot, self.bucket(path), name)
        bucket = open_bucket(leaf, index, name)
        page = bucket.inline or self.snapshot.page(bucket.root, (bucket.root,), bucket)
        return page.count if page.flags == LEAF_PAGE else None

    def buckets(self, path: Path) -> tuple[list[bytes], bool]:
        """Return names of the buckets in the bucket at ``path``, and whether these are all that can be read."""
        names: list[bytes] = []
        for number, part in enumerate(parts(self.snapshot, self.bucket(path))):
            if isinstance(part, Gap):
                continue
            flags = part.leaf.flags
            if any(flags):
                names += [key for key, index in zip(part.keys, part.indexes) if flags[index] & 1]
            if len(names) > _MOST_BUCKETS or number >= _MOST_PAGES:
                return names[:_MOST_BUCKETS], False
        return names, True

    def story(self, page: int) -> tuple[PageStory, PageMap]:
        """Return the description of ``page``, and the map of all pages; the first call reads the whole file."""
        snapshot = self.snapshot
        if self.maps is None:
            other = snapshot.metas[1 - snapshot.meta.page]
            before = page_map(snapshot, other) if other.problem() is None else None
            self.maps = page_map(snapshot), before, list(islice(check(snapshot, 0), _FINDINGS))
        now, before, findings = self.maps
        return page_story(snapshot, page, now, before, findings), now


def state_of(snapshot: Snapshot) -> State:
    """Return what is known about ``snapshot``, which is found out once."""
    if "browsed" not in snapshot.memo:
        snapshot.memo["browsed"] = State(snapshot)
    return snapshot.memo["browsed"]  # type: ignore[no-any-return]


class Session:
    """The database at ``path``; ``reopen`` opens it as it is now, without the lock."""

    def __init__(self, path: str, reopen: Callable[[], Live]) -> None:
        self.path = path
        self.reopen = reopen
        self._mark = self._signature()

    def _signature(self) -> tuple[int, int, int]:
        try:
            status = os.stat(self.path)
        except OSError:
            return 0, 0, 0
        return status.st_ino, status.st_size, status.st_mtime_ns

    @property
    def has_changed(self) -> bool:
        """Whether the file was written to, or replaced, since :meth:`note`."""
        return self._signature() != self._mark

    def note(self) -> bool:
        """Note how the file is now; return whether it is another one than it was."""
        before, self._mark = self._mark, self._signature()
        return before[0] != self._mark[0]

    def of_bucket(self, path: Path, words: list[bytes] | None = None) -> str:
        """Return the command line that prints the bucket at ``path``, or what in it has the last of ``words``."""
        file = shell_quoted(self.path)
        if words:
            within = "".join(f"--bucket {path_text([name])} " for name in path)
            return f"boltcli grep --fixed {within}{path_text([words[-1]])} {file}"
        return f"boltcli items {file} {path_text(path)}" if path else f"boltcli buckets {file}"

    def of_key(self, path: Path, key: bytes, *, is_bucket: bool = False) -> str:
        """Return the command line that prints what the bucket at ``path`` has at ``key``."""
        verb = "items" if is_bucket else "get"
        return f"boltcli {verb} {shell_quoted(self.path)} {path_text((*path, key))}"

    def of_view(self, name: str, where: list[tuple[str, str]], words: list[str], sort: str) -> str:
        """Return the command line that prints a view with these conditions."""
        options = "".join(f" --where {shell_quoted(f'{field}={text}')}" for field, text in where)
        options += f" --sort={shell_quoted(sort)}" if sort else ""
        pipes = "".join(f" | grep -F -e {shell_quoted(word)}" for word in words)
        return f"boltcli view {shell_quoted(self.path)} {name}{options}{pipes}"


def places(state: State, here: Path) -> Iterator[tuple[Path, bool]]:
    """Yield the buckets to show beside the table, and whether each has more than are shown.

    These are the top-level ones, those on the way to ``here``, and those inside of it.
    """

    def below(path: Path) -> Iterator[tuple[Path, bool]]:
        try:
            names, whole = state.buckets(path)
        except BoltError:
            return
        on_the_way = here[len(path) : len(path) + 1]
        for name in names:
            yield (*path, name), False
            if (name,) == on_the_way and len(path) < _DEEPEST:
                yield from below((*path, name))
        if on_the_way and on_the_way[0] not in names and len(path) < _DEEPEST:
            yield (*path, *on_the_way), False
            yield from below((*path, *on_the_way))
        if not whole:
            yield path, True

    yield from below(())
