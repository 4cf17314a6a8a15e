"""``diff``: show the differences between two databases. bbolt has no such command."""

from __future__ import annotations

from ...errors import ArgumentError, BoltError, Changed
from ...ops.compare.diff import diff
from ...render.change_lines import summary_lines
from ...tree.walk import bounds
from ..change_output import ChangeOutput
from ..command import Argument, Command, Option
from ..decoding import DECODE, Decoding, asked
from ..key_argument import address, addresses
from ..options import DEPTH, HUMAN, PATH
from ..runner import open_second
from ..values import parse_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ...storage.snapshot import Snapshot
    from ..job import Job

DIFFERENT, TROUBLE = 1, 2  # exit statuses, as diff(1) has them

COMMAND = Command(
    "diff",
    "Show the differences between two databases.",
    arguments=(
        Argument("A", "file", "The old database."),
        Argument("B", "file", "The new database; leave it out with --previous.", required=False),
        PATH,
    ),
    least=1,
    options=(
        Option("values", "Show old and new values, or the changed fields of JSON values.", default=False),
        Option("summary", "Show only the number of changes in each bucket, and its growth.", default=False),
        DEPTH,
        HUMAN,
        Option("keys-only", "Leave out the values, also with --json.", default=False),
        Option(
            "bucket",
            "Only this bucket; repeat it for a nested one.",
            default=[], metavar="NAME", parse=parse_name, kind="bucket",
        ),
        Option("prefix", "Only keys of the bucket (without --bucket: top-level buckets) that begin with this.",
               default="", metavar="KEY"),
        Option("view", "Compare this view of the application instead of the pairs; for etcd at the newest revision that"
               " both files have.", default="", metavar="NAME"),
        *DECODE,
    ),
    opens=True,
    statuses={
        0: "nothing differs",
        DIFFERENT: "something differs",
        TROUBLE: "they could not be compared, or one is damaged",
    },
    failure=TROUBLE,
    example="boltcli diff --previous fixtures/document.db",
    group="Compare",
)  # fmt: skip


class Options(Decoding):
    """The values of the options."""

    values: bool
    summary: bool
    depth: int
    human: bool
    keys_only: bool
    bucket: list[str]
    prefix: str
    view: str


def prepare(job: Job[Options]) -> None:
    if len(job.arguments) < 2 and not job.previous:
        raise ArgumentError("requires at least 2 arg(s), only received 1")
    _path(job)
    address(job.options.prefix)
    if job.options.view and (job.options.summary or job.options.bucket):
        raise ArgumentError("--view compares rows: it can't be combined with --summary or --bucket")


def _path(job: Job[Options]) -> tuple[bytes, ...]:
    return tuple(addresses(job.options.bucket + job.arguments[1 if job.previous else 2 :]))


def run(snapshot: Snapshot, job: Job[Options], out: BinaryIO, err: BinaryIO) -> int:
    with snapshot.reopened() if job.previous else open_second(job.arguments[1], job) as other:
        return _compare(snapshot, other, job, out)


def _compare(old: Snapshot, new: Snapshot, job: Job[Options], out: BinaryIO) -> int:
    options, path = job.options, _path(job)
    if options.view:
        from ..view_diff import view_diff

        return DIFFERENT if view_diff(old, new, options.view, out, json=job.json) else 0
    decoder = asked(new, options)
    start, stop = bounds(address(options.prefix))
    found = diff(old, new, path, start=start, stop=stop, same_file=job.previous)
    if options.summary:
        from ...ops.compare.change import summary

        rows = summary(found, old, new, path, options.depth)
        if job.json:
            from ...render.changes import summary_record

            out.writelines(map(summary_record, rows))
        elif rows:
            out.writelines(summary_lines(rows, options.human or out.isatty()))
        return DIFFERENT if rows else 0
    status = 0
    values = not options.keys_only and (options.values or job.json)
    output = ChangeOutput(out, json=job.json, values=values, above=len(path), decoder=decoder)
    try:
        for change in found:
            status = DIFFERENT
            output.write(change)
    except Changed:
        raise
    except BoltError as error:
        if job.json and status:
            from ...render.changes import incomplete

            out.write(incomplete(error, job.path))
        raise
    return status
