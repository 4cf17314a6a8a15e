"""The verdicts on many files, for a terminal: what all have in common stands once, a problem on its own line."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import Any

from ..apps.contract import Column
from ..text.sizes import size
from ..text.visible import one_line, room_of
from .screen import BAD, GOOD, Screen

_NUMBERS = ("integer", "size")


def verdict_screen(
    screen: Screen, columns: Sequence[Column], rows: Sequence[tuple[list[Any], str]], words: Sequence[str]
) -> None:
    """Show ``rows``: the cells of a file, of which the first is its verdict and the last its path, and its problem.

    The first of the ``words`` is the verdict on a file that can't be read, the last that on a sound one.
    """
    if len(rows) == 1:
        _one(screen, columns, *rows[0], is_sound=rows[0][0][0] == words[-1])
        return
    texts = [[_text(value, column.type) for value, column in zip(row, columns)] for row, _ in rows]
    last = len(columns) - 1
    shown = [True] * len(columns)
    common: list[str] = []
    for at in range(1, last):
        known = {text[at] for text in texts if text[0] != words[0]}  # of a file that can't be read nothing is known
        says_more = any(text[at] not in ("", text[0]) for text in texts)
        is_same = len(known) == 1
        shown[at] = says_more and not is_same
        if says_more and is_same:
            common.append(f"{columns[at].name} {known.pop()}")
    names = [column.name for column in columns]
    dropped: list[str] = []
    while True:
        widths = [max(room_of(one_line(text[at])) for text in (names, *texts)) for at in range(last + 1)]
        used = 2 + sum(width + 2 for width in compress(widths, shown))
        droppable = [at for at in range(1, last) if shown[at]]
        if used - 2 <= screen.width or not droppable:
            break
        shown[droppable[-1]] = False
        dropped.insert(0, names[droppable[-1]])
    if common:
        screen.text(f"of all: {', '.join(common)}", style="dim", hang=2)
    screen.line("  " + screen.paint(_row(names, widths, columns, shown), "bold"))
    for text, (_, problem) in zip(texts, rows):
        tone = GOOD if text[0] == words[-1] else BAD
        verdict = one_line(text[0])
        line = _row(text, widths, columns, shown)
        screen.line(f"{screen.sign(tone)} {screen.paint(verdict, tone)}{line[len(verdict) :]}")
        if problem:
            screen.text(problem, 4, hang=2)
    if dropped:
        screen.text(f"no room for {', '.join(dropped)}: --json shows all", style="dim")


def _one(screen: Screen, columns: Sequence[Column], row: list[Any], problem: str, *, is_sound: bool) -> None:
    """Show the verdict on one file, and what is known of it."""
    verdict, *cells, path = (_text(value, column.type) for value, column in zip(row, columns))
    screen.verdict(GOOD if is_sound else BAD, verdict, path)
    if problem:
        screen.text(problem, 4, hang=2)
    facts = [f"{column.name} {cell}" for column, cell in zip(columns[1:], cells) if cell not in ("", verdict)]
    if facts:
        screen.text(", ".join(facts), 2, "dim")


def _row(texts: Sequence[str], widths: Sequence[int], columns: Sequence[Column], shown: Sequence[bool]) -> str:
    cells = []
    for text, width, column in compress(zip(map(one_line, texts), widths, columns), shown):
        blank = " " * (width - room_of(text))
        cells.append(blank + text if column.type in _NUMBERS else text + blank)
    return "  ".join(cells).rstrip()


def _text(value: Any, type: str) -> str:
    if value is None:
        return ""
    return size(value) if type == "size" else f"{value:,}" if type == "integer" else str(value)
