"""``browse``: browse a database on the terminal."""

from __future__ import annotations

import os
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
def browse(opener: Opener, out: Output, *, path: Path) -> int:
    """Browse views, buckets and values as tables on the terminal; the file is only read, and not locked."""
    need("textual", "browse", "browse")
    if not (os.isatty(0) and out.is_terminal and out.err.isatty()):  # textual writes to stderr
        raise ArgumentError("browse needs a terminal; items, get and export print the content of a file")
    from ..browse.app import BrowseApp
    from ..browse.session import Session

    reopen = partial(opener.live, path)
    app = BrowseApp(Session(path, reopen), reopen())
    app.run()
    return app.return_code or 0
