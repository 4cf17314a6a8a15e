"""``page-item``: print the key and the value of one element of a leaf page."""

from __future__ import annotations

from ...errors import ArgumentError
from ...render.page_text import item_text
from ...storage.raw import RawFile
from ..command import command
from ..decoding import of_file
from ..values import parse_decimal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Annotated

    from typer import Argument, Option

    from ...apps.decode import Decoded, Decoder
    from ...storage.raw import RawPage
    from ..options import Decode, Format, Message, Path, Proto, pages
    from ..output import Output, Record

    Pair = tuple[Decoded, Decoded]


@command("page-item", example="boltcli page-item --key-only fixtures/document.db 4 0", group="Pages", opens="offset")
def page_item(
    out: Output,
    *,
    path: Path,
    pgid: Annotated[str, Argument(metavar="PGID", help="Page id.", autocompletion=pages)],
    index: Annotated[str, Argument(metavar="INDEX", help="Element, counted from 0.")],
    key_only: Annotated[bool, Option(help="Print only the key.")] = False,
    value_only: Annotated[bool, Option(help="Print only the value.")] = False,
    format: Format = "auto",
    decode: Decode = "off",
    proto: Proto = "",
    message: Message = "",
) -> None:
    """Print the key and the value of one element of a leaf page."""
    page_id, number = parse_decimal(pgid), parse_decimal(index)
    if key_only and value_only:
        raise ArgumentError("the --key-only or --value-only flag may be set, but not both")
    with RawFile(path) as file:
        page = file.page(page_id)
    number &= 0xFFFF  # bbolt keeps 16 bits of it
    decoder, paths = of_file(path, decode, proto, message, [page_id])
    means = None if decoder is None else _decoded(page, number, paths.get(page_id, ()), decoder)
    with_key, with_value = not value_only, not key_only
    out.record(
        lambda: _record(page, number, format, with_key, with_value, means),
        lambda: _text(page, number, format, with_key, with_value, means),
    )


def _decoded(page: RawPage, index: int, path: tuple[bytes, ...], decoder: Decoder) -> Pair | None:
    """Return what key and value mean; None for a nested bucket, which is shown as without decoding."""
    from ...render.decoded import leaf_pairs

    return next(((key, value) for at, key, value in leaf_pairs(page, path, decoder) if at == index), None)


def _record(page: RawPage, index: int, form: str, with_key: bool, with_value: bool, means: Pair | None) -> Record:
    from ...render.page_records import item_record
    from ...render.records import decoded

    record = item_record(page, index, form, key=with_key, value=with_value)
    if means is not None and with_key:
        record |= decoded("key", means[0])
    if means is not None and with_value:
        record |= decoded("value", means[1])
    return record


def _text(
    page: RawPage, index: int, form: str, with_key: bool, with_value: bool, means: Pair | None
) -> Iterable[bytes]:
    if means is None:
        return item_text(page, index, form, key=with_key, value=with_value)
    return _readable(means[0] if with_key else None, means[1] if with_value else None)


def _readable(key: Decoded | None, value: Decoded | None) -> Iterator[bytes]:
    from ...render.decoded import readable

    for decoded in (key, value):
        if decoded is not None:
            yield readable(decoded).encode("utf-8", "surrogateescape") + b"\n"
