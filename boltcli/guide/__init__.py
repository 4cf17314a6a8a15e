"""The manual: one topic a file of Markdown, shipped with the package and executed by the tests."""

from __future__ import annotations

import os

_FOLDER = os.path.dirname(__file__)
_ENDING = ".md"


def topics() -> dict[str, str]:
    """Return the title of each topic, by name and in the order of the names."""
    return {name: text(name).partition("\n")[0].lstrip("# ") for name in sorted(_names())}


def text(topic: str) -> str:
    """Return the Markdown of ``topic``. Raises KeyError if there is no such topic."""
    if topic not in _names():
        raise KeyError(topic)
    try:
        with open(os.path.join(_FOLDER, topic + _ENDING), encoding="utf-8") as file:
            return file.read()
    except OSError:
        from importlib.resources import files

        return (files(__name__) / (topic + _ENDING)).read_text(encoding="utf-8")


def _names() -> list[str]:
    try:
        names = os.listdir(_FOLDER)
    except OSError:  # in a zip archive; importlib.resources is slow to import
        from importlib.resources import files

        names = [page.name for page in files(__name__).iterdir()]
    return [name[: -len(_ENDING)] for name in names if name.endswith(_ENDING)]


def example() -> bytes:
    """Return a small database for the examples of the help."""
    try:
        with open(os.path.join(_FOLDER, "example.db"), "rb") as file:
            return file.read()
    except OSError:
        from importlib.resources import files

        return (files(__name__) / "example.db").read_bytes()
