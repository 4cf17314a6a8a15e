"""The numbers that ``stats`` counts."""

from __future__ import annotations


class BucketStats:
    """Statistics of a bucket and all buckets inside it; the names are bbolt's, spelled out.

    The numbers count pages, pairs or buckets; ``*_alloc`` and ``*_inuse`` are
    bytes. ``depth`` is the number of levels: the depths of nested buckets are
    added; a sum over several buckets has the greatest depth.
    """

    __slots__ = (
        "branch_alloc", "branch_inuse", "branch_overflow_pages", "branch_pages",
        "buckets", "depth", "inline_bucket_inuse", "inline_buckets", "keys",
        "leaf_alloc", "leaf_inuse", "leaf_overflow_pages", "leaf_pages",
    )  # fmt: skip

    def __init__(self, **numbers: int) -> None:
        """``numbers`` by name; default: all 0."""
        self.branch_pages = 0
        self.branch_overflow_pages = 0
        self.leaf_pages = 0
        self.leaf_overflow_pages = 0
        self.keys = 0
        self.depth = 0
        self.branch_alloc = 0
        self.branch_inuse = 0
        self.leaf_alloc = 0
        self.leaf_inuse = 0
        self.buckets = 0
        self.inline_buckets = 0
        self.inline_bucket_inuse = 0
        for name, number in numbers.items():
            setattr(self, name, number)

    def numbers(self) -> list[int]:
        """Return all numbers, in the order of ``__slots__``."""
        return [getattr(self, name) for name in self.__slots__]

    def add(self, other: BucketStats) -> None:
        """Add ``other`` to this; ``depth`` becomes the greater of both."""
        depth = max(self.depth, other.depth)
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.depth = depth
