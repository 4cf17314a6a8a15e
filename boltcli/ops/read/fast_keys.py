"""Read all keys of a bucket: many leaf pages at a time with the kernel, else a page at a time."""

from __future__ import annotations

from itertools import islice

from ...kernel import Keys
from .key_pages import key_pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...format.bucket import BucketRef
    from ...storage.snapshot import Snapshot

    Progress = Callable[[int, int], None]

_PAGES = 256  # leaf pages read at once, whose keys are in memory together


def all_keys(snapshot: Snapshot, bucket: BucketRef, *, progress: Progress | None = None) -> Iterator[list[bytes]]:
    """Yield the keys of ``bucket`` in order, a batch at a time.

    Raises :class:`~boltcli.errors.Corrupted` at a damaged page, after yielding everything before it.
    """
    known = Keys(snapshot, bucket.root, _PAGES)
    if 4 * known.total > snapshot.meta.hwm:  # most of the file: values may take several pages each
        snapshot.expect_whole()
    for keys in known:
        yield keys
        if progress is not None:
            progress(known.done, known.total)
    if known.stopped:
        done = known.done
        for keys in islice(key_pages(snapshot, bucket), done, None):
            yield keys
            done += 1
            if progress is not None:
                progress(done, max(known.total, snapshot.meta.hwm))
