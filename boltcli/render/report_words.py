"""Names, numbers and command lines in the HTML report."""

import os
import re

from ..storage.source import is_elsewhere
from ..text.sizes import counted
from ..text.values import auto, shell_quoted
from ..text.visible import one_line

_SHORT = 200  # characters of a name, a key, a value
# A remedy that ends with a whole command line.
_COMMAND = re.compile(r"(.*?),? *`(boltcli [^`]*\bFILE\b[^`]*)`\.?", re.DOTALL)


def short(text: str, most: int = _SHORT) -> str:
    """Return ``text`` as one visible line of at most ``most`` characters."""
    shown = one_line(text[: most + 1])
    return shown if len(shown) <= most else shown[:most] + "…"


def shown(content: bytes) -> str:
    """Return a name, a key or a value from a file, shortened."""
    return short(auto(content).decode("utf-8", "replace"))


def bucket_name(path: tuple[bytes, ...]) -> str:
    """Return the names that lead to a bucket."""
    return short(" / ".join(map(shown, path))) or "(root bucket)"


def many(number: int, what: str) -> str:
    """Return ``1 page``, ``2,000 pages``."""
    return counted(number, what).replace(str(number), f"{number:,}", 1)


def percent(part: int, whole: int) -> str:
    """Return the share of ``part`` in ``whole`` in percent, without its sign."""
    return f"{100 * part / whole:.1f}" if whole else "0"


class CommandLines:
    """Command lines about the file at ``path``, which a shell takes in any folder if that is in the file system."""

    def __init__(self, path: str) -> None:
        is_address, exists = is_elsewhere(path), os.path.exists(path)
        self.place = path if is_address else os.path.abspath(path) if exists else os.path.join(os.getcwd(), path)
        self._file = "FILE" if path == "-" else shell_quoted(self.place)
        stem = "recovered" if path == "-" else re.split(r"[/!]", path.rstrip("/"))[-1].removesuffix(".db")
        self._stem = os.path.join(os.path.dirname(self.place), stem) if exists and not is_address else stem

    def line(self, *words: str) -> str:
        """Return a command line. FILE stands for the file, DEST-NAME for a new file beside it with NAME in its name."""
        return " ".join(
            self._file if word == "FILE" else self._new(word[5:]) if word.startswith("DEST-") else word
            for word in ("boltcli", *words)
        )

    def _new(self, name: str) -> str:
        path = f"{self._stem}-{name}.db"
        return shell_quoted(f"./{path}" if path.startswith("-") else path)

    def filled_in(self, text: str) -> str:
        """Return ``text`` with the file's name in place of FILE in its command lines."""
        parts = text.split("`")
        return "`".join(re.sub(r"\bFILE\b", lambda _: self._file, part) if at % 2 else part
                        for at, part in enumerate(parts))  # fmt: skip

    def split(self, remedy: str) -> tuple[str, str]:
        """Return what a remedy says before the command line at its end, and that; "" if there is none."""
        found = _COMMAND.fullmatch(remedy)
        if found is None:
            return self.filled_in(remedy), ""
        return f"{found[1]}:", self.filled_in(f"`{found[2]}`").strip("`")
