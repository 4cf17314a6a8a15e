"""``surgery revert-meta-page``: replace the newer meta page by the older one."""

from __future__ import annotations

from ...errors import Step
from ...ops.write.page_surgery import revert_meta
from ...storage.raw import RawFile, write_patches
from ..surgery import FORCE, OUTPUT, Forced, begin, declare, output_of, refuse_nonsense, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ..job import Job

COMMAND = declare(
    "revert-meta-page",
    "Undo the newest transaction: replace its meta page by the other one.",
    "fixtures/document.db --output reverted.db",
    OUTPUT,
    FORCE,
)


class Options(Forced):
    """The values of the options."""


def run(job: Job[Options], out: BinaryIO, err: BinaryIO) -> None:
    output = output_of(job)
    with RawFile(job.path) as file, begin("revert-meta-page", file, output) as copy:
        with Step("revert-meta-page command failed"):
            patches = revert_meta(file)
        refuse_nonsense(job, file, patches)
        with Step("revert-meta-page command failed"):
            write_patches(copy, patches)
        copy.commit()
    say(out, job, "The meta page is reverted.\n")
