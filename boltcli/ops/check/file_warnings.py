"""What a check passes over, as bbolt's does, though whoever owns the file should know it."""

from __future__ import annotations

from ...errors import Corrupted
from ...format.bucket import BucketRef
from ...format.constants import MAGIC
from ...tree.bucket import root_bucket
from ..read.select_items import items
from .snapshot_trailer import TRAILER, trailer_is_right

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...format.meta import Meta
    from ...storage.snapshot import Snapshot

# bbolt makes its file grow ahead of need: by so much (DB.AllocSize), in whole pages of zeros.
_AHEAD = 16 << 20
_LARGEST_FILE = 1 << 63  # bytes: what would be beyond it is noise
_LOOK = 1 << 20  # bytes looked at, at either end, of what lies behind the high-water mark


def remarks(snapshot: Snapshot) -> Iterator[str]:
    """Sentences about the meta page that doesn't rule, and about the file's length."""
    if snapshot.meta is max(snapshot.metas, key=_rank):  # else the older one was asked for
        yield from _other_meta(snapshot)
    yield from _length(snapshot)


def pairs_in_root(snapshot: Snapshot) -> Iterator[str]:
    """A sentence about pairs in the root bucket, where bbolt's API puts none. Nothing where that can't be read."""
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
    # Another transaction than the next one would be noise: bbolt writes the two meta pages in turn.
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
        return  # a snapshot of etcd: all is as it was when it was made
    if trailer is False and size % page_size == TRAILER:
        yield (
            f"{TRAILER} bytes follow the last page, as in a snapshot of etcd, but they are not the SHA-256 of the "
            "others: the file was changed or damaged since"
        )
        return
    if size % page_size:
        yield f"the file ends inside a page: it has {size} bytes, {size % page_size} beyond its last whole page"
    if size - used > _AHEAD + page_size:
        yield f"the file is longer than it has to be: {size - used} bytes beyond its high-water mark, page {hwm}"
    tail = snapshot.buffer[used : min(used + _LOOK, size)] + snapshot.buffer[max(used + _LOOK, size - _LOOK) : size]
    if tail.strip(b"\0"):
        yield f"there are data beyond the high-water mark, page {hwm}, at offset {used}: no transaction holds them"
