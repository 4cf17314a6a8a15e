"""``compact``: copy a database without its free pages."""

from __future__ import annotations

from ...ops.write.compact import compact
from ..command import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated

    from typer import Argument, Option

    from ...ops.write.compact import Compaction
    from ...storage.snapshot import Snapshot
    from ..options import Destination, FillPercent, Force, HumanIfGiven, NoSync, PageSize, files
    from ..output import Output, Record
    from ..values import parse_int64


@command("compact", example="boltcli compact -o compact.db fixtures/many-free.db", group="Write")
def compact_(
    db: Annotated[
        Snapshot, Argument(metavar="SRC", help="The bolt database file; it is not changed.", autocompletion=files)
    ],
    out: Output,
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
    with out.progress("compacting") as progress:
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
    out.record(lambda: _record(done, out.path, output), lambda: _text(done, out, human))


def _record(done: Compaction, path: str, output: str) -> Record:
    from ...render import records

    return records.result(
        path, output, buckets=done.buckets, pairs=done.pairs, size=done.size, source_size=done.source_size,
        transactions=done.transactions, warnings=done.warnings, gain=done.gain,
    )  # fmt: skip


def _text(done: Compaction, out: Output, human: bool) -> bytes:
    for warning in done.warnings:
        out.warn(str(warning))
    if human:
        from ...text.sizes import size

        return f"{size(done.source_size)} -> {size(done.size)} (gain={done.gain:.2f}x)\n".encode()
    return b"%d -> %d bytes (gain=%.2fx)\n" % (done.source_size, done.size, done.gain)
