"""``items``: keys with values. bbolt has no such command."""

from __future__ import annotations

from ...ops.read.select_items import items
from ...render.items import item_lines, value_lines
from ...tree.bucket import find_bucket
from ..access import database
from ..key_argument import addresses
from ..selection import selection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def run(arguments: list[str], options: dict[str, str | int], out: BinaryIO, err: BinaryIO) -> None:
    path = tuple(addresses(arguments[1:]))
    filters = selection(options, values=True)
    values_only = bool(options["values-only"])
    key_form, form = str(options["key-format"]), str(options["format"])
    pairs_only = values_only or filters["recursive"]
    with database(arguments[0], options, out) as snapshot:
        parts = items(snapshot, find_bucket(snapshot, path), path, buckets=not pairs_only, **filters)
        if options["json"]:
            from ...render import records

            for part in parts:
                out.write(records.items(part, key_form, form, path=filters["recursive"], key=not values_only))
            return
        for part in parts:
            out.write(value_lines(part, form) if values_only else item_lines(part, key_form, form, len(path)))
