"""``surgery clear-page-elements``: remove some elements of a branch or leaf page."""

from __future__ import annotations

from ...errors import Step
from ...ops.write.page_surgery import clear_elements
from ...storage.raw import RawFile, write_patches
from ..surgery import OUTPUT, PAGES_LOST, Output, begin, check_page, declare, number_option, output_of, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ..job import Job

COMMAND = declare(
    "clear-page-elements",
    "Remove some elements of a branch or leaf page.",
    "fixtures/document.db --output elements.db --pageId 5 --from-index 0 --to-index 2",
    OUTPUT,
    number_option("pageId", "The page to clear.", aliases=("page-id",)),
    number_option("from-index", "The first element to remove, counted from 0.", metavar="INDEX", signed=True),
    number_option(
        "to-index", "The first element to keep after them; -1: remove to the end.", metavar="INDEX", signed=True
    ),
)


class Options(Output):
    """The values of the options."""

    pageId: int
    from_index: int
    to_index: int


def run(job: Job[Options], out: BinaryIO, err: BinaryIO) -> None:
    output, pgid = output_of(job), job.options.pageId
    check_page(pgid)
    start, end = job.options.from_index, job.options.to_index
    # bbolt's messages say "element" where its command's name says "elements".
    with RawFile(job.path) as file, begin("clear-page-element", file, output) as copy:
        with Step("clear-page-element command failed"):
            patches, lost = clear_elements(file, pgid, start, end)
            write_patches(copy, patches)
        copy.commit()
    cleared = f"All elements in [{start}, {end}) in page {pgid} were cleared\n"
    say(out, job, cleared, PAGES_LOST if lost else b"")
