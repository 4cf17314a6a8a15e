"""``recover``: write everything that a damaged file still holds to a sound database. bbolt has no such command."""

from __future__ import annotations

from ...errors import ArgumentError
from ..command import Command, Option
from ..key_argument import address, addresses
from ..options import FILE, FORCE, HUMAN, LOCKING, NO_SYNC, OUTPUT
from ..values import parse_name, parse_uint64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ..job import Job

LOSSES = 2  # exit status

COMMAND = Command(
    "recover",
    "Write everything that a damaged file still holds to a sound database.",
    arguments=(FILE,),
    least=1,
    most=1,
    options=(
        OUTPUT,
        Option(
            "bucket", "Only this bucket; repeat it for a nested one.",
            default=[], metavar="NAME", parse=parse_name, kind="bucket",
        ),
        Option("no-lost-and-found", "Leave out pages whose bucket is not known.", default=False),
        Option("lost-and-found", "Name of the bucket for pages whose bucket is not known.",
               default="lost+found", metavar="NAME"),
        Option("deleted", "Also keep old versions and deleted pairs, in the bucket deleted.", default=False),
        Option(
            "state",
            "Where several states may be the newest one, take this one, by its number in their list; 0: the likeliest.",
            default=0, metavar="N", parse=parse_uint64,
        ),
        Option("page-size", "Page size of the file; 0: find it.", default=0, metavar="N", parse=parse_uint64),
        FORCE,
        NO_SYNC,
        HUMAN,
        *LOCKING,
    ),
    example="boltcli recover -o recovered.db fixtures/document.db",
    statuses={
        0: "all that was reachable is there",
        1: "nothing was written",
        LOSSES: "written; something is lost or changed, or another state may be the newest one",
    },
    group="Rescue",
)  # fmt: skip


class Options:
    """The values of the options."""

    output: str
    bucket: list[str]
    no_lost_and_found: bool
    lost_and_found: str
    deleted: bool
    state: int
    page_size: int
    force: bool
    no_sync: bool
    human: bool


def prepare(job: Job[Options]) -> None:
    if not job.options.output:
        raise ArgumentError("output file required")
    if not job.options.lost_and_found:
        raise ArgumentError("--lost-and-found needs a name; --no-lost-and-found leaves such pages out")


def run(job: Job[Options], out: BinaryIO, err: BinaryIO) -> int:
    from ...ops.rescue.recover import other_database, recover_file
    from ...render.recovery import recovery_record, recovery_text

    options = job.options
    with job.progress("recovering") as progress:
        report = recover_file(
            job.path,
            options.output,
            lock=job.lock,
            timeout=job.timeout,
            page_size=options.page_size,
            state=options.state,
            bucket=tuple(addresses(options.bucket)),
            lost_and_found=None if options.no_lost_and_found else address(options.lost_and_found),
            deleted=options.deleted,
            replace=options.force,
            sync=not options.no_sync,
            progress=progress,
        )
    for offset in report.others:
        job.warn(other_database(offset))
    if job.json:
        from ...render import records

        out.write(records.line(recovery_record(report)))
    else:
        out.write(recovery_text(report, job.options.human or out.isatty()))
    return 0 if report.is_all else LOSSES
