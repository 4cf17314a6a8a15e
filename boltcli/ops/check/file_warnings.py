"""Warnings about a file that bbolt's check ignores."""

from __future__ import annotations

from ...errors import Corrupted
from ...format.constants import MAGIC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...format.meta import Meta
    from ...storage.snapshot import Snapshot

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


def remarks(snapshot: Snapshot) -> Iterator[str]:
    """Yield warnings about the other meta page and about the file's length."""
    if snapshot.meta is max(snapshot.metas, key=_rank):  # not with --previous
        yield from _other_meta(snapshot)
    yield from _length(snapshot)


def pairs_in_root(snapshot: Snapshot) -> Iterator[str]:
    """A sentence about pairs in the root bucket, where bbolt's API puts none. Nothing where that can't be read."""
    from ...format.bucket import BucketRef  # only a deep check needs these
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
        yield f"the root bucket holds {count} beside buckets: {shown}; `boltcli items` lists them"


def _rank(meta: Meta) -> tuple[bool, int, int]:
    return meta.problem() is None, meta.txid, -meta.page


def _other_meta(snapshot: Snapshot) -> Iterator[str]:
    other = snapshot.metas[1 - snapshot.meta.page]
    problem = other.problem()
    if problem is None:
        return
    here = f"meta page {other.page} at offset {other.page * snapshot.page_size} is not valid ({problem})"
    txid = snapshot.meta.txid
    # Only the next transaction id is plausible, as bbolt writes the two meta pages in turn.
    if other.magic == MAGIC and other.txid == txid + 1:
        yield f"{here}; it would be the newer one: this is transaction {txid}, not {other.txid}"
    else:
        yield f"{here}: there is nothing to fall back to from transaction {txid}"


def _length(snapshot: Snapshot) -> Iterator[str]:
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
        yield f"there are data beyond the high-water mark, page {hwm}, at offset {used}: no transaction uses them"


def trailer_is_right(snapshot: Snapshot) -> bool | None:
    """Return whether the hash at the end of the file is correct; None if the file's length shows that it has none."""
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
