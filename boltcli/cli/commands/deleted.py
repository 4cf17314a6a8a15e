"""``deleted``: list pairs that are no longer in the tree, from free pages. bbolt has no such command."""

from __future__ import annotations

from ..command import Argument, Command, Option
from ..key_argument import address, addresses
from ..options import ACCESS, FILE, FILTERS, format_option
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
        *ACCESS[:3],
    ),
    example="boltcli deleted --limit 3 fixtures/many-free.db",
    group="Rescue",
)  # fmt: skip


class Options(Filters):
    """The values of the options."""

    history: str
    versions: bool
    format: str
    key_format: str


def prepare(job: Job[Options]) -> None:
    addresses(job.arguments[1:])
    address(job.options.history)
    selection(job.options, values=True)


def run(job: Job[Options], out: BinaryIO, err: BinaryIO) -> None:
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
        pair = None
        for pair in islice(found, options.limit or None):
            file.verify()
            out.write(_line(pair, job) if job.json else cut_to_width(_line(pair, job), out))
        if pair is None and not job.json:
            err.write(b"no deleted pairs found\n")


def _line(pair: Deleted, job: Job[Options]) -> bytes:
    """Return a pair as an object, or as text: page, certainty, buckets, key, value with tabs between them."""
    form, key_form = job.options.format, job.options.key_format
    if job.json:
        from ...render import records

        record: dict[str, object] = {}
        records.put_bucket(record, pair.path)
        records.put(record, "key", pair.key, key_form)
        records.put(record, "value", pair.value, form)
        return records.line(record | {"page": pair.page, "certainty": pair.certainty})
    from ...render.formats import formatted

    names = formatted([*pair.path, pair.key], key_form)
    return b"\t".join([b"%d" % pair.page, pair.certainty.encode(), *names, *formatted([pair.value], form)]) + b"\n"
