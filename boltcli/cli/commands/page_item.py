"""``page-item``: the key and the value of one element of a leaf page."""

from __future__ import annotations

from ...errors import ArgumentError
from ...render.raw_page import item_text
from ...storage.raw import RawFile
from ..values import parse_decimal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def run(arguments: list[str], options: dict[str, str | int], out: BinaryIO, err: BinaryIO) -> None:
    path, pgid, index = arguments[0], parse_decimal(arguments[1]), parse_decimal(arguments[2])
    key_only, value_only = options["key-only"], options["value-only"]
    if key_only and value_only:
        raise ArgumentError("the --key-only or --value-only flag may be set, but not both")
    with RawFile(path) as file:
        page = file.page(pgid)
    index &= 0xFFFF  # bbolt keeps 16 bits of it
    if options["json"]:
        from ...render import records
        from ...render.raw_records import item_record

        record = item_record(page, index, str(options["format"]), key=not value_only, value=not key_only)
        out.write(records.line(record))
        return
    out.writelines(item_text(page, index, str(options["format"]), key=not value_only, value=not key_only))
