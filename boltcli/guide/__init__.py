"""The manual: one topic a file of Markdown, shipped with the package and executed by the tests."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FOLDER = os.path.dirname(__file__)
_ENDING = ".md"


def topics() -> dict[str, str]:
    """Return the title of each topic, by name and in the order of the names."""
    try:
        names = os.listdir(_FOLDER)
    except OSError:  # in a zip archive; importlib.resources is slow to import
        from importlib.resources import files

        names = [page.name for page in files(__name__).iterdir()]
    found = sorted(name.removesuffix(_ENDING) for name in names if name.endswith(_ENDING))
    return {name: text(name).partition("\n")[0].lstrip("# ") for name in found}


def text(topic: str) -> str:
    """Return the Markdown of a topic."""
    return _read(topic + _ENDING).decode()


def schema() -> Any:
    """Return the JSON schema of all that commands write with ``--json``."""
    from ..text.json import parsed

    return parsed(_read("schema.json", __package__.partition(".")[0]))


def script(shell: str) -> bytes:
    """Return the script that makes a shell complete boltcli's command lines."""
    return _read(f"completion.{shell}")


def example() -> bytes:
    """Return a small database for the examples of the help."""
    return _read("example.db")


def _read(name: str, package: str = __name__) -> bytes:
    """Return a file of a package, which may be in a zip archive."""
    folder = _FOLDER if package == __name__ else os.path.dirname(_FOLDER)
    try:
        with open(os.path.join(folder, name), "rb") as file:
            return file.read()
    except OSError:
        from importlib.resources import files

        return (files(package) / name).read_bytes()
