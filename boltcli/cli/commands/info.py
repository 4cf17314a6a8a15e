"""``info``: the page size."""

from __future__ import annotations

from ..command import Command
from ..options import FILES, JOBS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ...storage.snapshot import Snapshot
    from ..job import Job

COMMAND = Command(
    "info",
    "Print the page size.",
    arguments=(FILES,),
    options=(JOBS,),
    least=1,
    most=1,
    opens=True,
    several=True,
    example="boltcli info fixtures/document.db",
)


class Options:
    """The values of the options."""

    jobs: int


def run(snapshot: Snapshot, job: Job[Options], out: BinaryIO, err: BinaryIO) -> None:
    if job.json:
        from ...render import records

        out.write(records.line(records.info(snapshot)))
        return
    out.write(b"Page Size: %d\n" % snapshot.page_size)
