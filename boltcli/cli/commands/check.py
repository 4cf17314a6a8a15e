"""``check``: print a line for each finding and their number, or OK."""

from __future__ import annotations

from ...api.check import check
from ...read_errors import ArgumentError
from ..command import Summary, command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Annotated

    from ...ops.check.findings import Finding
    from ..options import Databases, Jobs, Nagios, number, switch
    from ..output import Output, Record
    from ..values import parse_uint64

# Kinds of findings about pages that can't be read.
_UNREAD = ("damaged", "invalid-type", "unexpected-type", "out-of-bounds")
_ON_A_TERMINAL = 100  # findings


def prepare(deep: bool, from_page: int) -> None:
    if deep and from_page:
        raise ArgumentError("--deep checks the whole file, --from-page a part: they can't be combined")


@command(
    "check",
    example="boltcli check fixtures/document.db",
    group="Verify",
    several=True,
    statuses={0: "no errors", 1: "errors were found, or the file could not be read"},
    validate=prepare,
    summary=Summary(("errors", "errors", "integer"), order="errors"),
)
def check_(
    db: Databases,
    out: Output,
    *,
    from_page: Annotated[int, number("Check only the tree below this page id.", "PGID", parse_uint64)] = 0,
    deep: Annotated[bool, switch("Check everything, also what bbolt's check ignores.")] = False,
    explain: Annotated[bool, switch("Explain each kind of finding: what it means, its risk, what to do.")] = False,
    max_findings: Annotated[int, number("Show at most this many findings; 0: 100 on a terminal, else all.")] = 0,
    nagios: Nagios = False,
    jobs: Jobs = 0,
) -> None:
    """Verify the integrity of a database."""
    kinds: dict[str, list[int]] = {}
    most = max_findings or (_ON_A_TERMINAL if out.is_terminal else 1 << 62)
    count = 0
    with out.progress("checking") as progress:
        found = check(db, from_page, deep=deep, progress=progress)
        for finding in found:
            progress.clear()
            count += 1
            kinds.setdefault(finding.kind, []).append(finding.page)
            if count <= most:
                _show(out, finding)
    for warning in found.warnings:
        out.warn(warning)
    if count > most:
        out.warn(f"{count - most} of {count} findings are not shown: --max-findings {most}")
    if count and (count > most or deep):
        from ...render.explanations import findings_summary

        out.say(findings_summary(kinds))

    def record() -> Record:
        from ...render import records

        verdict = records.verdict(out.path, count, [], found.warnings, at_least=found.at_least)
        return verdict | ({"explanations": _explanations(kinds)} if explain else {})

    out.record(record, lambda: _text(count, kinds if explain else {}, found.at_least))
    if count and out.is_terminal:
        unread = len({page for kind in _UNREAD for page in kinds.get(kind, ())})
        out.say(f"boltcli: damaged: {unread} page{'s' * (unread != 1)} unreadable, {len(kinds)} kinds of findings\n")
    if count:
        from ...errors import CheckFailed

        raise CheckFailed(count)
    out.hint(lambda: _hints(out.path))


def _hints(path: str) -> list[str]:
    from ..hints import after_check

    return after_check(path)


def _show(out: Output, finding: Finding) -> None:
    from ...render import records
    from ...text.values import auto

    out.part("findings", lambda: records.finding(finding, out.path), lambda: finding.line(auto) + b"\n")


def _explanations(kinds: dict[str, list[int]]) -> list[dict[str, object]]:
    from ...render.explanations import explanation_record

    return [{"kind": kind, "count": len(pages), **explanation_record(kind)} for kind, pages in kinds.items()]


def _text(count: int, explained: dict[str, list[int]], at_least: bool) -> Iterator[bytes]:
    if not count:
        yield b"OK\n"
        return
    yield b"%s%d errors found\n" % (b"at least " * at_least, count)
    if explained:
        from ...render.explanations import explanation_text

        for kind, pages in explained.items():
            yield b"\n" + explanation_text(kind, len(pages)).encode()
