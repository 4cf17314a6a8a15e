"""``compact``: copy a database without its free pages."""

from __future__ import annotations

from ...errors import ArgumentError
from ...ops.write.compact import compact
from ..command import Argument, Command, Option
from ..options import FILL_PERCENT, FORCE, HUMAN_ONLY_IF_GIVEN, NO_SYNC, OUTPUT, PAGE_SIZE
from ..values import parse_int64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ...storage.snapshot import Snapshot
    from ..job import Job

COMMAND = Command(
    "compact",
    "Copy a database without its free pages.",
    arguments=(
        Argument("SRC", "file", "The bolt database file; it is not changed."),
        Argument("MORE", "text", "Ignored, as by bbolt.", many=True, required=False, hidden=True),
    ),
    least=1,
    options=(
        OUTPUT,
        Option(
            "tx-max-size",
            "Write at most this many bytes of keys and values in one transaction; 0: no limit.",
            default=65536,
            metavar="N",
            parse=parse_int64,
        ),
        NO_SYNC,
        FORCE,
        Option("dense", "Write the smallest copy, with full pages and no free ones. Not in bbolt.", default=False),
        FILL_PERCENT,
        PAGE_SIZE,
        HUMAN_ONLY_IF_GIVEN,
    ),
    opens=True,
    example="boltcli compact -o compact.db fixtures/many-free.db",
    group="Write",
)


class Options:
    """The values of the options."""

    output: str
    tx_max_size: int
    no_sync: bool
    force: bool
    dense: bool
    fill_percent: int
    page_size: int
    human: bool


def prepare(job: Job[Options]) -> None:
    if not job.options.output:
        raise ArgumentError("output file required")


def run(snapshot: Snapshot, job: Job[Options], out: BinaryIO, err: BinaryIO) -> None:
    options = job.options
    with job.progress("compacting") as progress:
        done = compact(
            snapshot,
            options.output,
            tx_max_size=options.tx_max_size,
            dense=options.dense,
            page_size=options.page_size,
            fill_percent=options.fill_percent,
            replace=options.force,
            sync=not options.no_sync,
            progress=progress,
        )
    if job.json:
        from ...render import records

        facts = {name: getattr(done, name) for name in done.__slots__} | {"gain": done.gain}
        out.write(records.line(records.result(job.path, options.output, **facts)))
        return
    for warning in done.warnings:
        job.warn(str(warning))
    if options.human:
        from ...render.human import size

        out.write(f"{size(done.source_size)} -> {size(done.size)} (gain={done.gain:.2f}x)\n".encode())
        return
    out.write(b"%d -> %d bytes (gain=%.2fx)\n" % (done.source_size, done.size, done.gain))
