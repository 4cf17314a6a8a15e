"""The output of ``top``: bars and tables for people, one object for programs."""

from collections.abc import Iterator

from ..ops.space.top import Group, SpaceTop
from ..ops.write.compact import compact_estimate
from ..text.sizes import amount, counted, size
from ..text.values import auto, shell_quoted
from ..text.visible import one_line, room_of
from .records import Record, field, fields_of, of_bucket, of_file
from .screen import FAIR, MUCH, PLAIN, Screen

_BAR = 24  # characters
_WIDEST = 48  # characters of a bar on a terminal
_BLOCKS = " ▏▎▍▌▋▊▉█"
_MEANING = """\
bytes of a bucket: its keys, values and element headers, including those of nested buckets
fill: share of a leaf page that elements, keys and values use; compact --dense fills pages
freelist: bytes of the freelist page, which every commit writes
free runs: lengths of runs of free pages; a large value needs one run for all its pages
More: boltcli help see
"""


def bar(part: int, whole: int) -> str:
    """Return a bar as long as ``part`` of ``whole``."""
    full, rest = divmod(min(round(8 * _BAR * part / max(whole, 1)), 8 * _BAR), 8)
    return ("█" * full + _BLOCKS[rest] * bool(rest)).ljust(_BAR)


def largest_groups(found: SpaceTop) -> list[tuple[tuple[tuple[bytes, ...], bytes], Group]]:
    """Return (bucket path, key prefix) and what is counted for it, the one with most bytes first."""
    return sorted(found.groups.items(), key=lambda entry: (-entry[1].bytes, entry[0]))


def _name(path: tuple[bytes, ...], prefix: bytes) -> str:
    names = "/".join(auto(name).decode() for name in path) or "(root bucket)"
    return f"{names}  {auto(prefix).decode()}*" if prefix else names


def _range(bits: int) -> str:
    return str(bits) if bits < 2 else f"{1 << (bits - 1)} to {(1 << bits) - 1}"


def _table(title: str, rows: list[tuple[str, int, str]], whole: int) -> list[str]:
    """Return a title, and a line for each (label, count that the bar shows, text)."""
    width = max([len(label) for label, _, _ in rows], default=0)
    lines = [f"  {label:<{width}}  {bar(count, whole)} {text}".rstrip() for label, count, text in rows]
    return ["", title, *lines] if lines else []


def charts(found: SpaceTop) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    """Yield the histograms: a title, and what to count with its number."""
    for title, bins in (("Key sizes, bytes", found.key_sizes), ("Value sizes, bytes", found.value_sizes)):
        yield title, [(_range(bits), count) for bits, count in sorted(bins.items())]
    yield "Fill of leaf pages", [(f"{10 * at}% to {10 * at + 10}%", count) for at, count in enumerate(found.fills)]
    yield "Free runs, pages", [(_range(bits), count) for bits, count in sorted(found.free_runs.items())]


def top_text(found: SpaceTop, dense: int, most: int, human: bool) -> str:
    """Return the report for people."""
    groups = largest_groups(found)
    whole = sum(group.bytes for _, group in groups)
    rows = []
    for place, group in groups[:most]:
        share = f"{100 * group.bytes / max(whole, 1):.1f}%"
        text = f"{share}  {amount(group.bytes, human)}, {counted(group.pairs, 'pair')}"
        rows.append((_name(*place), group.bytes, text))
    lines = [f"{amount(found.size, human)} in the file, {found.pairs} pairs of {amount(whole, human)}"]
    lines += _table("Buckets and key prefixes", rows, whole)
    if len(groups) > most:
        lines.append(f"  and {len(groups) - most} more (--limit)")
    lines += ["", "Largest pairs"] * bool(found.largest)
    lines += [
        f"  {amount(taken, human):>9}  {_name(path, b'')}  {auto(key).decode()}" for taken, path, key in found.largest
    ]
    for title, bars in charts(found):
        lines += _table(
            title, [(label, count, str(count)) for label, count in bars if count], sum(count for _, count in bars)
        )
    free, lost, freelist = (amount(taken, human) for taken in (found.free, found.lost, found.freelist_bytes))
    after = [amount(max(found.size - left, 0), human) for left in (compact_estimate(dense), dense)]
    lines += [
        "",
        f"free {free}, lost {lost}, {found.overflow_pages} overflow pages, freelist {freelist}",
        f"compact would free about {after[0]}",
        f"compact --dense would free about {after[1]}",
        "",
        _MEANING,
    ]
    return "\n".join(lines)


