"""``page``: show the content of pages. As in bbolt, a page that cannot be read is reported on stdout."""

from __future__ import annotations

from ...errors import ArgumentError, BoltError, UnreadablePage
from ...render.errors import error_text
from ...render.raw_page import page_text
from ...storage.raw import RawFile
from ..command import command
from ..decoding import of_file
from ..values import parse_page_ids

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Annotated, Any, BinaryIO, Literal

    from typer import Option

    from ...apps.decode import Decoder
    from ..job import Job
    from ..options import Decode, Message, PageIds, Path, Proto


SEPARATOR = b"===============================================\n"
_BEYOND = 1 << 16  # pages beyond the end of the file that are reported one by one


@command("page", example="boltcli page fixtures/document.db 0", group="Pages", opens="offset")
def page_(
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    path: Path,
    pages: PageIds = [],
    all: Annotated[bool, Option(help="Show all pages.")] = False,
    format_value: Annotated[
        Literal["auto", "ascii-encoded", "hex", "bytes", "redacted", "json", "base64", "u64", "time", "repr"],
        Option(
            "--format-value",
            "--format",
            "-f",
            help="How to write them: auto|ascii-encoded|hex|bytes|redacted|json|base64|u64|time|repr",
            metavar="FORMAT",
        ),
    ] = "auto",
    decode: Decode = "off",
    proto: Proto = "",
    message: Message = "",
) -> None:
    """Show the content of pages, element by element."""
    path, pgids = job.path, parse_page_ids(job.arguments[1:])
    if all and pgids:
        raise ArgumentError("invalid args: either use '--all' or 'pageid...'")
    if not all and not pgids:
        raise ArgumentError("page id required")
    form = format_value
    write, separator = _page, SEPARATOR
    if job.json:
        write, separator = _page_as_json, b""
    decoder, paths = of_file(path, job.options, None if all else pgids)
    if decoder is not None:
        write = _decoding(decoder, paths, job, write)
    with RawFile(path) as file:
        if all:
            _all(file, form, out, write, separator)
        for number, pgid in enumerate(pgids):
            if number:
                out.write(separator)
            write(file, pgid, form, out)


def _all(file: RawFile, form: str, out: BinaryIO, write: Callable[..., int], separator: bytes) -> None:
    try:
        page_size, hwm = file.page_size_and_hwm()
    except BoltError as error:
        if not separator:
            raise
        out.write(b"cannot read number of pages: " + error_text(error))
        return
    stop = min(hwm, file.size // (page_size or 1) + _BEYOND)
    pgid = 0
    while pgid < stop:
        if pgid:
            out.write(separator)
        pgid += write(file, pgid, form, out) + 1
    if stop < hwm:
        raise UnreadablePage(f"page {pgid} and all up to the high-water mark {hwm} lie far beyond the file's end")


def _decoding(
    decoder: Decoder, paths: dict[int, tuple[bytes, ...]], job: Job, plain: Callable[..., int]
) -> Callable[..., int]:
    """Return a function that writes a page with decoded pairs: as text after the page, as JSON in its elements."""
    from ...render.decoded import leaf_pairs, readable
    from ...render.records import put_decoded

    def write(file: RawFile, pgid: int, form: str, out: BinaryIO) -> int:
        if not job.json:
            overflow = plain(file, pgid, form, out)
        try:
            page = file.page(pgid)
        except BoltError:
            return overflow if not job.json else plain(file, pgid, form, out)
        found = list(leaf_pairs(page, paths.get(pgid, ()), decoder))
        if not job.json:
            lines = [b"\nDecoded:\n"] * bool(found)
            for _, _, key, _, value in found:
                lines.append(f"{readable(key)}: {readable(value)}\n".encode("utf-8", "surrogateescape"))
            out.writelines(lines)
            return overflow
        return _page_as_json(file, pgid, form, out, {each[0]: each for each in found}, put_decoded)

    return write


def _page(file: RawFile, pgid: int, form: str, out: BinaryIO) -> int:
    """Write page ``pgid``; return the number of its overflow pages, 0 if it could not be shown."""
    try:
        page = file.page(pgid)
        out.writelines(page_text(page, form))
    except BoltError as error:
        out.write(b"Prining page %d failed: %b. Continuing...\n" % (pgid, error_text(error)))  # "Prining" is bbolt's
        return 0
    return page.overflow


def _page_as_json(
    file: RawFile, pgid: int, form: str, out: BinaryIO, decoded: dict[int, Any] | None = None, put: Any = None
) -> int:
    """Write the page and its elements as JSON, an object a line; ``decoded`` has the decoded pairs."""
    from ...render import records
    from ...render.raw_records import page_records

    try:
        page = file.page(pgid)
        for record in page_records(page, form):
            found = (decoded or {}).get(record.get("index", -1))
            if found is not None:
                put(record, "key", found[2])
                put(record, "value", found[4])
            out.writelines(records.pieces([record]))
    except BoltError as error:
        out.write(records.line({"page": pgid, "error": records.error(error, file.path)}))
        return 0
    return page.overflow
