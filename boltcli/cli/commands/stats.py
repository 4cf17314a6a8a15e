"""``stats``: sum statistics over all top-level buckets, or those with a prefix."""

from __future__ import annotations

from ...ops.stats.buckets import database_stats
from ...render import text
from ..command import command
from ..key_argument import address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, BinaryIO

    from typer import Argument, Option

    from ..job import Job
    from ..options import Databases, HumanIfGiven, Jobs, buckets


def prepare(job: Job) -> None:
    _prefix(job)


def _prefix(job: Job) -> bytes:
    return address(job.arguments[1] if len(job.arguments) > 1 else job.options.prefix)


@command("stats", example="boltcli stats fixtures/document.db", several=True, validate=prepare)
def stats(
    db: Databases,
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    start: Annotated[
        str, Argument(metavar="PREFIX", help="Only buckets whose name begins with this.", autocompletion=buckets)
    ] = "",
    jobs: Jobs = 0,
    prefix: Annotated[str, Option(help="The same as PREFIX; then all arguments are files.", metavar="PREFIX")] = "",
    human: HumanIfGiven = False,
) -> None:
    """Count pages, pairs and bytes over the top-level buckets."""
    with job.progress("counting") as progress:
        count, total = database_stats(db, _prefix(job), progress=progress)
    if job.json:
        if len(job.arguments) > 1 and not count:
            given = job.arguments[1]
            job.warn(f"no bucket's name begins with the prefix {given!r}; with --recursive all arguments are files")
        from ...render import records

        out.write(records.line(records.stats(job.path, count, total)))
        return
    out.write(text.stats(count, total, human))
