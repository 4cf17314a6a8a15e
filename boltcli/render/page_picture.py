"""A map of pages as cells: one for each page, or, in a large file, for a run of pages; and as a picture."""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from html import escape
from io import BytesIO

from ..extras import need
from ..text.sizes import counted, size
from ..text.values import shell_quoted
from ..tree.page_map import BEYOND, BRANCH, DAMAGED, FREE, FREELIST, KINDS, LEAF, LOST, META, OVERFLOW, PageMap
from .screen import BAD, FAIR, MUCH, PLAIN, Screen

# Of a run of pages the cell shows damage and metas whatever their number, else what most of its pages are.
_SHARED = tuple(KINDS[kind] for kind in (LEAF, BRANCH, FREE, LOST, DAMAGED))
_BLOCKS = "▁▂▃▄▅▆▇█"
_URGENT = (DAMAGED, LOST, META, FREELIST)
LETTERS = {
    META: "M", FREELIST: "F", FREE: ".", BRANCH: "B", LEAF: "L", OVERFLOW: "o", LOST: "x", DAMAGED: "!", BEYOND: " ",
}  # fmt: skip
COLOURS = {
    META: "#8e6bbf", FREELIST: "#3a7ca5", FREE: "#d9dee3", BRANCH: "#d98e04", LEAF: "#4c9f70",
    OVERFLOW: "#9fd3b4", LOST: "#c96f9b", DAMAGED: "#d64545", BEYOND: "#f4f4f4",
}  # fmt: skip


@dataclass(slots=True)
class Cell:
    """``count`` pages from ``first`` on: what ``kind`` the cell shows, the mean ``fill`` of its tree pages in percent,
    whether it is ``marked`` (a chosen bucket's) and ``fresh`` (written by the last transaction).
    """

    first: int
    count: int
    kind: int
    fill: int
    marked: bool
    fresh: bool


