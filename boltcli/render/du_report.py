"""What ``du`` and ``tree`` print."""

from __future__ import annotations

from ..text.sizes import amount, counted, size
from ..text.values import path_text, shell_quoted
from ..text.visible import cut, one_line, room_of, visible
from .screen import BAD, FAIR, MUCH, PLAIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from ..ops.space.pages import Usage
    from ..ops.stats import BucketRecord
    from .screen import Screen

    Path = tuple[bytes, ...]

_LEAST_SHARE = 0.05  # percent that is shown
_ALIKE = 8  # inline buckets of one bucket that are folded
_MOST = 40, 8  # other buckets in the first bucket, and in one below, of which the largest are shown

# What buckets are sorted by; they come in the order of their paths.
ORDERS: dict[str, Callable[[BucketRecord], int]] = {
    "name": lambda bucket: 0,
    "size": lambda bucket: -bucket.bytes,
    "keys": lambda bucket: -bucket.keys,
}


def usage_text(found: Usage, buckets: list[BucketRecord], dense: int, human: bool = False) -> Iterator[bytes]:
    """Yield a line for each bucket and for all that isn't in one, then the sum; ``human``: in KiB and the like."""
    rows = [(bucket.bytes, "(inline) " * bucket.inline + path_text(bucket.path)) for bucket in buckets]
    rows += [row for row in _others(found) if row[0]] + [(found.size, "total")]
    width = max([len(amount(taken, human)) for taken, _ in rows])
    for taken, name in rows:
        yield f"{amount(taken, human):>{width}}  {name}\n".encode()
    gain = max(found.size - dense, 0)
    yield f"compact --dense would free {amount(gain, human)}{'' if human else ' bytes'}\n".encode()


def usage_screen(
    screen: Screen, path: str, found: Usage, buckets: list[BucketRecord], dense: int, *, every: bool
) -> None:
    """Show what compaction frees, then what takes the space; nested buckets are folded, unless ``every`` one is shown:
    their space is a part of that of the bucket around them."""
    gain = max(found.size - dense, 0)
    share = 100 * gain // max(found.size, 1)
    screen.verdict(FAIR if share >= MUCH else PLAIN, size(found.size), f"compact --dense frees {size(gain)} ({share}%)")
    if gain:
        screen.advice(f"boltcli compact --dense -o DEST {shell_quoted(path)}")
    shown = [bucket for bucket in buckets if every or bucket.level == 1]
    rows = [(bucket.bytes, "(inline) " * bucket.inline + path_text(bucket.path), "name") for bucket in shown]
    rows += [(taken, name, "dim") for taken, name in _others(found) if taken]
    bar = max(min(screen.width // 4, 24), 8)
    wide = max([len(size(taken)) for taken, _, _ in rows], default=0)
    for taken, name, style in rows:
        part = f"{100 * taken / max(found.size, 1):3.0f}%"
        start = f"{size(taken):>{wide}} {part} {screen.bar(taken, found.size, bar)} "
        name = screen.cut(one_line(name), screen.width - len(start))
        screen.line(f"{start}{screen.paint(name, style)}")
    folded = [bucket for bucket in buckets if not every and bucket.level > 1]
    if folded:
        screen.text(f"in these: {_alike(folded)} (--all)", style="dim", hang=2)


def _others(found: Usage) -> list[tuple[int, str]]:
    """Return the bytes that are in no bucket, and what they are."""
    return [
        (found.root, "(root bucket's own pages)"),
        (found.meta, "(meta pages)"),
        (found.freelist, "(freelist)"),
        (found.free, "(free)"),
        (found.lost, "(lost: neither in use nor free)"),
        (found.unused, "(after the last page)"),
    ]


def _alike(buckets: list[BucketRecord]) -> str:
    """Return buckets that are folded in words: ``150 inline buckets, 1-3 pairs each, 70 B``."""
    what = "inline bucket" if all(bucket.inline for bucket in buckets) else "bucket"
    pairs, sizes = [bucket.keys for bucket in buckets], [bucket.bytes for bucket in buckets]
    low, high = min(pairs), max(pairs)
    several = f"{low}-{high} pairs" if low != high else counted(low, "pair")
    taken = " to ".join(dict.fromkeys((size(min(sizes)), size(max(sizes)))))
    return f"{counted(len(buckets), what)}, {several}, {taken}{' each' * (len(buckets) > 1)}"


def tree_screen(
    screen: Screen, title: str, buckets: list[BucketRecord], whole: int, damaged: Collection[Path], *, every: bool
) -> None:
    """Show the tree of ``buckets`` (parents first); of many that are alike a line, unless ``every`` one is shown. Those
    with a path in ``damaged`` were not counted."""
    inside: dict[int, list[BucketRecord]] = {}
    for bucket in buckets[1:]:
        inside.setdefault(id(bucket.parent), []).append(bucket)

    def show(bucket: BucketRecord, name: str, margin: str) -> None:
        facts = [f"{bucket.keys:,} pair{'s' * (bucket.keys != 1)}"]
        facts.append(size(bucket.bytes) + " inline" * bucket.inline)
        share = 100 * bucket.bytes / max(whole, 1)
        facts += [f"{share:.1f}%"] * (share >= _LEAST_SHARE)
        facts += [f"depth {bucket.depth}"] * (bucket.depth > 1)
        facts += [f"sequence {bucket.sequence}"] * bool(bucket.sequence)
        words = ", ".join(facts)
        room = screen.width - room_of(margin)
        name = screen.cut(one_line(name), max(room - len(words) - 2, room // 3))
        words = screen.cut(words, max(room - room_of(name) - 2, 1))
        style = "bold" if 4 * bucket.bytes > whole else "dim"
        if damaged and bucket.path in damaged:
            words, style = "damaged: not counted", BAD
        screen.line(f"{margin}{screen.paint(name, 'name')}  {screen.paint(words, style)}")

    def below(bucket: BucketRecord, margin: str) -> Iterator[tuple[BucketRecord, str, str] | str]:
        found = inside.get(id(bucket), [])
        if found and 2 * len(margin) > screen.width and not every:
            yield margin + screen.drawn("└── ") + screen.paint(screen.drawn("… deeper ones: --all"), "dim")
            return
        simple = [child for child in found if child.inline and id(child) not in inside]
        simple = simple if len(simple) >= _ALIKE and not every else []
        rest = [child for child in found if not simple or not child.inline or id(child) in inside]
        most = _MOST[bucket is not buckets[0]]
        if len(rest) > most and not every:
            largest = {id(child) for child in sorted(rest, key=lambda child: -child.bytes)[:most]}
            simple += [child for child in rest if id(child) not in largest]
            rest = [child for child in rest if id(child) in largest]
        last = rest[-1] if rest and not simple else None
        for child in rest:
            lines = ("└── ", "    ") if child is last else ("├── ", "│   ")
            yield child, margin + screen.drawn(lines[0]), margin + screen.drawn(lines[1])
        if simple:
            yield margin + screen.drawn("└── ") + screen.paint(f"{_alike(simple)} (--all)", "dim")

    show(buckets[0], title, "")
    todo = [below(buckets[0], "")]
    while todo:
        found = next(todo[-1], None)
        if found is None:
            todo.pop()
        elif isinstance(found, str):
            screen.line(found)
        else:
            child, here, under = found
            show(child, path_text([child.name]), here)
            todo.append(below(child, under))


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
