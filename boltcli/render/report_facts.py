"""What the HTML report says of one file: verdict, what to do first, space, audit, findings, map, details.

A context is a dict of what JSON can say, so that other processes can make it.
"""

import mmap
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING, Any

from ..apps.contract import ERROR, INFO, SEVERITIES, WARNING, Application, Audit, AuditFinding, AuditOptions
from ..apps.registry import recognised
from ..database import Database
from ..errors import BoltError, Corrupted, InvalidDatabase
from ..ops.check.database_check import UNCOUNTED, check, file_warnings
from ..ops.rescue.kept import Kept, kept
from ..ops.rescue.pages import MappedFile
from ..ops.space.top import Group, SpaceTop, top_levels
from ..ops.write.compact import compact_estimate, measure
from ..storage.files import sha256_of
from ..storage.snapshot import Snapshot
from ..storage.source import open_for_reading
from ..text.sizes import size
from ..text.values import auto
from ..text.visible import one_line
from ..tree.bucket import find_bucket, get
from ..tree.page_map import BRANCH, DAMAGED, FREE, FREELIST, KINDS, LEAF, LOST, META, OVERFLOW, PageMap, page_map
from .audit_report import by_severity
from .audit_report import verdict as severities
from .explanations import explanation
from .report_map import map_context
from .report_words import CommandLines, bucket_name, many, percent, short, shown
from .top_report import charts, largest_groups

if TYPE_CHECKING:
    from ..storage.source import Way

Context = dict[str, Any]
Path = tuple[bytes, ...]
Shown = Callable[[str, str], AbstractContextManager[Callable[[int, int], None]]]  # of a job and its unit

_PARTS = 5  # of a bucket that are shown, if they have a hundredth of everything
_LARGEST = 20  # pairs
_AUDIT = 200  # findings of an audit that are shown
_GROUPS = 4  # rules of an audit that are among the first things to do
_FINDINGS = 1000  # that are shown
_MOST_FINDINGS = 1_000_000  # then counting stops
_MESSAGE = 500  # characters of a finding
_TONES = dict(zip(SEVERITIES, ("bad", "warn", "quiet")))
# Kinds of findings about the freelist alone: nothing that can be read is wrong.
_OF_FREELIST = {"unreachable-unfreed", "reachable-freed", "already-freed", "freelist"}
_WORTH = 0.1  # share of the file from which on a compaction is advised,
_LARGE = 64 << 20  # and bytes


def file_context(snapshot: Snapshot, path: str, progress: Shown, *, values: bool) -> Context:
    """Return what the report says of the database at ``path``; with the largest ``values``, shortened."""
    lines = CommandLines(path)
    digest = "not computed: a private copy was read"
    if not snapshot.is_own_copy:  # first, so that the check finds the file in memory
        digest = _digest(snapshot.fd, progress)
    with progress("checking", "pages") as told:
        findings, kinds = _findings(snapshot, told)
    mapped = page_map(snapshot)
    warnings = [str(warning) for warning in file_warnings(snapshot)]
    found, dense, saved, damage = SpaceTop(snapshot.size), 0, None, ""
    try:
        found = top_levels(snapshot, most=_LARGEST)
        dense = measure(snapshot, mmap.PAGESIZE)
    except Corrupted as error:
        damage = short(str(error), _MESSAGE)
    if damage or "unreachable-unfreed" in kinds:  # these pages may be leaked, or the tree has lost them
        snapshot.poll()  # what a writer changes meanwhile looks like damage
        with progress("recovering", "pages") as told:
            saved = kept(snapshot.buffer, told)
    extra = max(saved.pairs - found.pairs, 0) if saved is not None and not damage else 0
    application = _application(snapshot, lines)
    total = kinds.total()
    context = {
        **_facts(lines, path, snapshot.size, digest),
        "transaction": snapshot.meta.txid,
        "page_size": snapshot.page_size,
        "unreadable": False,
        "damage": damage,
        **(_counted(saved) if saved is not None and damage else {"pairs": found.pairs, "at_least": False}),
        "buckets": saved.buckets if saved is not None and damage else len(mapped.buckets) - 1,
        "extra": extra,
        "findings": findings,
        "total_findings": total,
        "more_findings": max(total - _FINDINGS, 0),
        "explanations": [(kind, count, *explanation(kind)) for kind, count in sorted(kinds.items())],
        "is_freelist": bool(kinds) and not (damage or extra) and kinds.keys() <= _OF_FREELIST,
        "warnings": warnings,
        "parts": _parts(snapshot, mapped, None if damage else found),
        "sizes": None if damage else {"now": snapshot.size, "compact": compact_estimate(dense), "dense": dense},
        "rows": _kept_rows(saved) if saved is not None and damage else _bucket_rows(found),
        "map": map_context(mapped),
        "charts": [] if damage else [_chart(*chart) for chart in charts(found)],
        "largest": [] if damage else _largest(snapshot, found, values=values),
        "details": [
            ("page size", size(snapshot.page_size)),
            ("pages", f"{snapshot.page_count:,}"),
            ("overflow pages", f"{mapped.kinds.count(OVERFLOW):,}"),
            ("freelist, written at each commit", size(mapped.kinds.count(FREELIST) * snapshot.page_size)),
        ],
        **application,
    }
    return context | _verdict(context) | {"actions": _actions(context, lines)}


