"""The compiled kernel's walks over a snapshot.

They return None if there is no kernel, or if the file isn't regular; then the
caller uses the exact walk. Each may raise :class:`~boltcli.errors.Changed`,
like :meth:`Snapshot.poll`.
"""

from __future__ import annotations

from ..errors import Changed
from ..kernel import load_kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Literal

    from ..kernel import Kernel, Meta
    from ..storage.snapshot import Snapshot

    Progress = Callable[[int, int], None]

_FORMS: dict[str | None, Literal["a", "h", "b"]] = {"auto": "a", "hex": "h", "bytes": "b"}


def _kernel_for(snapshot: Snapshot) -> Kernel | None:
    """Return the kernel if it can read ``snapshot``: a remote file is not in memory."""
    kernel = load_kernel()
    if kernel is not None:
        try:
            memoryview(snapshot.buffer).release()
        except TypeError:
            return None
    return kernel


def has_kernel(snapshot: Snapshot) -> bool:
    """Return whether there is a kernel that can read ``snapshot``."""
    return _kernel_for(snapshot) is not None


def _tick(snapshot: Snapshot, progress: Progress | None) -> Callable[[int], None]:
    poll, hwm = snapshot.poll, snapshot.meta.hwm

    def tick(pages: int) -> None:
        poll()
        if progress is not None:
            progress(pages, hwm)

    return tick


def proven_pages(snapshot: Snapshot, progress: Progress | None = None) -> bytes | None:
    """Verify the trees of all buckets; return a byte for each page below the high-water mark: 1 if a tree has it."""
    kernel = _kernel_for(snapshot)
    if kernel is None:
        return None
    meta, tick = snapshot.meta, _tick(snapshot, progress)
    return kernel.prove(snapshot.buffer, snapshot.page_size, meta.hwm, meta.root, tick)


def counted(
    snapshot: Snapshot, root: int, prefix: bytes | None, progress: Progress | None = None
) -> tuple[int, tuple[int, ...]] | None:
    """Sum the statistics of the buckets below page ``root`` whose names begin with ``prefix``; None: of that bucket.

    Returns the number of buckets and the sums, in the order of ``BucketStats.__slots__``.
    """
    kernel = _kernel_for(snapshot)
    if kernel is None:
        return None
    tick = _tick(snapshot, progress)
    found = kernel.stats(snapshot.buffer, snapshot.page_size, _all(snapshot), root, tick, prefix)
    return found and found[:2]


def reached_pages(snapshot: Snapshot) -> bytes | None:
    """Return a byte for each page of the file: 1 if a bucket's tree has it."""
    kernel, meta = _kernel_for(snapshot), snapshot.meta
    if kernel is None:
        return None
    found = kernel.stats(snapshot.buffer, snapshot.page_size, _all(snapshot), meta.root, _tick(snapshot, None), b"")
    return found and found[2]


def page_lines(snapshot: Snapshot, free: list[int]) -> Iterator[tuple[bytes, int]]:
    """Yield batches of lines of the table that ``pages`` prints, each with the id of the page after them.

    They end before the first page that isn't whole in the file. ``free`` is the list of free pages.
    """
    kernel = _kernel_for(snapshot)
    if kernel is None:
        return
    from struct import pack

    buffer, page_size, hwm, pgid = snapshot.buffer, snapshot.page_size, snapshot.meta.hwm, 0
    ids = pack(f"{len(free)}Q", *free)
    done = 0
    while True:
        snapshot.poll()
        text, pgid, passed = kernel.pages(buffer, page_size, pgid, hwm, memoryview(ids)[done:])
        if not text:
            return
        yield text, pgid
        done += passed


def copied(
    snapshot: Snapshot,
    size: int,
    write: Callable[[int, int, memoryview], None] | None,
    progress: Progress | None = None,
    *,
    limit: int = 0,
    capacity: int = 0,
) -> tuple[Meta, Meta, int, int, int, int] | None:
    """Write a compact copy, as the kernel's ``copy`` says."""
    kernel, root, tick = _kernel_for(snapshot), snapshot.meta.root, _tick(snapshot, progress)
    if kernel is None:
        return None
    return kernel.copy(snapshot.buffer, snapshot.page_size, _all(snapshot), root, tick, size, limit, capacity, write)


