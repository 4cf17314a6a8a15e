"""``deleted``: list pairs that are no longer in the tree, from free pages. bbolt has no such command."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from ...ops.rescue.deleted import Deleted, deleted
from ...ops.rescue.pages import MappedFile
from ...render import records
from ...render.decoded import readable
from ...text.sizes import counted
from ...text.values import bytes_text, formatted, shell_quoted
from ...text.visible import visible
from ..command import command
from ..deleted_meaning import meaning
from ..selection import check_pattern, selection
from ..streams import cut_to_width

if TYPE_CHECKING:
    from ...apps.decode import Decoded
    from ..opener import Opener
    from ..options import Filters, Force, KeyFormat, Path, ValueFormat, choice, of_bucket, switch, text, written_to
    from ..output import Output, Record

    Pair = tuple[Decoded, Decoded]


_DECODED = (
    "Decode keys and values where the program is known: auto|off. In etcd's stores keys are those that revisions"
    " belong to."
)
_STYLES = {"certain": "32", "likely": "33", "unknown": "31"}
_NEXT = "; boltcli deleted -o DEST.ndjson {} writes them, for boltcli import"


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
        str, written_to("Write them to this file, which appears when it is complete; .ndjson and .json: as JSON.")
    ] = "",
    force: Force = False,
) -> None:
    """List deleted pairs and older versions that are still in free pages; bbolt never wipes a page that it frees."""
    chosen = selection(filters, values=True)
    start, stop = (history, history + b"\0") if history else (chosen["start"], chosen["stop"])
    every = versions or bool(history)
    form = _Form(key_format, format)
    count = 0

    def write(out: Output) -> list[str]:
        """Write the pairs; return what is to be said of all of them."""
        with MappedFile(path, opener.lock, opener.timeout) as file, out.progress("searching") as progress:
            known = meaning(file) if decode != "off" else None

            def pairs(*, ascending: bool = False) -> Iterator[tuple[Deleted, Pair | None]]:
                nonlocal count
                found = deleted(
                    file.buffer, tuple(buckets), start=start, stop=stop, wanted=chosen["wanted"],
                    versions=every, live=bool(history),
                    version_of=known.version_of if known is not None else lambda *_: None,
                    ascending=ascending, progress=progress,
                )  # fmt: skip
                for pair in islice(found, filters.limit or None):
                    file.check_unchanged()
                    count += 1
                    if known is not None:
                        known.note(pair)
                    yield pair, known.decoded(pair) if known is not None else None

            # JSON is in the order in which import takes it.
            out.records(
                lambda: (form.record(*each) for each in pairs(ascending=not every)),
                lambda: (form.shown(*each, out) for each in pairs()),
                styled=True,
            )
            return known.summary() if known is not None else []

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

    def record(self, pair: Deleted, decoded: Pair | None) -> Record:
        """Return what JSON says of a pair."""
        record = records.of_bucket(pair.path)
        record |= records.field("key", pair.key, self.key) | records.field("value", pair.value, self.value)
        if pair.version_of is not None:
            record |= records.field("version_of", pair.version_of)
        if decoded is not None:
            record |= records.decoded("key", decoded[0]) | records.decoded("value", decoded[1])
        return record | {"page": pair.page, "certainty": pair.certainty}

    def shown(self, pair: Deleted, decoded: Pair | None, out: Output) -> bytes:
        """Return the line; on a terminal cut to its width, with the certainty in a colour."""
        line = self.line(pair, decoded)
        if not out.is_terminal:
            return line
        text = visible(cut_to_width(line, out.out).decode("utf-8", "surrogateescape"))
        style = _STYLES.get(pair.certainty, "") if out.has_colours else ""
        if style:
            text = text.replace(pair.certainty, f"\x1b[{style}m{pair.certainty}\x1b[0m", 1)
        return text.encode("utf-8", "surrogateescape")

    def line(self, pair: Deleted, decoded: Pair | None) -> bytes:
        """Return page, certainty, buckets, key, value, between tabs; of a version the key that it is one of."""
        if decoded is not None and self == ("auto", "auto"):
            name = readable(decoded[0]) if pair.version_of is None else bytes_text(pair.version_of)
            words = [str(pair.page), pair.certainty, *map(bytes_text, pair.path), name, readable(decoded[1])]
            return "\t".join(words).encode("utf-8", "surrogateescape") + b"\n"
        names = [*formatted([*pair.path, pair.key], self.key), *formatted([pair.value], self.value)]
        return b"\t".join([b"%d" % pair.page, pair.certainty.encode(), *names]) + b"\n"
