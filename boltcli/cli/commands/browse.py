"""``browse``: browse a database on the terminal."""

from __future__ import annotations

import os

from ...errors import ArgumentError
from ..command import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

    from ..job import Job
    from ..options import Path


@command("browse", example="boltcli browse fixtures/document.db", group="Space", opens=True, json=False)
def browse(job: Job, out: BinaryIO, err: BinaryIO, *, path: Path) -> None:
    """Browse buckets, keys and values on the terminal; the file is only read."""
    from ...extras import need
    from ..runner import open_second

    need("textual", "browse", "browse")
    if not (os.isatty(0) and out.isatty() and err.isatty()):  # textual writes to stderr
        raise ArgumentError("browse needs a terminal; items, get and export print the content of a file")
    db = open_second(job.path, job, previous=job.previous)
    # If a writer holds the lock, it probably keeps it: read newer states without waiting.
    unlocked: dict[str, Any] = {"no-lock": True}
    again = job if db.locked else job.again(err=err, **unlocked)
    from ..browse.app import BrowseApp
    from ..browse.session import Session

    session = Session(job.path, db, lambda: open_second(job.path, again, previous=job.previous))
    try:
        BrowseApp(session).run()
    finally:
        session.close()
