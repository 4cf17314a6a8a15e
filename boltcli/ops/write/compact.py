"""Compaction: copy a database without its free pages.

:class:`BboltWriter` writes exactly the file that bbolt would write, :class:`DenseWriter` the smallest one, from a
stream of content. For a sound source the compiled kernel does the same.
"""

from __future__ import annotations

import mmap
import os
import stat

from ...errors import ArgumentError, BoltError, Corrupted, DamagedSource, DestinationError
from ...kernel import compact as copied
from ...record import Record
from ...storage.destination import Destination
from ...storage.snapshot import Snapshot
from ...storage.source import Source, open_for_reading
from ...tree.bucket import root_bucket
from ..check.database_check import check
from ..read.content import Misplaced, content, in_order, write
from ..read.select_items import items
from .dense import DenseWriter
from .pager import ALLOC_SIZE, BboltFile, PageWriter, mmap_size
from .transactions import BboltRefuses, BboltWriter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ...progress import Progress
    from ..read.content import Event

    # The page size of the copy; the limit of a transaction; 0 for the file that bbolt writes, or the fill percent.
    Form = tuple[int, int, int]
    Done = tuple[int, int, int, int]  # the size of the copy, numbers of transactions, pairs, buckets

TX_MAX_SIZE = 65536  # bytes; bbolt's default
_NO_LIMIT = (1 << 63) - 1  # the largest that the kernel takes; all below zero mean the same
FILL_PERCENT = 100
PAGE_SIZES = tuple(1024 << i for i in range(7))  # up to 64 KiB

_WARNINGS = 3  # so many are told; of the rest the number
# About what is free, or about pages that are copied as often as they are met. Where that brings their keys out of
# order, there is a finding of that too.
_HARMLESS = ("unreachable-unfreed", "already-freed", "reachable-freed", "multiple-references", "out-of-bounds")


class Compaction(Record):
    """The result: the bytes of both files, what was copied, and ``warnings``, sentences about the source."""

    __slots__ = ("source_size", "size", "transactions", "pairs", "buckets", "warnings")  # noqa: RUF023
    if TYPE_CHECKING:
        source_size: int
        size: int
        transactions: int
        pairs: int
        buckets: int
        warnings: tuple[str, ...]

    def __init__(self, source_size: int, done: Done, warnings: Iterable[str] = ()) -> None:
        super().__init__(source_size, *done, tuple(warnings))

    @property
    def gain(self) -> float:
        """The source's size divided by the copy's."""
        return self.source_size / self.size