def failed(path: str, error: BoltError, progress: Shown, *, lock: "Way", timeout: float) -> Context:
    """Return what the report says of a file that can't be opened as a database: what recover keeps of it, too."""
    lines, saved, length, digest = CommandLines(path), None, None, "not computed"
    if os.path.isfile(path):
        with suppress(OSError, BoltError), MappedFile(path, lock, timeout) as file:
            with progress("recovering", "pages") as told:
                saved = kept(file.buffer, told)
            file.check_unchanged()
        with suppress(OSError, BoltError):
            fd = open_for_reading(path)
            try:
                length, digest = os.fstat(fd).st_size, _digest(fd, progress)
            finally:
                os.close(fd)
    context = {
        **_facts(lines, path, length, digest),
        "unreadable": True,
        "extra": 0,
        "is_there": isinstance(error, InvalidDatabase),  # nothing but its content keeps it from being read
        "error": short(str(error), _MESSAGE),
        **_counted(saved),
        "buckets": 0 if saved is None else saved.buckets,
        "rows": [] if saved is None else _kept_rows(saved),
        "total_findings": 0,
        "warnings": [],
        "application": None,
        "audit": None,
        "sizes": None,
    }
    return context | _verdict(context) | {"actions": _actions(context, lines)}


def badness(context: Context) -> tuple[Any, ...]:
    """Return what to sort contexts by, so that the worst file comes first: damage, then the audit, then warnings."""
    errors, warnings = _graves(context)
    grave = context["total_findings"] and not context.get("is_freelist")
    return (
        not context["unreadable"], not grave, -context["total_findings"], -errors,
        -warnings - len(context["warnings"]), context["path"],
    )  # fmt: skip


def _counted(saved: Kept | None) -> Context:
    """Return the number of pairs that can be recovered; None if it isn't known, or there are none."""
    return {"pairs": saved.pairs if saved is not None and saved.pairs else None, "at_least": True}


def _facts(lines: CommandLines, path: str, length: int | None, digest: str) -> Context:
    """Return what is to be known of the file itself; ``written`` is the time of its last change, or None."""
    written = None
    with suppress(OSError, ValueError):
        written = os.stat(path).st_mtime
    return {
        "path": one_line(path),
        "place": one_line(lines.place),
        "size": length,
        "sha256": digest,
        "written": written,
    }


def _digest(fd: int, progress: Shown) -> str:
    before = os.fstat(fd)
    with progress("hashing", "bytes") as told:
        digest = sha256_of(fd, before.st_size, told)
    after = os.fstat(fd)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        return "not computed: the file was written to meanwhile"
    return digest


def _findings(snapshot: Snapshot, told: Callable[[int, int], None]) -> tuple[list[Context], Counter[str]]:
    findings: list[Context] = []
    kinds: Counter[str] = Counter()
    for total, finding in enumerate(check(snapshot, 0, progress=told), 1):
        kinds[finding.kind] += 1
        if total <= _FINDINGS:
            message = short(finding.line(auto).decode("utf-8", "replace"), _MESSAGE)
            findings.append({"kind": finding.kind, "page": finding.page, "message": message})
        elif total > _MOST_FINDINGS:
            break
    return findings, kinds


def _graves(context: Context) -> tuple[int, int]:
    """Return the numbers of errors and of warnings of the audit."""
    counts = (context.get("audit") or {}).get("counts", {})
    return counts.get(ERROR, 0), counts.get(WARNING, 0)


