"""``page``: show the content of pages. As in bbolt, a page that cannot be read is reported on stdout."""

from __future__ import annotations

from ... import render
from ...errors import ArgumentError, BoltError, UnreadablePage
from ...render.errors import error_text
from ...render.page_text import page_text
from ...storage.raw import RawFile
from ..command import command
from ..decoding import of_file
from ..values import parse_page_ids

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Annotated

    from ...apps.decode import Decoder
    from ...storage.raw import RawPage
    from ..options import Decoding, FormatName, PageIds, Path, switch, text
    from ..output import Output, Record

    BucketPath = tuple[bytes, ...]

SEPARATOR = b"===============================================\n"
_FAILED = b"Prining page %d failed: %b. Continuing...\n"  # "Prining" is bbolt's
_BEYOND = 1 << 16  # pages beyond the end of the file that are reported one by one


@command("page", example="boltcli page fixtures/document.db 0", group="Pages", opens="offset")
def page_(
    out: Output,
    *,
    path: Path,
    pages: PageIds = [],
    all: Annotated[bool, switch("Show all pages.")] = False,
    format_value: Annotated[
        FormatName,
        text(
            "How to write them: auto|ascii-encoded|hex|bytes|redacted|json|base64|u64|time|repr",
            "FORMAT",
            "--format-value",
            "--format",
            "-f",
        ),
    ] = "auto",
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
            if number:
                out.text(SEPARATOR)
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
        if pgid:
            out.text(SEPARATOR)
        pgid += _show(file, pgid, form, out, decoder, paths) + 1
    if stop < hwm:
        raise UnreadablePage(f"page {pgid} and all up to the high-water mark {hwm} lie far beyond the file's end")


def _raising(error: BoltError) -> Callable[[], Record]:
    def fields() -> Record:
        raise error

    return fields


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


def _failure(pgid: int, error: BoltError, path: str) -> Callable[[], Record]:
    return lambda: {"page": pgid, "error": render.records.error(error, path)}


def _records(page: RawPage, form: str, path: BucketPath, decoder: Decoder | None) -> Iterator[Record]:
    """Yield the page and its elements, with what the pairs mean."""
    found = {} if decoder is None else {pair[0]: pair for pair in render.decoded.leaf_pairs(page, path, decoder)}
    for record in render.page_records.page_records(page, form):
        if record.get("index") in found:
            _, _, key, _, value = found[record["index"]]
            render.records.put_decoded(record, "key", key)
            render.records.put_decoded(record, "value", value)
        yield record


def _readable(page: RawPage, path: BucketPath, decoder: Decoder) -> str:
    """Return lines that say what the pairs of a page mean."""
    readable = render.decoded.readable
    pairs = render.decoded.leaf_pairs(page, path, decoder)
    lines = [f"{readable(key)}: {readable(value)}\n" for _, _, key, _, value in pairs]
    return "\nDecoded:\n" * bool(lines) + "".join(lines)
