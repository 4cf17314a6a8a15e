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
        """Return ``names`` quoted, to replace ``part``; without those that can't be written there.

        Whatever a name has in it, bash must neither expand nor run it: names come out of files.
        """
        if self.quote:
            # bash keeps the opening quote, and closes it.
            if self.quote == "'":
                return [name for name in names if "'" not in name]
            # Nothing keeps it from expanding a "!" between these quotes.
            return [_escaped(name, '"\\$`') for name in names if "!" not in name]
        before = self._raw.removesuffix(self.part)
        there = BashLine(f"boltcli {before}").words[-1]
        return [_quoted(name[len(there) :]) for name in names if name.startswith(there)]


def _quoted(name: str) -> str:
    return "".join(char if char in _PLAIN or char > "\x7f" else f"\\{char}" for char in name)


def _escaped(name: str, special: str) -> str:
    return "".join(f"\\{char}" if char in special else char for char in name)
