"""What the user types to see fewer rows: conditions as ``view --where`` takes them, and plain words."""

from collections.abc import Sequence
from typing import NamedTuple

from ...apps.rows import condition
from ...errors import ArgumentError
from ..shell_words import split
from ..values import address


class Filter(NamedTuple):
    """``where`` are pairs of a column and the text of its cell, ``words`` occur anywhere in a row; all must hold."""

    text: str = ""
    where: tuple[tuple[str, str], ...] = ()
    words: tuple[str, ...] = ()

    @property
    def needles(self) -> list[bytes]:
        """The words as bytes: ``hex:00ff``, ``u64:42`` and the like are those of a binary key."""
        return [needle(word) for word in self.words]


def needle(word: str) -> bytes:
    """Return the bytes that ``word`` stands for; a notation that isn't complete yet is the word itself."""
    try:
        return address(word)
    except ArgumentError:
        return word.encode("utf-8", "surrogateescape")


def parse(text: str, columns: Sequence[str]) -> Filter:
    """Return the filter of ``text``, words as for a shell; ``NAME=TEXT`` is a condition if NAME is a column.

    >>> parse("state=Running 'a b' x=1", ["id", "state"])[1:]
    ((('state', 'Running'),), ('a b', 'x=1'))
    """
    words = [word for word in split(text)[0] if word]
    where = tuple(condition(word) for word in words if word.partition("=")[0] in columns and "=" in word)
    plain = tuple(word for word in words if not ("=" in word and word.partition("=")[0] in columns))
    return Filter(text, where, plain)
