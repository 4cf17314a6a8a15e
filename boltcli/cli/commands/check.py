"""``check``: print a line for each finding and their number, or OK."""

from __future__ import annotations

from ...ops.check.database_check import UNCOUNTED, check, file_warnings
from ...read_errors import ArgumentError
from ..command import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, Any, BinaryIO

    from typer import Option

    from ..job import Job
    from ..options import Databases, Jobs
    from ..values import parse_count, parse_uint64

_ON_A_TERMINAL = 100  # findings


def prepare(job: Job) -> None:
    if job.options.deep and job.options.from_page:
        raise ArgumentError("--deep checks the whole file, --from-page a part: they can't be combined")


@command(
    "check",
    example="boltcli check fixtures/document.db",
    group="Verify",
    several=True,
    statuses={0: "no errors", 1: "errors were found, or the file could not be read"},
    validate=prepare,
)
def check_(
    db: Databases,
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    from_page: Annotated[
        int, Option(help="Check only the tree below this page id.", metavar="PGID", parser=parse_uint64)
    ] = 0,
    deep: Annotated[bool, Option(help="Check everything, also what bbolt's check ignores.")] = False,
    explain: Annotated[bool, Option(help="Explain each kind of finding: what it means, its risk, what to do.")] = False,
    max_findings: Annotated[
        int,
        Option(
            help="Show at most this many findings; 0: 100 on a terminal, else all.", metavar="N", parser=parse_count
        ),
    ] = 0,
    jobs: Jobs = 0,
) -> None:
    """Verify the integrity of a database."""
    findings: list[dict[str, Any]] = []
    kinds: dict[str, list[int]] = {}
    most = max_findings or (_ON_A_TERMINAL if out.isatty() else 1 << 62)
    if job.json:
        from ...render import records
    page = from_page
    look = check
    if deep:
        from ...ops.check.deep_check import deep_check as look
    count = 0
    uncounted = ""
    with job.progress("checking") as progress:
        for finding in look(db, page, progress=progress):
            progress.clear()
            if finding.kind == UNCOUNTED:
                uncounted = finding.message
                continue
            count += 1
            kinds.setdefault(finding.kind, []).append(finding.page)
            if count > most:
                continue
            if job.json:
                findings.append(records.finding(finding, job.path))
            else:
                from ...render.formats import auto

                out.write(finding.line(auto) + b"\n")
        warnings = [str(warning) for warning in file_warnings(db)]
        if deep:
            from ...ops.check.database_check import pairs_in_root

            warnings += pairs_in_root(db)
    if uncounted:
        warnings.append(uncounted)
    for warning in warnings:
        job.warn(warning)
    if count > most:
        job.warn(f"{count - most} of {count} findings are not shown: --max-findings {most}")
    if count and not job.json and not job.quiet and (count > most or deep):
        from ...render.finding_summary import summary

        err.write(summary(kinds))
    if job.json:
        verdict = records.verdict(job.path, count, findings, warnings, at_least=bool(uncounted))
        if explain:
            verdict["explanations"] = _explanations({kind: len(pages) for kind, pages in kinds.items()})
        out.write(records.line(verdict))
        if count:
            from ...errors import CheckFailed

            raise CheckFailed(count)
        return
    if count:
        out.write(b"%s%d errors found\n" % (b"at least " * bool(uncounted), count))
        if explain:
            from ...ops.check.findings import explanation
            from ...render.diagnosis import explanation_text

            for kind, pages in kinds.items():
                out.write(b"\n" + explanation_text(kind, len(pages), explanation(kind)).encode())
        from ...errors import CheckFailed

        raise CheckFailed(count)
    out.write(b"OK\n")


def _explanations(kinds: dict[str, int]) -> list[dict[str, Any]]:
    """Return an object for each kind of finding."""
    from ...ops.check.findings import explanation
    from ...render.diagnosis import explanation_record

    return [{"kind": kind, "count": kinds[kind], **explanation_record(explanation(kind))} for kind in kinds]
