"""``page-item``: print the key and the value of one element of a leaf page."""

from __future__ import annotations

from ...errors import ArgumentError
from ...render.raw_page import item_text
from ...storage.raw import RawFile
from ..command import Argument, Command, Option
from ..decoding import DECODE, Decoding, of_file
from ..options import FILE, OFFSET, format_option
from ..values import parse_decimal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ...apps.decode import Decoder
    from ...storage.raw import RawPage
    from ..job import Job

COMMAND = Command(
    "page-item",
    "Print the key and the value of one element of a leaf page.",
    arguments=(FILE, Argument("PGID", "page", "Page id."), Argument("INDEX", "text", "Element, counted from 0.")),
    least=3,
    most=3,
    options=(
        Option("key-only", "Print only the key.", default=False),
        Option("value-only", "Print only the value.", default=False),
        format_option(short="f"),
        *DECODE,
        OFFSET,
    ),
    example="boltcli page-item --key-only fixtures/document.db 4 0",
    group="Pages",
)


class Options(Decoding):
    """The values of the options."""

    key_only: bool
    value_only: bool
    format: str


def run(job: Job[Options], out: BinaryIO, err: BinaryIO) -> None:
    path, pgid, index = job.path, parse_decimal(job.arguments[1]), parse_decimal(job.arguments[2])
    key_only, value_only = job.options.key_only, job.options.value_only
    if key_only and value_only:
        raise ArgumentError("the --key-only or --value-only flag may be set, but not both")
    with RawFile(path) as file:
        page = file.page(pgid)
    index &= 0xFFFF  # bbolt keeps 16 bits of it
    decoder, paths = of_file(path, job.options, [pgid])
    if decoder is not None:
        _decoded(page, index, paths.get(pgid, ()), decoder, job, out)
        return
    if job.json:
        from ...render import records
        from ...render.raw_records import item_record

        record = item_record(page, index, job.options.format, key=not value_only, value=not key_only)
        out.writelines(records.pieces([record]))
        return
    out.writelines(item_text(page, index, job.options.format, key=not value_only, value=not key_only))


def _decoded(
    page: RawPage, index: int, path: tuple[bytes, ...], decoder: Decoder, job: Job[Options], out: BinaryIO
) -> None:
    """Write the decoded element; a nested bucket is written as without decoding."""
    from ...render import records
    from ...render.decoded import leaf_pairs, put_decoded, readable
    from ...render.raw_records import item_record

    options = job.options
    record = item_record(page, index, options.format, key=not options.value_only, value=not options.key_only)
    found = next((each for each in leaf_pairs(page, path, decoder) if each[0] == index), None)
    if found is None and not job.json:
        out.writelines(item_text(page, index, options.format, key=not options.value_only, value=not options.key_only))
        return
    for name, at, shown in (("key", 2, not options.value_only), ("value", 4, not options.key_only)):
        if found is not None and shown:
            decoded = found[2] if at == 2 else found[4]
            if job.json:
                put_decoded(record, name, decoded)
            else:
                out.write(readable(decoded).encode("utf-8", "surrogateescape") + b"\n")
    if job.json:
        out.writelines(records.pieces([record]))