def _verdict(context: Context) -> Context:
    """Return ``tone``, the verdict in a ``word``, and what it rests on in a ``sentence``."""
    if context["unreadable"]:
        saved = context["pairs"]
        rest = f" At least {many(saved, 'pair')} can be recovered." if saved else ""
        return {
            "tone": "bad",
            "word": "Unreadable",
            "sentence": f"{context['error'][:1].upper()}{context['error'][1:]}.{rest}",
        }
    total, warnings, audit = context["total_findings"], len(context["warnings"]), context["audit"]
    errors, cautions = _graves(context)
    pairs = many(context["pairs"] or 0, "pair")
    kinds = ", ".join(f"{kind} {count:,}" for kind, count, *_ in context["explanations"])
    more = "more than " if total > _MOST_FINDINGS or UNCOUNTED in kinds else ""
    checked = f"The check has {more}{many(total, 'finding')} ({kinds})" if total else "The check finds nothing"
    readable = f"at least {pairs} can be recovered" if context["at_least"] else f"{pairs} can be read"
    if context["pairs"] is None:
        readable = "recover finds no pairs"
    notes = [f"{checked}; {readable}."]
    if context["extra"]:
        notes.append(f"Pages that nothing leads to hold {context['extra']:,} more: old ones, or lost ones.")
    if context["damage"] and not total:
        notes.append(f"Reading ends early: {context['damage']}.")
    if warnings:
        notes.append(f"{many(warnings, 'warning')} about the file.")
    if audit:
        notes.append(f"The audit of {context['application']}: {audit['verdict']}.")
    sentence = " ".join(notes)
    if total or context["at_least"]:
        word = "Freelist wrong" if context["is_freelist"] else "Damaged" if total else "Not wholly readable"
        return {"tone": "bad", "word": word, "sentence": sentence}
    if errors:
        return {"tone": "bad", "word": f"Sound, but {many(errors, 'error')} in its records", "sentence": sentence}
    if audit and audit["failed"]:
        return {"tone": "bad", "word": "Sound, but its records could not be audited", "sentence": sentence}
    if cautions or warnings:
        word = f"Sound, with {many(cautions + warnings, 'warning')}"
        return {"tone": "warn", "word": word, "sentence": sentence}
    return {"tone": "good", "word": "Sound", "sentence": sentence}


def _actions(context: Context, lines: CommandLines) -> list[Context]:
    """Return what to do, the most urgent first: ``title``, ``gain``, and a ``command`` line, which may be ""."""
    actions = []

    def act(tone: str, title: str, gain: str, *words: str) -> None:
        actions.append({"tone": tone, "title": title, "gain": gain, "command": lines.line(*words)})

    pairs, doctor = context["pairs"], "It tries every remedy on copies and says what each keeps."
    if context["unreadable"] and not pairs:
        if context["is_there"]:
            gain = "Nothing at its beginning can be recovered; one may lie inside it."
            act("bad", "Look for a database in it", gain, "scan", "FILE")
    elif context.get("is_freelist"):
        gain = f"A copy has a freelist of its own: it keeps {many(pairs, 'pair')}, all that there are."
        act("bad", "Copy it: only its freelist is wrong", gain, "compact", "-o", "DEST-compact", "FILE")
        act("bad", "Or mend it", doctor, "doctor", "FILE")
    elif context["unreadable"] or context["total_findings"] or context["at_least"]:
        gain = "It keeps all that can be read, and says what is missing."
        if context["at_least"] or context["extra"]:
            count = (pairs or 0) + context["extra"]
            gain = f"It keeps {many(count, 'pair')}."
        title = "Let no program write to it; recover what it holds"
        if pairs is not None:
            act("bad", title, gain, "recover", "-o", "DEST-recovered", "FILE")
        act("bad", "Compare the remedies", doctor, "doctor", "FILE")
    if context["warnings"]:
        first, *rest = context["warnings"]
        more = f" And {many(len(rest), 'more warning')}." if rest else ""
        if not any(action["command"] == lines.line("doctor", "FILE") for action in actions):
            act("warn", short(first, _MESSAGE), f"doctor says what it means for the data.{more}", "doctor", "FILE")
    actions += _audit_actions(context, lines)
    actions.sort(key=lambda action: ("bad", "warn", "quiet").index(action["tone"]))
    return actions + _compaction(context, lines)


