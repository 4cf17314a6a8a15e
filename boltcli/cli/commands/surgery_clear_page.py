"""``surgery clear-page``: remove all elements of a branch or leaf page."""

from __future__ import annotations

from ...errors import Step
from ...ops.write.page_surgery import clear_elements
from ...storage.raw import RawFile, write_patches
from ..command import command
from ..surgery import PAGES_LOST, begin, check_page, output_of, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, BinaryIO

    from typer import Option

    from ..job import Job
    from ..options import ChangedCopy, UnchangedPath
    from ..values import parse_uint64


@command(
    "surgery clear-page",
    example="boltcli surgery clear-page fixtures/document.db --output cleared.db --pageId 5",
    group="Repair",
)
def surgery_clear_page(
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    path: UnchangedPath,
    output: ChangedCopy,
    pageId: Annotated[
        int, Option("--pageId", "--page-id", help="The page to clear.", metavar="PGID", parser=parse_uint64)
    ],
) -> None:
    """Remove all elements of a branch or leaf page."""
    output, pgid = output_of(job), pageId
    check_page(pgid)
    with RawFile(job.path) as file, begin("clear-page", file, output) as copy:
        with Step("clear-page command failed"):
            patches, lost = clear_elements(file, pgid)
            write_patches(copy, patches)
        copy.commit()
    say(out, job, f"The page ({pgid}) was cleared\n", PAGES_LOST if lost else b"")
