"""Write the keys of a bucket as text: many leaf pages at a time with the kernel, else a page at a time."""

from __future__ import annotations

from itertools import islice

from ...tree.kernel_walks import LeafKeys
from .key_pages import key_pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...format.bucket import BucketRef
    from ...storage.snapshot import Snapshot

    Progress = Callable[[int, int], None]

_PAGES = 256  # leaf pages read at once, whose keys are in memory together


def written_keys(
    snapshot: Snapshot,
    bucket: BucketRef,
    write: Callable[[list[bytes]], bytes],
    *,
    progress: Progress | None = None,
    form: str | None = None,
) -> Iterator[bytes]:
    """Yield the keys of ``bucket`` as text made by ``write``, in order, a batch at a time.

    If ``form`` is given, ``write`` is :func:`~boltcli.render.formats.lines` in this form. Raises
    :class:`~boltcli.errors.Corrupted` at a damaged page, after yielding everything before it.
    """
    known = LeafKeys(snapshot, bucket.root, _PAGES)
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
