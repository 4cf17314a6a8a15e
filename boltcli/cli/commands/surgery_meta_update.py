"""``surgery meta update``: fields of a meta page changed, its checksum made right."""

from __future__ import annotations

from ...errors import ArgumentError
from ...ops.write.page_surgery import update_meta
from ...storage.copy import write_patches
from ...storage.raw import RawFile
from ..surgery import begin, output_of, say
from ..values import go_quote, parse_decimal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def run(arguments: list[str], options: dict[str, str | int], out: BinaryIO, err: BinaryIO) -> None:
    output = output_of(options)
    slot = int(options["meta-page"])
    if slot > 1:
        raise ArgumentError(f"invalid meta page id: {slot}")
    fields = _fields(str(options["fields"]).split("\0")[:-1])
    with RawFile(arguments[0]) as file, begin("meta update", file, output) as copy:
        patches, warning = update_meta(file, slot, fields)
        write_patches(copy, patches)
        copy.commit()
    done = f"The meta page {slot} has been updated!\n" if patches else "Nothing changed!\n"
    say(out, arguments[0], options, done, warning.encode())


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
