"""``stats``: sum statistics over all top-level buckets, or those with a prefix."""

from __future__ import annotations

from ... import render
from ...ops.stats.buckets import database_stats
from ...render.bbolt_text import stats_text
from ..command import Summary, command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated

    from ..options import Databases, HumanIfGiven, Jobs, argument, buckets, text
    from ..output import Output, Record


@command(
    "stats",
    example="boltcli stats fixtures/document.db",
    several=True,
    summary=Summary(
        ("buckets", "buckets", "integer"),
        ("keys", "keys", "integer"),
        ("depth", "depth", "integer"),
        ("branch pages", "branch_pages", "integer"),
        ("leaf pages", "leaf_pages", "integer"),
        ("leaf use %", "leaf_inuse_percent", "integer"),
        order="keys",
        is_measure=True,
    ),
)
def stats(
    db: Databases,
    out: Output,
    *,
    start: Annotated[bytes, argument("PREFIX", "Only buckets whose name begins with this.", buckets)] = b"",
    jobs: Jobs = 0,
    prefix: Annotated[
        bytes, text("Count only buckets whose name begins with this; all arguments are then files.", "PREFIX")
    ] = b"",
    human: HumanIfGiven = False,
) -> None:
    """Count pages, pairs and bytes over the top-level buckets."""
    with out.progress("counting") as progress:
        count, total = database_stats(db, start or prefix, progress=progress)

    def record() -> Record:
        if start and not count:
            given = start.decode("utf-8", "surrogateescape")
            out.warn(f"no bucket's name begins with the prefix {given!r}; with --recursive all arguments are files")
        return render.records.stats(out.path, count, total)

    out.record(record, lambda: stats_text(count, total, human))
