"""``surgery freelist abandon``: remove the freelist from both meta pages."""

from __future__ import annotations

from ...errors import Step
from ...ops.write.page_surgery import abandon_freelist
from ...storage.raw import RawFile, write_patches
from ..command import command
from ..surgery import begin, output_of, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ..job import Job
    from ..options import ChangedCopy, UnchangedPath


@command(
    "surgery freelist abandon",
    example="boltcli surgery freelist abandon fixtures/document.db --output abandoned.db",
    group="Repair",
)
def surgery_freelist_abandon(
    job: Job, out: BinaryIO, err: BinaryIO, *, path: UnchangedPath, output: ChangedCopy
) -> None:
    """Remove the freelist from both meta pages; bbolt then finds the free pages by a full walk."""
    output = output_of(job)
    with RawFile(job.path) as file, begin("freelist abandon", file, output) as copy:
        with Step("abandom-freelist command failed"):  # bbolt's spelling
            write_patches(copy, abandon_freelist(file))
        copy.commit()
    say(
        out,
        job,
        "The freelist was abandoned in both meta pages.\n"
        "It may cause some delay on next startup because bbolt needs to scan the whole db "
        "to reconstruct the free list.\n",
    )
