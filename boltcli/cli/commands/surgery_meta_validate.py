"""``surgery meta validate``: show whether each meta page is valid."""

from __future__ import annotations

from ...errors import InvalidDatabase
from ...ops.write.page_surgery import meta_at
from ...storage.raw import RawFile
from ..command import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ..job import Job
    from ..options import UnchangedPath


@command("surgery meta validate", example="boltcli surgery meta validate fixtures/document.db", group="Repair")
def surgery_meta_validate(job: Job, out: BinaryIO, err: BinaryIO, *, path: UnchangedPath) -> None:
    """Show whether each of the two meta pages is valid."""
    page_size = valid = 0
    with RawFile(job.path) as file:
        for slot in (0, 1):
            meta, _ = meta_at(file, slot, page_size)
            problem = meta.problem()
            page_size = meta.page_size
            valid += problem is None
            if job.json:
                from ...render import records

                record = {"page": slot, "valid": problem is None, "problem": None if problem is None else str(problem)}
                out.write(records.line(record))
                continue
            if problem is None:
                out.write(b"The meta page %d is valid!\n" % slot)
            else:
                words = str(problem).partition(":")[0]  # boltcli's messages are longer than bbolt's
                out.write(f"WARNING: The meta page {slot} isn't valid: {words}!\n".encode())
    if not valid:
        raise InvalidDatabase("neither meta page is valid")
