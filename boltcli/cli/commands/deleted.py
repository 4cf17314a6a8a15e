"""``deleted``: list pairs that are no longer in the tree, from free pages. bbolt has no such command."""

from __future__ import annotations

from ..command import command
from ..selection import check_pattern, selection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, Literal

    from typer import Argument, Option

    from ...apps.decode import Decoded
    from ...ops.rescue.deleted import Deleted
    from ..command import check_choice
    from ..opener import Opener
    from ..options import Force, From, Grep, Limit, Path, Prefix, Recursive, Reverse, To, buckets, results
    from ..output import Output, Record

    Pair = tuple[Decoded, Decoded]


@command(
    "deleted",
    example="boltcli deleted --limit 3 fixtures/many-free.db",
    group="Rescue",
    opens="locked",
    validate=check_pattern,
)
def deleted_(
    opener: Opener,
    out: Output,
    *,
    path: Path,
    buckets: Annotated[
        list[bytes],
        Argument(
            metavar="BUCKET",
            help="Only this bucket and those in it: its path, outermost name first.",
            autocompletion=buckets,
        ),
    ] = [],
    history: Annotated[
        bytes,
        Option(help="List all versions of this key, the newest first, including the one in the tree.", metavar="KEY"),
    ] = b"",
    versions: Annotated[
        bool, Option(help="List all versions of each key, the newest first; default: only the newest.")
    ] = False,
    decode: Annotated[
        Literal["auto", "off"],
        Option(
            help="Decode keys and values where the program is known: auto|off."
            " In etcd's stores keys are those that revisions belong to.",
            metavar="NAME",
            callback=check_choice,
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
    prefix: Prefix = b"",
    from_: From = b"",
    to: To = b"",
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
            autocompletion=results,
        ),
    ] = "",
    force: Force = False,
) -> None:
    """List deleted pairs and older versions that are still in free pages; bbolt never wipes a page that it frees."""
    from itertools import islice

    from ...ops.rescue.deleted import deleted
    from ...ops.rescue.pages import MappedFile
    from ..deleted_meaning import meaning

    filters = selection(prefix, from_, to, limit, reverse, recursive, grep, values=True)
    start, stop = filters["start"], filters["stop"]
    versions = versions or bool(history)
    if history:
        start, stop = history, history + b"\0"

    def write(out: Output) -> tuple[int, list[str]]:
        """Write the pairs; return their number, and what is to be said of all of them."""
        count = 0
        with MappedFile(path, opener.lock, opener.timeout) as file, out.progress("searching") as progress:
            known = meaning(file) if decode != "off" else None
            found = deleted(
                file.buffer, tuple(buckets), start=start, stop=stop, wanted=filters["wanted"],
                versions=versions, live=bool(history),
                version_of=known.version_of if known is not None else lambda *_: None,
                ascending=out.is_data and not versions, progress=progress,
            )  # fmt: skip
            for pair in islice(found, limit or None):
                file.check_unchanged()
                decoded = None
                if known is not None:
                    known.note(pair)
                    decoded = known.decoded(pair)
                _write(out, pair, key_format, format, decoded)
                count += 1
            return count, known.summary() if known is not None else []

    if output:
        with out.to_file(output, replace=force) as target:
            count, sentences = write(target)
        out.raw(f"{count} rows -> {output}\n".encode("utf-8", "surrogateescape"))
    else:
        count, sentences = write(out)
        if not count and out.is_terminal:
            out.say("no deleted pairs found\n")
    for sentence in sentences:
        out.close_with(sentence)


def _write(out: Output, pair: Deleted, key_form: str, form: str, decoded: Pair | None) -> None:
    from ..streams import cut_to_width

    out.record(
        lambda: _record(pair, key_form, form, decoded),
        lambda: cut_to_width(_line(pair, key_form, form, decoded), out.out),
    )


def _record(pair: Deleted, key_form: str, form: str, decoded: Pair | None) -> Record:
    from ...render import records

    record = records.of_bucket(pair.path)
    record |= records.field("key", pair.key, key_form) | records.field("value", pair.value, form)
    if pair.version_of is not None:
        record |= records.field("version_of", pair.version_of)
    if decoded is not None:
        record |= records.decoded("key", decoded[0]) | records.decoded("value", decoded[1])
    return record | {"page": pair.page, "certainty": pair.certainty}


def _line(pair: Deleted, key_form: str, form: str, decoded: Pair | None) -> bytes:
    """Return page, certainty, buckets, key and value with tabs between them; of a version the key that it is one of."""
    if decoded is not None and (form, key_form) == ("auto", "auto"):
        from ...render.decoded import readable
        from ...text.values import bytes_text

        key, value = decoded
        name = readable(key) if pair.version_of is None else bytes_text(pair.version_of)
        words = [str(pair.page), pair.certainty, *map(bytes_text, pair.path), name, readable(value)]
        return "\t".join(words).encode("utf-8", "surrogateescape") + b"\n"
    from ...text.values import formatted

    names = formatted([*pair.path, pair.key], key_form)
    return b"\t".join([b"%d" % pair.page, pair.certainty.encode(), *names, *formatted([pair.value], form)]) + b"\n"
