"""``info``: print the page size; with --json also the meta page and the application that wrote the file."""

from __future__ import annotations

from ... import render
from ..command import Summary, command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Annotated

    from ...storage.snapshot import Snapshot
    from ..options import Databases, Jobs, switch
    from ..output import Output, Record


@command(
    "info",
    example="boltcli info fixtures/document.db",
    several=True,
    summary=Summary(
        ("page size", "page_size", "integer"),
        ("size", "size", "size"),
        ("txid", "txid", "integer"),
        ("application", "application", "text"),
        order="size",
        is_measure=True,
    ),
)
def info(
    db: Databases,
    out: Output,
    *,
    jobs: Jobs = 0,
    summary: Annotated[bool, switch("Print a summary, as `boltcli FILE` does.", hidden=True)] = (False),
) -> None:
    """Print the page size; on a terminal also size, transaction, buckets and application."""
    out.record(lambda: _record(db), lambda: _text(db, out, summary))


def _record(db: Snapshot) -> Record:
    from ...apps.registry import recognised

    found = recognised(db)
    known = {"application": found and found.name, "layout": found and found.layout}
    return render.records.info(db) | known | {"certainty": found and found.certainty}


def _text(db: Snapshot, out: Output, summary: bool) -> Iterator[bytes]:
    yield b"Page Size: %d\n" % db.page_size
    if summary or out.is_terminal:  # in a pipe the output is bbolt's
        from ...apps.registry import recognised

        found = recognised(db)
        yield render.info_text.info_text(db, f"{found} ({found.certainty})" if found else "")
    if summary:
        from ..hints import next_steps

        yield next_steps(out.path, db)
