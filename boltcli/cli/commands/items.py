"""``items``: list keys with values. bbolt has no such command."""

from __future__ import annotations

from ... import render
from ...ops.read.select_items import items
from ...render.item_lines import text_lines
from ...tree.bucket import find_bucket
from ..command import command
from ..decoding import asked
from ..selection import check_pattern, selection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Annotated, Any

    from ...apps.decode import Decoder
    from ...ops.read.select_items import Items
    from ...render.item_columns import ItemColumns
    from ..options import Database, Decoding, Filters, KeyFormat, Nested, Subbuckets, ValueFormat, of_bucket, switch
    from ..output import Output


@command("items", example="boltcli items --prefix e-9 fixtures/document.db execution", validate=check_pattern)
def items_(
    db: Database,
    out: Output,
    *,
    bucket: Annotated[bytes, of_bucket("Name of a top-level bucket; default: list the root bucket.")] = b"",
    subbuckets: Subbuckets = [],
    format: ValueFormat = "auto",
    key_format: KeyFormat = "auto",
    parse: Nested = False,
    values_only: Annotated[bool, switch("Print only the values.")] = False,
    filters: Filters,
    decoding: Decoding,
) -> None:
    """List the keys of a bucket with their values; on a terminal in columns, cut to its width."""
    path = (bucket, *subbuckets) if bucket or subbuckets else ()
    found, chosen = find_bucket(db, path), selection(filters, values=True)
    parts = items(db, found, path, buckets=not (values_only or filters.recursive), **chosen)
    decoder = asked(db, decoding)
    columns = None
    if out.is_terminal and not values_only:
        columns = _columns(out.width, key_format, format, len(path), decoder)
    shown: dict[str, Any] = {"with_path": filters.recursive, "with_key": not values_only, "key_form": key_format}
    shown |= {"form": "parsed" if parse else format, "decoder": decoder}

    def text(part: Items) -> bytes | Iterable[bytes]:
        if columns is not None:
            return columns.lines(part)
        return text_lines(part, key_format, format, len(path), key=not values_only, decoder=decoder)

    def json(part: Items) -> Iterable[bytes]:
        return render.element_lines.element_lines(part.path, part.keys, part.values, **shown)

    out.stream(parts, json=json, text=text)


def _columns(width: int, key_form: str, form: str, above: int, decoder: Decoder | None) -> ItemColumns:
    from ...render.item_columns import ItemColumns

    return ItemColumns(width, key_form, form, above, decoder)
