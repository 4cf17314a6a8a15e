"""``surgery freelist rebuild``: store a freelist in a database that has none."""

from __future__ import annotations

from ...errors import ArgumentError, Step
from ...ops.write.freelist_rebuild import rebuild_freelist
from ...ops.write.page_surgery import newest_meta
from ...storage.raw import RawFile, write_patches
from ..command import command
from ..surgery import begin, output_of, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ..job import Job
    from ..options import ChangedCopy, UnchangedPath


@command(
    "surgery freelist rebuild",
    example="boltcli surgery freelist rebuild abandoned.db --output rebuilt.db",
    group="Repair",
)
def surgery_freelist_rebuild(
    job: Job, out: BinaryIO, err: BinaryIO, *, path: UnchangedPath, output: ChangedCopy
) -> None:
    """Store a freelist in a database that has none."""
    output = output_of(job)
    with RawFile(job.path) as file:
        if newest_meta(file).has_freelist:
            raise ArgumentError(
                "the file already has freelist, please consider to abandon the freelist to forcibly rebuild it"
            )
        with begin("freelist rebuild", file, output) as copy:
            # The copy is opened instead of the source, so a lock on the source doesn't matter.
            with Step("[freelist rebuild] open db file failed"):
                write_patches(copy, *rebuild_freelist(output, copy.fd))
            copy.commit()
    say(out, job, "The freelist was successfully rebuilt.\n")
