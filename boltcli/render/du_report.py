"""What ``du`` and ``tree`` print."""

from __future__ import annotations

from ..text.sizes import amount, counted
from ..text.values import path_text
from ..text.visible import cut, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..ops.space.pages import Usage
    from ..ops.stats import BucketRecord

# What buckets are sorted by; they come in the order of their paths.
ORDERS: dict[str, Callable[[BucketRecord], int]] = {
    "name": lambda bucket: 0,
    "size": lambda bucket: -bucket.bytes,
    "keys": lambda bucket: -bucket.keys,
}


def usage_text(found: Usage, buckets: list[BucketRecord], dense: int, human: bool = False) -> Iterator[bytes]:
    """Yield a line for each bucket and for all that isn't in one, then the sum; ``human``: in KiB and the like."""
    rows = [(bucket.bytes, "(inline) " * bucket.inline + path_text(bucket.path)) for bucket in buckets]
    others = [
        (found.root, "(root bucket's own pages)"),
        (found.meta, "(meta pages)"),
        (found.freelist, "(freelist)"),
        (found.free, "(free)"),
        (found.lost, "(lost: neither in use nor free)"),
        (found.unused, "(after the last page)"),
    ]
    rows += [row for row in others if row[0]] + [(found.size, "total")]
    width = max([len(amount(size, human)) for size, _ in rows])
    for size, name in rows:
        yield f"{amount(size, human):>{width}}  {name}\n".encode()
    gain = max(found.size - dense, 0)
    yield f"compact --dense would free {amount(gain, human)}{'' if human else ' bytes'}\n".encode()


def arranged(buckets: list[BucketRecord], order: str, depth: int, start: BucketRecord) -> list[BucketRecord]:
    """Return ``start`` and its nested buckets, parents first, in ``order``, down to ``depth`` levels (0: all)."""
    inside: dict[int, list[BucketRecord]] = {}
    for bucket in buckets[1:]:
        if not depth or bucket.level <= depth + start.level:
            inside.setdefault(id(bucket.parent), []).append(bucket)
    result = []
    todo = [start]
    while todo:
        result.append(todo.pop())
        todo += sorted(inside.get(id(result[-1]), ()), key=ORDERS[order])[::-1]
    return result


def tree_text(
    title: str, buckets: list[BucketRecord], size: int, human: bool = False, *, width: int = 0
) -> Iterator[bytes]:
    """Yield the tree of ``buckets`` (parents first), drawn with lines; with a ``width`` in colours, cut to that."""
    has_depth = any(bucket.depth > 1 for bucket in buckets)
    has_sequence = any(bucket.sequence for bucket in buckets)
    last = {id(bucket.parent): bucket for bucket in buckets}  # of its siblings
    margins: list[str] = []  # of the buckets that are open, for those in them
    for bucket in buckets:
        margin, name = "", title
        if bucket is not buckets[0]:
            del margins[bucket.level - buckets[0].level - 1 :]
            is_last = last[id(bucket.parent)] is bucket
            margin = "".join(margins) + ("└── " if is_last else "├── ")
            margins.append("    " if is_last else "│   ")
            name = path_text([bucket.name])
        nested = bucket.keys - bucket.pairs
        facts = [counted(bucket.pairs, "pair") if bucket.pairs or not nested else "no pairs of its own"]
        facts += [f"{nested} in nested buckets"] * bool(nested)
        facts.append(f"{amount(bucket.bytes, human)}{' bytes' * (not human)}{' inline' * bucket.inline}")
        facts.append(f"{100 * bucket.bytes / size:.1f}%")
        facts += [f"depth {bucket.depth}"] * has_depth + [f"sequence {bucket.sequence}"] * has_sequence
        line = f"{margin}{name}: {', '.join(facts)}"
        if width:
            start, name = len(margin), visible(name)
            line, end = cut(f"{margin}{name}  {', '.join(facts)}", width), start + len(name)
            style = 1 if 4 * bucket.bytes > size else 2
            line = f"{line[:start]}\x1b[36m{line[start:end]}\x1b[0m\x1b[{style}m{line[end:]}\x1b[0m"
        yield f"{line}\n".encode("utf-8", "surrogateescape")