def exported(
    snapshot: Snapshot,
    root: int,
    names: tuple[bytes | None, bytes],
    shown: Callable[[bytes], bool],
    write: Callable[[memoryview], object],
) -> tuple[int, int] | None:
    """Write the lines of an export, as the kernel's ``export`` says. Raises Changed."""
    kernel, tick = _kernel_for(snapshot), _tick(snapshot, None)
    if kernel is None or not root:
        return None
    done = kernel.export(snapshot.buffer, snapshot.page_size, _all(snapshot), root, tick, *names, shown, write)
    if done is False:
        raise Changed("the file was changed while it was read", path=snapshot.path)
    return done


def bucket_text(snapshot: Snapshot) -> bytes | None:
    """Return the tree of buckets as bbolt's ``inspect`` prints it."""
    kernel = _kernel_for(snapshot)
    if kernel is None:
        return None
    root, tick = snapshot.meta.root, _tick(snapshot, None)
    return kernel.buckets(snapshot.buffer, snapshot.page_size, _all(snapshot), root, tick, True)


def bucket_columns(snapshot: Snapshot) -> tuple[list[bytes], tuple[list[int], ...]] | None:
    """Return all buckets, parents first: the names (the root's is empty) and the columns of ``RECORD``."""
    kernel = _kernel_for(snapshot)
    if kernel is None:
        return None
    buffer, root, tick = snapshot.buffer, snapshot.meta.root, _tick(snapshot, None)
    records = kernel.buckets(buffer, snapshot.page_size, _all(snapshot), root, tick, False)
    if records is None:
        return None
    from ..kernel import RECORD

    with memoryview(records).cast("Q") as numbers:
        columns = tuple(numbers[field :: len(RECORD)].tolist() for field in range(len(RECORD)))
    names = [buffer[start : start + size] for start, size in zip(*columns[:2])]
    names[0] = b""
    return names, columns


def space_columns(
    snapshot: Snapshot, root: int, levels: int, keep: int, dense: int
) -> tuple[bytes, bytes, bytes, bytes, bytes] | None:
    """Return the space usage of the bucket at page ``root``, as the kernel's ``space`` reports it."""
    kernel = _kernel_for(snapshot)
    if kernel is None or not root:
        return None
    tick = _tick(snapshot, None)
    return kernel.space(snapshot.buffer, snapshot.page_size, _all(snapshot), root, tick, levels, keep, dense)


class LeafKeys:
    """The keys of the tree at page ``root``, read by the kernel, ``pages`` leaf pages at a time.

    ``stopped`` is set if a page wasn't regular; ``done`` is the number of leaf
    pages written before it.
    """

    def __init__(self, snapshot: Snapshot, root: int, pages: int) -> None:
        self.done = 0
        self.stopped = True
        self.total = 0
        self._snapshot = snapshot
        self._pages = pages
        self._ids = b""
        self._kernel = _kernel_for(snapshot)
        if self._kernel is not None:
            ids = self._kernel.leaves(
                snapshot.buffer, snapshot.page_size, _all(snapshot), root, _tick(snapshot, None)
            )  # fmt: skip
            if ids is not None:
                self._ids = ids
                self.total = len(ids) // 8
                self.stopped = False

    def lines(self, form: str | None, write: Callable[[list[bytes]], bytes]) -> Iterator[bytes]:
        """Yield the keys as text, in batches: by the kernel if it knows the format ``form``, else by ``write``."""
        buffer, page_size, kernel = self._snapshot.buffer, self._snapshot.page_size, self._kernel
        own = _FORMS.get(form)
        step = 8 * self._pages
        for start in range(0, len(self._ids), step):
            assert kernel is not None
            self._snapshot.poll()
            ids = self._ids[start : start + step]
            text = kernel.keys(buffer, page_size, ids, own) if own else None
            if text is None:
                keys = kernel.keys(buffer, page_size, ids, "l")
                if keys is None:
                    self.stopped = True
                    return
                text = write(keys)
            yield text
            self.done += len(ids) // 8


def _all(snapshot: Snapshot) -> int:
    """Return the number of whole pages in the file."""
    return snapshot.size // snapshot.page_size
