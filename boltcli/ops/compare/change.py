"""A change: one difference between two states of a database; and changes counted by bucket."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal

    from ...storage.snapshot import Snapshot

    Op = Literal["add", "remove", "change"]
    Path = tuple[bytes, ...]


class Change:
    """One difference: of a pair, of a bucket, or of a bucket's sequence. In order, they make the new state of the old
    one.

    ``op`` is add, remove or change; ``bucket`` is the path. A pair has a ``key``, and its ``old`` and ``new`` values
    (None: no such pair). Without a ``key`` it is the bucket itself (add or remove), or its sequence (change: numbers).
    Changes sort by what they are about: the bucket before its keys.
    """

    __slots__ = __match_args__ = ("op", "bucket", "key", "old", "new")

    def __init__(
        self, op: Op, bucket: Path, key: bytes | None = None, old: bytes | int | None = None,
        new: bytes | int | None = None,
    ) -> None:  # fmt: skip
        self.op = op
        self.bucket = bucket
        self.key = key
        self.old = old
        self.new = new

    def reversed(self) -> Change:
        op: Op = "add" if self.op == "remove" else "remove" if self.op == "add" else "change"
        return Change(op, self.bucket, self.key, self.new, self.old)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Change) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def __lt__(self, other: Change) -> bool:
        return (self.bucket, self.key is not None, self.key or b"") < (
            other.bucket, other.key is not None, other.key or b"",
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"Change({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__slots__)})"

    def _fields(self) -> tuple[Op, Path, bytes | None, bytes | int | None, bytes | int | None]:
        return self.op, self.bucket, self.key, self.old, self.new


class BucketChanges:
    """A bucket with everything in it: the pairs, buckets and sequences ``added``, ``removed`` or ``changed``.

    ``bytes_before`` and ``bytes_after`` are those of its pages, as ``tree`` has them. 0 where it isn't there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.added = self.removed = self.changed = 0
        self.bytes_before = self.bytes_after = 0


def summary(
    changes: Iterable[Change], old: Snapshot, new: Snapshot, path: Path = (), depth: int = 0
) -> list[BucketChanges]:
    """Return a row for each bucket with ``changes``, to ``depth`` levels (0: all) below ``path``. Raises Corrupted."""
    rows: dict[Path, BucketChanges] = {}
    for change in changes:
        place = change.bucket[: len(path) + depth] if depth else change.bucket
        for length in range(len(path), len(place) + 1):
            row = rows.get(place[:length]) or rows.setdefault(place[:length], BucketChanges(place[:length]))
            row.added += change.op == "add"
            row.removed += change.op == "remove"
            row.changed += change.op == "change"
    if rows:
        from ..stats.buckets import bucket_usage

        before, after = ({usage.path: usage.bytes for usage in bucket_usage(side)} for side in (old, new))
        for place, row in rows.items():
            row.bytes_before, row.bytes_after = before.get(place, 0), after.get(place, 0)
    return [rows[place] for place in sorted(rows)]
