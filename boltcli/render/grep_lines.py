"""The output of ``grep``: where each hit is, and the text around it."""

from __future__ import annotations

from ..text.golang import escaped, is_print
from ..text.values import path_text
from .records import of_file, put, put_bucket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..ops.read.grep import Hit
    from .records import Record

_ON, _OFF = "\x1b[1;31m", "\x1b[0m"


def hit_text(hit: Hit, file: str, styled: bool) -> bytes:
    """Return the line of a hit; ``file`` goes before it, unless it is empty. The match is in colour if ``styled``."""
    where = [file] if file else []
    if hit.place:
        where.append(f"deleted, {hit.place} {hit.page}")
    names = [*hit.path] + ([hit.key] if hit.key else [])
    if names:
        where.append(path_text(names))
    where.append(hit.part)
    match = _escaped(hit.match)
    if styled:
        match = f"{_ON}{match}{_OFF}"
    before = ("..." if hit.offset > len(hit.before) else "") + _escaped(hit.before)
    line = f"{': '.join(where)}: {before}{match}{_escaped(hit.after)}{'...' if len(hit.after) >= 48 else ''}\n"
    return line.encode("utf-8", "surrogateescape")


def _escaped(data: bytes) -> str:
    """Return ``data`` on one line; unprintable characters are escaped."""
    text = data.decode("utf-8", "surrogateescape")
    if is_print(text) and "\\" not in text:
        return text
    return escaped(text).replace('\\"', '"')


def hit_record(hit: Hit, path: str) -> Record:
    """Return the object of a hit."""
    record = of_file(path)
    if hit.path or not hit.place:
        put_bucket(record, hit.path)
    if hit.key:
        put(record, "key", hit.key)
    record |= {"part": hit.part, "offset": hit.offset}
    put(record, "match", hit.match)
    put(record, "before", hit.before)
    put(record, "after", hit.after)
    if hit.place:
        record |= {"deleted": True, "place": hit.place, "page": hit.page}
    return record
