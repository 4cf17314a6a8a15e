"""The output of ``top``: bars and tables for people, one object for programs."""

from __future__ import annotations

from ..ops.write.compact import compact_estimate
from ..text.sizes import amount
from ..text.values import auto

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from ..ops.space.top import Group, SpaceTop

_BAR = 24  # characters
_BLOCKS = " ▏▎▍▌▋▊▉█"
_MEANING = """\
bytes of a bucket: its keys, values and element headers, including those of nested buckets
fill: share of a leaf page that elements, keys and values use; compact --dense fills pages
freelist: bytes of the freelist page, which every commit writes
free runs: lengths of runs of free pages; a large value needs one run for all its pages
More: boltcli help see"""


def bar(part: int, whole: int) -> str:
    """Return a bar as long as ``part`` of ``whole``."""
    eighths = round(8 * _BAR * part / whole) if whole > 0 else 0
    full, rest = divmod(min(eighths, 8 * _BAR), 8)
    return ("█" * full + (_BLOCKS[rest] if rest else "")).ljust(_BAR)


def _name(path: tuple[bytes, ...], prefix: bytes) -> str:
    names = "/".join(auto(name).decode() for name in path) or "(root bucket)"
    return f"{names}  {auto(prefix).decode()}*" if prefix else names


def _range(bits: int) -> str:
    return "0" if bits == 0 else str(1) if bits == 1 else f"{1 << (bits - 1)} to {(1 << bits) - 1}"


def _table(title: str, rows: Iterable[tuple[str, int, str]], whole: int) -> list[str]:
    """Return a title, and a line for each (label, count that the bar shows, text)."""
    found = list(rows)
    if not found:
        return []
    width = max(len(label) for label, _, _ in found)
    return ["", title, *(f"  {label:<{width}}  {bar(count, whole)} {text}".rstrip() for label, count, text in found)]


def charts(found: SpaceTop) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    """Yield the histograms: a title, and what to count with its number."""
    for title, bins in (("Key sizes, bytes", found.key_sizes), ("Value sizes, bytes", found.value_sizes)):
        yield title, [(_range(bits), count) for bits, count in sorted(bins.items())]
    yield "Fill of leaf pages", [(f"{10 * at}% to {10 * at + 10}%", count) for at, count in enumerate(found.fills)]
    yield "Free runs, pages", [(_range(bits), count) for bits, count in sorted(found.free_runs.items())]


def top_text(found: SpaceTop, dense: int, most: int, human: bool) -> bytes:
    """Return the report for people."""
    groups = sorted(found.groups.items(), key=lambda entry: (-entry[1].bytes, entry[0]))
    whole = sum(group.bytes for _, group in groups)
    lines = [f"{amount(found.size, human)} in the file, {found.pairs} pairs of {amount(whole, human)}"]
    lines += _table(
        "Buckets and key prefixes",
        (
            (
                _name(*place),
                group.bytes,
                f"{100 * group.bytes / max(whole, 1):.1f}%  {amount(group.bytes, human)}, {_pairs(group)}",
            )
            for place, group in groups[:most]
        ),
        whole,
    )
    if len(groups) > most:
        lines.append(f"  and {len(groups) - most} more (--limit)")
    if found.largest:
        lines += ["", "Largest pairs"]
        lines += [
            f"  {amount(size, human):>9}  {_name(path, b'')}  {auto(key).decode()}" for size, path, key in found.largest
        ]
    for title, bars in charts(found):
        counted = [(label, count, str(count)) for label, count in bars if count]
        lines += _table(title, counted, sum(count for _, count in bars))
    lines += [
        "",
        f"free {amount(found.free, human)}, lost {amount(found.lost, human)}, {found.overflow_pages} overflow pages, "
        f"freelist {amount(found.freelist_bytes, human)}",
    ]
    lines.append(f"compact would free about {amount(max(found.size - compact_estimate(dense), 0), human)}")
    lines.append(f"compact --dense would free about {amount(max(found.size - dense, 0), human)}")
    return ("\n".join([*lines, "", _MEANING]) + "\n").encode("utf-8", "surrogateescape")


def _pairs(group: Group) -> str:
    return f"{group.pairs} pair{'s' * (group.pairs != 1)}"


def top_record(path: str, found: SpaceTop, dense: int, most: int) -> dict[str, Any]:
    """Return the report as one object; sizes in bytes, histograms as lists of ``from``, ``to`` and ``count``."""
    from . import records

    record = records.of_file(path)
    record |= {"size": found.size, "pairs": found.pairs, "free_bytes": found.free, "lost_bytes": found.lost}
    record |= {
        "freelist_bytes": found.freelist_bytes,
        "leaf_pages": found.leaf_pages,
        "overflow_pages": found.overflow_pages,
    }
    record |= {"dense_size_estimate": dense, "compact_size_estimate": compact_estimate(dense)}
    groups: list[dict[str, Any]] = []
    for (names, prefix), group in sorted(found.groups.items(), key=lambda entry: (-entry[1].bytes, entry[0])):
        if len(groups) < (most or len(found.groups)):
            entry: dict[str, Any] = {}
            records.put_bucket(entry, names)
            records.put(entry, "prefix", prefix)
            groups.append(entry | {"pairs": group.pairs, "bytes": group.bytes})
    record["groups"] = groups
    largest = []
    for size, names, key in found.largest:
        entry = {}
        records.put_bucket(entry, names)
        records.put(entry, "key", key)
        largest.append(entry | {"bytes": size})
    record["largest"] = largest
    for name, bins in (
        ("key_sizes", found.key_sizes),
        ("value_sizes", found.value_sizes),
        ("free_runs", found.free_runs),
    ):
        record[name] = [
            {"from": 1 << (bits - 1) if bits else 0, "to": (1 << bits) - 1, "count": count}
            for bits, count in sorted(bins.items())
        ]
    record["fills"] = [
        {"from": tenth / 10, "to": (tenth + 1) / 10, "count": count} for tenth, count in enumerate(found.fills)
    ]
    return record
