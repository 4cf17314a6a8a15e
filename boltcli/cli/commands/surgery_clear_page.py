"""``surgery clear-page``: remove all elements of a branch or leaf page."""

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
    "clear-page",
    "Remove all elements of a branch or leaf page.",
    "fixtures/document.db --output cleared.db --pageId 5",
    OUTPUT,
    number_option("pageId", "The page to clear.", aliases=("page-id",)),
)


class Options(Output):
    """The values of the options."""

    pageId: int


def run(job: Job[Options], out: BinaryIO, err: BinaryIO) -> None:
    output, pgid = output_of(job), job.options.pageId
    check_page(pgid)
    with RawFile(job.path) as file, begin("clear-page", file, output) as copy:
        with Step("clear-page command failed"):
            patches, lost = clear_elements(file, pgid)
            write_patches(copy, patches)
        copy.commit()
    say(out, job, f"The page ({pgid}) was cleared\n", PAGES_LOST if lost else b"")
