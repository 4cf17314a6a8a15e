"""A change: one difference between two states of a database; and changes counted by bucket."""

from __future__ import annotations

from ...record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final, Literal

    from ...storage.snapshot import Snapshot

    Op = Literal["add", "remove", "change"]
    Path = tuple[bytes, ...]


OPS: Final = ("add", "remove", "change")


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
        """Return the change that undoes this one."""
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


class BucketChanges(Record):
    """A bucket with everything in it: the pairs, buckets and sequences ``added``, ``removed`` or ``changed``.

    ``bytes_before`` and ``bytes_after`` are those of its pages, as ``tree`` has them. 0 where it isn't there.
    """

    __slots__ = ("bucket", "added", "removed", "changed", "bytes_before", "bytes_after")  # noqa: RUF023
    if TYPE_CHECKING:
        bucket: Path
        added: int
        removed: int
        changed: int
        bytes_before: int
        bytes_after: int


def summary(
    changes: Iterable[Change], old: Snapshot, new: Snapshot, path: Path = (), depth: int = 0
) -> list[BucketChanges]:
    """Return a row for each bucket with ``changes``, to ``depth`` levels (0: all) below ``path``. Raises Corrupted."""
    counts: dict[Path, dict[Op, int]] = {}
    for change in changes:
        place = change.bucket[: len(path) + depth] if depth else change.bucket
        for length in range(len(path), len(place) + 1):
            row = counts.get(place[:length]) or counts.setdefault(place[:length], dict.fromkeys(OPS, 0))
            row[change.op] += 1
    if not counts:
        return []
    from ..stats.buckets import bucket_usage

    before, after = ({usage.path: usage.bytes for usage in bucket_usage(side)} for side in (old, new))
    return [
        BucketChanges(place, *row.values(), before.get(place, 0), after.get(place, 0))
        for place, row in sorted(counts.items())
    ]
