"""``page``, ``page-item`` and ``dump``: show pages, an element of a page, and pages in hexadecimal.

As in bbolt, ``page`` reports on stdout a page that cannot be read, and ``dump`` leaves out overflow pages.
"""

from __future__ import annotations

from ... import render
from ...errors import ArgumentError, BoltError, UnreadablePage
from ...render.errors import error_text
from ...render.page_text import hexdump, item_text, page_text
from ...storage.raw import RawFile
from ..command import command
from ..decoding import of_file
from ..values import parse_decimal, parse_page_ids

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Annotated

    from ...apps.decode import Decoded, Decoder
    from ...storage.raw import RawPage
    from ..options import Decoding, Format, PageFormat, PageIds, Path, argument, pages, switch
    from ..output import Output, Record

    BucketPath = tuple[bytes, ...]

_SEPARATOR = b"===============================================\n"
_FAILED = b"Prining page %d failed: %b. Continuing...\n"  # "Prining" is bbolt's
_BEYOND = 1 << 16  # pages beyond the end of the file that are reported one by one


@command("page", example="boltcli page fixtures/document.db 0", group="Pages", opens="offset")
def page_(
    out: Output,
    *,
    path: Path,
    pages: PageIds = [],
    all: Annotated[bool, switch("Show all pages.")] = False,
    format_value: PageFormat = "auto",
    decoding: Decoding,
) -> None:
    """Show the content of pages, element by element."""
    pgids = parse_page_ids(pages)
    if all and pgids:
        raise ArgumentError("invalid args: either use '--all' or 'pageid...'")
    if not all and not pgids:
        raise ArgumentError("page id required")
    decoder, paths = of_file(path, decoding, None if all else pgids)
    with RawFile(path) as file:
        if all:
            _show_all(file, format_value, out, decoder, paths)
        for number, pgid in enumerate(pgids):
            out.text(_SEPARATOR * bool(number))
            _show(file, pgid, format_value, out, decoder, paths)


def _show_all(file: RawFile, form: str, out: Output, decoder: Decoder | None, paths: dict[int, BucketPath]) -> None:
    try:
        page_size, hwm = file.page_size_and_hwm()
    except BoltError as error:
        out.record(_raising(error), b"cannot read number of pages: " + error_text(error))
        return
    stop = min(hwm, file.size // (page_size or 1) + _BEYOND)
    pgid = 0
    while pgid < stop:
        out.text(_SEPARATOR * bool(pgid))
        pgid += _show(file, pgid, form, out, decoder, paths) + 1
    if stop < hwm:
        raise UnreadablePage(f"page {pgid} and all up to the high-water mark {hwm} lie far beyond the end of the file")


def _raising(error: BoltError) -> Callable[[], Record]:
    def fields() -> Record:
        raise error

    return fields


def _failure(pgid: int, error: BoltError, path: str) -> Callable[[], Record]:
    return lambda: {"page": pgid, "error": render.records.error(error, path)}


def _show(
    file: RawFile, pgid: int, form: str, out: Output, decoder: Decoder | None, paths: dict[int, BucketPath]
) -> int:
    """Write page ``pgid`` and its elements; return the number of its overflow pages, 0 if it could not be shown."""
    try:
        page = file.page(pgid)
        path = paths.get(pgid, ())
        out.records(lambda: _records(page, form, path, decoder), lambda: page_text(page, form))
    except BoltError as error:
        out.record(_failure(pgid, error, file.path), _FAILED % (pgid, error_text(error)))
        return 0
    if decoder is not None:
        out.text(lambda: _readable(page, path, decoder))
    return page.overflow


def _records(page: RawPage, form: str, path: BucketPath, decoder: Decoder | None) -> Iterator[Record]:
    pairs = () if decoder is None else render.decoded.leaf_pairs(page, path, decoder)
    found = {index: (key, value) for index, key, value in pairs}
    for record in render.page_records.page_records(page, form):
        if record.get("index") in found:
            key, value = found[record["index"]]
            record |= render.records.decoded("key", key) | render.records.decoded("value", value)
        yield record


def _readable(page: RawPage, path: BucketPath, decoder: Decoder) -> str:
    readable = render.decoded.readable
    pairs = render.decoded.leaf_pairs(page, path, decoder)
    lines = [f"{readable(key)}: {readable(value)}\n" for _, key, value in pairs]
    return "\nDecoded:\n" * bool(lines) + "".join(lines)


@command("page-item", example="boltcli page-item --key-only fixtures/document.db 4 0", group="Pages", opens="offset")
def page_item(
    out: Output,
    *,
    path: Path,
    pgid: Annotated[str, argument("PGID", "Page id.", pages)],
    index: Annotated[str, argument("INDEX", "Element, counted from 0.")],
    key_only: Annotated[bool, switch("Print only the key.")] = False,
    value_only: Annotated[bool, switch("Print only the value.")] = False,
    format: Format = "auto",
    decoding: Decoding,
) -> None:
    """Print the key and the value of one element of a leaf page."""
    page_id, number = parse_decimal(pgid), parse_decimal(index)
    if key_only and value_only:
        raise ArgumentError("the --key-only or --value-only flag may be set, but not both")
    with RawFile(path) as file:
        page = file.page(page_id)
    number &= 0xFFFF  # bbolt keeps 16 bits of it
    decoder, paths = of_file(path, decoding, [page_id])
    shown = {"key": not value_only, "value": not key_only}
    means: dict[str, Decoded] = {}  # a nested bucket has none, and is shown as without decoding
    if decoder is not None:
        for at, key, value in render.decoded.leaf_pairs(page, paths.get(page_id, ()), decoder):
            if at == number:
                means = {"key": key, "value": value}

    def record() -> Record:
        found = render.page_records.item_record(page, number, format, **shown)
        for field, decoded in means.items():
            if shown[field]:
                found |= render.records.decoded(field, decoded)
        return found

    def text() -> Iterable[bytes]:
        if not means:
            return item_text(page, number, format, **shown)
        lines = (render.decoded.readable(decoded) + "\n" for field, decoded in means.items() if shown[field])
        return (line.encode("utf-8", "surrogateescape") for line in lines)

    out.record(record, text)


@command("dump", example="boltcli dump fixtures/document.db 0", group="Pages", opens="offset")
def dump(out: Output, *, path: Path, pgids: Annotated[list[str], argument("PGID", "Page ids.", pages)]) -> None:
    """Print pages in hexadecimal."""
    wanted = parse_page_ids(pgids)
    if not wanted:
        raise ArgumentError("page id required")
    with RawFile(path) as file:
        page_size, _ = file.page_size_and_hwm()
        for number, pgid in enumerate(wanted):
            out.text(_SEPARATOR * bool(number))
            address, data = file.first_page(pgid, page_size)
            _dumped(out, pgid, address, data)


def _dumped(out: Output, pgid: int, address: int, data: bytes) -> None:
    out.record(lambda: {"page": pgid, "offset": address, "data_hex": data.hex()}, lambda: hexdump(data, address))
