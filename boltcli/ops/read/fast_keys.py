"""The keys of a bucket as text: many leaf pages at a time by the kernel, a page at a time without it."""

from __future__ import annotations

from itertools import islice

from ...storage.readahead import ReadAhead
from ...tree.kernel_walks import LeafKeys
from .key_pages import key_pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...format.bucket import BucketRef
    from ...storage.snapshot import Snapshot

    Progress = Callable[[int, int], None]

_PAGES = 256  # read at once: their keys are in memory together


def written_keys(
    snapshot: Snapshot,
    bucket: BucketRef,
    write: Callable[[list[bytes]], bytes],
    *,
    jobs: int = 1,
    progress: Progress | None = None,
    form: str | None = None,
) -> Iterator[bytes]:
    """Yield what ``write`` makes of the keys of ``bucket``, in order, a batch of keys at a time.

    ``form``, if it is given, says that ``write`` is :func:`~boltcli.render.formats.lines` in this form. With
    ``jobs`` other than 1 a second process may read a file ahead that is not in memory. Raises
    :class:`~boltcli.errors.Corrupted` when it comes to a damaged page, after all that precede it.
    """
    known = LeafKeys(snapshot, bucket.root, _PAGES)
    # Most of the file, as far as the number of pages tells: values may fill many each.
    with ReadAhead(snapshot, jobs != 1 and 4 * known.total > snapshot.meta.hwm):
        for text in known.lines(form, write):
            yield text
            if progress is not None:
                progress(known.done, known.total)
    if known.stopped:
        done = known.done
        for keys in islice(key_pages(snapshot, bucket), done, None):
            yield write(keys)
            done += 1
            if progress is not None:
                progress(done, max(known.total, snapshot.meta.hwm))
