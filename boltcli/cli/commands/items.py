"""``items``: list keys with values. bbolt has no such command."""

from __future__ import annotations

from ...ops.read.select_items import items
from ...render.item_lines import item_lines, value_lines
from ...tree.bucket import find_bucket
from ..command import command
from ..decoding import asked
from ..selection import check_pattern, selection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Annotated, Literal

    from typer import Argument, Option

    from ...apps.decode import Decoder
    from ...ops.read.select_items import Items
    from ..options import (
        Database,
        Decode,
        From,
        Grep,
        Limit,
        Message,
        Nested,
        Prefix,
        Proto,
        Recursive,
        Reverse,
        Subbuckets,
        To,
        buckets,
    )
    from ..output import Output

    Write = Callable[[Items], bytes | Iterable[bytes]]


@command("items", example="boltcli items --prefix e-9 fixtures/document.db execution", validate=check_pattern)
def items_(
    db: Database,
    out: Output,
    *,
    bucket: Annotated[
        bytes,
        Argument(
            metavar="BUCKET", help="A top-level bucket; default: what is in the root bucket.", autocompletion=buckets
        ),
    ] = b"",
    subbuckets: Subbuckets = [],
    format: Annotated[
        Literal["auto", "ascii-encoded", "hex", "bytes", "redacted", "json", "base64", "u64", "time", "repr"],
        Option(
            "--format",
            "-f",
            help="How to write values: auto|ascii-encoded|hex|bytes|redacted|json|base64|u64|time|repr",
            metavar="FORMAT",
        ),
    ] = "auto",
    key_format: Annotated[
        Literal["auto", "ascii-encoded", "hex", "bytes", "redacted", "json", "base64", "u64", "time", "repr"],
        Option(
            help="How to write keys: auto|ascii-encoded|hex|bytes|redacted|json|base64|u64|time|repr", metavar="FORMAT"
        ),
    ] = "auto",
    parse: Nested = False,
    values_only: Annotated[bool, Option(help="Print only the values.")] = False,
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
    if out.is_terminal and not values_only:
        text = _in_columns(key_format, format, len(path), decoder)
    else:
        text = _text(key_format, format, len(path), decoder, values_only)
    json = _json(key_format, "parsed" if parse else format, decoder, with_path=recursive, with_key=not values_only)
    out.stream(parts, json=json, text=text)


def _in_columns(key_form: str, form: str, above: int, decoder: Decoder | None) -> Write:
    from shutil import get_terminal_size

    from ...render.item_columns import ItemColumns

    return ItemColumns(get_terminal_size().columns, key_form, form, above, decoder).lines


def _text(key_form: str, form: str, above: int, decoder: Decoder | None, values_only: bool) -> Write:
    if decoder is not None:
        from ...render import decoded

        return lambda part: decoded.text_lines(part, decoder, above, key=not values_only)
    if values_only:
        return lambda part: value_lines(part, form)
    return lambda part: item_lines(part, key_form, form, above)


def _json(key_form: str, form: str, decoder: Decoder | None, *, with_path: bool, with_key: bool) -> Write:
    def lines(part: Items) -> Iterable[bytes]:
        from ...render.element_lines import element_lines

        return element_lines(
            part.path, part.keys, part.values, with_path=with_path, with_key=with_key, key_form=key_form, form=form,
            decoder=decoder,
        )  # fmt: skip

    return lines
