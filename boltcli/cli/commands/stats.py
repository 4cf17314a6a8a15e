"""``stats``: sum statistics over all top-level buckets, or those with a prefix."""

from __future__ import annotations

from ...ops.stats.buckets import database_stats
from ...render import text
from ..command import Argument, Command, Option
from ..key_argument import address
from ..options import FILES, HUMAN_ONLY_IF_GIVEN, JOBS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ...storage.snapshot import Snapshot
    from ..job import Job

COMMAND = Command(
    "stats",
    "Count pages, pairs and bytes over the top-level buckets.",
    arguments=(FILES, Argument("PREFIX", "bucket", "Only buckets whose name begins with this.", required=False)),
    least=1,
    most=2,
    options=(
        JOBS,
        Option("prefix", "The same as PREFIX; then all arguments are files.", default="", metavar="PREFIX"),
        HUMAN_ONLY_IF_GIVEN,
    ),
    opens=True,
    several=True,
    example="boltcli stats fixtures/document.db",
)


class Options:
    """The values of the options."""

    jobs: int
    prefix: str
    human: bool


def prepare(job: Job[Options]) -> None:
    _prefix(job)


def _prefix(job: Job[Options]) -> bytes:
    return address(job.arguments[1] if len(job.arguments) > 1 else job.options.prefix)


def run(snapshot: Snapshot, job: Job[Options], out: BinaryIO, err: BinaryIO) -> None:
    prefix = _prefix(job)
    with job.progress("counting") as progress:
        count, total = database_stats(snapshot, prefix, progress=progress)
    if job.json:
        if len(job.arguments) > 1 and not count:
            given = job.arguments[1]
            job.warn(f"no bucket's name begins with the prefix {given!r}; with --recursive all arguments are files")
        from ...render import records

        out.write(records.line(records.stats(job.path, count, total)))
        return
    out.write(text.stats(count, total, job.options.human))
