"""``top``: show what takes the space."""

from __future__ import annotations

import mmap
import os

from ..command import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, Any

    from typer import Argument, Option

    from ..options import Database, Human, buckets
    from ..output import Output
    from ..values import parse_count


@command("top", example="boltcli top fixtures/bacalhau-compute-1.4.db", group="Space")
def top(
    db: Database,
    out: Output,
    *,
    buckets: Annotated[
        list[bytes],
        Argument(metavar="BUCKET", help="Only this bucket: its path, outermost name first.", autocompletion=buckets),
    ] = [],
    sep: Annotated[
        str, Option(help="Separator of the parts of a key; auto: find it in the keys.", metavar="TEXT")
    ] = "auto",
    depth: Annotated[
        int, Option(help="Number of parts of a key that make a prefix.", metavar="N", parser=parse_count)
    ] = 1,
    levels: Annotated[
        int,
        Option(
            help="Levels of buckets to show separately; 0: one, or more if one bucket has nearly everything.",
            metavar="N",
            parser=parse_count,
        ),
    ] = 0,
    limit: Annotated[
        int, Option(help="Show at most this many rows of a table; 0: all.", metavar="N", parser=parse_count)
    ] = 10,
    human: Human = False,
) -> None:
    """Show what takes the space: buckets, key prefixes, largest pairs, sizes, fill of pages, free runs."""
    from ...ops.space.top import space_top, top_levels
    from ...ops.write.compact import measure
    from ...render.top_report import top_record, top_text

    most = limit or 1 << 62
    how: dict[str, Any] = {
        "separator": None if sep == "auto" else os.fsencode(sep),
        "depth": max(depth, 1),
        "most": min(most, 1000),
    }
    with out.progress("counting"):
        found = space_top(db, buckets, levels=levels, **how) if levels else top_levels(db, buckets, **how)
        dense = measure(db, mmap.PAGESIZE)
    out.record(
        lambda: top_record(out.path, found, dense, limit),
        lambda: top_text(found, dense, most, human or out.is_terminal),
    )
