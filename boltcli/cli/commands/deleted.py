"""``deleted``: list pairs that are no longer in the tree, from free pages. bbolt has no such command."""

from __future__ import annotations

from ...errors import ArgumentError
from ..command import command
from ..key_argument import address, addresses, selection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, BinaryIO, Literal

    from typer import Argument, Option

    from ...apps.decode import Decoded
    from ...ops.rescue.deleted import Deleted
    from ..job import Job
    from ..options import Force, From, Grep, Limit, Path, Prefix, Recursive, Reverse, To, buckets, files


def prepare(job: Job) -> None:
    if job.options.decode not in ("auto", "off"):
        raise ArgumentError(f"--decode is auto or off, not {job.options.decode!r}")
    addresses(job.arguments[1:])
    address(job.options.history)
    selection(job.options, values=True)


@command(
    "deleted",
    example="boltcli deleted --limit 3 fixtures/many-free.db",
    group="Rescue",
    opens="locked",
    validate=prepare,
)
def deleted_(
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    path: Path,
    buckets: Annotated[
        list[str],
        Argument(
            metavar="BUCKET",
            help="Only this bucket and those in it: its path, outermost name first.",
            autocompletion=buckets,
        ),
    ] = [],
    history: Annotated[
        str,
        Option(help="List all versions of this key, the newest first, including the one in the tree.", metavar="KEY"),
    ] = "",
    versions: Annotated[
        bool, Option(help="List all versions of each key, the newest first; default: only the newest.")
    ] = False,
    decode: Annotated[
        Literal["auto", "off"],
        Option(
            help="Decode keys and values where the program is known: auto|off."
            " In etcd's stores keys are those that revisions belong to.",
            metavar="NAME",
        ),
    ] = "auto",
    format: Annotated[
        Literal["auto", "ascii-encoded", "hex", "bytes", "redacted", "json", "base64", "u64", "time", "repr"],
        Option(
            "--format",
            "-f",
            help="How to write values: auto|ascii-encoded|hex|bytes|redacted|json|base64|u64|time|repr",
            metavar="FORMAT",
        ),
    ] = "auto",
    key_format: Annotated[
        Literal["auto", "ascii-encoded", "hex", "bytes", "redacted", "json", "base64", "u64", "time", "repr"],
        Option(
            help="How to write keys: auto|ascii-encoded|hex|bytes|redacted|json|base64|u64|time|repr", metavar="FORMAT"
        ),
    ] = "auto",
    prefix: Prefix = "",
    from_: From = "",
    to: To = "",
    limit: Limit = 0,
    reverse: Reverse = False,
    recursive: Recursive = False,
    grep: Grep = "",
    output: Annotated[
        str,
        Option(
            "--output",
            "-o",
            help="Write them to this file, which appears when it is complete; .ndjson and .json: as JSON.",
            metavar="DEST",
            autocompletion=files,
        ),
    ] = "",
    force: Force = False,
) -> None:
    """List deleted pairs and older versions that are still in free pages; bbolt never wipes a page that it frees."""
    output = output
    if not output:
        count, sentences = _write(job, job.json, out)
        if not count and not job.json and out.isatty():
            err.write(b"no deleted pairs found\n")
    else:
        import os

        from ..row_output import ENDINGS, complete, lines_into

        kind = ENDINGS.get(os.path.splitext(output)[1].lower(), "")
        with complete(output, replace=force) as file, lines_into(file, kind) as target:
            count, sentences = _write(job, job.json or kind in ("json", "array"), target)
        out.write(f"{count} rows -> {output}\n".encode("utf-8", "surrogateescape"))
    for sentence in sentences:
        _say(sentence, job, out, err)


def _write(job: Job, as_json: bool, out: BinaryIO) -> tuple[int, list[str]]:
    """Write the pairs; return their number, and what is to be said of all of them."""
    from itertools import islice

    from ...ops.rescue.deleted import deleted
    from ...ops.rescue.pages import MappedFile
    from ..deleted_meaning import meaning
    from ..streams import cut_to_width

    options = job.options
    filters = selection(options, values=True)
    start, stop = filters["start"], filters["stop"]
    versions = options.versions or bool(options.history)
    if options.history:
        start = address(options.history)
        stop = start + b"\0"
    with MappedFile(job.path, job.lock, job.timeout) as file, job.progress("searching") as progress:
        known = meaning(file) if options.decode != "off" else None
        found = deleted(
            file.buffer, tuple(addresses(job.arguments[1:])), start=start, stop=stop, wanted=filters["wanted"],
            versions=versions, live=bool(options.history),
            version_of=known.version_of if known is not None else lambda *_: None,
            ascending=as_json and not versions, progress=progress,
        )  # fmt: skip
        count = 0
        for pair in islice(found, options.limit or None):
            file.check_unchanged()
            decoded = None
            if known is not None:
                known.note(pair)
                decoded = known.decoded(pair)
            line = _line(pair, job, as_json, decoded)
            out.write(line if as_json else cut_to_width(line, out))
            count += 1
        return count, list(known.summary() if known is not None else ())


def _say(sentence: str, job: Job, out: BinaryIO, err: BinaryIO) -> None:
    """Write what was counted after the pairs; with --json as a notice, so that `import` takes what is on stdout."""
    if not job.json:
        out.write(sentence.encode("utf-8", "backslashreplace") + b"\n")
    elif not job.quiet:
        from ...render import records

        err.write(records.line(records.notice("reading", sentence, job.path)))


def _line(pair: Deleted, job: Job, as_json: bool, decoded: tuple[Decoded, Decoded] | None) -> bytes:
    """Return a pair as an object, or as text: page, certainty, buckets, key, value with tabs between them."""
    form, key_form = job.options.format, job.options.key_format
    if as_json:
        from ...render import records

        record: dict[str, object] = {}
        records.put_bucket(record, pair.path)
        records.put(record, "key", pair.key, key_form)
        records.put(record, "value", pair.value, form)
        if pair.version_of is not None:
            records.put(record, "version_of", pair.version_of)
        if decoded is not None:
            from ...render.decoded import put_decoded

            put_decoded(record, "key", decoded[0])
            put_decoded(record, "value", decoded[1])
        return records.line(record | {"page": pair.page, "certainty": pair.certainty})
    from ...render.formats import formatted

    if decoded is not None and (form, key_form) == ("auto", "auto"):
        return _decoded_line(pair, *decoded)
    names = formatted([*pair.path, pair.key], key_form)
    return b"\t".join([b"%d" % pair.page, pair.certainty.encode(), *names, *formatted([pair.value], form)]) + b"\n"


def _decoded_line(pair: Deleted, key: Decoded, value: Decoded) -> bytes:
    """Return a pair as text that says what it means; of a version the key that it is one of."""
    from ...render.decoded import readable, readable_bytes

    name = readable(key) if pair.version_of is None else readable_bytes(pair.version_of)
    fields = [str(pair.page), pair.certainty, *map(readable_bytes, pair.path), name, readable(value)]
    return "\t".join(fields).encode("utf-8", "surrogateescape") + b"\n"
