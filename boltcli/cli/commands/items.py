"""``items``: list keys with values. bbolt has no such command."""

from __future__ import annotations

from ...ops.read.select_items import items
from ...render.items import item_lines, value_lines
from ...tree.bucket import find_bucket
from ..command import command
from ..decoding import asked
from ..key_argument import addresses, selection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, BinaryIO, Literal

    from typer import Argument, Option

    from ..job import Job
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


def prepare(job: Job) -> None:
    addresses(job.arguments[1:])
    selection(job.options, values=True)


@command("items", example="boltcli items --prefix e-9 fixtures/document.db execution", validate=prepare)
def items_(
    db: Database,
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    bucket: Annotated[
        str,
        Argument(
            metavar="BUCKET", help="A top-level bucket; default: what is in the root bucket.", autocompletion=buckets
        ),
    ] = "",
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
    prefix: Prefix = "",
    from_: From = "",
    to: To = "",
    limit: Limit = 0,
    reverse: Reverse = False,
    recursive: Recursive = False,
    grep: Grep = "",
    decode: Decode = "off",
    proto: Proto = "",
    message: Message = "",
) -> None:
    """List the keys of a bucket with their values; on a terminal in columns, cut to its width."""
    path = tuple(addresses(job.arguments[1:]))
    filters = selection(job.options, values=True)
    key_form, form = key_format, str(format)
    pairs_only = values_only or filters["recursive"]
    parts = items(db, find_bucket(db, path), path, buckets=not pairs_only, **filters)
    decoder = asked(db, job.options)
    if out.isatty() and not job.json and not values_only:
        from shutil import get_terminal_size

        from ...render.item_columns import ItemColumns

        columns = ItemColumns(get_terminal_size().columns, key_form, form, len(path), decoder)
        for part in parts:
            out.write(columns.lines(part))
        return
    if decoder is not None:
        from ...render import decoded, records

        form = records.PARSED if parse else form
        for part in parts:
            if not job.json:
                out.write(decoded.text_lines(part, decoder, len(path), key=not values_only))
                continue
            paths = filters["recursive"]
            out.writelines(decoded.json_lines(part, decoder, key_form, form, bucket=paths, key=not values_only))
        return
    if job.json:
        from ...render import records

        form = records.PARSED if parse else form

        for part in parts:
            out.writelines(records.items(part, key_form, form, path=filters["recursive"], key=not values_only))
        return
    for part in parts:
        out.writelines(value_lines(part, form) if values_only else item_lines(part, key_form, form, len(path)))
