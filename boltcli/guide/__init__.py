"""The manual: one topic a file of Markdown, shipped with the package and executed by the tests."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_ENDING = ".md"


def topics() -> dict[str, str]:
    """Return the title of each topic, by name and in the order of the names."""
    names = sorted(page.name.removesuffix(_ENDING) for page in _folder().iterdir() if page.name.endswith(_ENDING))
    return {name: text(name).partition("\n")[0].lstrip("# ") for name in names}


def text(topic: str) -> str:
    """Return the Markdown of ``topic``. Raises KeyError if there is no such topic."""
    page = _folder() / (topic + _ENDING)
    if "/" in topic or not page.is_file():
        raise KeyError(topic)
    return page.read_text(encoding="utf-8")


def _folder() -> Traversable:
    from importlib.resources import files  # also reads from a zip archive

    return files(__name__)
