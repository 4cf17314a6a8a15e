"""Changes as lines of text."""

from __future__ import annotations

from ..text.values import LARGE, auto
from ..text.visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..ops.compare.change import Change

SIGNS = {"add": "+", "remove": "-", "change": "~"}
_COLOURS = {"add": "\x1b[32m", "remove": "\x1b[31m", "change": "\x1b[33m"}
_SHORT = 60  # characters of a value on a terminal


def text_line(
    change: Change, *, above: int = 0, values: bool = False, short: bool = False, colour: bool = False
) -> Iterator[bytes]:
    """Yield a line in pieces: a sign, the bucket path from level ``above`` on, and the key, with tabs between them.

    With ``values`` old and new follow, of JSON the fields that differ, each cut if it shall be ``short``.
    """
    words = [auto(name).decode() for name in change.bucket[above:]]
    itself = "(sequence)" if change.op == "change" else "(bucket)"
    words.append(itself if change.key is None else auto(change.key).decode())
    if isinstance(change.new, int) and isinstance(change.old, int):
        words.append(f"{change.old} -> {change.new}")
    shown, start, end = (visible, _COLOURS[change.op], "\x1b[0m") if colour else (str, "", "")
    yield (f"{start}{SIGNS[change.op]} " + shown("\t".join(words))).encode()
    if values and change.key is not None:
        yield b"\t"
        for text in _values(change.old, change.new, short):
            yield shown(text).encode()
    yield f"{end}\n".encode()


def _values(old: bytes | int | None, new: bytes | int | None, short: bool) -> Iterator[str]:
    found = [value for value in (old, new) if isinstance(value, bytes)]
    if len(found) == 2 and (fields := changed_fields(*found)):
        yield ", ".join([_cut(field, short) for field in fields])
        return
    for number, value in enumerate(found):
        yield " -> " * number
        if len(value) <= LARGE:
            yield _cut(auto(value).decode(), short)
            continue
        from ..text.large_values import slices

        texts = slices(value, "auto")
        yield from [_cut(next(texts), short)] if short else texts


def _cut(text: str, short: bool) -> str:
    return text if not short or len(text) <= _SHORT else f"{text[: _SHORT - 3]}..."


def changed_fields(old: bytes, new: bytes) -> list[str]:
    """Return the differences of two JSON objects or lists by field (``State.Code: 3 -> 4``); none for others."""
    if old[:1] not in (b"{", b"[") or old[:1] != new[:1]:
        return []
    from ..text.json import LARGEST_JSON, line, parsed

    if max(len(old), len(new)) > LARGEST_JSON:
        return []
    try:
        # A list and not recursion: the one on top comes next.
        todo: list[tuple[str, Any, Any]] = [("", parsed(old), parsed(new))]
    except ValueError:
        return []
    found = []
    while todo:
        name, before, after = todo.pop()
        if isinstance(before, dict) and isinstance(after, dict):
            names = list(dict.fromkeys([*before, *after]))
            dot = f"{name}." if name else ""
            todo += [(dot + each, before.get(each, ...), after.get(each, ...)) for each in reversed(names)]
        elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
            todo += [(f"{name}[{at}]", before[at], after[at]) for at in range(len(before) - 1, -1, -1)]
        elif before == after and type(before) is type(after):
            continue
        else:
            sign = "+" if before is ... else "-" if after is ... else ""
            shown = [line(value)[:-1].decode() for value in (before, after) if value is not ...]
            found.append(f"{sign}{name}: {' -> '.join(shown)}")
    return found
