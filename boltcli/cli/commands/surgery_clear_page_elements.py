"""``surgery clear-page-elements``: remove some elements of a branch or leaf page."""

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
    from ..values import parse_int64, parse_uint64


@command(
    "surgery clear-page-elements",
    example=(
        "boltcli surgery clear-page-elements fixtures/document.db --output elements.db --pageId 5"
        " --from-index 0 --to-index 2"
    ),
    group="Repair",
)
def surgery_clear_page_elements(
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    path: UnchangedPath,
    output: ChangedCopy,
    pageId: Annotated[
        int, Option("--pageId", "--page-id", help="The page to clear.", metavar="PGID", parser=parse_uint64)
    ],
    from_index: Annotated[
        int, Option(help="The first element to remove, counted from 0.", metavar="INDEX", parser=parse_int64)
    ],
    to_index: Annotated[
        int,
        Option(
            help="The first element to keep after them; -1: remove to the end.", metavar="INDEX", parser=parse_int64
        ),
    ],
) -> None:
    """Remove some elements of a branch or leaf page."""
    output, pgid = output_of(job), pageId
    check_page(pgid)
    start, end = from_index, to_index
    # bbolt's messages say "element" where its command's name says "elements".
    with RawFile(job.path) as file, begin("clear-page-element", file, output) as copy:
        with Step("clear-page-element command failed"):
            patches, lost = clear_elements(file, pgid, start, end)
            write_patches(copy, patches)
        copy.commit()
    cleared = f"All elements in [{start}, {end}) in page {pgid} were cleared\n"
    say(out, job, cleared, PAGES_LOST if lost else b"")
