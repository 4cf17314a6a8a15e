"""``check``: findings a line each, then how many; or OK."""

from __future__ import annotations

from ...errors import ArgumentError, CheckFailed
from ...ops.check.exact_check import check
from ...ops.check.file_warnings import remarks
from ...render.formats import auto
from ...storage.readahead import ReadAhead
from ..command import Command, Option
from ..options import FILES, JOBS
from ..values import parse_uint64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

    from ...storage.snapshot import Snapshot
    from ..job import Job

COMMAND = Command(
    "check",
    "Verify the integrity of a database.",
    arguments=(FILES,),
    least=1,
    most=1,
    options=(
        Option("from-page", "Check only the tree below this page id.", default=0, metavar="PGID", parse=parse_uint64),
        Option("deep", "Check everything, also what bbolt's check ignores.", default=False),
        Option("explain", "Explain each kind of finding: what it is, what it does, what to do.", default=False),
        JOBS,
    ),
    opens=True,
    several=True,
    example="boltcli check fixtures/document.db",
    group="Verify",
)


class Options:
    """The values of the options."""

    from_page: int
    deep: bool
    explain: bool
    jobs: int


def prepare(job: Job[Options]) -> None:
    if job.options.deep and job.options.from_page:
        raise ArgumentError("--deep looks at the whole file, --from-page at a part: they don't go together")


def run(snapshot: Snapshot, job: Job[Options], out: BinaryIO, err: BinaryIO) -> None:
    findings: list[dict[str, Any]] = []  # of one file of several, which are part of its object
    if job.json:
        from ...render import records
    page, jobs = job.options.from_page, job.options.jobs
    look = check
    if job.options.deep:
        from ...ops.check.deep_check import deep_check as look
    count = 0
    kinds: dict[str, int] = {}
    with ReadAhead(snapshot, jobs != 1 and page == 0), job.progress("checking") as progress:
        for finding in look(snapshot, page, jobs=jobs, progress=progress):
            progress.clear()
            if job.several:
                findings.append(records.finding(finding, job.path))
            elif job.json:
                out.write(records.line(records.finding(finding, job.path)))
            else:
                out.write(finding.line(auto) + b"\n")
            count += 1
            kinds[finding.kind] = kinds.get(finding.kind, 0) + 1
        warnings = list(remarks(snapshot))
    for warning in warnings:
        job.warn(str(warning))
    if job.json:
        verdict = records.verdict(job.path, count, findings if job.several else None)
        if job.options.explain:
            verdict["explanations"] = _explanations(kinds)
        out.write(records.line(verdict))
        if count:
            raise CheckFailed(count)
        return
    if count:
        out.write(b"%d errors found\n" % count)
        if job.options.explain:
            from ...ops.check.explanations import explanation
            from ...render.diagnosis import explanation_text

            for kind, number in kinds.items():
                out.write(b"\n" + explanation_text(kind, number, explanation(kind)).encode())
        raise CheckFailed(count)
    out.write(b"OK\n")


def _explanations(kinds: dict[str, int]) -> list[dict[str, Any]]:
    """An object for each kind of finding."""
    from ...ops.check.explanations import explanation
    from ...render.diagnosis import explanation_record

    return [{"kind": kind, "count": kinds[kind], **explanation_record(explanation(kind))} for kind in kinds]
