"""What ``du`` and ``tree`` print."""

from __future__ import annotations

from .human import amount
from .names import path_text, shell_quoted, typed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..ops.space.space_usage import BucketUsage, Usage

ORDERS: dict[str, Callable[[BucketUsage], Any]] = {
    "name": lambda bucket: bucket.path,
    "size": lambda bucket: (-bucket.bytes, bucket.path),
    "keys": lambda bucket: (-bucket.keys, bucket.path),
}


def usage_text(found: Usage, buckets: list[BucketUsage], dense: int, human: bool = False) -> bytes:
    """A line for each bucket and for all that isn't in one, then the sum; ``human``: in KiB and the like."""
    rows = [(bucket.bytes, ("(inline) " if bucket.inline else "") + path_text(bucket.path)) for bucket in buckets]
    others = [
        (found.root, "(root bucket's own pages)"),
        (found.meta, "(meta pages)"),
        (found.freelist, "(freelist)"),
        (found.free, "(free)"),
        (found.lost, "(lost: neither in use nor free)"),
        (found.unused, "(after the last page)"),
    ]
    rows += [row for row in others if row[0]]
    rows.append((found.size, "total"))
    shown = [(amount(size, human), name) for size, name in rows]
    width = max(len(size) for size, _ in shown)
    lines = [f"{size:>{width}}  {name}\n" for size, name in shown]
    gain = max(found.size - dense, 0)
    lines.append(f"compact --dense would give back {amount(gain, human)}{'' if human else ' bytes'}\n")
    return "".join(lines).encode()


def arranged(buckets: list[BucketUsage], order: str, depth: int, start: BucketUsage) -> list[BucketUsage]:
    """``start`` and what is inside it, each before those in it, in ``order``, down to ``depth`` levels (0: all)."""
    inside: dict[int, list[BucketUsage]] = {}
    for bucket in buckets[1:]:
        if not depth or len(bucket.path) <= depth + len(start.path):
            inside.setdefault(id(bucket.parent), []).append(bucket)
    result = []
    todo = [start]
    while todo:
        bucket = todo.pop()
        result.append(bucket)
        todo += sorted(inside.get(id(bucket), ()), key=ORDERS[order])[::-1]
    return result


class Shown:
    """What is said of each of ``buckets``, in a file of ``size`` bytes: nothing that is the same 0 or 1 for all."""

    def __init__(self, buckets: list[BucketUsage], size: int, human: bool = False) -> None:
        self.human = human
        self.size = size
        self.depth = any(bucket.depth > 1 for bucket in buckets)
        self.sequence = any(bucket.sequence for bucket in buckets)

    def facts(self, bucket: BucketUsage) -> str:
        """The facts of ``bucket``, with commas between."""
        return _facts(bucket, self.size, self.depth, self.sequence, self.human)


def _facts(bucket: BucketUsage, size: int, depth: bool, sequence: bool, human: bool) -> str:
    words = [f"{bucket.pairs} pair{'s' * (bucket.pairs != 1)}"]
    if bucket.keys != bucket.pairs:
        words.append(f"{bucket.keys} with those inside")
    words.append(f"{amount(bucket.bytes, human)}{' bytes' * (not human)}{' inline' * bucket.inline}")
    words.append(f"{100 * bucket.bytes / size:.1f}%")
    words += [f"depth {bucket.depth}"] * depth + [f"sequence {bucket.sequence}"] * sequence
    return ", ".join(words)


def tree_text(title: str, buckets: list[BucketUsage], size: int, human: bool = False) -> bytes:
    """The tree of ``buckets`` (each before those inside it, the root bucket first), drawn with lines."""
    shown = Shown(buckets, size, human)
    lines = [f"{title}: {shown.facts(buckets[0])}\n"]
    last: set[int] = set()  # of those that have no sibling behind them
    seen: set[int] = set()
    for bucket in reversed(buckets):
        if id(bucket.parent) not in seen:
            seen.add(id(bucket.parent))
            last.add(id(bucket))
    for bucket in buckets[1:]:
        margin = "└── " if id(bucket) in last else "├── "
        above = bucket.parent
        while above is not None and above is not buckets[0]:
            margin = ("    " if id(above) in last else "│   ") + margin
            above = above.parent
        lines.append(f"{margin}{shell_quoted(typed(bucket.path[-1]))}: {shown.facts(bucket)}\n")
    return "".join(lines).encode("utf-8", "surrogateescape")
