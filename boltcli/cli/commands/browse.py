"""``browse``: browse a database on the terminal."""

from __future__ import annotations

import os
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from ...errors import ArgumentError
from ...extras import need
from ..command import command

if TYPE_CHECKING:
    from ..opener import Opener
    from ..options import Path
    from ..output import Output


@command("browse", example="boltcli browse fixtures/document.db", group="Space", opens=True, json=False)
def browse(opener: Opener, out: Output, *, path: Path) -> None:
    """Browse buckets, keys and values on the terminal; nothing is written."""
    need("textual", "browse", "browse")
    if not (os.isatty(0) and out.is_terminal and out.err.isatty()):  # textual writes to stderr
        raise ArgumentError("browse needs a terminal; items, get and export print the content of a file")
    db = opener.open(path, previous=opener.previous)
    locking = db.locked  # if a writer holds the lock, it probably keeps it: then read newer states without waiting
    from ..browse.app import BrowseApp
    from ..browse.session import Session

    reopened = partial(opener.open, path, previous=opener.previous, locking=locking)
    with closing(Session(path, db, reopened)) as session:
        BrowseApp(session).run()
