"""``--nagios``: run a command on files as a plugin of Nagios does: one line, and the state as exit status."""

from __future__ import annotations

import os
from time import monotonic

from ..errors import ArgumentError, BoltError
from ..render import records
from ..render.nagios import Verdicts
from .many import run_many
from .output import Collected
from .registry import declared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, BinaryIO

    from .command import Command


class _Watched(Collected):
    """Results, each counted when it is there."""

    def __init__(self, verdicts: Verdicts) -> None:
        super().__init__("")
        self._verdicts = verdicts
        self.about_all: list[str] = []

    def _emit(self, record: records.Record) -> None:
        path = records.file_of(record)
        empty = "://" not in path and os.path.isfile(path) and not os.path.getsize(path)
        self._verdicts.add(record, is_empty=empty)

    def _tell(self, record: records.Record) -> None:
        if "passed_over" in record:
            self.about_all.append(record["message"])


def run_as_plugin(command: Command, arguments: Sequence[str], values: dict[str, Any], out: BinaryIO) -> int:
    """Run ``command`` on all files, write the line to ``out`` and return the state. Raises ArgumentError."""
    for name in ("json", "output", "resume"):
        if values.get(name):
            raise ArgumentError(f"--nagios writes one line, it can't be combined with --{name}")
    begin = monotonic()
    summary = declared(command.name).summary
    numbers = [make for _, make, kind in summary.columns if kind in ("integer", "size") and isinstance(make, str)]
    verdicts = Verdicts(command.name.upper(), list(dict.fromkeys([summary.order, *numbers])))
    watched = _Watched(verdicts)
    try:
        run_many(command, arguments, values, watched)
    except ArgumentError:
        raise
    except BoltError as error:
        wrong = records.error(error)
        verdicts.add(records.of_file(error.path or "") | {"error": wrong})
    out.write(verdicts.line(monotonic() - begin, *watched.about_all))
    out.flush()
    return verdicts.state
