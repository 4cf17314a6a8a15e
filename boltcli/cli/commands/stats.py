"""``stats``: the sums over all top-level buckets, or those with a prefix."""

from __future__ import annotations

from ...ops.stats.database_stats import database_stats
from ...render import text
from ...storage.readahead import ReadAhead
from ..access import database
from ..key_argument import address
from ..progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def run(arguments: list[str], options: dict[str, str | int], out: BinaryIO, err: BinaryIO) -> None:
    prefix = address(arguments[1] if len(arguments) > 1 else str(options["prefix"]))
    jobs = int(options["jobs"])
    with (
        database(arguments[0], options, out) as snapshot,
        ReadAhead(snapshot, jobs != 1 and not prefix),
        Progress("counting") as progress,
    ):
        count, total = database_stats(snapshot, prefix, jobs=jobs, progress=progress)
    if options["json"]:
        from ...render import records

        out.write(records.line(records.stats(arguments[0], count, total)))
        return
    out.write(text.stats(count, total))
