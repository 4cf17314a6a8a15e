"""``inspect``: print the tree of buckets as JSON."""

from __future__ import annotations

from ... import render
from ...ops.stats.buckets import inspect
from ...render.bbolt_text import inspect_text
from ..command import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..options import Database
    from ..output import Output


@command("inspect", example="boltcli inspect fixtures/document.db")
def inspect_(db: Database, out: Output) -> None:
    """Show the tree of buckets and how many pairs each holds, as JSON."""
    out.stream([inspect(db)], json=lambda tree: render.records.tree(tree), text=inspect_text)
