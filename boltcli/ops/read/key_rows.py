"""Read the keys of a bucket for a list on a screen: from any key, forwards or backwards, page by page."""

from __future__ import annotations

from ...format.constants import BUCKET_LEAF_FLAG
from ...format.page import find
from ...tree.key_range import stretches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...format.bucket import BucketRef
    from ...storage.snapshot import Snapshot


class KeyRow:
    """An element of a bucket: its ``key``, the ``size`` of its value in bytes, and the id of the ``page`` it is on."""

    __slots__ = ("is_bucket", "key", "page", "size")

    def __init__(self, key: bytes, size: int, is_bucket: bool, page: int) -> None:
        self.key = key
        self.size = size
        self.is_bucket = is_bucket
        self.page = page


def key_rows(
    snapshot: Snapshot,
    bucket: BucketRef,
    start: bytes = b"",
    stop: bytes | None = None,
    *,
    reverse: bool = False,
    needle: bytes = b"",
    values: bool = False,
) -> Iterator[list[KeyRow]]:
    """Yield the elements from ``start`` to before ``stop``, a leaf page at a time; with ``reverse`` from the end.

    A ``needle`` selects elements whose key contains it, with ``values`` also those whose value does; a page without
    such elements gives an empty list, so that the caller can stop. Values aren't copied. Raises
    :class:`~boltcli.errors.Corrupted`.
    """
    for leaf, keys, low, high in stretches(snapshot, bucket, start, stop, reverse=reverse):
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
