"""``tree``: show the tree of buckets, in colours on a terminal. bbolt has no such command."""

from __future__ import annotations

import os

from ... import render
from ...errors import BucketNotFound, Corrupted, DamageSkipped
from ...ops.stats.buckets import bucket_usage
from ...render.du_report import arranged, tree_screen, tree_text
from ...text.values import path_text
from ...text.visible import one_line
from ...tree.bucket import find_bucket
from ..command import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Annotated, Literal

    from ..options import All, Database, Depth, Human, choice, of_bucket
    from ..output import Output


@command("tree", example="boltcli tree fixtures/document.db")
def tree(
    db: Database,
    out: Output,
    *,
    buckets: Annotated[list[bytes], of_bucket("Start at this bucket (its path, outermost first).")] = [],
    depth: Depth = 0,
    sort: Annotated[
        Literal["name", "size", "keys"], choice("Order of the buckets within a bucket: size|name|keys", "ORDER")
    ] = "name",
    human: Human = False,
    all: All = False,
) -> None:
    """Show the tree of buckets with pairs, bytes, share of the file, depth and sequence."""
    path = tuple(buckets)
    damages: list[Corrupted] = []
    found = bucket_usage(db, damages)
    start = next((bucket for bucket in found if bucket.level == len(path) and bucket.path == path), None)
    if start is None:
        find_bucket(db, path)  # raises the error
        raise BucketNotFound
    shown = arranged(found, sort, depth, start)
    size = db.size
    title = path_text(path) if path else one_line(os.path.basename(out.path))
    width = out.width if out.has_colours else 0
    damaged = {damage.bucket for damage in damages}

    def text() -> Iterable[bytes] | bytes:
        if out.is_terminal:
            return out.screen(lambda screen: tree_screen(screen, title, shown, size, damaged, every=all))
        return tree_text(title, shown, size, human, width=width)

    styled = out.is_terminal or bool(width)
    out.records(lambda: render.records.bucket_usages(shown[not path :], size), text, styled=styled)
    for damage in damages:
        out.warn(f"not counted: {damage}")
    if damages:
        raise DamageSkipped(len(damages))
