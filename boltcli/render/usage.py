"""What ``du`` and ``tree`` print."""

from __future__ import annotations

from ..text.sizes import amount
from ..text.values import path_text
from ..text.visible import cut, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..ops.space.pages import Usage
    from ..ops.stats.buckets import BucketRecord

# What buckets are sorted by; they come in the order of their paths.
ORDERS: dict[str, Callable[[BucketRecord], int]] = {
    "name": lambda bucket: 0,
    "size": lambda bucket: -bucket.bytes,
    "keys": lambda bucket: -bucket.keys,
}


def usage_text(found: Usage, buckets: list[BucketRecord], dense: int, human: bool = False) -> Iterator[bytes]:
    """Yield a line for each bucket and for all that isn't in one, then the sum; ``human``: in KiB and the like."""
    others = [
        (found.root, "(root bucket's own pages)"),
        (found.meta, "(meta pages)"),
        (found.freelist, "(freelist)"),
        (found.free, "(free)"),
        (found.lost, "(lost: neither in use nor free)"),
        (found.unused, "(after the last page)"),
    ]
    others = [row for row in others if row[0]] + [(found.size, "total")]
    width = max(len(amount(size, human)) for size in [row[0] for row in others] + [bucket.bytes for bucket in buckets])
    for bucket in buckets:
        inline = "(inline) " if bucket.inline else ""
        yield f"{amount(bucket.bytes, human):>{width}}  {inline}{path_text(bucket.path)}\n".encode()
    for size, name in others:
        yield f"{amount(size, human):>{width}}  {name}\n".encode()
    gain = max(found.size - dense, 0)
    yield f"compact --dense would give back {amount(gain, human)}{'' if human else ' bytes'}\n".encode()


def arranged(buckets: list[BucketRecord], order: str, depth: int, start: BucketRecord) -> list[BucketRecord]:
    """Return ``start`` and its nested buckets, parents first, in ``order``, down to ``depth`` levels (0: all)."""
    inside: dict[int, list[BucketRecord]] = {}
    for bucket in buckets[1:]:
        if not depth or bucket.level <= depth + start.level:
            inside.setdefault(id(bucket.parent), []).append(bucket)
    result = []
    todo = [start]
    while todo:
        bucket = todo.pop()
        result.append(bucket)
        todo += sorted(inside.get(id(bucket), ()), key=ORDERS[order])[::-1]
    return result


def _facts(bucket: BucketRecord, size: int, depth: bool, sequence: bool, human: bool) -> str:
    words = [f"{bucket.pairs} pair{'s' * (bucket.pairs != 1)}"]
    if bucket.keys != bucket.pairs:
        words.append(f"{bucket.keys} with those inside")
    words.append(f"{amount(bucket.bytes, human)}{' bytes' * (not human)}{' inline' * bucket.inline}")
    words.append(f"{100 * bucket.bytes / size:.1f}%")
    words += [f"depth {bucket.depth}"] * depth + [f"sequence {bucket.sequence}"] * sequence
    return ", ".join(words)


def tree_text(
    title: str, buckets: list[BucketRecord], size: int, human: bool = False, *, width: int = 0
) -> Iterator[bytes]:
    """Yield the tree of ``buckets`` (each before those inside it, the root bucket first), drawn with lines.

    What is the same 0 or 1 of all isn't said. With a ``width`` it is in colours, and cut to that.
    """
    depth = any(bucket.depth > 1 for bucket in buckets)
    sequence = any(bucket.sequence for bucket in buckets)
    last: set[int] = set()  # levels whose bucket is the last of its siblings
    seen: set[int] = set()
    for bucket in reversed(buckets):
        if id(bucket.parent) not in seen:
            seen.add(id(bucket.parent))
            last.add(id(bucket))
    margins: list[str] = []  # of the buckets that are open, for those in them
    for bucket in buckets:
        margin, name = "", title
        if bucket is not buckets[0]:
            del margins[bucket.level - buckets[0].level - 1 :]
            is_last = id(bucket) in last
            margin = "".join(margins) + ("└── " if is_last else "├── ")
            margins.append("    " if is_last else "│   ")
            name = path_text([bucket.name])
        facts = _facts(bucket, size, depth, sequence, human)
        line = f"{margin}{name}: {facts}"
        if width:
            strong = 4 * bucket.bytes > size
            line = _coloured(cut(f"{margin}{visible(name)}  {facts}", width), len(margin), len(visible(name)), strong)
        yield f"{line}\n".encode("utf-8", "surrogateescape")


def _coloured(line: str, margin: int, name: int, strong: bool) -> str:
    facts = margin + name
    return f"{line[:margin]}\x1b[36m{line[margin:facts]}\x1b[0m\x1b[{1 if strong else 2}m{line[facts:]}\x1b[0m"
