"""The output of ``why``: the description of a page."""

from ..format.page import type_name
from ..ops.space.page_use import PageStory, PageUse
from ..text.values import as_text, auto
from .records import Record, field, fields_of, of_bucket, of_file
from .screen import BAD, GOOD, Screen

_ROLES = {
    "lost": "lost: neither in use nor free",
    "free": "free",
    "beyond": "beyond the high-water mark",
    "meta": "a meta page",
    "freelist": "the freelist",
}
_CONTENTS = {"overflow": "the rest of a page run", "meta": "a state of the database", "freelist": "ids of free pages"}


def story_text(story: PageStory) -> str:
    """Return the description for people: the page's role, the pages that refer to it, its content, its findings."""
    lines = [f"page {story.page} at offset {story.offset}: {_role(story.now)}"]
    if story.now.way[1:]:
        lines.append(f"  referred to by: {' > '.join(map(str, story.now.way))}")
    lines.append(f"  holds: {_content(story)}")
    if story.before is None:
        lines.append("  before: the other meta page is not valid")
    else:
        lines.append(f"  before, at transaction {story.before.txid}: {_role(story.before)}")
    findings = [as_text(finding.line(auto)) for finding in story.findings] or ["nothing to report"]
    return "\n".join([*lines, *(f"  check: {finding}" for finding in findings)]) + "\n"


def story_screen(screen: Screen, story: PageStory) -> None:
    """Show the verdict of the check on the page, and its role; then what leads to it, and its content."""
    is_bad = bool(story.findings or story.problem)
    head = f"page {story.page}"
    screen.verdict(BAD if is_bad else GOOD, head, f"{_role(story.now)}, at offset {story.offset:,}")
    for line in story_text(story).splitlines()[1:]:
        is_finding = is_bad and line.lstrip().startswith("check:")
        screen.text(line.strip(), 2, BAD if is_finding else "", hang=2)


def _role(role: PageUse) -> str:
    if role.kind == "overflow" and role.head is not None:
        words = f"an overflow page of page {role.head}"
    else:
        words = _ROLES.get(role.kind) or f"a {role.kind} page"
    if role.bucket is None:
        return words
    names = "/".join(auto(name).decode() for name in role.bucket)
    return f"{words} of bucket {names}" if role.bucket else f"{words} of the root bucket"


def _content(story: PageStory) -> str:
    if story.problem:
        return f"it cannot be read: {story.problem}"
    if story.now.kind in _CONTENTS:
        return _CONTENTS[story.now.kind]
    words = f"{type_name(story.flags)} page, {story.count} elements, {story.overflow} overflow pages"
    if story.first is not None and story.last is not None:
        words += f", {story.fill}% full, keys {auto(story.first).decode()} to {auto(story.last).decode()}"
    return words + (" (of an earlier transaction)" if story.now.kind in ("free", "lost", "beyond") else "")


def story_record(path: str, story: PageStory) -> Record:
    """Return the description as an object."""
    before = story.before
    return {
        **of_file(path),
        **fields_of(story, "page", "offset"),
        "type": story.now.kind,
        **_role_fields(story.now),
        "previous": None if before is None else {"type": before.kind, "txid": before.txid, **_role_fields(before)},
        "header_type": type_name(story.flags),
        **fields_of(story, "count", "overflow"),
        "fill_share": story.fill / 100,
        **({} if story.first is None else field("first_key", story.first)),
        **({} if story.last is None else field("last_key", story.last)),
        "problem": story.problem,
        "findings": [as_text(finding.line(auto)) for finding in story.findings],
    }


def _role_fields(role: PageUse) -> Record:
    return {**of_bucket(role.bucket), "path_pages": role.way, "head_page": role.head}
