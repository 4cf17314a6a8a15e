"""``deleted``: list pairs that are no longer in the tree, from free pages. bbolt has no such command."""

from __future__ import annotations

from ..command import Argument, Command, Option
from ..key_argument import address, addresses
from ..options import ACCESS, FILE, FILTERS, FORCE, format_option
from ..selection import Filters, selection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ...ops.rescue.deleted_pairs import Deleted
    from ..job import Job

COMMAND = Command(
    "deleted",
    "List deleted pairs and older versions that are still in free pages; bbolt never wipes a page that it frees.",
    arguments=(
        FILE,
        Argument(
            "BUCKET", "bucket", "Only this bucket and those in it: its path, outermost name first.",
            many=True, required=False,
        ),
    ),
    least=1,
    options=(
        Option("history", "List all versions of this key, the newest first, including the one in the tree.",
               default="", metavar="KEY"),
        Option("versions", "List all versions of each key, the newest first; default: only the newest.", default=False),
        format_option("How to write values", short="f"),
        format_option("How to write keys", name="key-format"),
        *FILTERS,
        Option(
            "output", "Write them to this file, which appears when it is complete; .ndjson and .json: as JSON.",
            default="", metavar="DEST", short="o", kind="file",
        ),
        FORCE,
        *ACCESS[:3],
    ),
    example="boltcli deleted fixtures/many-free.db",
    group="Rescue",
)  # fmt: skip


class Options(Filters):
    """The values of the options."""

    history: str
    versions: bool
    format: str
    key_format: str
    output: str
    force: bool


def prepare(job: Job[Options]) -> None:
    addresses(job.arguments[1:])
    address(job.options.history)
    selection(job.options, values=True)


def run(job: Job[Options], out: BinaryIO, err: BinaryIO) -> None:
    output = job.options.output
    if not output:
        _write(job, job.json, out)
        return
    import os

    from ..row_output import ENDINGS, complete, lines_into

    kind = ENDINGS.get(os.path.splitext(output)[1].lower(), "")
    with complete(output, replace=job.options.force) as file, lines_into(file, kind) as target:
        count = _write(job, job.json or kind in ("json", "array"), target)
    out.write(f"{count} rows -> {output}\n".encode("utf-8", "surrogateescape"))


def _write(job: Job[Options], as_json: bool, out: BinaryIO) -> int:
    """Write the pairs, and return their number."""
    from itertools import islice

    from ...ops.rescue.deleted_pairs import deleted
    from ...ops.rescue.mapped_file import MappedFile
    from ..streams import cut_to_width

    options = job.options
    filters = selection(options, values=True)
    start, stop = filters["start"], filters["stop"]
    versions = options.versions or bool(options.history)
    if options.history:
        start = address(options.history)
        stop = start + b"\0"
    with MappedFile(job.path, job.lock, job.timeout) as file, job.progress("searching") as progress:
        found = deleted(
            file.buffer, tuple(addresses(job.arguments[1:])), start=start, stop=stop, wanted=filters["wanted"],
            versions=versions, live=bool(options.history), progress=progress,
        )  # fmt: skip
        count = 0
        for pair in islice(found, options.limit or None):
            file.verify()
            line = _line(pair, job, as_json)
            out.write(line if as_json else cut_to_width(line, out))
            count += 1
    return count


def _line(pair: Deleted, job: Job[Options], as_json: bool) -> bytes:
    """Return a pair as an object, or as text: page, certainty, buckets, key, value with tabs between them."""
    form, key_form = job.options.format, job.options.key_format
    if as_json:
        from ...render import records

        record: dict[str, object] = {}
        records.put_bucket(record, pair.path)
        records.put(record, "key", pair.key, key_form)
        records.put(record, "value", pair.value, form)
        return records.line(record | {"page": pair.page, "certainty": pair.certainty})
    from ...render.formats import formatted

    names = formatted([*pair.path, pair.key], key_form)
    return b"\t".join([b"%d" % pair.page, pair.certainty.encode(), *names, *formatted([pair.value], form)]) + b"\n"
