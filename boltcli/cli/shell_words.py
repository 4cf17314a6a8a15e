"""Split a bash command line into words as bash does, without expanding anything."""

from __future__ import annotations

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,")


class BashLine:
    """The line up to the cursor.

    ``words`` are those after the program's name, without quotes; the last one,
    perhaps empty, is to be completed. ``part`` is what bash replaces by the
    completion: the end of the last word, after the last ``:`` or ``=``.
    """

    def __init__(self, line: str = "", part: str = "") -> None:
        self.part = part
        self.quote = ""  # the quote that is open at the end
        self._raw = ""  # the last word as it was typed
        words: list[str] = []
        word: str | None = None
        escaped = False
        for char in line:
            if char.isspace() and not self.quote and not escaped:
                if word is not None:
                    words.append(word)
                word, self._raw = None, ""
                continue
            self._raw += char
            word = word or ""
            if escaped:
                if self.quote and char not in '"\\$`':
                    word += "\\"
                word += char
                escaped = False
            elif char == "\\" and self.quote != "'":
                escaped = True
            elif char == self.quote:
                self.quote = ""
            elif char in "'\"" and not self.quote:
                self.quote = char
            else:
                word += char
        words.append(word or "")
        self.words = words[1:]

    def written(self, names: list[str]) -> list[str]:
        """Return ``names`` quoted, to replace ``part``."""
        if self.quote:
            # bash keeps the opening quote, and closes it.
            special = '"\\$`' if self.quote == '"' else ""
            return [_escaped(name, special) for name in names if self.quote not in name or special]
        before = self._raw.removesuffix(self.part)
        return [_quoted(name).removeprefix(before) if name[0] != ":" else name for name in names]


def _quoted(name: str) -> str:
    return "".join(char if char in _PLAIN or char > "\x7f" else f"\\{char}" for char in name)


def _escaped(name: str, special: str) -> str:
    return "".join(f"\\{char}" if char in special else char for char in name)
