"""``get``: print the value of a key."""

from __future__ import annotations

import os

from ...read_errors import ArgumentError, BoltError
from ...render.formats import LARGE, lines, parse
from ...tree.bucket import find_bucket, get
from ..command import command
from ..decoding import asked
from ..key_argument import address, addresses
from ..parse import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, BinaryIO, Literal

    from typer import Argument, Option

    from ..job import Job
    from ..options import Database, Decode, Format, Message, Nested, Proto, buckets, keys


def _is_in_root(job: Job) -> bool:
    """Whether FILE KEY names a pair of the root bucket: bbolt's API puts none there, but some files have one."""
    from ..guesses import opened

    try:
        with opened(job.path) as snapshot:
            key = _key(job.arguments[-1], job.options.parse_format)
            return get(snapshot, find_bucket(snapshot, ()), key) is not None
    except (BoltError, ValueError):
        return False


def prepare(job: Job) -> None:
    if len(job.arguments) == 2 and not _is_in_root(job):
        raise UsageError("requires at least 3 arg(s), only received 2", job.command, arguments=job.arguments)
    if not job.path:
        raise ArgumentError("path required")
    if not _key(job.arguments[-1], job.options.parse_format):
        raise ArgumentError("key is required: key required")
    addresses(job.arguments[1:-1])


def _key(wanted: str, form: str) -> bytes:
    return address(wanted) if form == "ascii-encoded" else parse(os.fsencode(wanted), form)


@command(
    "get",
    example="boltcli get fixtures/document.db execution e-9a937556-ac83-49ec-b794-a94c3aa068b2",
    validate=prepare,
    fewest=2,
)
def get_(
    db: Database,
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    buckets: Annotated[
        list[str],
        Argument(metavar="BUCKET", help="Names of the bucket, outermost first.", autocompletion=buckets),
    ],
    key: Annotated[str, Argument(metavar="KEY", help="The key.", autocompletion=keys)],
    format: Format = "auto",
    parse: Nested = False,
    parse_format: Annotated[
        Literal["ascii-encoded", "hex"], Option(help="Notation of KEY: ascii-encoded (literal)|hex", metavar="FORMAT")
    ] = "ascii-encoded",
    decode: Decode = "off",
    proto: Proto = "",
    message: Message = "",
) -> None:
    """Print the value of a key."""
    path, name = addresses(buckets), _key(key, parse_format)
    value = get(db, find_bucket(db, path), name)
    if value is None:
        from ...errors import KeyNotFound

        raise KeyNotFound(name)
    decoder = asked(db, job.options)
    if decoder is not None:
        from ...render import decoded, records

        if job.json:
            form = records.PARSED if parse else format
            record = decoded.pair_record(decoder, tuple(path), name, value, form=form, bucket=True)
            out.writelines(records.pieces([record]))
        else:
            text = decoded.readable(decoder.value(tuple(path), name, value))
            out.write(text.encode("utf-8", "surrogateescape") + b"\n")
        return
    if job.json:
        from ...render import records

        form = records.PARSED if parse else format
        out.writelines(records.pieces([records.pair(path, name, value, form)]))
        return
    if len(value) <= LARGE:
        out.write(lines([value], format))
        return
    from ...render.value_line import value_line

    out.writelines(value_line(value, format))
