"""The output of ``why``: the description of a page."""

from __future__ import annotations

from ..format.page import type_name
from ..text.values import as_text, auto

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..ops.space.page_use import PageStory, PageUse


def story_text(story: PageStory) -> bytes:
    """Return the description for people: the page's role, the pages that refer to it, its content, its findings."""
    lines = [f"page {story.page} at offset {story.offset}: {_role(story.now)}"]
    if story.now.way[1:]:
        lines.append(f"  referred to by: {' > '.join(map(str, story.now.way))}")
    lines.append(f"  holds: {_content(story)}")
    if story.before is None:
        lines.append("  before: the other meta page is not valid")
    else:
        lines.append(f"  before, at transaction {story.before.txid}: {_role(story.before)}")
    lines += [f"  check: {as_text(finding.line(auto))}" for finding in story.findings]
    if not story.findings:
        lines.append("  check: nothing to report")
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


_ROLES = {
    "lost": "lost: neither in use nor free",
    "free": "free",
    "beyond": "beyond the high-water mark",
    "meta": "a meta page",
    "freelist": "the freelist",
}


def _role(role: PageUse) -> str:
    if role.kind == "overflow" and role.head is not None:
        words = f"an overflow page of page {role.head}"
    else:
        words = _ROLES.get(role.kind) or f"a {role.kind} page"
    if role.bucket is not None:
        names = "/".join(auto(name).decode() for name in role.bucket)
        words += f" of bucket {names}" if role.bucket else " of the root bucket"
    return words


def _content(story: PageStory) -> str:
    if story.problem:
        return f"it cannot be read: {story.problem}"
    if story.now.kind in ("overflow", "meta", "freelist"):
        return {
            "overflow": "the rest of a page run",
            "meta": "a state of the database",
            "freelist": "ids of free pages",
        }[story.now.kind]
    words = f"{type_name(story.flags)} page, {story.count} elements, {story.overflow} overflow pages"
    if story.first is not None and story.last is not None:
        words += f", {story.fill}% full, keys {auto(story.first).decode()} to {auto(story.last).decode()}"
    return words + (" (of an earlier transaction)" if story.now.kind in ("free", "lost", "beyond") else "")


def story_record(path: str, story: PageStory) -> dict[str, Any]:
    """Return the description as an object."""
    from . import records

    record = records.of_file(path)
    record |= {"page": story.page, "offset": story.offset, "type": story.now.kind}
    _put_role(record, story.now)
    if story.before is None:
        record["previous"] = None
    else:
        record["previous"] = {"type": story.before.kind, "txid": story.before.txid}
        _put_role(record["previous"], story.before)
    record |= {"header_type": type_name(story.flags), "count": story.count, "overflow": story.overflow}
    record["fill_share"] = story.fill / 100
    for name, key in (("first_key", story.first), ("last_key", story.last)):
        if key is not None:
            records.put(record, name, key)
    record["problem"] = story.problem
    record["findings"] = [records.text(finding.line(auto)) for finding in story.findings]
    return record


def _put_role(record: dict[str, Any], role: PageUse) -> None:
    from . import records

    if role.bucket is None:
        record["bucket"] = None
    else:
        records.put_bucket(record, role.bucket)
    record |= {"path_pages": role.way, "head_page": role.head}
