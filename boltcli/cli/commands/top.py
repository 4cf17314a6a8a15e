"""``top``: show what takes the space."""

from __future__ import annotations

import mmap
import os
from functools import partial
from typing import TYPE_CHECKING, Annotated

from ...ops.space.top import space_top, top_levels
from ...ops.write.compact import measure
from ...progress import portion
from ...render.top_report import top_record, top_screen, top_text
from ..command import command

if TYPE_CHECKING:
    from ..options import Database, Human, number, of_bucket, text
    from ..output import Output


@command("top", example="boltcli top fixtures/bacalhau-compute-1.4.db", group="Space")
def top(
    db: Database,
    out: Output,
    *,
    buckets: Annotated[list[bytes], of_bucket("Only this bucket: its path, outermost name first.")] = [],
    sep: Annotated[str, text("Separator of the parts of a key; auto finds it in the keys.", "TEXT")] = "auto",
    depth: Annotated[int, number("Number of parts of a key in a prefix.")] = 1,
    levels: Annotated[
        int,
        number("Levels of buckets to show separately; 0: one level, or more if one bucket holds nearly everything."),
    ] = 0,
    limit: Annotated[int, number("Show at most this many rows of a table; 0: all.")] = 10,
    human: Human = False,
) -> None:
    """Show what takes the space: buckets, key prefixes, largest pairs, sizes, fill of pages, free runs."""
    most = limit or 1 << 62
    separator = None if sep == "auto" else os.fsencode(sep)
    measured = partial(space_top, levels=levels) if levels else top_levels
    with out.progress("counting") as progress:
        found = measured(
            db,
            buckets,
            separator=separator,
            depth=max(depth, 1),
            most=min(most, 1000),
            progress=portion(progress, 0, 0.7),
        )
        dense = measure(db, mmap.PAGESIZE, portion(progress, 0.7, 1))
    out.report(
        lambda: top_record(out.path, found, dense, limit),
        lambda screen: top_screen(screen, out.path, found, dense, most),
        lambda: top_text(found, dense, most, human),
    )
