"""``dump``: print pages in hexadecimal; as in bbolt, without their overflow pages."""

from __future__ import annotations

from ...errors import ArgumentError
from ...render.hexdump import hexdump
from ...storage.raw import RawFile
from ..command import command
from ..values import parse_page_ids
from .page import SEPARATOR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, BinaryIO

    from typer import Argument

    from ..job import Job
    from ..options import Path, pages


@command("dump", example="boltcli dump fixtures/document.db 0", group="Pages", opens="offset")
def dump(
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    path: Path,
    pgids: Annotated[list[str], Argument(metavar="PGID", help="Page ids.", autocompletion=pages)],
) -> None:
    """Print pages in hexadecimal."""
    wanted = parse_page_ids(pgids)
    if not wanted:
        raise ArgumentError("page id required")
    with RawFile(job.path) as file:
        page_size, _ = file.page_size_and_hwm()
        if job.json:
            from ...render import records

            for pgid in wanted:
                address, data = file.first_page(pgid, page_size)
                out.write(records.line({"page": pgid, "offset": address, "data_hex": data.hex()}))
            return
        for number, pgid in enumerate(wanted):
            if number:
                out.write(SEPARATOR)
            address, data = file.first_page(pgid, page_size)
            out.write(hexdump(data, address))
