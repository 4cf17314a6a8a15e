"""``grep``: search a whole file for a pattern. bbolt has no such command."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Annotated

from ...api.search import compiled
from ...api.search import grep as search
from ...errors import ArgumentError, BoltError
from ...render import records
from ...render.grep_lines import hit_record, hit_text
from ..command import command
from ..many import complain, each, say_passed
from ..values import addresses

if TYPE_CHECKING:
    from ...fleet.files import Named
    from ...progress import Progress
    from ...storage.snapshot import Snapshot
    from ..opener import Opener
    from ..options import JobsIfGiven, argument, buckets, files, switch, text
    from ..output import Output

FOUND, NOTHING, TROUBLE = 0, 1, 2  # exit statuses, as grep(1) has them


def prepare(
    pattern: str, hex: bool, fixed: bool, ignore_case: bool, keys: bool, values: bool, files: bool, count: bool,
    bucket: list[str], deleted: bool,
) -> None:  # fmt: skip
    compiled(pattern, hex=hex, fixed=fixed, ignore_case=ignore_case)
    addresses(bucket)
    if keys and values:
        raise ArgumentError("--keys searches only keys, --values only values: they can't be combined")
    if files and count:
        raise ArgumentError("--files prints names, --count numbers: they can't be combined")
    if bucket and deleted:
        raise ArgumentError("deleted bytes belong to no bucket: --bucket and --deleted can't be combined")


@command(
    "grep",
    example="boltcli grep -i timeout fixtures/document.db",
    opens=True,
    statuses={0: "a match was found", 1: "no match", 2: "a file could not be searched"},
    failure=2,
    validate=prepare,
)
def grep(
    opener: Opener,
    out: Output,
    *,
    pattern: Annotated[str, argument("PATTERN", "A regular expression (Python's, on bytes).")],
    paths: Annotated[list[str], argument("FILE", "Bolt database files.", files)],
    recursive: Annotated[bool, switch("Search the databases in folders.", "--recursive", "-r")] = False,
    ignore_case: Annotated[bool, switch("Ignore the case of ASCII letters.", "--ignore-case", "-i")] = False,
    files: Annotated[bool, switch("Print only the names of files with a hit.", "--files", "-l")] = False,
    count: Annotated[bool, switch("Print only the number of hits in each file.", "--count", "-c")] = False,
    fixed: Annotated[bool, switch("PATTERN is literal text, not a regular expression.", "--fixed", "-F")] = False,
    hex: Annotated[bool, switch("PATTERN is bytes in hexadecimal.")] = False,
    keys: Annotated[bool, switch("Search only names of buckets and keys.")] = False,
    values: Annotated[bool, switch("Search only values.")] = False,
    bucket: Annotated[
        list[str], text("Search only this bucket; repeat it for a nested one.", "NAME", completes=buckets)
    ] = [],
    deleted: Annotated[
        bool,
        switch("Also search bytes that are no longer in use: free pages, unused ends of pages, the end of the file."),
    ] = False,
    jobs: JobsIfGiven = 1,
) -> int:
    """Search bucket names, keys and values for a pattern, in nested buckets too."""
    wanted = compiled(pattern, hex=hex, fixed=fixed, ignore_case=ignore_case)
    names = tuple(addresses(bucket))
    found = opener.files(paths)
    several = len(found) > 1

    def searched(_: Named, out: Output) -> int:
        with out.progress("searching") as progress:
            return opener.read(out.path, partial(look, progress), out)

    def look(progress: Progress, snapshot: Snapshot, out: Output) -> int:
        """Write the hits of one file; return its status."""
        hits, damages = 0, 0
        shown = out.path if several else ""

        def passed_over(damage: BoltError) -> None:
            nonlocal damages
            damages += 1
            out.warn(f"{out.path + ': ' if several else ''}{damage}; the rest is searched")

        for hit in search(
            wanted, snapshot, bucket=names, keys=keys, values=values, deleted=deleted, skipped=passed_over,
            progress=progress,
        ):  # fmt: skip
            hits += 1
            if files:
                break
            if not count:
                out.records(
                    lambda hit=hit: [hit_record(hit, out.path)],  # type: ignore[misc]
                    lambda hit=hit: hit_text(hit, shown, out.has_colours),  # type: ignore[misc]
                    styled=True,
                )
        if count:
            head = f"{out.path}: " if several else ""
            out.record(lambda: records.of_file(out.path) | {"hits": hits}, f"{head}{hits}\n")
        elif files and hits:
            out.record(lambda: records.of_file(out.path), os.fsencode(out.path) + b"\n")
        return TROUBLE if damages else FOUND if hits else NOTHING

    statuses = set()
    try:
        for file, status in each(found, searched, opener, out, what="searching", jobs=jobs, direct=True):
            if isinstance(status, BoltError):
                complain(file.path, status, {}, opener, out)
                status = TROUBLE
            statuses.add(status)
    finally:
        out.flush()
        say_passed(found, out)
    return TROUBLE if TROUBLE in statuses else FOUND if FOUND in statuses else NOTHING
