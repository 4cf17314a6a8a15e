"""``deleted``: list pairs that are no longer in the tree, from free pages. bbolt has no such command."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from ...api.deleted import Deleted, deleted
from ...render import records
from ...render.decoded import readable
from ...text.sizes import counted
from ...text.values import bytes_text, formatted, shell_quoted
from ...text.visible import visible
from ..command import command
from ..selection import check_pattern, selection
from ..streams import cut_to_width

if TYPE_CHECKING:
    from ..opener import Opener
    from ..options import Filters, Force, KeyFormat, Path, ValueFormat, choice, of_bucket, switch, text, written_to
    from ..output import Output, Record

_DECODED = (
    "Decode keys and values if the program is known: auto|off. For etcd, list the keys to which the revisions belong."
)
_STYLES = {"certain": "32", "likely": "33", "unknown": "31"}
_NEXT = "; boltcli deleted -o DEST.ndjson {} writes them, for boltcli import"


@command(
    "deleted",
    example="boltcli deleted --history e-9a937556-ac83-49ec-b794-a94c3aa068b2 fixtures/document.db",
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
        list[bytes], of_bucket("Only this bucket and those in it: its path, outermost name first.")
    ] = [],
    history: Annotated[
        bytes, text("List all versions of this key, the newest first, including the one in the tree.", "KEY")
    ] = b"",
    versions: Annotated[
        bool, switch("List all versions of each key, the newest first; default: only the newest.")
    ] = False,
    decode: Annotated[Literal["auto", "off"], choice(_DECODED, "NAME")] = "auto",
    format: ValueFormat = "auto",
    key_format: KeyFormat = "auto",
    filters: Filters,
    output: Annotated[
        str, written_to("Write the list to this file, which appears when it is complete; .ndjson and .json: as JSON.")
    ] = "",
    force: Force = False,
) -> None:
    """List deleted pairs and older versions that are still in free pages; bbolt never wipes a page that it frees."""
    chosen = selection(filters, values=True)
    form = _Form(key_format, format)
    count = 0

    def write(out: Output) -> list[str]:
        """Write the pairs; return what is to be said of all of them."""
        notes: list[str] = []
        with out.progress("searching") as progress:

            def pairs(*, ascending: bool = False) -> Iterator[Deleted]:
                nonlocal count, notes
                found = deleted(
                    path, buckets, start=chosen["start"], stop=chosen["stop"], wanted=chosen["wanted"],
                    history=history, versions=versions, limit=filters.limit, decode=decode != "off",
                    ascending=ascending, progress=progress, lock=opener.lock, timeout=opener.timeout,
                )  # fmt: skip
                notes = found.notes
                for pair in found:
                    count += 1
                    yield pair

            # JSON is in the order in which import takes it.
            out.records(
                lambda: map(form.record, pairs(ascending=not (versions or history))),
                lambda: (form.shown(pair, out) for pair in pairs()),
                styled=True,
            )
            return notes

    if output:
        with out.to_file(output, replace=force) as target:
            sentences = write(target)
        out.raw(f"{count} rows -> {output}\n".encode("utf-8", "surrogateescape"))
    else:
        sentences = write(out)
        if out.is_terminal:
            out.say(f"{counted(count, 'pair')} shown{_NEXT.format(shell_quoted(path)) if count else ''}\n")
    for sentence in sentences:
        out.close_with(sentence)


class _Form(NamedTuple):
    """How keys and values are written."""

    key: str
    value: str

    def record(self, pair: Deleted) -> Record:
        """Return what JSON says of a pair."""
        record = records.of_bucket(pair.bucket)
        record |= records.field("key", pair.key, self.key) | records.field("value", pair.value, self.value)
        if pair.version_of is not None:
            record |= records.field("version_of", pair.version_of)
        if pair.key_decoded is not None:
            record |= records.decoded("key", pair.key_decoded) | records.decoded("value", pair.value_decoded)
        return record | {"page": pair.page, "certainty": pair.certainty}

    def shown(self, pair: Deleted, out: Output) -> bytes:
        """Return the line; on a terminal cut to its width, with the certainty in a colour."""
        line = self.line(pair)
        if not out.is_terminal:
            return line
        text = visible(cut_to_width(line, out.out).decode("utf-8", "surrogateescape"))
        style = _STYLES.get(pair.certainty, "") if out.has_colours else ""
        if style:
            text = text.replace(pair.certainty, f"\x1b[{style}m{pair.certainty}\x1b[0m", 1)
        return text.encode("utf-8", "surrogateescape")

    def line(self, pair: Deleted) -> bytes:
        """Return page, certainty, buckets, key, value, between tabs; of a version the key that it is one of."""
        if pair.key_decoded is not None and self == ("auto", "auto"):
            name = readable(pair.key_decoded) if pair.version_of is None else bytes_text(pair.version_of)
            words = [str(pair.page), pair.certainty, *map(bytes_text, pair.bucket), name, readable(pair.value_decoded)]
            return "\t".join(words).encode("utf-8", "surrogateescape") + b"\n"
        names = [*formatted([*pair.bucket, pair.key], self.key), *formatted([pair.value], self.value)]
        return b"\t".join([b"%d" % pair.page, pair.certainty.encode(), *names]) + b"\n"
