"""``compact``: a copy without what is free."""

from __future__ import annotations

from ...errors import ArgumentError, DestinationExists
from ...ops.write.compact import compact
from ..access import database
from ..progress import Progress
from ..values import go_quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def run(arguments: list[str], options: dict[str, str | int], out: BinaryIO, err: BinaryIO) -> None:
    path = str(options["output"])
    if not path:
        raise ArgumentError("output file required")
    with database(arguments[0], options, out) as snapshot, Progress("compacting") as progress:
        try:
            done = compact(
                snapshot,
                path,
                tx_max_size=int(options["tx-max-size"]),
                dense=bool(options["dense"]),
                page_size=int(options["page-size"]),
                fill_percent=int(options["fill-percent"]),
                replace=bool(options["force"]),
                sync=not options["no-sync"],
                progress=progress,
            )
        except DestinationExists:
            hint = "" if options["force"] else ": --force replaces it"
            raise ArgumentError(f"output file {go_quote(path)} already exists{hint}") from None
    if options["json"]:
        from ...render import records

        facts = {name: getattr(done, name) for name in done.__slots__} | {"gain": done.gain}
        out.write(records.line(records.result(arguments[0], path, **facts)))
        return
    for warning in done.warnings:
        err.write(f"warning: {warning}\n".encode("utf-8", "surrogateescape"))
    out.write(b"%d -> %d bytes (gain=%.2fx)\n" % (done.source_size, done.size, done.gain))
