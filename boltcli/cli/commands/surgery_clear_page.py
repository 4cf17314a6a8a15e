"""``surgery clear-page``: a branch or leaf page without its elements."""

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
    with RawFile(arguments[0]) as file, begin("clear-page", file, output) as copy:
        with Step("clear-page command failed"):
            patches, lost = clear_elements(file, pgid)
            write_patches(copy, patches)
        copy.commit()
    say(out, arguments[0], options, f"The page ({pgid}) was cleared\n", PAGES_LOST if lost else b"")
