"""``surgery meta update``: change fields of a meta page, and update its checksum."""

from __future__ import annotations

from ...errors import ArgumentError
from ...ops.write.page_surgery import update_meta
from ...storage.raw import RawFile, write_patches
from ..command import command
from ..surgery import begin, output_of, refuse_nonsense, say
from ..values import go_quote, parse_decimal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, BinaryIO

    from typer import Option

    from ..job import Job
    from ..options import ChangedCopy, UnchangedPath, WriteAnyway
    from ..values import parse_string_slice, parse_uint32


@command(
    "surgery meta update",
    example=(
        "boltcli surgery meta update fixtures/document.db --output updated.db --meta-page 1 --fields root:6,freelist:9"
    ),
    group="Repair",
)
def surgery_meta_update(
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    path: UnchangedPath,
    output: ChangedCopy,
    force: WriteAnyway = False,
    fields: Annotated[
        list[str],
        Option(
            help="Fields to change, as name:number, separated by commas;"
            " the names are pageSize, root, freelist and pgid.",
            metavar="FIELDS",
            parser=parse_string_slice,
        ),
    ] = [],
    meta_page: Annotated[int, Option(help="The meta page to change: 0 or 1.", metavar="PAGE", parser=parse_uint32)] = 0,
) -> None:
    """Change fields of a meta page, and update its checksum."""
    output = output_of(job)
    slot = meta_page
    if slot > 1:
        raise ArgumentError(f"invalid meta page id: {slot}")
    wanted = _fields(fields)
    with RawFile(job.path) as file, begin("meta update", file, output) as copy:
        patches, warning = update_meta(file, slot, wanted)
        if patches and not wanted and not force:
            raise ArgumentError(
                f"meta page {slot} is not valid; without --fields it would become valid with impossible values: "
                "--force writes it"
            )
        refuse_nonsense(job, file, patches, far=bool(wanted))
        write_patches(copy, patches)
        copy.commit()
    done = f"The meta page {slot} has been updated!\n" if patches else "Nothing changed!\n"
    say(out, job, done, warning.encode())


def _fields(pairs: list[str]) -> dict[str, int]:
    fields = {}
    for pair in pairs:
        name, *values = pair.split(":")
        if len(values) != 1:
            raise ArgumentError(f"invalid key-value pair: {pair}")
        if name not in ("pageSize", "root", "freelist", "pgid"):
            raise ArgumentError(f"field {go_quote(name)} isn't allowed to be updated")
        try:
            fields[name] = parse_decimal(values[0])
        except ArgumentError:
            raise ArgumentError(f"invalid value {go_quote(values[0])} for field {go_quote(name)}") from None
    return fields
