"""The HTML report: one self-contained file, escaped throughout, drawn by Jinja2."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..extras import need
from ..ops.check.findings import explanation
from ..text.sizes import size
from ..text.values import auto
from ..tree.page_map import BRANCH, KINDS, LEAF
from .page_cells import COLOURS, cells, legend
from .space_report import charts

if TYPE_CHECKING:
    from ..ops.space.top import SpaceTop
    from ..tree.page_map import PageMap

    Context = dict[str, Any]

_MOST_CELLS = 4096
_SIDE = 12  # of a cell, in units of the picture
_WIDE = 96  # cells in a row
_MOST_PAGES = 1 << 19  # of which each is described: a byte a page, more with its Base64
_MOST_OWNERS = 20_000  # runs of pages of one bucket
_ROWS = 40  # of a table of buckets
FINDINGS = 1000  # that are shown
MOST_FINDINGS = 1_000_000  # then counting stops
_SHORT = 200  # characters of a name, a key, a value
_MESSAGE = 500  # characters of a finding
_MOST_NAMES = 400_000  # characters of the names of buckets that the map knows


def page(files: Sequence[Context], title: str, *, values: bool) -> bytes:
    """Return the report on ``files``, whose contexts are in the order in which they are shown.

    Raises :class:`~boltcli.errors.MissingExtra` without Jinja2.
    """
    from importlib.resources import files as resources

    jinja = need("jinja2", "report", "report")
    folder = resources("boltcli.render.html")
    environment = jinja.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["size"] = size
    environment.filters["code"] = _code
    template = environment.from_string((folder / "report.html.jinja").read_text())
    text: str = template.render(
        files=[{**file, "anchor": f"file-{number}"} for number, file in enumerate(files, 1)],
        title=title,
        version=__version__,
        values=values,
        css=jinja.utils.markupsafe.Markup((folder / "report.css").read_text()),
        js=jinja.utils.markupsafe.Markup((folder / "report.js").read_text()),
    )
    return text.encode("utf-8", "replace")


def _code(text: str) -> Any:
    """Return ``text`` escaped, what stands between backquotes in it as code."""
    markup = need("markupsafe", "report", "report")
    parts = [markup.escape(part) for part in text.split("`")]
    marked = [f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts)]
    return markup.Markup("".join(marked))


def failed(path: str, message: str) -> Context:
    """Return the context of a file that cannot be read."""
    nothing: Context = {"size": 0, "pairs": None, "application": None, "total_findings": 1 << 62}
    return nothing | {"path": path, "error": True, "verdict": message, "tone": "bad"}


def badness(context: Context) -> tuple[int, int]:
    """Return what to sort contexts by, so that the worst file comes first."""
    return ("bad", "warn", "good").index(context["tone"]), -context["total_findings"]


def file_context(
    path: str,
    facts: Iterable[tuple[str, str]],
    mapped: PageMap,
    found: SpaceTop,
    findings: Sequence[tuple[str, int, str]],
    kinds: Mapping[str, int],
    warnings: Sequence[str],
    values: Mapping[tuple[tuple[bytes, ...], bytes], bytes],
    application: Context,
) -> Context:
    """Return the context of one file. ``findings`` are (kind, page, message); ``kinds`` counts all that there are."""
    total_findings = sum(kinds.values())
    markup = need("markupsafe", "report", "report").Markup
    groups = sorted(found.groups.items(), key=lambda entry: (-entry[1].bytes, entry[0]))
    whole = max(sum(group.bytes for _, group in groups), 1)
    context: Context = {
        "path": path,
        "error": False,
        "facts": list(facts),
        "size": found.size,
        "pairs": found.pairs,
        "verdict": _findings_in_words(total_findings),
        "tone": "bad" if total_findings else "warn" if warnings else "good",
        "map": _map(mapped, markup),
        "groups": [
            {"name": name(*place), "share": _percent(group.bytes, whole), "bytes": group.bytes, "pairs": group.pairs}
            for place, group in groups[:_ROWS]
        ],
        "more_groups": max(len(groups) - _ROWS, 0),
        "charts": [_chart(*chart) for chart in charts(found)],
        "largest": [
            {
                "bytes": count,
                "bucket": name(names, b""),
                "key": _short(_text(key)),
                "value": _short(_text(values.get((names, key), b""))),
            }
            for count, names, key in found.largest
        ],
        "findings": [
            {"kind": kind, "page": number, "message": _short(message, _MESSAGE)}
            for kind, number, message in findings[:FINDINGS]
        ],
        "total_findings": total_findings,
        "more_findings": max(total_findings - FINDINGS, 0),
        "explanations": [(kind, count, *explanation(kind)) for kind, count in sorted(kinds.items())],
        "warnings": list(warnings),
    }
    audit = application.get("audit")
    if audit and audit["tone"] == "bad":  # a sound file with which its program may not start
        context["verdict"] += f"; audit: {audit['verdict']}"
        context["tone"] = "bad" if total_findings else "warn"
    return context | application


def _findings_in_words(count: int) -> str:
    if count > MOST_FINDINGS:
        return f"more than {MOST_FINDINGS} findings"
    return f"{count} finding{'s' * (count != 1)}" if count else "sound"


def name(path: tuple[bytes, ...], prefix: bytes) -> str:
    """Return how a bucket, or the keys of it that begin with ``prefix``, are called."""
    words = _short(" / ".join(map(_text, path))) or "(root bucket)"
    return f"{words}: {_short(_text(prefix))}*" if prefix else words


def _text(content: bytes) -> str:
    return auto(content).decode("utf-8", "replace")


def _short(text: str, most: int = _SHORT) -> str:
    return text if len(text) <= most else text[:most] + "…"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else "0"


def _chart(title: str, bars: Sequence[tuple[str, int]]) -> Context:
    most = max((count for _, count in bars), default=0)
    rows = [{"label": label, "count": count, "share": _percent(count, most)} for label, count in bars]
    return {"title": title, "rows": rows}


def _map(mapped: PageMap, markup: Any) -> Context:
    """Return the picture of the map, its legend, and the data with which the page describes a cell."""
    found, step = cells(mapped, _MOST_CELLS)
    width = min(_WIDE, max(16, round((3 * len(found)) ** 0.5)))
    high = -(-len(found) // width) * _SIDE
    paths: dict[tuple[str, int], list[str]] = {}
    for number, cell in enumerate(found):
        row, column = divmod(number, width)
        shade = cell.fill // 20 if cell.kind in (BRANCH, LEAF) else 5
        square = f"M{column * _SIDE} {row * _SIDE}h{_SIDE - 1}v{_SIDE - 1}h-{_SIDE - 1}z"
        paths.setdefault((COLOURS[cell.kind], min(shade, 5)), []).append(square)
    drawn = "".join(
        f'<path fill="{colour}" fill-opacity="{0.4 + 0.12 * shade:.2f}" d="{"".join(squares)}"/>'
        for (colour, shade), squares in sorted(paths.items())
    )
    svg = (
        f'<svg viewBox="0 0 {width * _SIDE} {high}" role="img" aria-label="Map of the pages">{drawn}'
        f'<rect class="cell-hit" width="{_SIDE - 1}" height="{_SIDE - 1}" hidden="hidden"/></svg>'
    )
    kinds = [(COLOURS[kind], KINDS[kind]) for kind in legend(found)]
    return {"svg": markup(svg), "step": step, "legend": kinds, "data": markup(_data(mapped, step, width))}


def _data(mapped: PageMap, step: int, width: int) -> str:
    from ..text.json import line

    count = len(mapped.kinds)
    pages = b""
    owners: list[tuple[int, int]] = []
    if count <= _MOST_PAGES:
        pages = bytes(kind << 4 | min(15, (15 * fill + 50) // 100) for kind, fill in zip(mapped.kinds, mapped.fills))
        owners = _owner_runs(mapped.owners)
    used = sorted({owner for _, owner in owners if owner >= 0})
    names = [name(mapped.path(owner), b"") for owner in used]
    if sum(map(len, names)) > _MOST_NAMES:
        used, names, owners = [], [], []
    places = {owner: index for index, owner in enumerate(used)}
    record = {
        "count": count, "step": step, "width": width, "side": _SIDE, "kinds": list(KINDS),
        "page_size": mapped.snapshot.page_size,
        "pages": b64encode(pages).decode(),
        "owners": [(first, places.get(owner, -1)) for first, owner in owners],
        "buckets": names,
    }  # fmt: skip
    # Nothing in it ends the script element.
    return line(record).decode().replace("<", "\\u003c")


def _owner_runs(owners: Iterable[int]) -> list[tuple[int, int]]:
    """Return where runs of pages of one bucket begin, with its number or -1; none if there are too many."""
    runs: list[tuple[int, int]] = []
    last = None
    for number, owner in enumerate(owners):
        if owner != last:
            if len(runs) == _MOST_OWNERS:
                return []
            runs.append((number, -1 if owner == 0xFFFFFFFF else owner))
            last = owner
    return runs
