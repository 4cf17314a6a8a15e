"""``check``: print a line for each finding and their number, or OK."""

from __future__ import annotations

from ...errors import ArgumentError, CheckFailed
from ...ops.check.database_check import UNCOUNTED, check, file_warnings
from ..command import Command, Option
from ..options import FILES, JOBS
from ..values import parse_count, parse_uint64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

    from ...storage.snapshot import Snapshot
    from ..job import Job

_ON_A_TERMINAL = 100  # findings

COMMAND = Command(
    "check",
    "Verify the integrity of a database.",
    arguments=(FILES,),
    least=1,
    most=1,
    options=(
        Option("from-page", "Check only the tree below this page id.", default=0, metavar="PGID", parse=parse_uint64),
        Option("deep", "Check everything, also what bbolt's check ignores.", default=False),
        Option("explain", "Explain each kind of finding: what it means, its risk, what to do.", default=False),
        Option(
            "max-findings",
            "Show at most this many findings; 0: 100 on a terminal, else all.",
            default=0,
            metavar="N",
            parse=parse_count,
        ),
        JOBS,
    ),
    opens=True,
    several=True,
    example="boltcli check fixtures/document.db",
    statuses={0: "no errors", 1: "errors were found, or the file could not be read"},
    group="Verify",
)


class Options:
    """The values of the options."""

    from_page: int
    deep: bool
    explain: bool
    max_findings: int
    jobs: int


def prepare(job: Job[Options]) -> None:
    if job.options.deep and job.options.from_page:
        raise ArgumentError("--deep checks the whole file, --from-page a part: they can't be combined")


def run(snapshot: Snapshot, job: Job[Options], out: BinaryIO, err: BinaryIO) -> None:
    findings: list[dict[str, Any]] = []
    kinds: dict[str, list[int]] = {}
    most = job.options.max_findings or (_ON_A_TERMINAL if out.isatty() else 1 << 62)
    if job.json:
        from ...render import records
    page = job.options.from_page
    look = check
    if job.options.deep:
        from ...ops.check.deep_check import deep_check as look
    count = 0
    uncounted = ""
    with job.progress("checking") as progress:
        for finding in look(snapshot, page, progress=progress):
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
        warnings = [str(warning) for warning in file_warnings(snapshot)]
        if job.options.deep:
            from ...ops.check.database_check import pairs_in_root

            warnings += pairs_in_root(snapshot)
    if uncounted:
        warnings.append(uncounted)
    for warning in warnings:
        job.warn(warning)
    if count > most:
        job.warn(f"{count - most} of {count} findings are not shown: --max-findings {most}")
    if count and not job.json and not job.quiet and (count > most or job.options.deep):
        from ...render.finding_summary import summary

        err.write(summary(kinds))
    if job.json:
        verdict = records.verdict(job.path, count, findings, warnings, at_least=bool(uncounted))
        if job.options.explain:
            verdict["explanations"] = _explanations({kind: len(pages) for kind, pages in kinds.items()})
        out.write(records.line(verdict))
        if count:
            raise CheckFailed(count)
        return
    if count:
        out.write(b"%s%d errors found\n" % (b"at least " * bool(uncounted), count))
        if job.options.explain:
            from ...ops.check.findings import explanation
            from ...render.diagnosis import explanation_text

            for kind, pages in kinds.items():
                out.write(b"\n" + explanation_text(kind, len(pages), explanation(kind)).encode())
        raise CheckFailed(count)
    out.write(b"OK\n")


def _explanations(kinds: dict[str, int]) -> list[dict[str, Any]]:
    """Return an object for each kind of finding."""
    from ...ops.check.findings import explanation
    from ...render.diagnosis import explanation_record

    return [{"kind": kind, "count": kinds[kind], **explanation_record(explanation(kind))} for kind in kinds]
