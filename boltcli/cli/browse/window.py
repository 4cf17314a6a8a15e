"""The part of a bucket's keys that is on the screen; it reads only the pages that it needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ...format.bucket import BucketRef
from ...format.constants import BUCKET_LEAF_FLAG
from ...format.page import find
from ...storage.snapshot import Snapshot
from ...tree.walk import leaf_ranges


class KeyWindow:
    """At most ``height`` rows of ``bucket``; the selected one is at index ``at``. ``needle`` filters the keys. The
    moves are generators that yield after each page, so that the screen stays responsive while a filter searches a large
    bucket. They raise :class:`~boltcli.errors.Corrupted`; the rows read before that, or before a move was cancelled,
    are shown."""

    def __init__(self, snapshot: Snapshot, bucket: BucketRef, height: int = 20) -> None:
        self.snapshot = snapshot
        self.bucket = bucket
        self.height = height
        self.needle = b""
        self.rows: list[KeyRow] = []
        self.at = 0

    @property
    def chosen(self) -> KeyRow | None:
        """The row that the cursor is on."""
        return self.rows[self.at] if self.at < len(self.rows) else None

    def go(self, key: bytes = b"") -> Iterator[None]:
        """Show the rows starting at ``key``; if they don't fill the window, also rows before it."""
        rows: list[KeyRow] = []
        before: list[KeyRow] = []
        try:
            yield from self._collect(rows, self.height, start=key)
            if key and len(rows) < self.height:
                yield from self._collect(before, self.height - len(rows), stop=key, reverse=True)
        finally:
            if rows or before or not self.rows:
                self.rows = before[::-1] + rows
                self.at = min(len(before), max(len(self.rows) - 1, 0))

    def end(self) -> Iterator[None]:
        rows: list[KeyRow] = []
        yield from self._collect(rows, self.height, reverse=True)
        self.rows = rows[::-1]
        self.at = max(len(rows) - 1, 0)

    def move(self, count: int) -> Iterator[None]:
        """Select the row ``count`` rows further down (negative: up)."""
        target = self.at + count
        new: list[KeyRow] = []
        try:
            if self.rows and target >= len(self.rows):
                yield from self._collect(new, target - len(self.rows) + 1, start=self.rows[-1].key + b"\0")
            elif self.rows and target < 0:
                yield from self._collect(new, -target, stop=self.rows[0].key, reverse=True)
        finally:
            if count < 0:
                self.rows = (new[::-1] + self.rows)[: self.height]
                self.at = max(target + len(new), 0)
            else:
                whole = self.rows + new
                cut = max(len(whole) - self.height, 0) if new else 0
                self.rows = whole[cut:]
                self.at = max(min(target, len(whole) - 1) - cut, 0)

    def resize(self, height: int) -> Iterator[None]:
        """Change the height to ``height`` rows, keeping the selected one visible."""
        self.height = max(height, 1)
        if len(self.rows) > self.height:
            first = max(self.at - self.height + 1, 0)
            self.rows = self.rows[first : first + self.height]
            self.at -= first
        elif self.rows:
            new: list[KeyRow] = []
            yield from self._collect(new, self.height - len(self.rows), start=self.rows[-1].key + b"\0")
            self.rows += new

    def search(self, needle: bytes) -> Iterator[None]:
        """Go to the next row after the selected one whose key or value contains ``needle``; wrap around at the end. The
        window stays as it is if there is none."""
        chosen = self.chosen
        behind = chosen.key + b"\0" if chosen else b""
        for start, stop in ((behind, None), (b"", behind)):
            if stop == b"":
                break
            for part in key_rows(self.snapshot, self.bucket, start, stop, needle=needle, values=True):
                yield
                for row in part:
                    if self.needle in row.key:
                        yield from self.go(row.key)
                        return
        raise LookupError(needle)

    def _collect(
        self, rows: list[KeyRow], count: int, *, start: bytes = b"", stop: bytes | None = None, reverse: bool = False
    ) -> Iterator[None]:
        if count <= 0:
            return
        count += len(rows)
        for part in key_rows(self.snapshot, self.bucket, start, stop, reverse=reverse, needle=self.needle):
            rows += part[: count - len(rows)]
            if len(rows) >= count:
                return
            yield


class KeyRow(NamedTuple):
    """An element of a bucket: its ``key``, the ``size`` of its value in bytes, and the id of the ``page`` it is on."""

    key: bytes
    size: int
    is_bucket: bool
    page: int


def key_rows(
    snapshot: Snapshot, bucket: BucketRef, start: bytes = b"", stop: bytes | None = None, *, reverse: bool = False,
    needle: bytes = b"", values: bool = False,
) -> Iterator[list[KeyRow]]:  # fmt: skip
    """Yield the elements from ``start`` to before ``stop``, a leaf page at a time; with ``reverse`` from the end. A
    ``needle`` selects elements whose key contains it, with ``values`` also those whose value does; a page without such
    elements gives an empty list, so that the caller can stop. Values aren't copied. Raises
    :class:`~boltcli.errors.Corrupted`."""
    for leaf, keys, low, high in leaf_ranges(snapshot, bucket, start, stop, reverse=reverse):
        snapshot.poll()
        page = leaf.page
        pgid = page.pgid if bucket.root else bucket.page
        places: range | list[int] = range(low, high)
        if needle:
            if find(page.buffer, needle, page.offset, page.end) < 0:
                yield []
                continue
            places = [
                index
                for index in places
                if needle in keys[index] or (values and find(page.buffer, needle, *leaf.value_span(index)) >= 0)
            ]
        sizes, flags = leaf.value_sizes, leaf.flags
        rows = [KeyRow(keys[index], sizes[index], bool(flags[index] & BUCKET_LEAF_FLAG), pgid) for index in places]
        if reverse:
            rows.reverse()
        yield rows
