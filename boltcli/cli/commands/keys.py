"""``keys``: the keys of a bucket, written as they are read."""

from __future__ import annotations

from ...ops.listing import key_pages
from ...render.formats import lines
from ...tree.bucket import find_bucket, has_branches
from ..access import database
from ..address import addresses
from ..declaration import filtered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO


def run(arguments: list[str], options: dict[str, str | int], out: BinaryIO, err: BinaryIO) -> None:
    form, path = str(options["format"]), addresses(arguments[1:])
    write: Callable[[list[bytes], str], bytes] = lines
    if options["json"]:
        from ...render import records

        write = records.keys
    with database(arguments[0], options, out) as snapshot:
        bucket = find_bucket(snapshot, path)
        if filtered(options):
            from ...ops.items import items
            from ...render.items import key_lines
            from ..selection import selection

            for part in items(snapshot, bucket, tuple(path), **selection(options, values=False)):
                if not options["json"]:
                    out.write(key_lines(part, form, len(path)))
                elif options["recursive"]:
                    out.write(records.items(part, form, path=True, value=False))
                else:
                    out.write(write(part.keys, form))
            return
        if not has_branches(snapshot, bucket):
            for keys in key_pages(snapshot, bucket):
                out.write(write(keys, form))
            return
        from ...ops.keys_bulk import written_keys
        from ..progress import Progress

        with Progress("listing") as progress:
            show = None if out.isatty() else progress
            for text in written_keys(
                snapshot, bucket, lambda keys: write(keys, form), jobs=int(options["jobs"]), progress=show
            ):
                out.write(text)
