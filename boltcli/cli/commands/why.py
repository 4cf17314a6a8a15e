"""``why``: show which pages refer to a page, and its content."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Annotated

from ...errors import ArgumentError
from ...ops.check.database_check import check
from ...ops.space.page_use import page_story
from ...render.why_report import story_record, story_screen, story_text
from ...tree.page_map import page_map
from ..command import command
from ..values import parse_uint64

if TYPE_CHECKING:
    from ..options import Database, argument
    from ..output import Output

_OFFSET = "offset:"
_FINDINGS = 100_000  # findings of a check that are searched


def prepare(pages: list[str]) -> None:
    for page in pages:
        _number(page)


def _number(argument: str) -> tuple[int, bool]:
    try:
        return parse_uint64(argument.removeprefix(_OFFSET)), argument.startswith(_OFFSET)
    except ArgumentError:
        raise ArgumentError(f"{argument}: expected a page id, or offset:N for the page at byte N") from None


@command("why", example="boltcli why fixtures/document.db 4", group="Pages", validate=prepare)
def why(
    db: Database,
    out: Output,
    *,
    pages: Annotated[list[str], argument("PAGE", "A page id, or offset:N for the page at byte N.")],
) -> None:
    """Show why a page exists: the pages that refer to it, now and before the last transaction, and its content."""
    now = page_map(db)
    other = db.metas[1 - db.meta.page]
    before = page_map(db, other) if other.problem() is None else None
    wanted = [number // db.page_size if is_offset else number for number, is_offset in map(_number, pages)]
    with out.progress("checking") as progress:
        searched = islice(check(db, 0, progress=progress), _FINDINGS)
        findings = [finding for finding in searched if finding.page in wanted]
    for page in wanted:
        story = page_story(db, page, now, before, findings)
        out.report(
            partial(story_record, out.path, story), partial(story_screen, story=story), partial(story_text, story)
        )
