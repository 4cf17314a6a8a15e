"""The optional compiled kernel: whole walks over a database in C (``walk.h``), and all that Python knows of them.

The results are those of the exact walks in Python. A function returns None if there is no kernel, if it can't read
the file (a remote one is not in memory), or if the file isn't regular; then the caller uses the exact walk. Each may
raise :class:`~boltcli.errors.Changed`. The kernel is built when boltcli is installed, if there is a C compiler
(``build_hook.py``).
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Protocol

    from ..format.meta import Meta as MetaPage
    from ..format.page import Buffer

    Progress = Callable[[int, int], None]
    # Called every few milliseconds with the number of pages visited so far; an exception from it ends the walk.
    Tick = Callable[[int], object] | None
    Write = Callable[[int, int, memoryview], None]
    Meta = tuple[int, int, int, int]  # transaction, root, freelist, high-water mark

    class Readable(Protocol):
        """What is read: a :class:`~boltcli.storage.snapshot.Snapshot`."""

        meta: MetaPage
        page_size: int
        size: int

        @property
        def buffer(self) -> Buffer:
            """The file's bytes."""

        def poll(self) -> None:
            """Raise :class:`~boltcli.errors.Changed` if what is read is bound to be useless."""

    class Kernel(Protocol):
        """The functions in C; each returns None if the file isn't regular.

        They take the file, the page size, the number of pages that may be visited, and the root page.
        """

        def verify(self, file: Buffer, page_size: int, most: int, root: int, tick: Tick, /) -> bytes | None:
            """See :func:`verify`."""

        def stats(
            self, file: Buffer, page_size: int, most: int, root: int, tick: Tick, prefix: bytes | None, /
        ) -> tuple[int, dict[str, int], bytes] | None:
            """See :func:`stats`; also a byte a page, 1 for those that were entered."""

        def buckets(self, file: Buffer, page_size: int, most: int, root: int, tick: Tick, /) -> bytes | None:
            """List all buckets, each before those inside it: records of u64, see :data:`_RECORD`."""

        def copy(
            self, file: Buffer, page_size: int, most: int, root: int, tick: Tick, size: int, limit: int, capacity: int,
            write: Write | None, /,
        ) -> tuple[Meta, Meta, int, int, int, int] | None:  # fmt: skip
            """See :func:`compact`."""

        def leaves(self, file: Buffer, page_size: int, most: int, root: int, tick: Tick, /) -> bytes | None:
            """List the leaf pages of a tree in order: their ids as u64. The pages themselves are not looked at."""

        def keys(self, file: Buffer, page_size: int, ids: Buffer, /) -> list[bytes] | None:
            """Read the keys of the leaf pages ``ids``."""

        def watch(self, mapping: Buffer, /) -> int:
            """Replace ``mapping`` by zeros when its file is truncated; return an id. Raises OSError."""

        def is_tripped(self, watch: int, /) -> bool:
            """Return whether the mapping was replaced by zeros, here or in a forked process."""

        def unwatch(self, watch: int, /) -> None:
            """Stop watching a mapping, before it is unmapped."""


VERSION = 10  # of the functions in C: build_hook.py compiles it in; a kernel built with another is not used

# The fields of a bucket's record, as kernel.c has them.
_RECORD = ("name", "name_size", "parent", "root", "sequence", "pairs", "size", "levels")
_WORD = 8  # bytes of a number


def load_kernel() -> Kernel | None:
    """Return the kernel; None if it wasn't built or is turned off (``BOLTCLI_KERNEL=0``)."""
    if os.environ.get("BOLTCLI_KERNEL") == "0":
        return None
    try:
        from . import _kernel  # type: ignore[attr-defined]
    except ImportError:  # not built, for another system, or refused on a big-endian machine
        return None
    return _kernel if _kernel.VERSION == VERSION else None


def state() -> str:
    """Return the state of the kernel: ``compiled``, ``turned off`` or ``not built``."""
    if os.environ.get("BOLTCLI_KERNEL") == "0":
        return "turned off"
    return "compiled" if load_kernel() is not None else "not built"


def kernel_for(snapshot: Readable) -> Kernel | None:
    """Return the kernel if there is one that can read ``snapshot``."""
    kernel = load_kernel()
    if kernel is not None:
        try:
            memoryview(snapshot.buffer).release()
        except TypeError:
            return None
    return kernel


def _tick(snapshot: Readable, progress: Progress | None) -> Tick:
    poll, hwm = snapshot.poll, snapshot.meta.hwm

    def tick(pages: int) -> None:
        poll()
        if progress is not None:
            progress(pages, hwm)

    return tick


def _all(snapshot: Readable) -> int:
    """Return the number of whole pages in the file."""
    return snapshot.size // snapshot.page_size


def verify(snapshot: Readable, progress: Progress | None = None) -> bytes | None:
    """Verify the trees of all buckets; return a byte for each page below the high-water mark: 1 if a tree has it.

    Then the keys ascend and lie within the bounds that the branch pages give, no page has two uses, and all keys and
    values, those of inline buckets too, lie in their pages.
    """
    kernel, meta = kernel_for(snapshot), snapshot.meta
    if kernel is None:
        return None
    return kernel.verify(snapshot.buffer, snapshot.page_size, meta.hwm, meta.root, _tick(snapshot, progress))


