"""``info``: print the page size; with --json also the meta page and the application that wrote the file."""

from __future__ import annotations

from ..command import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ...apps.contract import Recognition
    from ...storage.snapshot import Snapshot
    from ..job import Job
    from ..options import Databases, Jobs


@command("info", example="boltcli info fixtures/document.db", several=True)
def info(db: Databases, job: Job, out: BinaryIO, err: BinaryIO, *, jobs: Jobs = 0) -> None:
    """Print the page size; on a terminal also size, transaction, buckets and application."""
    if job.json:
        from ...render import records

        found = _application(db)
        known: dict[str, str | None] = {"application": None, "layout": None, "certainty": None}
        if found is not None:
            known = {"application": found.name, "layout": found.layout, "certainty": found.certainty}
        out.write(records.line(records.info(db) | known))
        return
    out.write(b"Page Size: %d\n" % db.page_size)
    if job.summary or out.isatty():  # in a pipe the output is bbolt's
        from ...render.summary import summary
        from ..hints import next_steps

        found = _application(db)
        out.write(summary(db, f"{found.name}, {found.layout} ({found.certainty})" if found else ""))
        if job.summary:
            out.write(next_steps(job.path, db))


def _application(snapshot: Snapshot) -> Recognition | None:
    from ...apps.registry import recognise
    from ...apps.store import SnapshotStore

    found = recognise(SnapshotStore(snapshot))
    return None if found is None else found[1]
