"""``get``: the value of one key."""

from __future__ import annotations

import os

from ...errors import ArgumentError, KeyNotFound
from ...render.formats import lines, parse
from ...tree.bucket import find_bucket, get
from ..access import database
from ..key_argument import address, addresses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def run(arguments: list[str], options: dict[str, str | int], out: BinaryIO, err: BinaryIO) -> None:
    file, *buckets, wanted = arguments
    if not file:
        raise ArgumentError("path required")
    form = str(options["parse-format"])
    key = address(wanted) if form == "ascii-encoded" else parse(os.fsencode(wanted), form)
    if not key:
        raise ArgumentError("key is required: key required")
    path = addresses(buckets)
    with database(file, options, out) as snapshot:
        value = get(snapshot, find_bucket(snapshot, path), key)
    if value is None:
        raise KeyNotFound(key)
    if options["json"]:
        from ...render import records

        out.write(records.line(records.pair(path, key, value, str(options["format"]))))
        return
    out.write(lines([value], str(options["format"])))
