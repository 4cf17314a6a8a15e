"""The optional compiled kernel: whole walks over a database in C (``walk.h``), and all that Python knows of them.

The results are those of the exact walks in Python. A function returns None if there is no kernel, or if the file isn't
regular; then the caller uses the exact walk. Each may raise Changed.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from mmap import mmap
    from types import ModuleType
    from typing import Any, Protocol

    from ..format.meta import Meta as MetaPage
    from ..progress import Progress

    Write = Callable[[int, int, memoryview], None]
    LookUp = Callable[..., Any]
    Meta = tuple[int, int, int, int]  # transaction, root, freelist, high-water mark
    Copied = tuple[Meta, Meta, int, int, int, int]
    # Name, index of the parent, root page, sequence, pairs, size, levels.
    Bucket = tuple[bytes, int, int, int, int, int, int]

    class Readable(Protocol):
        """What is read: a :class:`~boltcli.storage.snapshot.Snapshot`."""

        meta: MetaPage
        page_size: int
        size: int

        @property
        def buffer(self) -> bytes | mmap: ...
        def used_pages(self) -> int: ...

        def poll(self) -> None: ...


VERSION = 11  # of the functions in C: build_hook.py compiles it in; a kernel built with another is not used

_BUCKET = 8  # numbers of a bucket's record: where its name is, the name's size, and the rest of a ``Bucket``
_WORD = 8  # bytes of a number


def load_kernel() -> ModuleType | None:
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
    if load_kernel() is not None:
        return "compiled"
    return "turned off" if os.environ.get("BOLTCLI_KERNEL") == "0" else "not built"


def problem() -> str:
    """Return why the kernel isn't used, in words for people; empty if it is used."""
    if os.environ.get("BOLTCLI_KERNEL") == "0":
        return "BOLTCLI_KERNEL=0 in the environment turns it off."
    try:
        from . import _kernel  # type: ignore[attr-defined]
    except ImportError as error:
        if error.path == __file__:  # it is this package that lacks it
            return "boltcli was installed without it: there was no C compiler, or no wheel for this system."
        return f"It can't be loaded: {error}"
    if _kernel.VERSION != VERSION:
        return f"It was built for another version of boltcli: it is {_kernel.VERSION}, and {VERSION} is needed."
    return ""


def _walk(function: str, snapshot: Readable, root: int, *more: object, progress: Progress | None = None) -> Any:
    """Call a function of the kernel about the tree at page ``root``; return what it returns.

    It takes the file, the page size, the number of pages that may be visited, the root page, and what it calls every
    few milliseconds with the number of pages visited so far; an exception from that ends the walk.
    """
    kernel, hwm = load_kernel(), snapshot.meta.hwm
    if kernel is None:
        return None

    def tick(pages: int) -> None:
        snapshot.poll()
        if progress is not None:
            progress(pages, used)

    used = 0 if progress is None else snapshot.used_pages()
    buffer = snapshot.buffer  # raises an error for an impossible page size
    most = hwm if function == "verify" else snapshot.size // snapshot.page_size
    return getattr(kernel, function)(buffer, snapshot.page_size, most, root, tick, *more)


def verify(snapshot: Readable, progress: Progress | None = None) -> bytes | None:
    """Verify the trees of all buckets; return a byte for each page below the high-water mark: 1 if a tree has it.

    Then keys ascend within the bounds of branch pages, no page has two uses, and all data lie in their pages.
    """
    return _walk("verify", snapshot, snapshot.meta.root, progress=progress)  # type: ignore[no-any-return]


def stats(
    snapshot: Readable, root: int, prefix: bytes | None, progress: Progress | None = None
) -> tuple[int, dict[str, int], bytes] | None:
    """Sum the statistics of the buckets below page ``root`` whose names begin with ``prefix``; None: of that bucket.

    Returns the number of buckets, the numbers of a BucketStats by name, and a byte for each page: 1 if it was entered.
    """
    return _walk("stats", snapshot, root, prefix, progress=progress)  # type: ignore[no-any-return]


def reached_pages(snapshot: Readable) -> bytes | None:
    """Return a byte for each page of the file: 1 if a bucket's tree has it."""
    found = stats(snapshot, snapshot.meta.root, b"")
    return found and found[2]


def buckets(snapshot: Readable) -> list[Bucket] | None:
    """Return all buckets, each before those inside it; the first is the root bucket, without a name, its own parent.

    An inline bucket's root page is 0. The size is the number of pages of its tree, or the bytes of its inline page.
    """
    records = _walk("buckets", snapshot, snapshot.meta.root)
    if records is None:
        return None
    with memoryview(records).cast("Q") as numbers:
        starts, sizes, *columns = (numbers[at::_BUCKET].tolist() for at in range(_BUCKET))
    buffer = snapshot.buffer
    names = [buffer[start : start + size] for start, size in zip(starts, sizes)]
    return list(zip([b"", *names[1:]], *columns))


def compact(
    snapshot: Readable, size: int, write: Write | None, progress: Progress | None = None,
    *, limit: int = 0, capacity: int = 0,
) -> Copied | None:  # fmt: skip
    """Write the file that ``bbolt compact`` makes, of pages of ``size`` bytes, without its metas.

    A transaction puts at most ``limit`` bytes (0: all in one). With a ``capacity`` it is the densest one, whose pages
    take so many bytes; that has no freelist yet, and the first meta is about it. ``write`` is called with pages: the
    first one's id, that after the last, their bytes (no longer valid after the call); None: they are only counted.
    Returns both metas, the file's size, the numbers of transactions, pairs and buckets. Keys must be in order.
    """
    options = size, limit, capacity, write
    return _walk("copy", snapshot, snapshot.meta.root, *options, progress=progress)  # type: ignore[no-any-return]


def look_ups() -> tuple[LookUp, LookUp, LookUp] | None:
    """Return ``get``, ``seek`` and ``step``: each takes the file, the page size, the number of pages, and a root page.

    They answer for one key, see ``tree/lookup.py``; NotImplemented where anything is odd, and for a bucket.
    """
    kernel = load_kernel()
    return (kernel.get, kernel.seek, kernel.step) if kernel is not None else None


def key_lists(snapshot: Readable, root: int, at_once: int) -> Iterator[tuple[list[bytes], int, int]]:
    """Yield the keys of ``at_once`` leaf pages, the pages done, and all; ends where the kernel can't go on."""
    ids = _walk("leaves", snapshot, root) or b""
    kernel: Any = load_kernel()
    total, step = len(ids) // _WORD, _WORD * at_once
    for start in range(0, len(ids), step):
        snapshot.poll()
        keys = kernel.keys(snapshot.buffer, snapshot.page_size, ids[start : start + step])
        if keys is None:
            return
        yield keys, min(start // _WORD + at_once, total), total
