"""The keys of a bucket, many leaf pages at a time."""

from __future__ import annotations

from itertools import chain, islice

from ...format.constants import BRANCH_PAGE, LEAF_PAGE
from ...storage.forked import Died, in_turn
from ...storage.readahead import ReadAhead
from ...tree.batch import Irregular, of_type
from ...tree.batch_reader import Walk, dealt, jobs_for
from ...tree.kernel_walks import LeafKeys
from .key_pages import key_pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...storage.snapshot import Snapshot
    from ...tree.batch_reader import Progress
    from ...tree.bucket import BucketRef

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
    """What ``write`` makes of the keys of ``bucket``, in order, a batch of keys at a time.

    ``jobs`` is the number of processes that read and write, 0 for as many as
    pay. ``form``, if it is given, says that ``write`` is
    :func:`~boltcli.render.formats.lines` in this form. Raises
    :class:`~boltcli.errors.Corrupted` when it comes to a damaged page, after
    all that precede it.
    """
    kernel = LeafKeys(snapshot, bucket.root, _PAGES)
    with ReadAhead(snapshot, jobs != 1 and 4 * kernel.total > snapshot.meta.hwm):
        for text in kernel.lines(form, write):
            yield text
            if progress is not None:
                progress(kernel.done, kernel.total)
    if not kernel.stopped:
        return
    pages = kernel.done
    if pages:
        for keys in islice(key_pages(snapshot, bucket), pages, None):
            yield write(keys)
        return
    try:
        if snapshot.piecemeal:
            raise Irregular
        with _Listing(snapshot, jobs, progress) as listing:
            leaves = listing.lowest_level(bucket.root)
            # Most of the file, as far as the number of pages tells: values may fill many each.
            with ReadAhead(snapshot, jobs != 1 and 4 * len(leaves) > snapshot.meta.hwm):
                for batch in listing.run(leaves, write):
                    yield batch
                    pages += _PAGES
            return
    except (Irregular, Died):
        pass
    for keys in islice(key_pages(snapshot, bucket), pages, None):
        yield write(keys)


class _Listing(Walk):
    """One listing. Leaves that aren't all on one level, or that are met twice, are left to the careful one."""

    __slots__ = ()

    def run(self, leaves: list[int], write: Callable[[list[bytes]], bytes]) -> Iterator[bytes]:
        jobs = jobs_for(len(leaves), self.jobs)

        def share(number: int) -> Iterator[bytes | None]:
            try:
                for run in dealt(leaves, number, jobs, _PAGES):
                    yield write(self._keys(run))
            except Irregular:
                yield None

        total = len(leaves)
        done = 0
        for batch in in_turn(share, jobs):
            if batch is None:
                raise Irregular
            yield batch
            done += _PAGES
            if self.progress is not None:
                self.progress(done, total)

    def lowest_level(self, root: int) -> list[int]:
        """The page ids below the branch pages, of leaves as it seems so far."""
        level = [root]
        while True:
            for pgid in level:
                if pgid >= self.limit or self.reached[pgid]:
                    raise Irregular
                self.reached[pgid] = 1
            offsets, words = self.heads(level[:1])
            if words[0] & 0xFFFF == LEAF_PAGE:
                return level
            below: list[int] = []
            for start in range(0, len(level), _PAGES):
                offsets, words = self.heads(level[start : start + _PAGES])
                if len(of_type(words, BRANCH_PAGE)) < len(words):
                    raise Irregular
                for offset, word in zip(offsets, words):
                    below += self.children(offset, word)
            level = below

    def _keys(self, pgids: list[int]) -> list[bytes]:
        self._glance()
        offsets, words = self.heads(pgids)
        return list(chain.from_iterable(self.leaves(offsets, words)))
