"""A page of the manual on a terminal, by rich."""

from __future__ import annotations

from io import StringIO

from rich.console import Console
from rich.markdown import Markdown

_WIDEST = 110  # columns: longer lines are hard to read


def rendered(markdown: str) -> bytes:
    """Return ``markdown`` with the colours and lines of a terminal, as wide as that is."""
    text = StringIO()
    width = min(Console().width, _WIDEST)
    Console(file=text, force_terminal=True, width=width).print(Markdown(markdown))
    return text.getvalue().encode("utf-8", "surrogateescape")
