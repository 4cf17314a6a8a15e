"""Compaction: copy a database without its free pages.

There are two writers: :class:`~.replay.Replay` writes exactly the file that
bbolt would write, :class:`~.dense.Dense` the smallest one. Both read from
:class:`~.source_reader.Source`: buckets, and runs of elements in them.
"""

from __future__ import annotations

import mmap
import os
import stat

from ....errors import ArgumentError, BoltError, Corrupted, DamagedSource, DestinationError, OpenError
from ....storage.destination import Destination
from ....storage.snapshot import Snapshot
from ....storage.source import Source as OpenFile
from ....storage.source import open_for_reading
from ....tree.bucket import root_bucket
from ....tree.kernel_walks import copied
from ...read.select_items import items
from .allocator import NewFile
from .replay import Replay
from .source_reader import Child, Pairs, Source
from .verify import Verification

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .dense import Dense

TX_MAX_SIZE = 65536  # bytes; bbolt's default
FILL_PERCENT = 100
_KERNEL_LIMIT = 1 << 20  # bytes; the kernel keeps a transaction in memory, element by element
PAGE_SIZES = tuple(1024 << i for i in range(7))  # up to 64 KiB


class Compaction:
    """The result of a compaction.

    ``source_size`` and ``size`` are the bytes of the files before and after;
    ``pairs`` and ``buckets`` were copied in ``transactions`` transactions.
    ``warnings`` are sentences about the source.
    """

    __slots__ = ("buckets", "pairs", "size", "source_size", "transactions", "warnings")

    def __init__(
        self, source_size: int, size: int, pairs: int, buckets: int, transactions: int, warnings: list[str]
    ) -> None:
        self.source_size = source_size
        self.size = size
        self.pairs = pairs
        self.buckets = buckets
        self.transactions = transactions
        self.warnings = warnings

    @property
    def gain(self) -> float:
        """The source's size divided by the copy's."""
        return self.source_size / self.size


