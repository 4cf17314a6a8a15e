"""``diff``: show the differences between two databases. bbolt has no such command."""

from __future__ import annotations

from ...errors import ArgumentError, BoltError, Changed
from ...ops.compare.diff import diff
from ...render.change_lines import summary_lines
from ...tree.walk import bounds
from ..change_output import ChangeOutput
from ..command import command
from ..decoding import asked
from ..key_argument import address, addresses
from ..runner import open_second

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, BinaryIO

    from typer import Argument, Option

    from ...storage.snapshot import Snapshot
    from ..job import Job
    from ..options import BucketPath, Decode, Depth, Human, Message, Proto, buckets, files

DIFFERENT, TROUBLE = 1, 2  # exit statuses, as diff(1) has them


def prepare(job: Job) -> None:
    if len(job.arguments) < 2 and not job.previous:
        raise ArgumentError("requires at least 2 arg(s), only received 1")
    _path(job)
    address(job.options.prefix)
    if job.options.view and (job.options.summary or job.options.bucket):
        raise ArgumentError("--view compares rows: it can't be combined with --summary or --bucket")


def _path(job: Job) -> tuple[bytes, ...]:
    return tuple(addresses(job.options.bucket + job.arguments[1 if job.previous else 2 :]))


@command(
    "diff",
    example="boltcli diff --previous fixtures/document.db",
    group="Compare",
    statuses={0: "nothing differs", 1: "something differs", 2: "they could not be compared, or one is damaged"},
    failure=2,
    validate=prepare,
)
def diff_(
    db: Annotated[Snapshot, Argument(metavar="A", help="The old database.", autocompletion=files)],
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    b: Annotated[
        str, Argument(metavar="B", help="The new database; leave it out with --previous.", autocompletion=files)
    ] = "",
    buckets: BucketPath = [],
    values: Annotated[bool, Option(help="Show old and new values, or the changed fields of JSON values.")] = False,
    summary: Annotated[bool, Option(help="Show only the number of changes in each bucket, and its growth.")] = False,
    depth: Depth = 0,
    human: Human = False,
    keys_only: Annotated[bool, Option(help="Leave out the values, also with --json.")] = False,
    bucket: Annotated[
        list[str], Option(help="Only this bucket; repeat it for a nested one.", metavar="NAME", autocompletion=buckets)
    ] = [],
    prefix: Annotated[
        str,
        Option(
            help="Only keys of the bucket (without --bucket: top-level buckets) that begin with this.", metavar="KEY"
        ),
    ] = "",
    view: Annotated[
        str,
        Option(
            help="Compare this view of the application instead of the pairs;"
            " for etcd at the newest revision that both files have.",
            metavar="NAME",
        ),
    ] = "",
    decode: Decode = "off",
    proto: Proto = "",
    message: Message = "",
) -> int:
    """Show the differences between two databases."""
    with db.reopened() if job.previous else open_second(job.arguments[1], job) as other:
        return _compare(db, other, job, out)


def _compare(old: Snapshot, new: Snapshot, job: Job, out: BinaryIO) -> int:
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
