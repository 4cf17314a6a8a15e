"""Lines for a terminal: a verdict with a sign and a colour, what to do, and facts; text is folded between words."""

from __future__ import annotations

import os

from ..text.visible import cut, folded, one_line, room_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

GOOD, FAIR, BAD, PLAIN = "good", "fair", "bad", "bold"  # tones
_STYLES = {GOOD: "32", FAIR: "33", BAD: "1;31", "dim": "2", "bold": "1", "name": "36", "": ""}
_SIGNS = {GOOD: "✓", FAIR: "!", BAD: "✗"}
# What is drawn where the locale's encoding has only ASCII.
_PLAIN = {"✓": "+", "✗": "x", "→": "->", "…": "...", "█": "#", "├": "|", "└": "`", "│": "|", "─": "-", "·": "."}
_BLOCKS = "▏▎▍▌▋▊▉"
MUCH = 25  # percent of a file that compaction frees, from which on it is worth a thought
_FEW_LINES = 22  # that a small terminal shows, with the command and the next prompt
_LEAST = 20  # columns that text gets, however narrow the terminal is


def is_plain() -> bool:
    """Return whether the locale says that its encoding isn't UTF-8."""
    said = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_CTYPE", "LANG"))), "UTF-8")
    return "utf8" not in said.lower().replace("-", "")


class Screen:
    """What a command shows on a terminal of ``width`` columns. ``styled``: in colours; ``plain``: drawn in ASCII.

    Text may have anything in it: what a terminal would obey is escaped.
    """

    def __init__(self, width: int, *, styled: bool = False, plain: bool = False) -> None:
        self.width = max(width, 2 * _LEAST)
        self.styled = styled
        self.plain = plain
        self._lines: list[str] = []
        self._answer = 0  # lines that say the answer

    def drawn(self, text: str) -> str:
        """Return ``text``, which is no name from a file, as it can be drawn."""
        return "".join(_PLAIN.get(letter, letter) for letter in text) if self.plain else text

    def paint(self, text: str, style: str) -> str:
        """Return ``text``, which is escaped, in a style: a tone, ``dim``, ``bold`` or ``name``."""
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.styled and style and text else text

    def sign(self, tone: str) -> str:
        """Return the sign of a tone, in its colour."""
        return self.paint(self.drawn(_SIGNS[tone]), tone)

    def line(self, text: str = "") -> None:
        """Add a line that is escaped, styled and short enough."""
        self._lines.append(text)

    def text(self, words: str, indent: int = 0, style: str = "", *, hang: int = 0) -> None:
        """Add a sentence, folded between words; the lines after the first are indented by ``hang`` more."""
        first, *others = self.folded(words, self.width - indent, hang)
        self.line(" " * indent + self.paint(first, style))
        for other in others:
            self.line(" " * (indent + hang) + self.paint(other, style))

    def verdict(self, tone: str, head: str, words: str = "") -> None:
        """Add a verdict: the sign of the tone, if it has one, and ``head`` in its colour, then ``words``."""
        sign = f"{self.drawn(_SIGNS[tone])} " if tone in _SIGNS else ""
        start = sign + one_line(head) + "  " * bool(words)
        room = room_of(start)
        first, *others = self.folded(" " * room + words, self.width, 2)
        painted = self.paint(sign.strip(), tone) + " " * bool(sign) + self.paint(one_line(head), tone)
        self.line(f"{painted}  {first[room:]}".rstrip())
        for other in others:
            self.line("  " + other)

    def advice(self, command: str, gain: str = "") -> None:
        """Add a command, on a line of its own so that it can be copied, and what it gains."""
        self.line(f"{self.drawn('→')} {self.paint(one_line(command), 'name')}")
        if gain:
            self.text(gain, 4)

    def folded(self, words: str, room: int, hang: int = 0) -> list[str]:
        """Return a sentence, escaped, in lines of ``room`` columns; a word that is longer is a line of its own."""
        words = one_line(words)
        lines: list[str] = []
        blanks = len(words) - len(words.lstrip(" "))
        line, used = words[:blanks], blanks
        for word in words[blanks:].split(" "):
            size = room_of(word)
            if used > blanks and used + 1 + size > room - hang * bool(lines):
                lines.append(line)
                line, used, blanks = "", 0, 0
            if used > blanks:
                line, used = line + " ", used + 1
            line, used = line + word, used + size
        return [*lines, line]

    def bar(self, part: int, whole: int, room: int) -> str:
        """Return a bar of ``room`` columns, as long as ``part`` of ``whole``; what is not nothing can be seen."""
        full, rest = divmod(min(round(8 * room * part / max(whole, 1)), 8 * room), 8)
        if part and not full and not rest:
            rest = 1
        if self.plain:
            return ("#" * (full + (rest > 3 or (not full and rest > 0)))).ljust(room)
        return ("█" * full + _BLOCKS[rest - 1 : rest] * bool(rest)).ljust(room)

    def table(self, rows: Sequence[Sequence[str]], right: Sequence[bool], indent: int = 2) -> None:
        """Add rows of cells in columns, those that are ``right`` aligned so; the last column is cut to the width."""
        widths = [max(map(room_of, column)) for column in zip(*rows)]
        for row in rows:
            cells = [_aligned(one_line(cell), width, at) for cell, width, at in zip(row[:-1], widths, right)]
            start = " " * indent + "".join(cell + "  " for cell in cells)
            self.line((start + self.cut(one_line(row[-1]), self.width - room_of(start))).rstrip())

    def cut(self, text: str, room: int) -> str:
        """Return ``text`` in at most ``room`` columns."""
        if self.plain and room_of(text) > room:
            return folded(text, max(room - 3, 1))[0] + "..."
        return cut(text, max(room, 1))

    def answered(self) -> None:
        """Say that the lines so far are the answer: where it would scroll away it stands at the end again."""
        self._answer = len(self._lines)

    def content(self) -> bytes:
        """Return the lines."""
        again = ["", *self._lines[: self._answer]] if self._answer and len(self._lines) > _FEW_LINES else []
        return "".join(f"{line}\n" for line in [*self._lines, *again]).encode("utf-8", "surrogateescape")


def _aligned(text: str, room: int, right: bool) -> str:
    blank = " " * (room - room_of(text))
    return blank + text if right else text + blank