def compact(
    snapshot: Snapshot,
    path: str,
    *,
    sync: bool,
    tx_max_size: int = TX_MAX_SIZE,
    dense: bool = False,
    page_size: int = 0,
    fill_percent: int = FILL_PERCENT,
    replace: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Compaction:
    """Write a compact copy of ``snapshot`` to ``path``, which appears there when it is complete.

    See :func:`boltcli.compact` for the options. An empty file at ``path``, or a
    database without content, is always replaced. A source that isn't sound is copied as bbolt copies it, with the
    findings of its check as ``warnings``. Raises DamagedSource or Corrupted if pairs can't be read, or bbolt would
    fail, ArgumentError, the errors of a destination, and Changed. Then there is no copy.
    """
    if page_size and page_size not in PAGE_SIZES:
        raise ArgumentError(f"page size {page_size} is not a power of two from {PAGE_SIZES[0]} to {PAGE_SIZES[-1]}")
    if not 10 <= fill_percent <= 100:
        raise ArgumentError(f"fill percent {fill_percent} is not between 10 and 100")
    if fill_percent != FILL_PERCENT and not dense:
        raise ArgumentError("fill percent applies to dense copies only")
    form = page_size or mmap.PAGESIZE, max(-1, min(tx_max_size, _NO_LIMIT)), fill_percent if dense else 0
    empty = None if replace else _mode_of_empty(path)
    mode = snapshot.mode if empty is None else empty & snapshot.mode
    with Destination(path, mode=mode, replace=replace or empty is not None, sync=sync) as destination:
        try:
            warnings, is_sound = _source_findings(snapshot)
            done = _kernel_copy(snapshot, destination, form, progress) if is_sound else None
            if done is None:
                snapshot.check_unchanged()
                done = _copy(snapshot, destination, form, is_sound, progress, warnings)
        except OSError as error:
            snapshot.check_unchanged()  # a source that is cut short meanwhile can't be read by the system either
            raise DestinationError("write", path, error) from error
        snapshot.finish()
        destination.commit()
    return Compaction(snapshot.size, done, warnings)


def _source_findings(snapshot: Snapshot) -> tuple[list[str], bool]:
    """Check a source: return warnings, and whether no finding concerns the pages that are copied."""
    warnings: list[str] = []
    is_sound = True
    count = 0
    for count, finding in enumerate(check(snapshot), 1):
        # A freelist that can't be read, and heads of meta pages, are never copied. (Where a tree leads to them,
        # the copying itself fails.)
        is_aside = finding.kind == "damaged" and finding.page in (0, 1, snapshot.meta.freelist)
        is_sound = is_sound and (is_aside or finding.kind in _HARMLESS)
        if count <= _WARNINGS:
            warnings.append(finding.message)
    if count > _WARNINGS:
        warnings.append(f"{count - _WARNINGS} more findings; see boltcli check")
    return warnings, is_sound


def _kernel_copy(snapshot: Snapshot, destination: Destination, form: Form, progress: Progress | None) -> Done | None:
    """Copy a sound source with the kernel; return None if there is none, or the file isn't regular."""
    page_size, limit, percent = form
    writer = PageWriter(destination.fd, page_size)
    found = copied(snapshot, page_size, writer.write, progress, limit=limit, capacity=page_size * percent // 100)
    if found is None:
        os.truncate(destination.fd, 0)  # nothing of it may be left in pages that stay free
        return None
    if progress is not None:
        progress(snapshot.meta.hwm, snapshot.meta.hwm)
    first, second, size, transactions, pairs, buckets = found
    writer.end((first, (1, *first[1:]) if percent else second), size)
    return size, transactions, pairs, buckets


def _copy(
    snapshot: Snapshot,
    destination: Destination,
    form: Form,
    is_sound: bool,
    progress: Progress | None,
    warnings: list[str],
) -> Done:
    """Copy any source as bbolt reads it, add what that leaves out to ``warnings``. Raises DamagedSource, Corrupted."""
    page_size, limit, fill_percent = form
    events = content(snapshot, is_sound=is_sound, progress=progress, notes=warnings)
    try:
        if not fill_percent:
            return _written(events, BboltWriter(BboltFile(destination.fd, page_size), limit))
        try:
            return _written(in_order(events), DenseWriter(destination.fd, page_size, fill_percent))
        except Misplaced:  # the dense writer takes keys in order: those of bbolt's copy are
            os.truncate(destination.fd, 0)
        path = destination.path
        with Destination(path, replace=True, sync=False) as between:
            _written(content(snapshot), BboltWriter(BboltFile(between.fd, page_size), limit))
            with Snapshot(path, Source(os.dup(between.fd), path, is_own_copy=True)) as ordered:
                events = content(ordered, is_sound=True)
                return _written(events, DenseWriter(destination.fd, page_size, fill_percent))
    except (Corrupted, BboltRefuses) as error:
        snapshot.check_unchanged()
        if isinstance(error, Corrupted):
            raise
        raise DamagedSource(str(error), page=snapshot.meta.root, path=snapshot.path) from None


def _written(events: Iterable[Event], writer: BboltWriter | DenseWriter) -> Done:
    counts = write(events, writer)
    return writer.size, writer.transactions, *counts


def measure(snapshot: Snapshot, page_size: int, progress: Progress | None = None) -> int:
    """Return the size in bytes of a dense copy of ``snapshot``, without writing it. Raises Corrupted."""
    found = copied(snapshot, page_size, None, progress, capacity=page_size)
    if found is not None:
        return found[2]
    writer = DenseWriter(None, page_size)
    write(content(snapshot, is_sound=True, progress=progress), writer)
    return writer.size


def compact_estimate(dense: int) -> int:
    """Estimate the size of the file that ``compact`` writes, if a dense copy has ``dense`` bytes: bbolt's next step."""
    return mmap_size(dense, 1) if dense <= ALLOC_SIZE else -(-dense // ALLOC_SIZE) * ALLOC_SIZE


def _mode_of_empty(path: str) -> int | None:
    """The permissions of an empty file at ``path``, or of a database with nothing in it: bbolt writes into these."""
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            return None
        if found.st_size:
            source = Source(open_for_reading(path), path)  # not as one of the files that are read
            if not source.try_lock() and source.reason == "held":
                source.close()
                return None
            with Snapshot(path, source) as snapshot:
                if any(part.keys for part in items(snapshot, root_bucket(snapshot))):
                    return None
        return stat.S_IMODE(found.st_mode)
    except (OSError, ValueError, BoltError):
        return None
