"""``buckets``: list the names of the top-level buckets, raw."""

from __future__ import annotations

from ...read_errors import Corrupted
from ...tree.bucket import keys_on_one_page, root_bucket
from ..command import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ..job import Job
    from ..options import Database


@command("buckets", example="boltcli buckets fixtures/document.db")
def buckets(db: Database, job: Job, out: BinaryIO, err: BinaryIO) -> None:
    """List the top-level buckets."""
    if job.json:
        from ...ops.read.key_pages import top_buckets
        from ...render import records

        for name, bucket in top_buckets(db):
            out.write(records.line(records.bucket(name, bucket)))
        return
    few = keys_on_one_page(db, root_bucket(db))
    if few is not None:
        out.write(_lines(few, out))
        return
    from ...ops.read.key_pages import keyed_leaves, surviving_keys

    shown: set[bytes] = set()
    try:
        for _, names in keyed_leaves(db, root_bucket(db)):
            out.write(_lines(names, out))
            shown.update(names)
    except Corrupted:
        for found in surviving_keys(db, root_bucket(db)):
            if not isinstance(found, Corrupted):
                out.write(_lines([name for name in found if name not in shown], out))
        raise


def _lines(names: list[bytes], out: BinaryIO) -> bytes:
    """Return a line for each name, raw as in bbolt; on a terminal a newline in a name is escaped."""
    if out.isatty():
        names = [name.replace(b"\n", b"\\x0a") for name in names]
    return b"".join([name + b"\n" for name in names])
