"""``lock``: show which process holds the lock of a database. bbolt has no such command."""

from __future__ import annotations

from ... import render
from ...api.lock import lock
from ...render.info_text import holders_text
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
def lock_(out: Output, *, path: Path) -> int:
    """Show which process holds the lock."""
    found = lock(path)
    out.records(lambda: map(render.records.holder, found), lambda: holders_text(found))
    return _STATUSES[found.mode]
