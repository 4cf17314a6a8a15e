"""``surgery copy-page``: a page over another one."""

from __future__ import annotations

from ...errors import ArgumentError, Step
from ...ops.write.page_surgery import copy_page, newest_meta
from ...storage.copy import write_patches
from ...storage.raw import RawFile
from ..surgery import FREELIST_HINT, begin, output_of, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def run(arguments: list[str], options: dict[str, str | int], out: BinaryIO, err: BinaryIO) -> None:
    output = output_of(options)
    source, target = int(options["from-page"]), int(options["to-page"])
    if source == target:
        raise ArgumentError(f"'--from-page' and '--to-page' have the same value: {source}")
    with RawFile(arguments[0]) as file, begin("copy-page", file, output) as copy:
        with Step("copy-page command failed"):
            write_patches(copy, copy_page(file, source, target))
        has_freelist = newest_meta(file).has_freelist
        copy.commit()
    warning = b"WARNING: the free list might have changed.\n" + FREELIST_HINT if has_freelist else b""
    say(out, arguments[0], options, f"The page {source} was successfully copied to page {target}\n", warning)
