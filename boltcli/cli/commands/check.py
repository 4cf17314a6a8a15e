"""``check``: findings a line each, then how many; or OK."""

from __future__ import annotations

from ...errors import ArgumentError, CheckFailed
from ...ops.check.exact_check import check
from ...ops.check.file_warnings import remarks
from ...render.formats import auto
from ...storage.readahead import ReadAhead
from ..access import database
from ..progress import Progress
from ..warnings import warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO


def run(arguments: list[str], options: dict[str, str | int], out: BinaryIO, err: BinaryIO) -> None:
    as_json = bool(options["json"])
    several = "several" in options  # an object for the whole file then
    findings: list[dict[str, Any]] = []
    if as_json:
        from ...render import records
    page, jobs = int(options["from-page"]), int(options["jobs"])
    look = check
    if options["deep"]:
        if page:
            raise ArgumentError("--deep looks at the whole file, --from-page at a part: they don't go together")
        from ...ops.check.deep_check import deep_check as look
    count = 0
    with (
        database(arguments[0], options, out) as snapshot,
        ReadAhead(snapshot, jobs != 1 and page == 0),
        Progress("checking") as progress,
    ):
        for finding in look(snapshot, page, jobs=jobs, progress=progress):
            progress.clear()
            if several:
                findings.append(records.finding(finding, arguments[0]))
            elif as_json:
                out.write(records.line(records.finding(finding, arguments[0])))
            else:
                out.write(finding.message(auto) + b"\n")
            count += 1
        warnings = list(remarks(snapshot))
    for warning in warnings:
        warn(err, options, str(warning), arguments[0])
    if as_json:
        out.write(records.line(records.verdict(arguments[0], count, findings if several else None)))
        if count:
            raise CheckFailed(count)
        return
    if count:
        out.write(b"%d errors found\n" % count)
        raise CheckFailed(count)
    out.write(b"OK\n")
