"""A change: one difference between two states of a database."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Op = Literal["add", "remove", "change"]
    Path = tuple[bytes, ...]


class Change:
    """One difference: of a pair, of a bucket, or of a bucket's sequence.

    ``op`` is add, remove or change; ``bucket`` is the bucket's path. A pair has
    a ``key``, and its ``old`` and ``new`` values (None: no such pair). Without
    a ``key`` the difference is the bucket itself (add or remove, no values), or
    its sequence (change: ``old`` and ``new`` are numbers).

    Applied in order, changes turn the old state into the new one: a bucket is
    added before its content, and removed after it.
    """

    __slots__ = ("bucket", "key", "new", "old", "op")

    def __init__(
        self,
        op: Op,
        bucket: Path,
        key: bytes | None = None,
        old: bytes | int | None = None,
        new: bytes | int | None = None,
    ) -> None:
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

    def __repr__(self) -> str:
        return f"Change{self._fields()}"

    def _fields(self) -> tuple[Op, Path, bytes | None, bytes | int | None, bytes | int | None]:
        return self.op, self.bucket, self.key, self.old, self.new
