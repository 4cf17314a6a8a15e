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
    from typing import Annotated

    from ...apps.decode import Decoder
    from ...ops.read.select_items import Items
    from ...render.item_columns import ItemColumns
    from ..options import (
        Database,
        Decode,
        From,
        Grep,
        KeyFormat,
        Limit,
        Message,
        Nested,
        Prefix,
        Proto,
        Recursive,
        Reverse,
        Subbuckets,
        To,
        ValueFormat,
        argument,
        buckets,
        switch,
    )
    from ..output import Output


@command("items", example="boltcli items --prefix e-9 fixtures/document.db execution", validate=check_pattern)
def items_(
    db: Database,
    out: Output,
    *,
    bucket: Annotated[
        bytes, argument("BUCKET", "A top-level bucket; default: what is in the root bucket.", buckets)
    ] = b"",
    subbuckets: Subbuckets = [],
    format: ValueFormat = "auto",
    key_format: KeyFormat = "auto",
    parse: Nested = False,
    values_only: Annotated[bool, switch("Print only the values.")] = False,
    prefix: Prefix = b"",
    from_: From = b"",
    to: To = b"",
    limit: Limit = 0,
    reverse: Reverse = False,
    recursive: Recursive = False,
    grep: Grep = "",
    decode: Decode = "off",
    proto: Proto = "",
    message: Message = "",
) -> None:
    """List the keys of a bucket with their values; on a terminal in columns, cut to its width."""
    path = (bucket, *subbuckets) if bucket or subbuckets else ()
    filters = selection(prefix, from_, to, limit, reverse, recursive, grep, values=True)
    parts = items(db, find_bucket(db, path), path, buckets=not (values_only or recursive), **filters)
    decoder = asked(db, decode, proto, message)
    in_json = "parsed" if parse else format
    columns = _columns(key_format, format, len(path), decoder) if out.is_terminal and not values_only else None

    def json(part: Items) -> Iterable[bytes]:
        return render.element_lines.element_lines(
            part.path, part.keys, part.values, with_path=recursive, with_key=not values_only, key_form=key_format,
            form=in_json, decoder=decoder,
        )  # fmt: skip

    def text(part: Items) -> bytes | Iterable[bytes]:
        if columns is not None:
            return columns.lines(part)
        return text_lines(part, key_format, format, len(path), key=not values_only, decoder=decoder)

    out.stream(parts, json=json, text=text)


def _columns(key_form: str, form: str, above: int, decoder: Decoder | None) -> ItemColumns:
    from shutil import get_terminal_size

    from ...render.item_columns import ItemColumns

    return ItemColumns(get_terminal_size().columns, key_form, form, above, decoder)
