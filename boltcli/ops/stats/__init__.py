"""Statistics of buckets: what is known of each, and the sums over several. ``buckets.py`` finds them."""

from __future__ import annotations

from ...format.bucket import path_of


class BucketRecord:
    """A bucket: its ``name``, the record of its ``parent`` (None: the outermost one), its ``sequence``.

    ``pairs`` are its own, ``keys`` also those of nested buckets. ``bytes`` are those of its pages and of nested
    buckets'; of an ``inline`` bucket those of its value, which are also its parent's. ``depth`` is the number of levels
    of its own tree, ``level`` the length of its path.
    """

    __slots__ = ("bytes", "depth", "inline", "keys", "level", "name", "pairs", "parent", "sequence")

    def __init__(self, name: bytes, parent: BucketRecord | None, sequence: int, inline: bool) -> None:
        self.name = name
        self.parent = parent
        self.level: int = 0 if parent is None else parent.level + 1
        self.sequence = sequence
        self.inline = inline
        self.pairs = self.keys = self.bytes = 0
        self.depth = 1

    @property
    def path(self) -> tuple[bytes, ...]:
        return path_of(self)


class BucketStats:
    """Statistics of a bucket and all buckets inside it; the names are bbolt's, spelled out.

    ``*_alloc`` and ``*_inuse`` are bytes. ``depth`` is the number of levels: the depths of nested buckets are added; a
    sum over several buckets has the greatest depth.
    """

    __slots__ = (
        "branch_alloc", "branch_inuse", "branch_overflow_pages", "branch_pages",
        "buckets", "depth", "inline_bucket_inuse", "inline_buckets", "keys",
        "leaf_alloc", "leaf_inuse", "leaf_overflow_pages", "leaf_pages",
    )  # fmt: skip

    def __init__(self, **numbers: int) -> None:
        """``numbers`` by name; default: all 0."""
        self.branch_pages = self.branch_overflow_pages = self.branch_alloc = self.branch_inuse = 0
        self.leaf_pages = self.leaf_overflow_pages = self.leaf_alloc = self.leaf_inuse = 0
        self.buckets = self.inline_buckets = self.inline_bucket_inuse = self.keys = self.depth = 0
        for name, number in numbers.items():
            setattr(self, name, number)

    def numbers(self) -> list[int]:
        """Return all numbers, in the order of ``__slots__``."""
        return [getattr(self, name) for name in self.__slots__]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BucketStats) and self.numbers() == other.numbers()

    def __repr__(self) -> str:
        return f"BucketStats({', '.join(f'{name}={getattr(self, name)}' for name in self.__slots__)})"