def stats(
    snapshot: Readable, root: int, prefix: bytes | None, progress: Progress | None = None
) -> tuple[int, dict[str, int]] | None:
    """Sum the statistics of the buckets below page ``root`` whose names begin with ``prefix``; None: of that bucket.

    Returns the number of buckets, and the numbers of a :class:`~boltcli.ops.stats.buckets.BucketStats` by name.
    """
    kernel, tick = kernel_for(snapshot), _tick(snapshot, progress)
    if kernel is None:
        return None
    found = kernel.stats(snapshot.buffer, snapshot.page_size, _all(snapshot), root, tick, prefix)
    return found and found[:2]


def reached_pages(snapshot: Readable) -> bytes | None:
    """Return a byte for each page of the file: 1 if a bucket's tree has it."""
    kernel, root, tick = kernel_for(snapshot), snapshot.meta.root, _tick(snapshot, None)
    if kernel is None:
        return None
    found = kernel.stats(snapshot.buffer, snapshot.page_size, _all(snapshot), root, tick, b"")
    return found and found[2]


class Buckets:
    """All buckets as columns, each before those inside it; the first is the root bucket, whose name is empty.

    ``parents`` are indexes (that of the root bucket is its own), ``roots`` page ids, 0 for inline buckets. ``pairs``
    are the bucket's own. ``sizes`` are the pages of its tree, or the bytes of its inline page, and ``levels`` the
    levels of the tree.
    """

    __slots__ = ("levels", "names", "pairs", "parents", "roots", "sequences", "sizes")

    def __init__(self, buffer: Buffer, records: bytes) -> None:
        with memoryview(records).cast("Q") as numbers:
            columns = {field: numbers[at :: len(_RECORD)].tolist() for at, field in enumerate(_RECORD)}
        starts, sizes = columns["name"], columns["name_size"]
        self.names = [buffer[start : start + size] for start, size in zip(starts, sizes)]
        self.names[0] = b""
        self.parents, self.roots, self.sequences = columns["parent"], columns["root"], columns["sequence"]
        self.pairs, self.sizes, self.levels = columns["pairs"], columns["size"], columns["levels"]


def buckets(snapshot: Readable) -> Buckets | None:
    """Return all buckets."""
    kernel, root, tick = kernel_for(snapshot), snapshot.meta.root, _tick(snapshot, None)
    if kernel is None:
        return None
    records = kernel.buckets(snapshot.buffer, snapshot.page_size, _all(snapshot), root, tick)
    return None if records is None else Buckets(snapshot.buffer, records)


def compact(
    snapshot: Readable,
    size: int,
    write: Write | None,
    progress: Progress | None = None,
    *,
    limit: int = 0,
    capacity: int = 0,
) -> tuple[Meta, Meta, int, int, int, int] | None:
    """Write the file that ``bbolt compact`` makes, of pages of ``size`` bytes, without its metas.

    A transaction puts at most ``limit`` bytes (0: all in one). With a ``capacity`` it is the densest one, whose
    pages take so many bytes; that has no freelist yet, and the first meta is about it. ``write`` is called with
    pages: the first one's id, that after the last, their bytes (no longer valid after the call); with None they
    are only counted. Returns both metas, the file's size, and the numbers of transactions, pairs and buckets.
    Whether the keys of pages are in order is for the caller to know.
    """
    kernel, root, tick = kernel_for(snapshot), snapshot.meta.root, _tick(snapshot, progress)
    if kernel is None:
        return None
    return kernel.copy(snapshot.buffer, snapshot.page_size, _all(snapshot), root, tick, size, limit, capacity, write)


class Keys:
    """The keys of the tree at page ``root``, a list for each ``at_once`` leaf pages.

    ``total`` is the number of leaf pages, ``done`` of those whose keys were yielded. ``stopped`` is set if a page
    wasn't regular, or if the kernel can't read the file: the rest is for Python.
    """

    def __init__(self, snapshot: Readable, root: int, at_once: int) -> None:
        self.done = 0
        self._snapshot = snapshot
        self._at_once = at_once
        self._kernel = kernel = kernel_for(snapshot)
        ids = None
        if kernel is not None:
            tick = _tick(snapshot, None)
            ids = kernel.leaves(snapshot.buffer, snapshot.page_size, _all(snapshot), root, tick)
        self._ids = ids or b""
        self.total = len(self._ids) // _WORD
        self.stopped = ids is None

    def __iter__(self) -> Iterator[list[bytes]]:
        snapshot, kernel = self._snapshot, self._kernel
        step = _WORD * self._at_once
        for start in range(0, len(self._ids), step):
            assert kernel is not None
            snapshot.poll()
            ids = self._ids[start : start + step]
            keys = kernel.keys(snapshot.buffer, snapshot.page_size, ids)
            if keys is None:
                self.stopped = True
                return
            yield keys
            self.done += len(ids) // _WORD
