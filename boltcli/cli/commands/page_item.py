"""``page-item``: print the key and the value of one element of a leaf page."""

from __future__ import annotations

from ... import render
from ...errors import ArgumentError
from ...render.page_text import item_text
from ...storage.raw import RawFile
from ..command import command
from ..decoding import of_file
from ..values import parse_decimal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Annotated

    from ...apps.decode import Decoded
    from ..options import Decoding, Format, Path, argument, pages, switch
    from ..output import Output, Record

    Pair = tuple[Decoded, Decoded]


@command("page-item", example="boltcli page-item --key-only fixtures/document.db 4 0", group="Pages", opens="offset")
def page_item(
    out: Output,
    *,
    path: Path,
    pgid: Annotated[str, argument("PGID", "Page id.", pages)],
    index: Annotated[str, argument("INDEX", "Element, counted from 0.")],
    key_only: Annotated[bool, switch("Print only the key.")] = False,
    value_only: Annotated[bool, switch("Print only the value.")] = False,
    format: Format = "auto",
    decoding: Decoding,
) -> None:
    """Print the key and the value of one element of a leaf page."""
    page_id, number = parse_decimal(pgid), parse_decimal(index)
    if key_only and value_only:
        raise ArgumentError("the --key-only or --value-only flag may be set, but not both")
    with RawFile(path) as file:
        page = file.page(page_id)
    number &= 0xFFFF  # bbolt keeps 16 bits of it
    decoder, paths = of_file(path, decoding, [page_id])
    shown = {"key": not value_only, "value": not key_only}
    means: dict[str, Decoded] = {}  # a nested bucket has none, and is shown as without decoding
    if decoder is not None:
        for at, _, key, _, value in render.decoded.leaf_pairs(page, paths.get(page_id, ()), decoder):
            if at == number:
                means = {"key": key, "value": value}

    def record() -> Record:
        found = render.page_records.item_record(page, number, format, **shown)
        for field, decoded in means.items():
            if shown[field]:
                render.records.put_decoded(found, field, decoded)
        return found

    def text() -> Iterable[bytes]:
        if not means:
            return item_text(page, number, format, **shown)
        lines = (render.decoded.readable(decoded) + "\n" for field, decoded in means.items() if shown[field])
        return (line.encode("utf-8", "surrogateescape") for line in lines)

    out.record(record, text)
