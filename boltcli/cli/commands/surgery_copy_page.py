"""``surgery copy-page``: copy a page over another one."""

from __future__ import annotations

from ...errors import ArgumentError, Step
from ...ops.write.page_surgery import copy_page, newest_meta
from ...storage.raw import RawFile, write_patches
from ..surgery import FREELIST_HINT, OUTPUT, Output, begin, declare, number_option, output_of, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ..job import Job

COMMAND = declare(
    "copy-page",
    "Copy a page over another one.",
    "fixtures/document.db --output copied.db --from-page 5 --to-page 7",
    OUTPUT,
    number_option("from-page", "The page to copy."),
    number_option("to-page", "The page to overwrite."),
)


class Options(Output):
    """The values of the options."""

    from_page: int
    to_page: int


def run(job: Job[Options], out: BinaryIO, err: BinaryIO) -> None:
    output = output_of(job)
    source, target = job.options.from_page, job.options.to_page
    if source == target:
        raise ArgumentError(f"'--from-page' and '--to-page' have the same value: {source}")
    with RawFile(job.path) as file, begin("copy-page", file, output) as copy:
        with Step("copy-page command failed"):
            write_patches(copy, copy_page(file, source, target))
        has_freelist = newest_meta(file).has_freelist
        copy.commit()
    warning = b"WARNING: the free list might have changed.\n" + FREELIST_HINT if has_freelist else b""
    say(out, job, f"The page {source} was successfully copied to page {target}\n", warning)
