"""``compact``: copy a database without its free pages."""

from __future__ import annotations

from ... import render
from ...api.compact import compact
from ..command import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated

    from ...ops.write.compact import Compaction
    from ...storage.snapshot import Snapshot
    from ..options import (
        Destination,
        FillPercent,
        Force,
        HumanIfGiven,
        NoSync,
        PageSize,
        argument,
        files,
        number,
        switch,
    )
    from ..output import Output
    from ..values import parse_int64


@command("compact", example="boltcli compact -o compact.db fixtures/many-free.db", group="Write")
def compact_(
    db: Annotated[Snapshot, argument("SRC", "The bolt database file; it is not changed.", files)],
    out: Output,
    *,
    mores: Annotated[list[str], argument("MORE", "Ignored, as by bbolt.", hidden=True)] = [],
    output: Destination,
    tx_max_size: Annotated[
        int,
        number("Write at most this many bytes of keys and values in one transaction; 0: no limit.", "N", parse_int64),
    ] = 65536,
    no_sync: NoSync = False,
    force: Force = False,
    dense: Annotated[bool, switch("Write the smallest copy, with full pages and no free ones. Not in bbolt.")] = False,
    fill_percent: FillPercent = 100,
    page_size: PageSize = 0,
    human: HumanIfGiven = False,
) -> None:
    """Copy a database without its free pages."""
    with out.progress("compacting") as progress:
        done = compact(
            db, output, tx_max_size=tx_max_size, dense=dense, page_size=page_size, fill_percent=fill_percent,
            replace=force, sync=not no_sync, progress=progress,
        )  # fmt: skip
    out.record(
        lambda: render.records.result(
            out.path, output, buckets=done.buckets, pairs=done.pairs, size=done.size, source_size=done.source_size,
            transactions=done.transactions, warnings=done.warnings, gain=done.gain,
        ),
        lambda: _text(done, out, human),
    )  # fmt: skip


def _text(done: Compaction, out: Output, human: bool) -> bytes:
    for warning in done.warnings:
        out.warn(str(warning))
    if human:
        from ...text.sizes import size

        return f"{size(done.source_size)} -> {size(done.size)} (gain={done.gain:.2f}x)\n".encode()
    return b"%d -> %d bytes (gain=%.2fx)\n" % (done.source_size, done.size, done.gain)
