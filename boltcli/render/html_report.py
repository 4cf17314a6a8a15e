"""The HTML report: what it says of each database, and one self-contained file, escaped throughout, drawn by Jinja2."""

import mmap
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.resources import files as resources
from typing import Any

from .. import __version__
from ..apps.contract import SEVERITIES, Application, AuditOptions
from ..apps.registry import recognised
from ..database import Database
from ..errors import BoltError, Corrupted
from ..extras import need
from ..ops.check.database_check import check, file_warnings
from ..ops.space.top import SpaceTop, top_levels
from ..ops.write.compact import compact_estimate, measure
from ..storage.snapshot import Snapshot
from ..text.json import line
from ..text.sizes import counted, size
from ..text.values import auto
from ..tree.bucket import find_bucket, get
from ..tree.page_map import (
    BRANCH,
    DAMAGED,
    FREE,
    FREELIST,
    KINDS,
    LEAF,
    LOST,
    META,
    NOBODY,
    OVERFLOW,
    PageMap,
    page_map,
)
from .audit_report import by_severity
from .explanations import explanation
from .page_picture import COLOURS, cells, legend
from .records import fields_of
from .top_report import charts, largest_groups

Context = dict[str, Any]
Path = tuple[bytes, ...]

_MOST_CELLS = 4096
_SIDE = 12  # of a cell, in units of the picture
_WIDE = 96  # cells in a row
_MOST_PAGES = 1 << 19  # of which each is described: a byte a page, more with its Base64
_MOST_OWNERS = 20_000  # runs of pages of one bucket
_ROWS = 40  # of a table of buckets
_LARGEST = 20  # pairs
_AUDIT = 200  # findings of an audit that are shown
_FINDINGS = 1000  # that are shown
_MOST_FINDINGS = 1_000_000  # then counting stops
_SHORT = 200  # characters of a name, a key, a value
_MESSAGE = 500  # characters of a finding
_MOST_NAMES = 400_000  # characters of the names of buckets that the map knows
_TONES = dict(zip(SEVERITIES, ("bad", "warn", "quiet")))


def page(files: Sequence[Context], title: str, *, values: bool) -> bytes:
    """Return the report on ``files``, contexts in the order in which they are shown. Raises MissingExtra."""
    jinja = need("jinja2", "report", "report")
    folder = resources("boltcli.render.html")
    environment = jinja.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"size": size, "code": _code}
    template = environment.from_string((folder / "report.html.jinja").read_text(encoding="utf-8"))
    text: str = template.render(
        files=[{**file, "anchor": f"file-{number}"} for number, file in enumerate(files, 1)],
        title=title,
        version=__version__,
        values=values,
        css=_markup((folder / "report.css").read_text(encoding="utf-8")),
        js=_markup((folder / "report.js").read_text(encoding="utf-8")),
    )
    return text.encode("utf-8", "replace")


def _markup(text: str) -> Any:
    return need("markupsafe", "report", "report").Markup(text)


def _code(text: str) -> Any:
    """Return ``text`` escaped, what stands between backquotes in it as code."""
    parts = _markup("").escape(text).split("`")
    return _markup("").join(_markup(f"<code>{part}</code>") if at % 2 else part for at, part in enumerate(parts))


def failed(path: str, message: str) -> Context:
    """Return the context of a file that cannot be read."""
    nothing: Context = {"size": 0, "pairs": None, "application": None, "total_findings": 1 << 62}
    return nothing | {"path": path, "error": True, "verdict": message, "tone": "bad"}


def badness(context: Context) -> tuple[int, int]:
    """Return what to sort contexts by, so that the worst file comes first."""
    return ("bad", "warn", "good").index(context["tone"]), -context["total_findings"]


