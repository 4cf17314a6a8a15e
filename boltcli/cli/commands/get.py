"""``get``: print the value of a key."""

from __future__ import annotations

import os

from ... import render
from ...read_errors import ArgumentError, BoltError
from ...render.item_lines import value_line
from ...text.values import parse
from ...tree.bucket import find_bucket, get
from ..command import command
from ..decoding import asked
from ..parse import UsageError
from ..registry import find
from ..values import address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, Literal

    from ..options import Database, Decoding, Nested, ValueFormat, argument, keys, of_bucket, text
    from ..output import Output


def _is_in_root(path: str, key: str, form: str) -> bool:
    """Whether FILE KEY names a pair of the root bucket: bbolt's API puts none there, but some files have one."""
    from ..hints import opened

    try:
        with opened(path) as snapshot:
            return get(snapshot, find_bucket(snapshot, ()), _key(key, form)) is not None
    except (BoltError, ValueError):
        return False


def prepare(path: str, buckets: list[bytes], key: str, parse_format: str) -> None:
    if not buckets and not _is_in_root(path, key, parse_format):
        raise UsageError("requires at least 3 arg(s), only received 2", find("get"), arguments=[path, key])
    if not path:
        raise ArgumentError("path required")
    if not _key(key, parse_format):
        raise ArgumentError("key is required: key required")


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
    out: Output,
    *,
    buckets: Annotated[list[bytes], of_bucket("Path of the bucket, outermost name first.")],
    key: Annotated[str, argument("KEY", "The key.", keys)],
    format: ValueFormat = "auto",
    parse: Nested = False,
    parse_format: Annotated[
        Literal["ascii-encoded", "hex"], text("How KEY is written: ascii-encoded (literally)|hex", "FORMAT")
    ] = "ascii-encoded",
    decoding: Decoding,
) -> None:
    """Print the value of a key."""
    path, name = tuple(buckets), _key(key, parse_format)
    value = get(db, find_bucket(db, path), name)
    if value is None:
        from ...errors import KeyNotFound

        raise KeyNotFound(name)
    decoder = asked(db, decoding)
    out.stream(
        [value],
        json=lambda value: render.element_lines.element_lines(
            path, [name], [value], form="parsed" if parse else format, decoder=decoder
        ),
        text=lambda value: (
            value_line(value, format)
            if decoder is None
            else render.decoded.readable(decoder.value(path, name, value)) + "\n"
        ),
    )
