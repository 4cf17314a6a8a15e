"""``why``: show which pages refer to a page, and its content."""

from __future__ import annotations

from ...errors import ArgumentError
from ..command import command
from ..values import parse_uint64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, BinaryIO

    from typer import Argument

    from ..job import Job
    from ..options import Database

_OFFSET = "offset:"
_FINDINGS = 100_000  # findings of a check that are searched


def prepare(job: Job) -> None:
    for argument in job.arguments[1:]:
        _number(argument)


def _number(argument: str) -> tuple[int, bool]:
    """Return the number in a PAGE argument, and whether it is an offset."""
    try:
        return parse_uint64(argument.removeprefix(_OFFSET)), argument.startswith(_OFFSET)
    except ArgumentError:
        raise ArgumentError(f"{argument}: expected a page id, or offset:N for the page at byte N") from None


@command("why", example="boltcli why fixtures/document.db 4", group="Pages", validate=prepare)
def why(
    db: Database,
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    pages: Annotated[list[str], Argument(metavar="PAGE", help="A page id, or offset:N for the page at byte N.")],
) -> None:
    """Show why a page exists: the pages that refer to it, now and before the last transaction, and its content."""
    from ...ops.check.database_check import check
    from ...ops.space.page_use import page_story
    from ...render.page_stories import story_record, story_text
    from ...tree.page_map import page_map

    now = page_map(db)
    other = db.metas[1 - db.meta.page]
    before = page_map(db, other) if other.problem() is None else None
    numbers = map(_number, job.arguments[1:])
    wanted = [number // db.page_size if is_offset else number for number, is_offset in numbers]
    findings = []
    with job.progress("checking") as progress:
        for count, finding in enumerate(check(db, 0, progress=progress)):
            if finding.page in wanted:
                findings.append(finding)
            if count > _FINDINGS:
                break
    for page in wanted:
        story = page_story(db, page, now, before, findings)
        if job.json:
            from ...render import records

            out.write(records.line(story_record(job.path, story)))
        else:
            out.write(story_text(story))
