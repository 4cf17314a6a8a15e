"""What ``du`` and ``tree`` print."""

from __future__ import annotations

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


def usage_text(found: Usage, buckets: list[BucketUsage], dense: int) -> bytes:
    """A line for each bucket and for all that isn't in one, then the sum."""
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
    width = len(str(max(size for size, _ in rows)))
    lines = [f"{size:>{width}}  {name}\n" for size, name in rows]
    lines.append(f"compact --dense would give back {max(found.size - dense, 0)} bytes\n")
    return "".join(lines).encode()


def arranged(buckets: list[BucketUsage], order: str, depth: int) -> list[BucketUsage]:
    """``buckets``, each before those inside it, which are in ``order``, down to ``depth`` levels (0: all)."""
    inside: dict[int, list[BucketUsage]] = {}
    for bucket in buckets[1:]:
        if not depth or len(bucket.path) <= depth:
            inside.setdefault(id(bucket.parent), []).append(bucket)
    result = []
    todo = buckets[:1]
    while todo:
        bucket = todo.pop()
        result.append(bucket)
        todo += sorted(inside.get(id(bucket), ()), key=ORDERS[order])[::-1]
    return result


def facts(bucket: BucketUsage, size: int) -> str:
    """What is to be said of a bucket, in a file of ``size`` bytes."""
    words = [f"{bucket.pairs} pair{'s' * (bucket.pairs != 1)}"]
    if bucket.keys != bucket.pairs:
        words.append(f"{bucket.keys} with those inside")
    words.append(f"{bucket.bytes} bytes{' inline' * bucket.inline}")
    words.append(f"{100 * bucket.bytes / size:.1f}%")
    words.append(f"depth {bucket.depth}")
    return ", ".join([*words, f"sequence {bucket.sequence}"])


def tree_text(title: str, buckets: list[BucketUsage], size: int) -> bytes:
    """The tree of ``buckets`` (each before those inside it, the root bucket first), drawn with lines."""
    lines = [f"{title}: {facts(buckets[0], size)}\n"]
    last: set[int] = set()  # of those that have no sibling behind them
    seen: set[int] = set()
    for bucket in reversed(buckets):
        if id(bucket.parent) not in seen:
            seen.add(id(bucket.parent))
            last.add(id(bucket))
    for bucket in buckets[1:]:
        margin = "└── " if id(bucket) in last else "├── "
        above = bucket.parent
        while above is not None and above.parent is not None:
            margin = ("    " if id(above) in last else "│   ") + margin
            above = above.parent
        lines.append(f"{margin}{shell_quoted(typed(bucket.path[-1]))}: {facts(bucket, size)}\n")
    return "".join(lines).encode("utf-8", "surrogateescape")
