"""``items``: list keys with values. bbolt has no such command."""

from __future__ import annotations

from ...ops.read.select_items import items
from ...render.items import item_lines, value_lines
from ...tree.bucket import find_bucket
from ..command import Argument, Command, Option
from ..decoding import DECODE, Decoding, asked
from ..key_argument import addresses
from ..options import FILE, FILTERS, PARSE, SUBBUCKET, format_option
from ..selection import Filters, selection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ...storage.snapshot import Snapshot
    from ..job import Job

COMMAND = Command(
    "items",
    "List the keys of a bucket with their values; on a terminal in columns, cut to its width.",
    arguments=(
        FILE,
        Argument("BUCKET", "bucket", "A top-level bucket; default: what is in the root bucket.", required=False),
        SUBBUCKET,
    ),
    least=1,
    options=(
        format_option("How to write values", short="f"),
        format_option("How to write keys", name="key-format"),
        PARSE,
        Option("values-only", "Print only the values.", default=False),
        *FILTERS,
        *DECODE,
    ),
    opens=True,
    example="boltcli items --prefix e-9 fixtures/document.db execution",
)


class Options(Filters, Decoding):
    """The values of the options."""

    format: str
    parse: bool
    key_format: str
    values_only: bool


def prepare(job: Job[Options]) -> None:
    addresses(job.arguments[1:])
    selection(job.options, values=True)


def run(snapshot: Snapshot, job: Job[Options], out: BinaryIO, err: BinaryIO) -> None:
    path = tuple(addresses(job.arguments[1:]))
    filters = selection(job.options, values=True)
    values_only = job.options.values_only
    key_form, form = job.options.key_format, job.options.format
    pairs_only = values_only or filters["recursive"]
    parts = items(snapshot, find_bucket(snapshot, path), path, buckets=not pairs_only, **filters)
    decoder = asked(snapshot, job.options)
    if out.isatty() and not job.json and not values_only:
        from shutil import get_terminal_size

        from ...render.item_columns import ItemColumns

        columns = ItemColumns(get_terminal_size().columns, key_form, form, len(path), decoder)
        for part in parts:
            out.write(columns.lines(part))
        return
    if decoder is not None:
        from ...render import decoded, records

        form = records.PARSED if job.options.parse else form
        for part in parts:
            if not job.json:
                out.write(decoded.text_lines(part, decoder, len(path), key=not values_only))
                continue
            paths = filters["recursive"]
            out.writelines(decoded.json_lines(part, decoder, key_form, form, bucket=paths, key=not values_only))
        return
    if job.json:
        from ...render import records

        form = records.PARSED if job.options.parse else form

        for part in parts:
            out.writelines(records.items(part, key_form, form, path=filters["recursive"], key=not values_only))
        return
    for part in parts:
        out.writelines(value_lines(part, form) if values_only else item_lines(part, key_form, form, len(path)))
