"""``report``: write an HTML report about one or more databases."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

from ...errors import BoltError
from ...render import html_report, records
from ...render.row_files import complete
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
    statuses={0: "the report is written", 1: "a file could not be read, which the report says; or no report"},
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
    """Write a report about databases as one HTML file: verdict, page map, sizes, findings, application."""
    contexts: list[html_report.Context] = []

    def look(_: Named, out: Output) -> html_report.Context:
        def work(db: Snapshot, out: Output) -> html_report.Context:
            with out.progress("checking") as progress:
                context = html_report.file_context(db, out.path, progress, values=values)
            db.finish()
            return context

        return opener.read(out.path, work, out)

    found = opener.files(paths)
    status = unread = 0
    for file, context in each(found, look, opener, out, what="reading", jobs=jobs):
        if isinstance(context, BoltError):
            status = max(status, complain(file.path, context, None, opener, out))
            unread += 1
            context = html_report.failed(file.path, str(context))
        contexts.append(context)
    if unread and len(contexts) == 1:
        return status
    contexts.sort(key=html_report.badness)
    title = title or (os.path.basename(found.paths[0]) if len(contexts) == 1 else f"{len(contexts)} databases")
    content = html_report.page(contexts, title, values=values)
    with complete(output, replace=force) as target:
        target.write(content)
    bad = sum(context["tone"] == "bad" for context in contexts)
    facts = {"files": len(contexts), "bad": bad, "unreadable": unread, "size": len(content)}
    text = f"{output}: {counted(len(contexts), 'file')}, {bad - unread} with findings"
    text += f", {unread} unreadable\n" if unread else "\n"
    out.record(lambda: records.result(found.paths[0], output, **facts), text)
    return status
