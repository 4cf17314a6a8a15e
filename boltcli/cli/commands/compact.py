"""``compact``: copy a database without its free pages."""

from __future__ import annotations

from ...errors import ArgumentError
from ...ops.write.compact import compact
from ..command import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, BinaryIO

    from typer import Argument, Option

    from ...storage.snapshot import Snapshot
    from ..job import Job
    from ..options import Destination, FillPercent, Force, HumanIfGiven, NoSync, PageSize, files
    from ..values import parse_int64


def prepare(job: Job) -> None:
    if not job.options.output:
        raise ArgumentError("output file required")


@command("compact", example="boltcli compact -o compact.db fixtures/many-free.db", group="Write", validate=prepare)
def compact_(
    db: Annotated[
        Snapshot, Argument(metavar="SRC", help="The bolt database file; it is not changed.", autocompletion=files)
    ],
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    mores: Annotated[list[str], Argument(metavar="MORE", help="Ignored, as by bbolt.", hidden=True)] = [],
    output: Destination,
    tx_max_size: Annotated[
        int,
        Option(
            help="Write at most this many bytes of keys and values in one transaction; 0: no limit.",
            metavar="N",
            parser=parse_int64,
        ),
    ] = 65536,
    no_sync: NoSync = False,
    force: Force = False,
    dense: Annotated[
        bool, Option(help="Write the smallest copy, with full pages and no free ones. Not in bbolt.")
    ] = False,
    fill_percent: FillPercent = 100,
    page_size: PageSize = 0,
    human: HumanIfGiven = False,
) -> None:
    """Copy a database without its free pages."""
    with job.progress("compacting") as progress:
        done = compact(
            db,
            output,
            tx_max_size=tx_max_size,
            dense=dense,
            page_size=page_size,
            fill_percent=fill_percent,
            replace=force,
            sync=not no_sync,
            progress=progress,
        )
    if job.json:
        from ...render import records

        facts = {name: getattr(done, name) for name in done.__slots__} | {"gain": done.gain}
        out.write(records.line(records.result(job.path, output, **facts)))
        return
    for warning in done.warnings:
        job.warn(str(warning))
    if human:
        from ...text.sizes import size

        out.write(f"{size(done.source_size)} -> {size(done.size)} (gain={done.gain:.2f}x)\n".encode())
        return
    out.write(b"%d -> %d bytes (gain=%.2fx)\n" % (done.source_size, done.size, done.gain))