def compact(
    snapshot: Snapshot,
    path: str,
    *,
    tx_max_size: int = TX_MAX_SIZE,
    dense: bool = False,
    page_size: int = 0,
    fill_percent: int = FILL_PERCENT,
    replace: bool = False,
    sync: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Compaction:
    """Write a compact copy of ``snapshot`` to ``path``, which appears there when it is complete.

    The copy is the file that ``bbolt compact`` writes with transactions of at
    most ``tx_max_size`` bytes (0: one transaction); ``dense`` writes the
    smallest file instead, with pages filled up to ``fill_percent`` (10 to 100).
    ``page_size`` is the page size of the copy: a power of two from 1024 to
    65536, 0 for the host's. ``replace`` replaces a file at ``path``; an empty
    file, or a database without content, is always replaced. Without ``sync``
    nothing is synced. ``progress`` is called with the pages read and the total.

    A source that isn't sound is copied as bbolt copies it, with the
    findings of its check as ``warnings``. Raises :class:`~boltcli.errors.DamagedSource` or
    :class:`~boltcli.errors.Corrupted` if pairs can't be read, or bbolt would fail,
    :class:`~boltcli.errors.DestinationExists`,
    :class:`~boltcli.errors.DestinationIsSource`,
    :class:`~boltcli.errors.DestinationError`,
    :class:`~boltcli.errors.ArgumentError`, or
    :class:`~boltcli.errors.Changed` if ``snapshot`` is read without its lock.
    Then there is no copy.
    """
    if page_size and page_size not in PAGE_SIZES:
        raise ArgumentError(f"page size {page_size} is not a power of two from {PAGE_SIZES[0]} to {PAGE_SIZES[-1]}")
    if not 10 <= fill_percent <= 100:
        raise ArgumentError(f"fill percent {fill_percent} is not between 10 and 100")
    if fill_percent != FILL_PERCENT and not dense:
        raise ArgumentError("fill percent is for dense copies")
    form = _Form(page_size or mmap.PAGESIZE, tx_max_size, fill_percent if dense else 0)
    verification = Verification(snapshot)
    try:
        mode = None if replace else _mode_of_empty(path)
        replace = replace or mode is not None
        mode = snapshot.mode if mode is None else mode & snapshot.mode
        with Destination(path, mode=mode, replace=replace, sync=sync) as destination:
            try:
                done = None
                if not verification.has_failed:
                    done = _quick_copy(snapshot, destination, form, progress)
                warnings, is_sound = verification.result()
                if done is None or not is_sound:
                    snapshot.check_unchanged()
                    done = _exact_copy(snapshot, destination, form, progress, warnings)
            except OSError as error:
                snapshot.check_unchanged()  # a source that is cut short meanwhile can't be read by the system either
                raise DestinationError("write", path, error) from error
            snapshot.finish()
            destination.commit()
    finally:
        verification.close()
    return Compaction(snapshot.size, done.size, done.pairs, done.buckets, done.transactions, warnings)


class _Form:
    """The form of a copy: ``fill_percent`` is 0 for the file that bbolt writes, with its ``limit`` of a transaction."""

    __slots__ = ("fill_percent", "limit", "page_size")

    def __init__(self, page_size: int, limit: int, fill_percent: int) -> None:
        self.page_size = page_size
        self.limit = limit
        self.fill_percent = fill_percent


class _Done:
    """What was written."""

    __slots__ = ("buckets", "pairs", "size", "transactions")

    def __init__(self, size: int, transactions: int, pairs: int, buckets: int) -> None:
        self.size = size
        self.transactions = transactions
        self.pairs = pairs
        self.buckets = buckets


def _quick_copy(
    snapshot: Snapshot, destination: Destination, form: _Form, progress: Callable[[int, int], None] | None
) -> _Done | None:
    """Copy a sound source; return None if it turns out not to be sound."""
    if form.fill_percent or 0 < form.limit <= _KERNEL_LIMIT:
        done = _kernel_copy(snapshot, destination, form, progress)
        if done is not None:
            return done
    source = Source(snapshot, form.page_size)
    writer: Dense | Replay
    if form.fill_percent:
        from .dense import Dense

        writer = Dense(destination.fd, form.page_size, form.fill_percent)
    else:
        writer = Replay(source, NewFile(destination.fd, form.page_size), form.limit)
    try:
        pairs, buckets = _copy(source, writer, progress)
    except Corrupted:
        return None
    return _Done(writer.size, writer.transactions, pairs, buckets)


def _kernel_copy(
    snapshot: Snapshot, destination: Destination, form: _Form, progress: Callable[[int, int], None] | None
) -> _Done | None:
    """Do the same with the kernel; return None also if there is no kernel, or the file isn't regular."""
    if form.fill_percent:
        from .dense import Dense

        writer = Dense(destination.fd, form.page_size, form.fill_percent)
        found = copied(snapshot, form.page_size, writer.writer.write, progress, capacity=writer.capacity)
    else:
        file = NewFile(destination.fd, form.page_size)
        found = copied(snapshot, form.page_size, file.writer.write, progress, limit=form.limit)
    if found is None:
        os.truncate(destination.fd, 0)  # nothing of it may be left in pages that stay free
        return None
    if progress is not None:
        progress(snapshot.meta.hwm, snapshot.meta.hwm)
    first, second, size, transactions, pairs, buckets = found
    if form.fill_percent:
        writer.end(root=first[1], hwm=first[3])
    else:
        file.take_over((first, second), size)
        file.finish()
    return _Done(size, transactions, pairs, buckets)


def _exact_copy(
    snapshot: Snapshot, destination: Destination, form: _Form, progress: Callable[[int, int], None] | None,
    warnings: list[str],
) -> _Done:  # fmt: skip
    """Copy a source that isn't sound, pair by pair, as bbolt does. What is left out is added to ``warnings``.

    Raises DamagedSource or Corrupted if there is something that it can't copy.
    """
    from .put_replay import PutReplay, Refused
    from .source_walk import walk

    path = destination.path
    try:
        if not form.fill_percent:
            os.truncate(destination.fd, 0)
            writer = PutReplay(NewFile(destination.fd, form.page_size), form.limit)
            writer.take(walk(snapshot, progress, warnings))
            return _Done(writer.size, writer.transactions, writer.pairs, writer.buckets)
        # The dense writer takes keys in order: those of bbolt's copy are.
        with Destination(path, replace=True, sync=False) as between:
            PutReplay(NewFile(between.fd, form.page_size), form.limit).take(walk(snapshot, progress, warnings))
            with Snapshot(path, OpenFile(os.dup(between.fd), path, is_own_copy=True)) as copied:
                os.truncate(destination.fd, 0)
                done = _quick_copy(copied, destination, form, None)
        assert done is not None
        return done
    except (Corrupted, Refused) as error:
        snapshot.check_unchanged()
        if isinstance(error, Corrupted):
            raise
        raise DamagedSource(str(error), page=snapshot.meta.root, path=snapshot.path) from None


def measure(snapshot: Snapshot, page_size: int) -> int:
    """Return the size in bytes of a dense copy of ``snapshot``, without writing it. Raises Corrupted."""
    found = copied(snapshot, page_size, None, capacity=page_size)
    if found is not None:
        return found[2]
    from .dense import Dense
    from .page_writer import NoWriter

    writer = Dense(-1, page_size, FILL_PERCENT)
    writer.writer = NoWriter(page_size)
    _copy(Source(snapshot, page_size), writer, None)
    return writer.size


def _mode_of_empty(path: str) -> int | None:
    """The permissions of an empty file at ``path``, or of a database with nothing in it: bbolt writes into these."""
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            return None
        if found.st_size:
            with Snapshot(path, _to_be_replaced(path)) as snapshot:
                if any(part.keys for part in items(snapshot, root_bucket(snapshot))):
                    return None
        return stat.S_IMODE(found.st_mode)
    except (OSError, ValueError, BoltError):
        return None


def _to_be_replaced(path: str) -> OpenFile:
    """Open a file that is only looked at, and is no source. Raises OpenError while a process writes to it."""
    source = OpenFile(open_for_reading(path), path)
    if not source.try_lock() and source.reason == "held":
        source.close()
        raise OpenError("lock", path, source.reason)
    return source


def _copy(source: Source, writer: Replay | Dense, progress: Callable[[int, int], None] | None) -> tuple[int, int]:
    """Tell ``writer`` what is in ``source``; returns the numbers of pairs and of buckets."""
    pairs = buckets = 0
    total, told = source.snapshot.meta.hwm, 0
    # For each open bucket: the rest of its parts, and the number of buckets that end with it. A finished bucket isn't
    # kept, as 100,000 may be nested in each other.
    pending = [(source.parts(root_bucket(source.snapshot)), 0)]
    while pending:
        parts, open_buckets = pending[-1]
        part = next(parts, None)
        if part is None:
            pending.pop()
            for _ in range(open_buckets):
                writer.leave()
        elif isinstance(part, Child):
            buckets += 1
            writer.enter(part)
            if part.is_last:
                pending[-1] = part.parts, open_buckets + 1
            else:
                pending.append((part.parts, 1))
        elif isinstance(part, Pairs):
            pairs += part.count
            writer.pairs(part.chunks)
        else:
            pairs += part.contents.pairs
            buckets += part.contents.buckets
            writer.mixed(part.chunk, part.contents.weights)
        source.snapshot.poll()
        if progress is not None and source.pages != told:
            told = source.pages
            progress(told, total)
    writer.finish()
    return pairs, buckets
