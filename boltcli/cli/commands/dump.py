"""``dump``: print pages in hexadecimal; as in bbolt, without their overflow pages."""

from __future__ import annotations

from ...errors import ArgumentError
from ...render.hexdump import hexdump
from ...storage.raw import RawFile
from ..command import Argument, Command
from ..options import FILE, OFFSET
from ..values import parse_page_ids
from .page import SEPARATOR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ..job import Job

COMMAND = Command(
    "dump",
    "Print pages in hexadecimal.",
    arguments=(FILE, Argument("PGID", "page", "Page ids.", many=True)),
    least=2,
    options=(OFFSET,),
    example="boltcli dump fixtures/document.db 0",
    group="Pages",
)


def run(job: Job[None], out: BinaryIO, err: BinaryIO) -> None:
    pgids = parse_page_ids(job.arguments[1:])
    if not pgids:
        raise ArgumentError("page id required")
    with RawFile(job.path) as file:
        page_size, _ = file.page_size_and_hwm()
        if job.json:
            from ...render import records

            for pgid in pgids:
                address, data = file.first_page(pgid, page_size)
                out.write(records.line({"page": pgid, "offset": address, "data_hex": data.hex()}))
            return
        for number, pgid in enumerate(pgids):
            if number:
                out.write(SEPARATOR)
            address, data = file.first_page(pgid, page_size)
            out.write(hexdump(data, address))
