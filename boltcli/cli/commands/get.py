"""``get``: print the value of a key."""

from __future__ import annotations

import os

from ...errors import ArgumentError, BoltError, KeyNotFound
from ...render.formats import parse
from ...render.value_line import value_line
from ...tree.bucket import find_bucket, get
from ..command import Argument, Command, Option
from ..decoding import DECODE, Decoding, asked
from ..key_argument import address, addresses
from ..options import BUCKET, FILE, PARSE, SUBBUCKET, format_option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    from ...storage.snapshot import Snapshot
    from ..job import Job
    from ..option import Value


def _is_in_root(arguments: Sequence[str], values: dict[str, Value]) -> bool:
    """Whether FILE KEY names a pair of the root bucket: bbolt's API puts none there, but some files have one."""
    if len(arguments) != 2:
        return False
    from ..guesses import opened

    try:
        with opened(arguments[0]) as snapshot:
            key = _key(arguments[1], str(values["parse-format"]))
            return get(snapshot, find_bucket(snapshot, ()), key) is not None
    except (BoltError, ValueError):
        return False


COMMAND = Command(
    "get",
    "Print the value of a key.",
    arguments=(FILE, BUCKET, SUBBUCKET, Argument("KEY", "key", "The key.")),
    least=3,
    also=_is_in_root,
    options=(
        format_option(short="f"),
        PARSE,
        Option(
            "parse-format",
            "Notation of KEY: ascii-encoded (literal)|hex",
            default="ascii-encoded",
            metavar="FORMAT",
            choices=("ascii-encoded", "hex"),
        ),
        *DECODE,
    ),
    opens=True,
    example="boltcli get fixtures/document.db execution e-9a937556-ac83-49ec-b794-a94c3aa068b2",
)


class Options(Decoding):
    """The values of the options."""

    format: str
    parse: bool
    parse_format: str


def prepare(job: Job[Options]) -> None:
    if not job.path:
        raise ArgumentError("path required")
    if not _key(job.arguments[-1], job.options.parse_format):
        raise ArgumentError("key is required: key required")
    addresses(job.arguments[1:-1])


def _key(wanted: str, form: str) -> bytes:
    return address(wanted) if form == "ascii-encoded" else parse(os.fsencode(wanted), form)


def run(snapshot: Snapshot, job: Job[Options], out: BinaryIO, err: BinaryIO) -> None:
    path, key = addresses(job.arguments[1:-1]), _key(job.arguments[-1], job.options.parse_format)
    value = get(snapshot, find_bucket(snapshot, path), key)
    if value is None:
        raise KeyNotFound(key)
    decoder = asked(snapshot, job.options)
    if decoder is not None:
        from ...render import decoded, records

        if job.json:
            form = records.PARSED if job.options.parse else job.options.format
            record = decoded.pair_record(decoder, tuple(path), key, value, form=form, bucket=True)
            out.writelines(records.pieces([record]))
        else:
            text = decoded.readable(decoder.value(tuple(path), key, value))
            out.write(text.encode("utf-8", "surrogateescape") + b"\n")
        return
    if job.json:
        from ...render import records

        form = records.PARSED if job.options.parse else job.options.format
        out.writelines(records.pieces([records.pair(path, key, value, form)]))
        return
    out.writelines(value_line(value, job.options.format))
