"""``lock``: show which process holds the lock of a database. bbolt has no such command."""

from __future__ import annotations

from ... import render
from ...render.info_text import holders_text
from ...storage.holders import holders, lock_mode
from ...storage.source import open_source
from ..command import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..options import Path
    from ..output import Output

_STATUSES = {None: 0, "shared": 2, "exclusive": 3}


@command(
    "lock",
    example="boltcli lock fixtures/document.db",
    statuses={0: "no process holds the lock", 2: "readers hold the lock", 3: "a writer holds the lock"},
)
def lock(out: Output, *, path: Path) -> int:
    """Show which process holds the lock."""
    with open_source(path, "none") as source:
        found = holders(source)
    out.records(lambda: map(render.records.holder, found), lambda: holders_text(found))
    return _STATUSES[lock_mode(found)]
