"""``report``: write an HTML report about one or more databases."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

from ...errors import BoltError, MissingExtra, PassedOver, SourceNotFound
from ...render import html_report, records, report_facts
from ...render.row_files import complete
from ...storage.destination import check_destination
from ...text.sizes import counted
from ..command import command
from ..many import complain, each

if TYPE_CHECKING:
    from ...fleet.files import Named
    from ...storage.snapshot import Snapshot
    from ..opener import Opener
    from ..options import Destination, Force, JobsIfGiven, argument, files, switch, text
    from ..output import Output


@command(
    "report",
    example="boltcli report -o report.html fixtures/document.db",
    group="Space",
    opens=True,
    statuses={0: "the report is written", 1: "a file could not be read (the report says so), or no report was written"},
)
def report(
    opener: Opener,
    out: Output,
    *,
    paths: Annotated[list[str], argument("FILE", "Bolt database files; the worst comes first in the report.", files)],
    output: Destination,
    force: Force = False,
    values: Annotated[bool, switch("Include the values of the largest pairs, shortened.")] = False,
    title: Annotated[str, text("Title of the report; default: the name of the file.", "TEXT")] = "",
    jobs: JobsIfGiven = 1,
) -> int:
    """Write a report about databases as one HTML file: verdict, what to do, space, audit, findings, page map."""
    template = html_report.loaded()  # before the long work
    check_destination(output, replace=force)
    contexts: list[report_facts.Context] = []
    failure = None

    def look(_: Named, out: Output) -> report_facts.Context:
        def work(db: Snapshot, out: Output) -> report_facts.Context:
            context = report_facts.file_context(db, out.path, out.progress, values=values)
            db.finish()
            return context

        return opener.read(out.path, work, out)

    def unreadable(path: str, error: BoltError) -> report_facts.Context:
        return report_facts.failed(path, error, out.progress, lock=opener.lock, timeout=opener.timeout)

    found = opener.files(paths)
    status = unread = 0
    try:
        for file, context in each(found, look, opener, out, what="reading", jobs=jobs):
            if isinstance(context, BoltError):
                status = max(status, complain(file.path, context, None, opener, out))
                if len(found) == 1 and not _is_reported(file.path, context):
                    return status
                unread += 1
                context = unreadable(file.path, context)
            contexts.append(context)
    except BoltError as error:  # that of the only file is the command's
        if len(found) > 1 or not _is_reported(found.paths[0], error):
            raise
        failure, unread = error, 1
        contexts.append(unreadable(error.path or found.paths[0], error))
    contexts.sort(key=report_facts.badness)
    only = "standard input" if found.paths[0] == "-" else os.path.basename(found.paths[0])
    title = title or (only if len(contexts) == 1 else f"{len(contexts)} databases")
    content = html_report.page(template, contexts, title, values=values)
    with complete(output, replace=force) as target:
        target.write(content)
    bad = sum(bool(context["total_findings"]) for context in contexts)
    facts = {"files": len(contexts), "bad": bad + unread, "unreadable": unread, "size": len(content)}
    text = f"{output}: {counted(len(contexts), 'file')}, {bad} with findings"
    text += f", {unread} unreadable\n" if unread else "\n"
    out.record(lambda: records.result(found.paths[0], output, **facts), text)
    if failure is not None:
        raise failure
    return status


def _is_reported(path: str, error: BoltError) -> bool:
    """Return whether the only file is there, but can't be read: then the report says so."""
    return not (isinstance(error, (MissingExtra, PassedOver, SourceNotFound)) or os.path.isdir(path))
