"""``check``: the compiled kernel first; where it gives up, the exact check says why. And warnings about a file."""

from __future__ import annotations

from ...format.constants import MAGIC
from ...format.meta import choose
from ...kernel import load_kernel, verify
from ...read_errors import Corrupted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from ...progress import Progress
    from ...storage.snapshot import Snapshot
    from .findings import Finding

# The SHA-256 that ``etcdctl snapshot save`` appends to the file, in bytes. Source: etcd,
# server/etcdserver/api/v3rpc/maintenance.go (``Snapshot``) and etcdutl/snapshot/v3_snapshot.go: a file has it if its
# length is 32 more than a multiple of 512.
TRAILER = 32
_UNIT = 512
_CHUNK = 16 << 20  # bytes hashed at a time
# bbolt extends its file in advance by this much (DB.AllocSize), in whole pages of zeros.
_AHEAD = 16 << 20
_LARGEST_FILE = 1 << 63  # bytes; a larger offset comes from a damaged high-water mark
_LOOK = 1 << 20  # bytes read at each end of the space after the high-water mark
_ZEROS = bytes(1 << 16)  # so many are compared at a time, which is fast and needs no memory of its own
UNCOUNTED: Final = "uncounted"  # the kind of a last finding which says that there are more


def check(snapshot: Snapshot, from_page: int = 0, *, progress: Progress | None = None) -> Iterator[Finding]:
    """Yield the findings about the database; with ``from_page`` of the tree below that page, and the buckets in it."""
    if from_page or not is_sound(snapshot, progress):
        from .exact_check import ExactCheck

        yield from ExactCheck(snapshot, progress).run(from_page)


def is_sound(snapshot: Snapshot, progress: Progress | None = None) -> bool:
    """Return whether the kernel finds the whole database sound; False also if it is irregular or there is no kernel."""
    hwm = snapshot.meta.hwm
    if not 2 < hwm <= snapshot.page_count or load_kernel() is None:
        return False
    others = _other_pages(snapshot)
    trees = verify(snapshot, progress) if others is not None else None
    if others is None or trees is None:
        return False
    # One byte a page, 0 or 1: the sum is 1 everywhere if each page has exactly one use.
    both = int.from_bytes(trees[:hwm], "little") + int.from_bytes(others, "little")
    column = both.to_bytes(hwm, "little")
    if column.count(1) != hwm and (snapshot.meta.has_freelist or column.translate(None, b"\0\1")):
        return False
    if progress is not None:
        progress(trees.count(1), hwm)
    return True


def _other_pages(snapshot: Snapshot) -> bytearray | None:
    """Return a byte for each page, 1 for meta pages, the freelist and free pages; None if it is irregular."""
    meta = snapshot.meta
    marks = bytearray(meta.hwm)
    try:
        own = {snapshot.page(pgid).pgid for pgid in (0, 1)}
        ids: list[int] = []
        if meta.has_freelist:
            _, ids = snapshot.freelist()
            # One page beyond the high-water mark is enough to be irregular: the overflow may be any number.
            last = meta.freelist + min(snapshot.page(meta.freelist).overflow, meta.hwm)
            own |= set(range(meta.freelist, last + 1))
        for pgid in (*own, *ids):
            marks[pgid] = 1
    except (Corrupted, IndexError):
        return None
    return marks if marks.count(1) == len(own) + len(ids) else None  # no page twice


def file_warnings(snapshot: Snapshot) -> Iterator[str]:
    """Yield warnings about the other meta page and about the file's length."""
    other, txid = snapshot.metas[1 - snapshot.meta.page], snapshot.meta.txid
    problem = other.problem()
    if problem is not None and snapshot.meta is choose(*snapshot.metas):  # not with --previous
        here = f"meta page {other.page} at offset {other.page * snapshot.page_size} is not valid ({problem})"
        # Only the next transaction id is plausible, as bbolt writes the two meta pages in turn.
        if other.magic == MAGIC and other.txid == txid + 1:
            yield f"{here}; it would be the newer one; transaction {txid} is read instead of {other.txid}"
        else:
            yield f"{here}; there is no other state than that of transaction {txid}"
    page_size, size, hwm = snapshot.page_size, snapshot.size, snapshot.meta.hwm
    used = hwm * page_size
    if size < used:
        where = f"page {hwm}" + (f", at offset {used}" if used < _LARGEST_FILE else "")
        yield f"the file is cut short: it has {size} bytes, and its high-water mark is {where}"
        return
    trailer = trailer_is_right(snapshot)
    if trailer:
        return  # a snapshot of etcd that is unchanged since it was made
    if trailer is False and size % page_size == TRAILER:
        yield (
            f"{TRAILER} bytes follow the last page, as in a snapshot of etcd, but they are not the SHA-256 of the "
            "rest: the file was changed or damaged since"
        )
        return
    if size % page_size:
        yield f"the file ends inside a page: it has {size} bytes, {size % page_size} beyond its last whole page"
    if size - used > _AHEAD + page_size:
        yield f"the file is longer than necessary: {size - used} bytes beyond its high-water mark, page {hwm}"
    step = len(_ZEROS)
    starts = (*range(used, min(used + _LOOK, size), step), *range(max(used + _LOOK, size - _LOOK), size, step))
    if not all(_ZEROS.startswith(snapshot.buffer[start : start + step]) for start in starts):
        whose = "no transaction uses them"
        if snapshot.may_have_writer:
            whose = "a transaction that is being written may use them"
        yield f"there are data beyond the high-water mark, page {hwm}, at offset {used}: {whose}"


def pairs_in_root(snapshot: Snapshot) -> Iterator[str]:
    """A sentence about pairs in the root bucket, where bbolt's API puts none. Nothing where that can't be read."""
    from ...format.bucket import BucketRef
    from ...tree.bucket import root_bucket
    from ..read.select_items import items

    try:
        names = [
            key
            for part in items(snapshot, root_bucket(snapshot))
            for key, value in zip(part.keys, part.values)
            if not isinstance(value, BucketRef)
        ]
    except Corrupted:
        return  # a finding says so
    if names:
        shown = ", ".join(repr(name)[1:] for name in names[:3]) + ", ..." * (len(names) > 3)
        count = f"{len(names)} pair{'s' * (len(names) > 1)}"
        yield f"the root bucket holds {count} besides buckets: {shown}; `boltcli items` lists them"


def trailer_is_right(snapshot: Snapshot) -> bool | None:
    """Return whether the hash at the end of the file is correct; None if the file's length shows that it has none."""
    if "trailer" not in snapshot.memo:
        snapshot.memo["trailer"] = _trailer_is_right(snapshot)
    return snapshot.memo["trailer"]  # type: ignore[no-any-return]


def _trailer_is_right(snapshot: Snapshot) -> bool | None:
    size = snapshot.size
    if size % _UNIT != TRAILER:
        return None
    from hashlib import sha256

    digest = sha256()
    end = size - TRAILER
    with memoryview(snapshot.buffer) as view:
        for start in range(0, end, _CHUNK):
            with view[start : min(start + _CHUNK, end)] as part:
                digest.update(part)
        return bytes(view[end:size]) == digest.digest()
