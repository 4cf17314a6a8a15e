"""``du``: show the space used by each bucket. bbolt has no such command."""

from __future__ import annotations

import mmap

from ... import render
from ...ops.space.pages import Usage
from ...ops.write.compact import measure
from ...render.du_report import ORDERS, usage_screen, usage_text
from ..command import Summary, command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, Literal

    from ..options import All, Databases, Depth, Human, Jobs, choice, number
    from ..output import Output

_ORDER = "Order of the buckets: name|size|keys; default: size on a terminal, else name."


@command(
    "du",
    example="boltcli du fixtures/document.db",
    several=True,
    summary=Summary(
        *((name, name, "size") for name in ("size", "free", "lost", "unused")),
        ("compact --dense frees", "freed_bytes", "size"),
        order="freed_bytes",
        is_measure=True,
    ),
)
def du(
    db: Databases,
    out: Output,
    *,
    depth: Depth = 0,
    jobs: Jobs = 0,
    sort: Annotated[Literal["", "name", "size", "keys"], choice(_ORDER, "ORDER")] = "",
    top: Annotated[int, number("Show only this many of the largest buckets; 0: all.")] = 0,
    human: Human = False,
    all: All = False,
) -> None:
    """Show how the space of the file is used: by bucket, free, lost; and how much compaction would free."""
    found = Usage(db)
    if found.problem is not None:
        out.warn(f"the freelist cannot be read, so lost pages are counted as free: {found.problem}")
    with out.progress("measuring") as progress:
        dense = measure(db, mmap.PAGESIZE, progress)
    buckets = [bucket for bucket in found.buckets[1:] if not depth or bucket.level <= depth]
    if top:
        chosen = {id(bucket) for bucket in sorted(buckets, key=ORDERS["size"])[:top]}
        buckets = [bucket for bucket in buckets if id(bucket) in chosen]
    buckets.sort(key=ORDERS[sort or "name"])
    largest = buckets if sort else sorted(buckets, key=ORDERS["size"])
    out.report(
        lambda: render.records.usage(out.path, found, buckets, dense),
        lambda screen: usage_screen(screen, out.path, found, largest, dense, every=all or bool(depth or top)),
        lambda: usage_text(found, buckets, dense, human),
    )
