"""One difference between two states of a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Literal

    Op = Literal["add", "remove", "change"]
    Path = tuple[bytes, ...]


class Change(NamedTuple):
    """One difference: of a pair, of a bucket, or of a bucket's sequence.

    ``op`` is add, remove or change; ``bucket`` the names from the outermost
    bucket in. A pair has a ``key``, and its ``old`` and ``new`` values, None
    where there is none. Without a ``key`` the difference is the bucket itself
    (add or remove, no values), or its sequence (change: ``old`` and ``new``
    are numbers).

    Applied in order, changes lead from the old state to the new one: a bucket
    is added before what is in it, and removed after that.
    """

    op: Op
    bucket: Path
    key: bytes | None = None
    old: bytes | int | None = None
    new: bytes | int | None = None
