"""Describe why a page exists: its type, content, and which pages refer to it, now and before the last transaction."""

from dataclasses import dataclass

from ...errors import Corrupted
from ...format.constants import BRANCH_PAGE, LEAF_PAGE
from ...format.page import BranchElements, LeafElements
from ...storage.snapshot import Snapshot
from ...tree.page_map import BEYOND, KINDS, OVERFLOW, PageMap
from ..check.findings import Finding


@dataclass(slots=True)
class PageUse:
    """The use of a page in one state."""

    kind: str  # a word of KINDS
    txid: int
    bucket: tuple[bytes, ...] | None  # that owns it
    way: list[int]  # page ids from the meta page to it
    head: int | None  # of an overflow page's run


@dataclass(slots=True)
class PageStory:
    """The description of a page: its use ``now`` and ``before`` the last transaction (None: unknown)."""

    page: int
    offset: int
    now: PageUse
    before: PageUse | None
    findings: list[Finding]
    flags: int = 0
    count: int = 0
    overflow: int = 0
    fill: int = 0  # percent
    first: bytes | None = None  # key
    last: bytes | None = None
    problem: str | None = None  # why its content cannot be read


def _use(mapped: PageMap, pgid: int, txid: int) -> PageUse:
    if pgid >= len(mapped.kinds):
        return PageUse(KINDS[BEYOND], txid, None, [], None)
    kind, owner = mapped.kinds[pgid], mapped.owner(pgid)
    bucket = None if owner is None else mapped.path(owner)
    head = mapped.parents[pgid] if kind == OVERFLOW else None
    return PageUse(KINDS[kind], txid, bucket, mapped.way(pgid), head)


def page_story(
    snapshot: Snapshot, pgid: int, now: PageMap, before: PageMap | None, findings: list[Finding]
) -> PageStory:
    """Describe page ``pgid`` from the maps of both states and the findings of the check."""
    previous = snapshot.metas[1 - snapshot.meta.page]
    story = PageStory(
        pgid,
        pgid * snapshot.page_size,
        _use(now, pgid, snapshot.meta.txid),
        _use(before, pgid, previous.txid) if before else None,
        [finding for finding in findings if finding.page == pgid],
    )
    try:
        page = snapshot.any_page(pgid)
    except Corrupted as damage:
        story.problem = damage.problem
        return story
    story.flags, story.count, story.overflow = page.flags, page.count, page.overflow
    if story.now.kind in ("overflow", "meta", "freelist"):
        return story
    if page.pgid != pgid:
        story.problem = f"its header identifies it as page {page.pgid}"
    if page.flags not in (LEAF_PAGE, BRANCH_PAGE) or not page.count:
        return story
    try:
        elements = LeafElements(page) if page.flags == LEAF_PAGE else BranchElements(page)
        story.first, story.last = elements.key(0), elements.key(elements.count - 1)
        story.fill = min(100, 100 * page.used() // max(page.end - page.offset, 1))
    except Corrupted as damage:
        story.problem = str(damage)
    return story
