"""Recover a file into a new database, and report the result."""

from __future__ import annotations

from typing import NamedTuple

from ...errors import ArgumentError, BucketNotFound, DestinationError, InvalidDatabase
from ...storage.destination import Destination
from .emit import Emission
from .extra_buckets import LOST_AND_FOUND, add_deleted, add_lost_and_found
from .mapped_file import MappedFile
from .recover import recover

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ...storage.open_source import Way
    from .recovery import Recovery

DELETED = b"deleted"
PAGE_SIZES = tuple(1024 << i for i in range(7))


class Loss(NamedTuple):
    """What is missing: keys of ``bucket`` from ``low`` up to ``high`` (None: no end), because of ``page``."""

    bucket: tuple[bytes, ...]
    low: bytes | None
    high: bytes | None
    page: int | None
    reason: str


class Report(NamedTuple):
    """What was recovered from ``path`` into ``output``.

    ``pairs`` and ``buckets`` were written; they come from ``pages`` leaf pages, of which ``placed`` were found without
    a way to them and ``older`` are earlier versions. ``found_pairs`` and ``found_pages`` are those in the bucket
    ``lost_and_found``. ``duplicates``: second versions of keys, not written. ``size`` is that of the result, bytes.
    """

    path: str
    output: str
    page_size: int
    page_size_from: str
    root_from: str
    exact: bool
    pairs: int
    buckets: int
    pages: int
    placed: int
    older: int
    stale: int
    size: int
    lost: list[Loss]
    lost_and_found: bytes
    found_pairs: int
    found_pages: int
    duplicates: int


def recover_file(
    path: str,
    output: str,
    *,
    lock: Way = "wait",
    timeout: float = 1.0,
    page_size: int = 0,
    bucket: tuple[bytes, ...] = (),
    lost_and_found: bytes | None = LOST_AND_FOUND,
    deleted: bool = False,
    replace: bool = False,
    sync: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Write what ``path`` still holds to ``output``, a sound database that appears there when it is complete.

    ``bucket``: only this one. ``lost_and_found`` names the bucket for pages of which it isn't known where they
    belong; None leaves them out. ``deleted``: old versions and deleted pairs go into a bucket of their own.
    ``page_size`` 0: it is found. Raises :class:`~boltcli.errors.InvalidDatabase` if the file holds nothing,
    :class:`~boltcli.errors.BucketNotFound`, :class:`~boltcli.errors.Locked`, what opening raises, and
    :class:`~boltcli.errors.DestinationExists`, :class:`~boltcli.errors.DestinationError`,
    :class:`~boltcli.errors.DestinationIsSource`; then nothing is written.
    """
    if page_size and page_size not in PAGE_SIZES:
        raise ArgumentError(f"page size {page_size} is not a power of two from {PAGE_SIZES[0]} to {PAGE_SIZES[-1]}")
    with (
        MappedFile(path, lock, timeout) as file,
        Destination(output, mode=file.mode | 0o200, replace=replace, sync=sync) as destination,
    ):
        done = recover(file.buffer, page_size=page_size, progress=progress)
        unplaced = len(done.left)
        name = None
        if lost_and_found is not None and not bucket:
            made = add_lost_and_found(done, lost_and_found)
            name = made.name if made is not None else None
        if deleted and not bucket:
            add_deleted(done, DELETED)
        emission = Emission(done.tree, name, bucket)
        try:
            size = emission.write(destination.fd, _result_page_size(done.table.page_size), progress)
        except OSError as error:
            file.verify()
            raise DestinationError("write", output, error) from error
        file.verify()
        if bucket and not emission.buckets:
            raise BucketNotFound
        if not (emission.pairs or emission.buckets or done.tree.top.leaves):
            raise InvalidDatabase("there is nothing to recover: no page of the file is one of a bolt database")
        destination.commit()
    return Report(
        path, output, done.table.page_size, done.page_size_from, done.root_from, done.exact,
        emission.pairs, emission.buckets, emission.pages, done.placed, done.older, done.stale, size,
        losses(done, emission, bucket, unplaced if lost_and_found is None else 0),
        name or lost_and_found or b"", emission.within, done.lost_pages, emission.duplicates,
    )  # fmt: skip


def _result_page_size(page_size: int) -> int:
    """Return the page size of the source, if bolt can have written it anywhere."""
    return page_size if page_size in PAGE_SIZES else 4096


def losses(done: Recovery, emission: Emission, bucket: tuple[bytes, ...], left_out: int) -> list[Loss]:
    """Return what is known to be missing in the result."""
    found = []
    for gap in done.gaps():
        path = gap.bucket.path()
        if path[: len(bucket)] != bucket:
            continue
        reason = gap.reason
        if gap.filled:
            reason += f"; {gap.filled} page{'s' * (gap.filled > 1)} that fit{'s' * (gap.filled == 1)} put in its place"
        found.append(Loss(path, gap.low or None, gap.high, gap.page, reason))
    if done.torn:
        found.append(Loss((), None, None, None, "pages of later transactions lie among those of the tree: the file was "
                          "written to while it was copied"))  # fmt: skip
    elif done.root_from == "older":
        root = done.metas[0].root if done.metas else None
        found.append(Loss((), None, None, root, "the newest root page is lost: the last changes may be missing"))
    if not done.metas and not done.tree.top.leaves and not found:
        found.append(Loss((), None, None, None, "the root page was not found"))
    for offset, _ in done.others:
        found.append(Loss((), None, None, None, f"another database begins at offset {offset}; what it holds is in "
                          "lost+found"))  # fmt: skip
    for path, count in emission.lost:
        found.append(Loss(path, None, None, None, f"{count} damaged elements of an inline bucket"))
    if left_out:
        for page in done.left:
            found.append(Loss((), None, None, page, "it is not known where the page belongs; it was left out"))
    return found
