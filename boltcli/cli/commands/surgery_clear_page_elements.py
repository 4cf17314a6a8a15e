"""``surgery clear-page-elements``: a branch or leaf page without some of its elements."""

from __future__ import annotations

from ...errors import Step
from ...ops.write.page_surgery import clear_elements
from ...storage.copy import write_patches
from ...storage.raw import RawFile
from ..surgery import PAGES_LOST, begin, output_of, page_of, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def run(arguments: list[str], options: dict[str, str | int], out: BinaryIO, err: BinaryIO) -> None:
    output, pgid = output_of(options), page_of(options)
    start, end = int(options["from-index"]), int(options["to-index"])
    # bbolt's messages say "element" where its command's name says "elements".
    with RawFile(arguments[0]) as file, begin("clear-page-element", file, output) as copy:
        with Step("clear-page-element command failed"):
            patches, lost = clear_elements(file, pgid, start, end)
            write_patches(copy, patches)
        copy.commit()
    cleared = f"All elements in [{start}, {end}) in page {pgid} were cleared\n"
    say(out, arguments[0], options, cleared, PAGES_LOST if lost else b"")
