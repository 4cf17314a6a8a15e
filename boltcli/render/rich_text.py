"""What rich draws on a terminal: a tree of buckets, and Markdown."""

from __future__ import annotations

from io import StringIO

from rich.console import Console
from rich.markdown import Markdown
from rich.text import Text
from rich.tree import Tree

from ..text.values import shell_word
from ..text.visible import visible
from .du_report import Shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..ops.stats.buckets import BucketRecord


def rich_tree(title: str, buckets: list[BucketRecord], size: int, human: bool = False) -> bytes:
    """Return ``buckets`` (parents first) as a tree in colours."""
    shown = Shown(buckets, size, human)
    top = Tree(_label(visible(title), buckets[0], shown))
    nodes = {id(buckets[0]): top}
    for bucket in buckets[1:]:
        label = _label(shell_word(bucket.name), bucket, shown)
        nodes[id(bucket)] = nodes[id(bucket.parent)].add(label)
    text = StringIO()
    Console(file=text, force_terminal=True, width=Console().width).print(top)
    return text.getvalue().encode("utf-8", "surrogateescape")


def _label(name: str, bucket: BucketRecord, shown: Shown) -> Text:
    style = "bold" if 4 * bucket.bytes > shown.size else ""
    # On one line, within the terminal's width.
    return Text.assemble((name, "cyan"), "  ", (shown.facts(bucket), style or "dim"), no_wrap=True, overflow="ellipsis")


_WIDEST = 110  # columns: longer lines are hard to read


def markdown(markdown: str) -> bytes:
    """Return ``markdown`` with the colours and lines of a terminal, as wide as that is."""
    text = StringIO()
    width = min(Console().width, _WIDEST)
    Console(file=text, force_terminal=True, width=width).print(Markdown(markdown))
    return text.getvalue().encode("utf-8", "surrogateescape")
