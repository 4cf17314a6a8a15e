"""The output of ``grep``: where each hit is, and the text around it."""

from ..ops.read.grep import Hit
from ..text.golang import escaped, is_print
from ..text.values import path_text
from .records import Record, field, fields_of, of_bucket, of_file

_ON, _OFF = "\x1b[1;31m", "\x1b[0m"


def hit_text(hit: Hit, file: str, styled: bool) -> str:
    """Return the line of a hit; ``file`` goes before it, unless it is empty. The match is in colour if ``styled``."""
    deleted = f"deleted, {hit.place} {hit.page}" if hit.place else ""
    where = [word for word in (file, deleted, path_text([*hit.bucket, *[hit.key] * bool(hit.key)])) if word]
    match = f"{_ON}{_escaped(hit.match)}{_OFF}" if styled else _escaped(hit.match)
    before = "..." * (hit.offset > len(hit.before)) + _escaped(hit.before)
    after = _escaped(hit.after) + "..." * (len(hit.after) >= 48)
    return f"{': '.join([*where, hit.part])}: {before}{match}{after}\n"


def _escaped(data: bytes) -> str:
    """Return ``data`` on one line; unprintable characters are escaped."""
    text = data.decode("utf-8", "surrogateescape")
    return text if is_print(text) and "\\" not in text else escaped(text).replace('\\"', '"')


def hit_record(hit: Hit, path: str) -> Record:
    """Return the object of a hit."""
    return {
        **of_file(path),
        **(of_bucket(hit.bucket) if hit.bucket or not hit.place else {}),
        **(field("key", hit.key) if hit.key else {}),
        **fields_of(hit, "part", "offset"),
        **field("match", hit.match),
        **field("before", hit.before),
        **field("after", hit.after),
        **({"deleted": True, "place": hit.place, "page": hit.page} if hit.place else {}),
    }
