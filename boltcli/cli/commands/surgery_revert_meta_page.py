"""``surgery revert-meta-page``: the older meta page over the newer one."""

from __future__ import annotations

from ...errors import Step
from ...ops.write.page_surgery import revert_meta
from ...storage.copy import write_patches
from ...storage.raw import RawFile
from ..surgery import begin, output_of, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def run(arguments: list[str], options: dict[str, str | int], out: BinaryIO, err: BinaryIO) -> None:
    output = output_of(options)
    with RawFile(arguments[0]) as file, begin("revert-meta-page", file, output) as copy:
        with Step("revert-meta-page command failed"):
            write_patches(copy, revert_meta(file))
        copy.commit()
    say(out, arguments[0], options, "The meta page is reverted.\n")