def top_screen(screen: Screen, path: str, found: SpaceTop, dense: int, most: int) -> None:
    """Show what compaction frees, then what takes the space, with bars that fill the room that is left."""
    gains = [max(found.size - left, 0) for left in (compact_estimate(dense), dense)]
    share = 100 * gains[1] // max(found.size, 1)
    tone = FAIR if share >= MUCH else PLAIN
    words = f"compact frees about {size(gains[0])}, compact --dense about {size(gains[1])} ({share}%)"
    screen.verdict(tone, size(found.size), words)
    if gains[1]:
        screen.advice(f"boltcli compact --dense -o DEST {shell_quoted(path)}")
    screen.answered()
    groups = largest_groups(found)
    whole = sum(group.bytes for _, group in groups)
    free, lost, freelist = map(size, (found.free, found.lost, found.freelist_bytes))
    pages = f"{found.leaf_pages:,} leaf and {found.overflow_pages:,} overflow pages"
    facts = f"{found.pairs:,} pairs of {size(whole)}; free {free}, lost {lost}, freelist {freelist}; {pages}"
    screen.text(facts, hang=2)
    rows = [
        (_name(*place), group.bytes, [f"{100 * group.bytes / max(whole, 1):.1f}%", size(group.bytes),
                                      f"{group.pairs:,} pair{'s' * (group.pairs != 1)}"])
        for place, group in groups[:most]
    ]  # fmt: skip
    _bars(screen, "Buckets and key prefixes", rows)
    if len(groups) > most:
        screen.text(f"and {len(groups) - most} more (--limit)", 2, "dim")
    if found.largest:
        screen.line()
        screen.line(screen.paint("Largest pairs", "bold"))
        screen.table(
            [(size(taken), f"{_name(place, b'')}  {auto(key).decode()}") for taken, place, key in found.largest],
            (True, False),
        )
    for title, bars in charts(found):
        _bars(screen, title, [(label, count, [f"{count:,}"]) for label, count in bars if count])
    screen.line()
    screen.text("more: boltcli help see", style="dim")


def _bars(screen: Screen, title: str, rows: list[tuple[str, int, list[str]]]) -> None:
    """Show rows of a label, a number as a bar, the longest of which fills its room, and cells at the right."""
    if not rows:
        return
    screen.line()
    screen.line(screen.paint(title, "bold"))
    widths = [max(map(len, column)) for column in zip(*(cells for _, _, cells in rows))]
    right = sum(widths) + 2 * len(widths)
    label = min(max(room_of(one_line(name)) for name, _, _ in rows), (screen.width - right) // 2)
    room = max(min(screen.width - label - right - 4, _WIDEST), 4)
    largest = max(count for _, count, _ in rows)
    for name, count, cells in rows:
        name = screen.cut(one_line(name), label)
        name += " " * (label - room_of(name))
        ends = "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths))
        screen.line(f"  {screen.paint(name, 'name')}  {ends}  {screen.bar(count, largest, room).rstrip()}")


def top_record(path: str, found: SpaceTop, dense: int, most: int) -> Record:
    """Return the report as one object; sizes in bytes, histograms as lists of ``from``, ``to`` and ``count``."""
    return {
        **of_file(path),
        **fields_of(found, "size", "pairs"),
        "free_bytes": found.free,
        "lost_bytes": found.lost,
        **fields_of(found, "freelist_bytes", "leaf_pages", "overflow_pages"),
        "dense_size_estimate": dense,
        "compact_size_estimate": compact_estimate(dense),
        "groups": [
            {**of_bucket(names), **field("prefix", prefix), **fields_of(group, "pairs", "bytes")}
            for (names, prefix), group in largest_groups(found)[: most or None]
        ],
        "largest": [{**of_bucket(names), **field("key", key), "bytes": taken} for taken, names, key in found.largest],
        **{
            name: [
                {"from": 1 << (bits - 1) if bits else 0, "to": (1 << bits) - 1, "count": count}
                for bits, count in sorted(getattr(found, name).items())
            ]
            for name in ("key_sizes", "value_sizes", "free_runs")
        },
        "fills": [
            {"from": tenth / 10, "to": (tenth + 1) / 10, "count": count} for tenth, count in enumerate(found.fills)
        ],
    }
