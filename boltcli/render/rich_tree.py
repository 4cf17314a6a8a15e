"""The tree of buckets on a terminal, by rich: the only module that imports it."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from .names import shell_quoted, typed
from .usage import Shown
from .visible import visible

if TYPE_CHECKING:
    from ..ops.stats import BucketRecord


def rich_tree(title: str, buckets: list[BucketRecord], size: int, human: bool = False) -> bytes:
    """Return ``buckets`` (parents first) as a tree in colours."""
    shown = Shown(buckets, size, human)
    top = Tree(_label(visible(title), buckets[0], shown))
    nodes = {id(buckets[0]): top}
    for bucket in buckets[1:]:
        label = _label(shell_quoted(typed(bucket.name)), bucket, shown)
        nodes[id(bucket)] = nodes[id(bucket.parent)].add(label)
    text = StringIO()
    Console(file=text, force_terminal=True, width=Console().width).print(top)
    return text.getvalue().encode("utf-8", "surrogateescape")


def _label(name: str, bucket: BucketRecord, shown: Shown) -> Text:
    style = "bold" if 4 * bucket.bytes > shown.size else ""
    # On one line, within the terminal's width.
    return Text.assemble((name, "cyan"), "  ", (shown.facts(bucket), style or "dim"), no_wrap=True, overflow="ellipsis")
