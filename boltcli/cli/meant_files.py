"""Find the files for a command: its arguments, those in a list, those in folders."""

from __future__ import annotations

from ..fleet.find import expand, listed
from ..storage.opened import name
from ..storage.public_path import public

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .job import Job


def meant_files(job: Job[Any]) -> list[str]:
    """Return the files that the arguments and options of ``job`` select. Raises OpenError."""
    named = list(job.arguments)
    source = str(job.value("files-from"))
    if source:
        named += map(public, listed(source))
    found = list(expand(named, recursive=bool(job.value("recursive"))))
    name(found)  # other processes may read them
    return found
