"""``dump``: print pages in hexadecimal; as in bbolt, without their overflow pages."""

from __future__ import annotations

from ...errors import ArgumentError
from ...render.page_text import hexdump
from ...storage.raw import RawFile
from ..command import command
from ..values import parse_page_ids
from .page import SEPARATOR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated

    from ..options import Path, argument, pages
    from ..output import Output


@command("dump", example="boltcli dump fixtures/document.db 0", group="Pages", opens="offset")
def dump(
    out: Output,
    *,
    path: Path,
    pgids: Annotated[list[str], argument("PGID", "Page ids.", pages)],
) -> None:
    """Print pages in hexadecimal."""
    wanted = parse_page_ids(pgids)
    if not wanted:
        raise ArgumentError("page id required")
    with RawFile(path) as file:
        page_size, _ = file.page_size_and_hwm()
        for number, pgid in enumerate(wanted):
            out.text(SEPARATOR * bool(number))
            address, data = file.first_page(pgid, page_size)
            out.record({"page": pgid, "offset": address, "data_hex": data.hex()}, hexdump(data, address))
