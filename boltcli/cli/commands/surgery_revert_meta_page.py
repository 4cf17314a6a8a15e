"""``surgery revert-meta-page``: replace the newer meta page by the older one."""

from __future__ import annotations

from ...errors import Step
from ...ops.write.page_surgery import revert_meta
from ...storage.raw import RawFile, write_patches
from ..command import command
from ..surgery import begin, output_of, refuse_nonsense, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ..job import Job
    from ..options import ChangedCopy, UnchangedPath, WriteAnyway


@command(
    "surgery revert-meta-page",
    example="boltcli surgery revert-meta-page fixtures/document.db --output reverted.db",
    group="Repair",
)
def surgery_revert_meta_page(
    job: Job, out: BinaryIO, err: BinaryIO, *, path: UnchangedPath, output: ChangedCopy, force: WriteAnyway = False
) -> None:
    """Undo the newest transaction: replace its meta page by the other one."""
    output = output_of(job)
    with RawFile(job.path) as file, begin("revert-meta-page", file, output) as copy:
        with Step("revert-meta-page command failed"):
            patches = revert_meta(file)
        refuse_nonsense(job, file, patches)
        with Step("revert-meta-page command failed"):
            write_patches(copy, patches)
        copy.commit()
    say(out, job, "The meta page is reverted.\n")
