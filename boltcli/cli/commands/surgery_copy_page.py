"""``surgery copy-page``: copy a page over another one."""

from __future__ import annotations

from ...errors import ArgumentError, Step
from ...ops.write.page_surgery import copy_page, newest_meta
from ...storage.raw import RawFile, write_patches
from ..command import command
from ..surgery import FREELIST_HINT, begin, output_of, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, BinaryIO

    from typer import Option

    from ..job import Job
    from ..options import ChangedCopy, UnchangedPath
    from ..values import parse_uint64


@command(
    "surgery copy-page",
    example="boltcli surgery copy-page fixtures/document.db --output copied.db --from-page 5 --to-page 7",
    group="Repair",
)
def surgery_copy_page(
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    path: UnchangedPath,
    output: ChangedCopy,
    from_page: Annotated[int, Option(help="The page to copy.", metavar="PGID", parser=parse_uint64)],
    to_page: Annotated[int, Option(help="The page to overwrite.", metavar="PGID", parser=parse_uint64)],
) -> None:
    """Copy a page over another one."""
    output = output_of(job)
    source, target = from_page, to_page
    if source == target:
        raise ArgumentError(f"'--from-page' and '--to-page' have the same value: {source}")
    with RawFile(job.path) as file, begin("copy-page", file, output) as copy:
        with Step("copy-page command failed"):
            write_patches(copy, copy_page(file, source, target))
        has_freelist = newest_meta(file).has_freelist
        copy.commit()
    warning = b"WARNING: the free list might have changed.\n" + FREELIST_HINT if has_freelist else b""
    say(out, job, f"The page {source} was successfully copied to page {target}\n", warning)