def cells(
    mapped: PageMap, most: int, chosen: Container[int] = (), before: PageMap | None = None
) -> tuple[list[Cell], int]:
    """Return at most ``most`` cells, and how many pages each stands for.

    ``chosen`` are the buckets to mark. Tree pages that ``before``, the map of the previous state, lacks are fresh.
    """
    kinds, fills, owners = mapped.kinds, mapped.fills, mapped.owners
    step = max(-(-len(kinds) // max(most, 1)), 1)
    result = []
    for first in range(0, len(kinds), step):
        run = range(first, min(first + step, len(kinds)))
        part = kinds[first : run.stop]
        urgent = [each for each in _URGENT if each in part]
        kind = urgent[0] if urgent else max(set(part), key=part.count)
        trees = [fills[pgid] for pgid in run if kinds[pgid] in (BRANCH, LEAF)]
        fill = sum(trees) // len(trees) if trees else 0
        marked = bool(chosen) and any(owners[pgid] in chosen for pgid in run)
        fresh = before is not None and any(
            kinds[pgid] in (BRANCH, LEAF, OVERFLOW, FREELIST) and not before.reached(pgid) for pgid in run
        )
        result.append(Cell(first, len(run), kind, fill, marked, fresh))
    return result, step


def legend(found: list[Cell]) -> list[int]:
    """Return the kinds that the cells show, in order."""
    return sorted({cell.kind for cell in found})


_SIDE = 12  # of a cell, in pixels
_GAP = 1
_TEXT = 18  # height of a line of text


def map_screen(screen: Screen, path: str, mapped: PageMap, dense: int | None) -> None:
    """Show what the pages are and how full, and what compaction frees; ``dense``: the least size, None: damage."""
    counts, snapshot = mapped.count(), mapped.snapshot
    total = max(sum(number for name, number in counts.items() if name != KINDS[BEYOND]), 1)
    shares = [f"{100 * number / total:.1f}% {name}" for name, number in counts.items() if number and name in _SHARED]
    leaves = [fill for kind, fill in zip(mapped.kinds, mapped.fills) if kind == LEAF]
    facts = ", ".join([*shares, f"leaves {sum(leaves) // max(len(leaves), 1)}% full"])
    if dense is None:
        screen.verdict(BAD, "DAMAGED", f"{counted(len(mapped.damages), 'fault')}; {facts}")
        screen.advice(f"boltcli doctor {shell_quoted(path)}")
        return
    gain = max(snapshot.size - dense, 0)
    share = 100 * gain // max(snapshot.size, 1)
    words = f"{facts}: compact --dense frees {size(gain)} ({share}%)"
    screen.verdict(FAIR if share >= MUCH else PLAIN, f"{total:,} pages", words)


def text(found: list[Cell], step: int, width: int, *, colour: bool = False, blocks: bool = False) -> bytes:
    """Return rows of ``width`` cells, each row after the id of its first page, and a legend; with ``blocks`` leaves are
    bars as high as they are full."""
    kinds, marked, fresh = legend(found), any(cell.marked for cell in found), any(cell.fresh for cell in found)
    noted = not colour and (marked or fresh)  # then a sign follows each letter
    margin = len(str(found[-1].first)) if found else 1
    lines = []
    for start in range(0, len(found), width):
        row = found[start : start + width]
        letters = "".join(_letter(cell, colour, blocks) + " *+#"[cell.marked + 2 * cell.fresh] * noted for cell in row)
        lines.append(f"{row[0].first:>{margin}} {letters.rstrip()}")
    patterns = [Cell(0, 1, kind, 100, False, False) for kind in kinds if kind != BEYOND]
    lines += ["", "  ".join(f"{_letter(cell, colour, blocks)} {KINDS[cell.kind]}" for cell in patterns)]
    if blocks and LEAF in kinds:
        lines.append(f"{_BLOCKS}: how full leaves are; b: a branch less than half full")
    elif LEAF in kinds or BRANCH in kinds:
        lines.append("lower case (l, b): less than half full")
    if marked:
        lines.append("reversed: the chosen bucket" if colour else "*: the chosen bucket")
    if fresh:
        sign, both = ("underlined", "") if colour else ("+", " (#: both)")
        lines.append(f"{sign}: written by the last transaction{both}")
    lines.append(_scale(step) + ("" if step == 1 else "; any damage in a run is shown"))
    return "\n".join(lines).encode() + b"\n"


def _scale(step: int) -> str:
    return "one cell is one page" if step == 1 else f"one cell is {step} pages"


def _letter(cell: Cell, colour: bool, blocks: bool) -> str:
    letter = LETTERS[cell.kind]
    if blocks and cell.kind == LEAF:
        letter = _BLOCKS[min(cell.fill * len(_BLOCKS) // 100, len(_BLOCKS) - 1)]
    elif cell.kind in (BRANCH, LEAF) and cell.fill < 50:
        letter = letter.lower()
    if not colour or cell.kind == BEYOND:
        return letter
    rgb = ";".join(map(str, bytes.fromhex(COLOURS[cell.kind][1:])))
    return f"\x1b[38;2;{rgb}m" + "\x1b[7m" * cell.marked + "\x1b[4m" * cell.fresh + f"{letter}\x1b[0m"


def _layout(found: list[Cell], width: int) -> Iterator[tuple[Cell, int, int]]:
    for number, cell in enumerate(found):
        row, column = divmod(number, width)
        yield cell, column * (_SIDE + _GAP), row * (_SIDE + _GAP)


def _shade(cell: Cell) -> float:
    """Return how opaque a cell is: tree pages by their fill."""
    return 0.35 + 0.65 * cell.fill / 100 if cell.kind in (BRANCH, LEAF) else 1.0


def svg(found: list[Cell], step: int, width: int, title: str) -> bytes:
    """Return an SVG of rows of ``width`` cells with a legend; each cell has a title that a browser shows on hover."""
    kinds = [kind for kind in legend(found) if kind != BEYOND]
    rows = -(-len(found) // width)
    high = rows * (_SIDE + _GAP)
    total = max(width * (_SIDE + _GAP), 110 * len(kinds), 260)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {high + 3 * _TEXT}" width="{total}" '
        f'height="{high + 3 * _TEXT}" font-family="sans-serif" font-size="12" role="img">\n'
        f"<title>{escape(title, quote=False)}</title>\n"
    ]
    for cell, x, y in _layout(found, width):
        pages = f"page {cell.first}" if cell.count == 1 else f"pages {cell.first} to {cell.first + cell.count - 1}"
        words = f"{pages}: {KINDS[cell.kind]}" + f", {cell.fill}% full" * (cell.kind in (BRANCH, LEAF))
        edge = ' stroke="#111" stroke-width="2"' if cell.marked else ' stroke="#d64545"' if cell.fresh else ""
        parts.append(
            f'<rect x="{x}" y="{y}" width="{_SIDE}" height="{_SIDE}" fill="{COLOURS[cell.kind]}" '
            f'fill-opacity="{_shade(cell):.2f}"{edge}><title>{words}</title></rect>\n'
        )
    for number, kind in enumerate(kinds):
        x, y = 110 * number, high + 6
        parts.append(f'<rect x="{x}" y="{y}" width="{_SIDE}" height="{_SIDE}" fill="{COLOURS[kind]}"/>')
        parts.append(f'<text x="{x + _SIDE + 4}" y="{y + 11}" fill="#888">{KINDS[kind]}</text>\n')
    caption = f"{escape(title, quote=False)}: {_scale(step)}"
    parts.append(f'<text x="0" y="{high + 2 * _TEXT + 8}" fill="#888">{caption}</text>\n</svg>\n')
    return "".join(parts).encode()


def png(found: list[Cell], width: int) -> bytes:
    """Return a PNG of rows of ``width`` cells, drawn by Pillow. Raises :class:`~boltcli.errors.MissingExtra`."""
    image_module = need("PIL.Image", "report", "--png")
    draw_module = need("PIL.ImageDraw", "report", "--png")
    rows = -(-len(found) // width)
    picture = image_module.new("RGB", (width * (_SIDE + _GAP), max(rows, 1) * (_SIDE + _GAP)), "#ffffff")
    pen = draw_module.Draw(picture)
    for cell, x, y in _layout(found, width):
        shade = _shade(cell)
        rgb = bytes.fromhex(COLOURS[cell.kind][1:])
        colour = tuple(round(part * shade + 255 * (1 - shade)) for part in rgb)
        edge = "#111111" if cell.marked else "#d64545" if cell.fresh else None
        pen.rectangle((x, y, x + _SIDE - 1, y + _SIDE - 1), fill=colour, outline=edge)
    file = BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()
