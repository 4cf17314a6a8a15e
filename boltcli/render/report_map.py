"""The page map of the HTML report: a picture in which colour is the kind of page, and the data that describe a cell."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from ..text.json import line
from ..tree.page_map import DAMAGED, KINDS, LEAF, NOBODY, PageMap
from .page_picture import cells, legend
from .report_words import bucket_name

_MOST_CELLS = 4096
_SIDE = 12  # of a cell, in units of the picture
_NARROW, _WIDE = 32, 96  # cells in a row
_MOST_PAGES = 1 << 19  # of which each is described: a byte a page, more with its Base64
_MOST_OWNERS = 20_000  # runs of pages of one bucket
_MOST_NAMES = 400_000  # characters of the names of buckets that the map knows


def map_context(mapped: PageMap) -> dict[str, Any]:
    """Return the map: ``shapes`` as (class, SVG path), their legend as (class, words), and ``data``, JSON for the
    page's script. In a leaf the filled part is as high as its fill; damage is hatched."""
    found, step = cells(mapped, _MOST_CELLS)
    width = min(_WIDE, max(_NARROW, round((3 * len(found)) ** 0.5)))
    shapes: dict[str, list[str]] = {}
    for number, cell in enumerate(found):
        row, column = divmod(number, width)
        x, y, side = column * _SIDE, row * _SIDE, _SIDE - 1
        kind = "room" if cell.kind == LEAF else KINDS[cell.kind]
        shapes.setdefault(kind, []).append(_box(x, y, side))
        high = max(1, round(side * cell.fill / 100)) if cell.kind == LEAF else 0
        if high:
            shapes.setdefault(KINDS[LEAF], []).append(_box(x, y + side - high, side, high))
        if cell.kind == DAMAGED:
            shapes.setdefault("cross", []).append(f"M{x} {y}l{side} {side}m0-{side}l-{side} {side}")
    return {
        "shapes": [(kind, "".join(parts)) for kind, parts in shapes.items()],
        "side": _SIDE,
        "width": width * _SIDE,
        "height": -(-len(found) // width) * _SIDE,
        "step": step,
        "count": len(mapped.kinds),
        "legend": [KINDS[kind] for kind in legend(found)],
        "data": _data(mapped, step, width),
    }


def _box(x: int, y: int, wide: int, high: int = 0) -> str:
    return f"M{x} {y}h{wide}v{high or wide}h-{wide}z"


def _data(mapped: PageMap, step: int, width: int) -> str:
    count = len(mapped.kinds)
    pages = b""
    owners: list[tuple[int, int]] = []
    if count <= _MOST_PAGES:
        pages = bytes(kind << 4 | min(15, (15 * fill + 50) // 100) for kind, fill in zip(mapped.kinds, mapped.fills))
        owners = _owner_runs(mapped.owners)
    used = sorted({owner for _, owner in owners} - {NOBODY})
    names = [bucket_name(mapped.path(owner)) for owner in used]
    if sum(map(len, names)) > _MOST_NAMES:
        used, names, owners = [], [], []
    places = {owner: index for index, owner in enumerate(used)}
    record = {
        "count": count, "step": step, "width": width, "side": _SIDE, "kinds": KINDS,
        "page_size": mapped.snapshot.page_size, "pages": b64encode(pages).decode(),
        "owners": [(first, places.get(owner, -1)) for first, owner in owners], "buckets": names,
    }  # fmt: skip
    # Nothing in it ends the script element.
    return line(record).decode().replace("<", "\\u003c")


def _owner_runs(owners: Sequence[int]) -> list[tuple[int, int]]:
    """Return where runs of pages of one bucket begin, with its number or NOBODY; none if there are too many."""
    begins = [number for number, owner in enumerate(owners) if not number or owner != owners[number - 1]]
    if len(begins) > _MOST_OWNERS:
        return []
    return [(number, owners[number]) for number in begins]