def file_context(snapshot: Snapshot, path: str, progress: Callable[[int, int], None], *, values: bool) -> Context:
    """Return what :func:`page` shows of the database at ``path``; with the largest ``values``, shortened."""
    findings: list[Context] = []
    kinds: Counter[str] = Counter()
    for total, finding in enumerate(check(snapshot, 0, progress=progress), 1):
        kinds[finding.kind] += 1
        if total <= _FINDINGS:
            message = _short(finding.line(auto).decode("utf-8", "replace"), _MESSAGE)
            findings.append({"kind": finding.kind, "page": finding.page, "message": message})
        elif total > _MOST_FINDINGS:
            break
    total = sum(kinds.values())
    mapped = page_map(snapshot)
    warnings = [str(warning) for warning in file_warnings(snapshot)]
    found = SpaceTop(snapshot.size)
    compaction = "unknown: the file is damaged"
    try:
        found = top_levels(snapshot, most=_LARGEST)
        dense = measure(snapshot, mmap.PAGESIZE)
        freed = [size(max(found.size - left, 0)) for left in (compact_estimate(dense), dense)]
        compaction = f"about {freed[0]}; dense: about {freed[1]}"
    except Corrupted as damage:
        warnings.append(f"counted up to the first damage: {damage}")
    used = sum(map(mapped.kinds.count, (META, FREELIST, BRANCH, LEAF, OVERFLOW, DAMAGED)))
    groups = largest_groups(found)
    whole = max(sum(group.bytes for _, group in groups), 1)
    application = _application(snapshot)
    verdict = counted(total, "finding") if total else "sound"
    if total > _MOST_FINDINGS:
        verdict = f"more than {_MOST_FINDINGS} findings"
    tone = "bad" if total else "warn" if warnings else "good"
    audit = application.get("audit")
    if audit and audit["tone"] == "bad":  # a sound file with which its program may not start
        verdict += f"; audit: {audit['verdict']}"
        tone = "bad" if total else "warn"
    return {
        "path": path,
        "error": False,
        "facts": [
            ("size", size(snapshot.size)),
            ("page size", size(snapshot.page_size)),
            ("transaction", str(snapshot.meta.txid)),
            ("pages in use / free / lost", f"{used} / {mapped.kinds.count(FREE)} / {mapped.kinds.count(LOST)}"),
            ("buckets with pages", str(len(mapped.buckets) - 1)),
            ("pairs", str(found.pairs)),
            ("freelist, written at each commit", size(found.freelist_bytes)),
            ("compact would free", compaction),
        ],
        "size": found.size,
        "pairs": found.pairs,
        "verdict": verdict,
        "tone": tone,
        "map": _map(mapped),
        "groups": [
            {"name": _name(*place), "share": _percent(group.bytes, whole), **fields_of(group, "bytes", "pairs")}
            for place, group in groups[:_ROWS]
        ],
        "more_groups": max(len(groups) - _ROWS, 0),
        "charts": [_chart(*chart) for chart in charts(found)],
        "largest": [
            {
                "bytes": count,
                "bucket": _name(names),
                "key": _short(_text(key)),
                "value": _short(_text(get(snapshot, find_bucket(snapshot, names), key) or b"")) if values else "",
            }
            for count, names, key in found.largest
        ],
        "findings": findings,
        "total_findings": total,
        "more_findings": max(total - _FINDINGS, 0),
        "explanations": [(kind, count, *explanation(kind)) for kind, count in sorted(kinds.items())],
        "warnings": warnings,
        **application,
    }


def _name(path: Path, prefix: bytes = b"") -> str:
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
    most = max([count for _, count in bars], default=0)
    return {"title": title, "rows": [{"label": label, "count": n, "share": _percent(n, most)} for label, n in bars]}


def _application(snapshot: Snapshot) -> Context:
    """Return the application that wrote the file, the rows of its views, and its audit."""
    found = recognised(snapshot)
    if found is None:
        return {"application": None}
    application, db = found.application, Database(snapshot)
    views = []
    for view in application.views:
        try:
            rows: int | str = view.count(db)
        except BoltError as error:
            rows = str(error)
        views.append({"name": view.name, "title": view.title, "rows": rows})
    return {
        "application": application.title or application.name,
        "layout": found.layout,
        "certainty": found.certainty,
        "views": views,
        "audit": _audit(application, db),
    }


def _audit(application: Application, db: Database) -> Context | None:
    try:
        audit = application.audit(db, AuditOptions(time.time_ns()))
    except BoltError as error:
        return {"tone": "bad", "verdict": str(error), "findings": [], "more": 0}
    if audit is None:
        return None
    found = by_severity(list(audit.findings))
    counts = Counter(finding.severity for finding in found)
    words = ", ".join(counted(count, severity) for severity, count in counts.items())
    return {
        "tone": _TONES[found[0].severity] if found else "good",
        "verdict": words or "nothing to report",
        "findings": [
            {"tone": _TONES[each.severity], **fields_of(each, "severity", "question", "message", "remedy")}
            for each in found[:_AUDIT]
        ],
        "more": max(len(found) - _AUDIT, 0),
    }


def _map(mapped: PageMap) -> Context:
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
    return {"svg": _markup(svg), "step": step, "legend": kinds, "data": _markup(_data(mapped, step, width))}


def _data(mapped: PageMap, step: int, width: int) -> str:
    count = len(mapped.kinds)
    pages = b""
    owners: list[tuple[int, int]] = []
    if count <= _MOST_PAGES:
        pages = bytes(kind << 4 | min(15, (15 * fill + 50) // 100) for kind, fill in zip(mapped.kinds, mapped.fills))
        owners = _owner_runs(mapped.owners)
    used = sorted({owner for _, owner in owners} - {NOBODY})
    names = [_name(mapped.path(owner)) for owner in used]
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
