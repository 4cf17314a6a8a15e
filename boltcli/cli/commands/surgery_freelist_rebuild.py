"""``surgery freelist rebuild``: a database that has no freelist gets one again."""

from __future__ import annotations

from ...errors import ArgumentError, Step
from ...ops.write.freelist_rebuild import rebuild_freelist
from ...ops.write.page_surgery import newest_meta
from ...storage.copy import write_patches
from ...storage.raw import RawFile
from ..surgery import begin, output_of, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def run(arguments: list[str], options: dict[str, str | int], out: BinaryIO, err: BinaryIO) -> None:
    output = output_of(options)
    with RawFile(arguments[0]) as file:
        if newest_meta(file).has_freelist:
            raise ArgumentError(
                "the file already has freelist, please consider to abandon the freelist to forcibly rebuild it"
            )
        with begin("freelist rebuild", file, output) as copy:
            # The copy is opened, and not the source: whoever holds a lock on that isn't asked.
            with Step("[freelist rebuild] open db file failed"):
                write_patches(copy, *rebuild_freelist(output, copy.fd))
            copy.commit()
    say(out, arguments[0], options, "The freelist was successfully rebuilt.\n")
