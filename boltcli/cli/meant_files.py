"""Find the files for a command: its arguments, those in a list, those in folders."""

from __future__ import annotations

import os

from ..storage.opened import name
from ..storage.secrets import redact_url

_SEVERAL_IN_A_FOLDER = ("doctor",)  # commands that take one file, or a folder of several

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..fleet.find import Files
    from .command import Command, Value
    from .job import Job


def meant_files(job: Job, arguments: Sequence[str] | None = None, *, search: bool = False) -> Files:
    """Return the files that the ``arguments`` (by default all) and options of ``job`` select.

    With ``search`` a folder without databases at a program's place is searched. Raises OpenError.
    """
    from ..fleet.find import listed, select

    named = list(job.arguments if arguments is None else arguments)
    source = str(job.value("files-from"))
    if source:
        named += map(redact_url, listed(source))
    files = select(named, recursive=bool(job.value("recursive")), search=search)
    name(files.paths)  # other processes may read them
    return files


def without_folders(command: Command, arguments: list[str], values: dict[str, Value]) -> list[str]:
    """Return ``arguments`` with the database in each folder in place of the folder.

    A folder of several databases stays if the command takes several; else this raises ArgumentError.
    """
    found = []
    for word, argument in zip(arguments, command.arguments_of(arguments, values)):
        if argument.kind == "file" and not argument.many and os.path.isdir(word):
            from ..fleet.find import database_in, databases_in

            if command.several or command.name in _SEVERAL_IN_A_FOLDER:
                inside = databases_in(word)
                word = inside[0] if len(inside) == 1 else word
            else:
                word = database_in(word) or word
        found.append(word)
    return found
