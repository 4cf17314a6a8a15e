"""``page-item``: print the key and the value of one element of a leaf page."""

from __future__ import annotations

from ...errors import ArgumentError
from ...render.raw_page import item_text
from ...storage.raw import RawFile
from ..command import command
from ..decoding import of_file
from ..values import parse_decimal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, BinaryIO

    from typer import Argument, Option

    from ...apps.decode import Decoder
    from ...storage.raw import RawPage
    from ..job import Job
    from ..options import Decode, Format, Message, Path, Proto, pages


@command("page-item", example="boltcli page-item --key-only fixtures/document.db 4 0", group="Pages", opens="offset")
def page_item(
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    path: Path,
    pgid: Annotated[str, Argument(metavar="PGID", help="Page id.", autocompletion=pages)],
    index: Annotated[str, Argument(metavar="INDEX", help="Element, counted from 0.")],
    key_only: Annotated[bool, Option(help="Print only the key.")] = False,
    value_only: Annotated[bool, Option(help="Print only the value.")] = False,
    format: Format = "auto",
    decode: Decode = "off",
    proto: Proto = "",
    message: Message = "",
) -> None:
    """Print the key and the value of one element of a leaf page."""
    page_id, number = parse_decimal(pgid), parse_decimal(index)
    if key_only and value_only:
        raise ArgumentError("the --key-only or --value-only flag may be set, but not both")
    with RawFile(path) as file:
        page = file.page(page_id)
    number &= 0xFFFF  # bbolt keeps 16 bits of it
    decoder, paths = of_file(path, job.options, [page_id])
    if decoder is not None:
        _decoded(page, number, paths.get(page_id, ()), decoder, job, out)
        return
    if job.json:
        from ...render import records
        from ...render.raw_records import item_record

        record = item_record(page, number, format, key=not value_only, value=not key_only)
        out.writelines(records.pieces([record]))
        return
    out.writelines(item_text(page, number, format, key=not value_only, value=not key_only))


def _decoded(page: RawPage, index: int, path: tuple[bytes, ...], decoder: Decoder, job: Job, out: BinaryIO) -> None:
    """Write the decoded element; a nested bucket is written as without decoding."""
    from ...render import records
    from ...render.decoded import leaf_pairs, readable
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
                records.put_decoded(record, name, decoded)
            else:
                out.write(readable(decoded).encode("utf-8", "surrogateescape") + b"\n")
    if job.json:
        out.writelines(records.pieces([record]))