def _audit_actions(context: Context, lines: CommandLines) -> list[Context]:
    """Return an action for each remedy of errors and warnings; the first one without a command lists all findings."""
    groups = [group for group in (context["audit"] or {}).get("groups", ()) if group["tone"] != "quiet"]
    found: dict[tuple[str, str], list[Context]] = {}  # what has one remedy is one thing to do
    for group in groups:
        _, command = lines.split(group["remedy"])
        found.setdefault((group["tone"], command or group["question"]), []).append(group)
    actions, all_of_them = [], lines.line("audit", "--verbose", "FILE")
    for (tone, _), alike in list(found.items())[:_GROUPS]:
        gain, command = lines.split(alike[0]["remedy"])
        if not command:
            command, all_of_them = all_of_them, ""
        more = sum(group["count"] for group in alike) - 1
        title = alike[0]["messages"][0] + (f" And {more:,} more." if more else "")
        actions.append({"tone": tone, "title": title, "gain": gain, "command": command})
    more = sum(group["count"] for alike in list(found.values())[_GROUPS:] for group in alike)
    if more:
        title = f"See the audit below: {many(more, 'more finding')}"
        actions.append({"tone": "warn", "title": title, "gain": "", "command": all_of_them})
    return actions


def _compaction(context: Context, lines: CommandLines) -> list[Context]:
    sizes = context["sizes"]
    if not sizes or context["total_findings"]:  # a copy leaves behind what is lost
        return []
    now = sizes["now"]
    plain, dense = (max(now - sizes[name], 0) for name in ("compact", "dense"))
    better = dense - plain >= _WORTH * now
    freed = dense if better else plain
    if freed < _WORTH * now and freed < _LARGE:
        return []
    words = ["compact", *["--dense"] * better, "-o", "DEST-compact", "FILE"]
    gain = "It writes a copy; stop the program before the copy takes the file's place."
    title = f"Compact it: about {size(freed)} less, {percent(freed, now)}% of the file"
    return [{"tone": "quiet", "title": title, "gain": gain, "command": lines.line(*words)}]


def _parts(snapshot: Snapshot, mapped: PageMap, found: SpaceTop | None) -> list[Context]:
    """Return what the file consists of: ``kind``, ``title``, ``bytes``, their ``share`` in percent, and where they
    are in a bar. ``found`` is None if the pairs could not be counted."""
    counts = [mapped.kinds.count(kind) * snapshot.page_size for kind in range(len(KINDS))]
    leaves = counts[LEAF] + counts[OVERFLOW]
    parts = [("leaf", "leaf pages", leaves)]
    if found is not None:
        data = min(sum(group.bytes for group in found.groups.values()), leaves)
        parts = [("leaf", "keys and values", data), ("room", "rest of leaf pages", leaves - data)]
    parts += [
        (KINDS[kind], f"{KINDS[kind]} pages", counts[kind]) for kind in (BRANCH, DAMAGED, LOST, FREE, META, FREELIST)
    ]
    rest = snapshot.size - sum(size for _, _, size in parts)
    parts += [("beyond", "after the last page", rest)] * (rest > 0)
    whole, at = max(sum(size for _, _, size in parts), 1), 0
    shown = []
    for kind, title, count in parts:
        if count:
            place = {"start": f"{100 * at / whole:.3f}", "width": f"{100 * count / whole:.3f}"}
            shown.append({"kind": kind, "title": title, "bytes": count, "share": percent(count, whole)} | place)
        at += count
    return shown


def _row(name: str, group: Group, whole: int, level: int = 0) -> Context:
    share = percent(group.bytes, whole)
    counts = {"bytes": group.bytes, "pairs": group.pairs}
    return {"name": name, "level": level, "parts": 1, "share": share, **counts}


def _bucket_rows(found: SpaceTop) -> list[Context]:
    """Return rows of top-level buckets, the largest first, each followed by its largest nested buckets and prefixes."""
    buckets: dict[Path, tuple[Group, list[tuple[str, Group]]]] = {}
    for (path, prefix), group in largest_groups(found):
        total, inner = buckets.setdefault(path[:1], (Group(), []))
        total.pairs += group.pairs
        total.bytes += group.bytes
        names = [*map(shown, path[1:]), *[f"{shown(prefix)}*"] * bool(prefix)]
        inner.append((short(" / ".join(names)) or "other keys", group))
    whole = sum(total.bytes for total, _ in buckets.values())
    rows = []
    for path, (total, inner) in sorted(buckets.items(), key=lambda entry: (-entry[1][0].bytes, entry[0])):
        rows.append(_row(bucket_name(path), total, whole) | {"parts": len(inner)})
        if len(inner) > 1:
            rows += [_row(name, group, whole, 1) for name, group in inner[:_PARTS] if 100 * group.bytes >= whole]
    return rows


