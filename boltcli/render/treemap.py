"""A squarified treemap (Bruls, Huizing, van Wijk 2000) as SVG: areas in proportion to sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 960.0, 320.0
_HUES = (210, 150, 30, 265, 340, 90, 185, 50, 235, 15)

Box = tuple[float, float, float, float]  # x, y, width, height


def boxes(sizes: Sequence[float], width: float = _WIDTH, height: float = _HEIGHT) -> Iterator[Box]:
    """Yield a box for each of ``sizes``, which are positive and descend; together they fill ``width`` x ``height``."""
    total = sum(sizes)
    if not total:
        return
    scale = width * height / total
    areas = [size * scale for size in sizes]
    x, y = 0.0, 0.0
    start = 0
    while start < len(areas):
        short = min(width, height)
        stop = start + 1
        row = areas[start]
        while stop < len(areas) and _worst(areas[start:stop], row, short) >= _worst(
            areas[start : stop + 1], row + areas[stop], short
        ):
            row += areas[stop]
            stop += 1
        thick = row / short if short else 0.0
        at = 0.0
        for area in areas[start:stop]:
            long = area / thick if thick else 0.0
            yield (x, y + at, thick, long) if width >= height else (x + at, y, long, thick)
            at += long
        if width >= height:
            x, width = x + thick, max(width - thick, 0.0)
        else:
            y, height = y + thick, max(height - thick, 0.0)
        start = stop


def _worst(row: Sequence[float], total: float, short: float) -> float:
    """Return the largest ratio of sides in a row of areas along a side of length ``short``."""
    square = short * short
    return max(max(square * area / (total * total), total * total / (square * area)) for area in row)


def svg(parts: Sequence[tuple[str, int, str]]) -> str:
    """Return the treemap of (name, size, what a browser shows on hover); sizes of 0 are left out."""
    shown = sorted((part for part in parts if part[1] > 0), key=lambda part: -part[1])
    lines = [f'<svg viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" role="img" aria-label="Buckets by size">']
    for number, ((name, _, title), (x, y, width, height)) in enumerate(
        zip(shown, boxes([size for _, size, _ in shown]))
    ):
        hue = _HUES[number % len(_HUES)]
        lines.append(
            f'<g><title>{escape(title)}</title><rect x="{x:.1f}" y="{y:.1f}" width="{max(width - 1, 0.5):.1f}" '
            f'height="{max(height - 1, 0.5):.1f}" rx="2" fill="hsl({hue} 45% 42%)"/>'
        )
        letters = int((width - 10) / 7)
        if letters >= 3 and height >= 18:
            label = name if len(name) <= letters else name[: letters - 1] + "…"
            lines.append(f'<text x="{x + 5:.1f}" y="{y + 15:.1f}">{escape(label)}</text>')
        lines.append("</g>")
    return "".join([*lines, "</svg>"])
