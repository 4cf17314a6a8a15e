"""``buckets``: list the names of the top-level buckets, raw."""

from __future__ import annotations

from ... import render
from ...read_errors import Corrupted
from ...tree.bucket import keys_on_one_page, root_bucket
from ..command import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ...storage.snapshot import Snapshot
    from ..options import Database
    from ..output import Output, Record


@command("buckets", example="boltcli buckets fixtures/document.db")
def buckets(db: Database, out: Output) -> None:
    """List the top-level buckets."""
    out.records(lambda: _records(db), lambda: _lines(db, out.is_terminal))


def _records(db: Snapshot) -> Iterator[Record]:
    from ...ops.read.key_pages import top_buckets

    return (render.records.bucket(name, bucket) for name, bucket in top_buckets(db))


def _lines(db: Snapshot, is_terminal: bool) -> Iterator[bytes]:
    """Yield a line for each name, raw as in bbolt; on a terminal a newline in a name is escaped."""

    def lines(names: Iterable[bytes]) -> bytes:
        if is_terminal:
            names = [name.replace(b"\n", b"\\x0a") for name in names]
        return b"".join([name + b"\n" for name in names])

    few = keys_on_one_page(db, root_bucket(db))
    if few is not None:
        yield lines(few)
        return
    from ...ops.read.key_pages import keyed_leaves, surviving_keys

    shown: set[bytes] = set()
    try:
        for _, names in keyed_leaves(db, root_bucket(db)):
            yield lines(names)
            shown.update(names)
    except Corrupted:
        for found in surviving_keys(db, root_bucket(db)):
            if not isinstance(found, Corrupted):
                yield lines(name for name in found if name not in shown)
        raise