def _kept_rows(saved: Kept) -> list[Context]:
    whole = saved.bytes_of.total()
    return [
        _row(bucket_name((name,) if name else ()), Group(saved.pairs_of[name], count), whole)
        for name, count in saved.bytes_of.most_common()
    ]


def _chart(title: str, bars: Sequence[tuple[str, int]]) -> Context:
    whole = sum(count for _, count in bars)
    rows = [{"label": label, "count": count, "share": percent(count, whole)} for label, count in bars if count]
    return {"title": title, "rows": rows}


def _largest(snapshot: Snapshot, found: SpaceTop, *, values: bool) -> list[Context]:
    """Return the largest pairs; a key that is a version of another one is called by that, too."""
    known = recognised(snapshot)
    rows = []
    for count, names, key in found.largest:
        codec = known.application.codec_in(Database(snapshot), names) if known is not None else None
        value = get(snapshot, find_bucket(snapshot, names), key) or b"" if values or (codec and codec.version) else b""
        version = codec.version(key, value) if codec is not None and codec.version is not None else None
        rows.append({
            "bytes": count, "bucket": bucket_name(names), "key": shown(key),
            "version_of": shown(version[0]) if version is not None else "",
            "value": shown(value) if values else "",
        })  # fmt: skip
    return rows


def _application(snapshot: Snapshot, lines: CommandLines) -> Context:
    """Return the application that wrote the file, the rows of its views, and its audit."""
    found = recognised(snapshot)
    if found is None:
        return {"application": None, "audit": None}
    application, db = found.application, Database(snapshot)
    views = []
    for view in application.views:
        try:
            rows: int | str = view.count(db)
        except BoltError as error:
            rows = short(str(error))
        command = lines.line("view", "FILE", view.name)
        views.append({"name": view.name, "title": view.title, "rows": rows, "command": command})
    return {
        "application": found.name,
        "title": application.title or application.name,
        "layout": found.layout,
        "certainty": found.certainty,
        "views": views,
        "audit": _audit(application, db),
    }


def _audit(application: Application, db: Database) -> Context | None:
    try:
        audit = application.audit(db, AuditOptions(time.time_ns()))
    except BoltError as error:
        return {
            "tone": "bad",
            "verdict": f"not possible: {short(str(error))}",
            "failed": True,
            "groups": [],
            "counts": {},
            "usage": [],
        }
    if audit is None:
        return None
    found = by_severity(list(audit.findings))
    return {
        "tone": _TONES[found[0].severity] if found else "good",
        "verdict": severities(found),
        "failed": False,
        "counts": dict(Counter(finding.severity for finding in found)),
        "groups": _groups(found),
        "usage": _usage(audit),
    }


def _groups(found: Sequence[AuditFinding]) -> list[Context]:
    """Return findings by rule, errors first; ``messages`` are the first ones of all rules together."""
    groups: dict[tuple[str, str], list[AuditFinding]] = {}
    for finding in found:
        groups.setdefault((finding.severity, finding.question), []).append(finding)
    left, result = _AUDIT, []
    for (severity, question), alike in groups.items():
        most = max(left, 1)
        left -= min(len(alike), most)
        messages = [short(finding.message, _MESSAGE) for finding in alike[:most]]
        result.append({
            "tone": _TONES.get(severity, "quiet"), "severity": "note" if severity == INFO else severity,
            "question": question.replace("_", " "), "count": len(alike), "messages": messages,
            "remedy": next((finding.remedy for finding in alike if finding.remedy), ""),
            "more": len(alike) - len(messages),
        })  # fmt: skip
    return result


def _usage(audit: Audit) -> list[Context]:
    """Return the space by resource, where the audit answers that, summed over namespaces: bytes of all revisions."""
    answer = audit.answers.get("usage")
    sizes: dict[str, Group] = {}
    for row in answer if isinstance(answer, list) else ():
        if not (isinstance(row, dict) and {"resource", "count", "all_bytes"} <= row.keys()):
            continue
        group = sizes.setdefault(str(row["resource"]), Group())
        group.pairs += row["count"]
        group.bytes += row["all_bytes"]
    whole = sum(group.bytes for group in sizes.values())
    ordered = sorted(sizes.items(), key=lambda entry: (-entry[1].bytes, entry[0]))
    return [_row(short(one_line(name)), group, whole) for name, group in ordered]
