"""Apply changes to a database."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack

from ..errors import ArgumentError
from ..ops.compare.change import Change
from ..ops.compare.patch import Overlay, patch_in_place
from ..ops.compare.patch import patch as patched
from ..record import Record
from ..render.changes import parse_changes
from ..storage.files import Trying
from ..storage.opened import take_stdin
from ..storage.source import LOCK_PATIENCE
from . import file_at, name_of, read

if TYPE_CHECKING:
    from . import Given, Opening

    Path = str | os.PathLike[str]

__all__ = ["Patched", "collected", "patch"]


@dataclass(frozen=True, slots=True)
class Patched(Record):
    """What was done: so many ``changes``, and what ``output`` then holds: its ``size`` is in bytes. ``backup`` is the
    name of the old file, if it was replaced and kept."""

    path: str
    output: str
    changes: int
    pairs: int
    buckets: int
    size: int
    backup: str | None = None


def patch(
    source: Given, changes: Path | Iterable[Change] | Overlay, destination: Path | None = None, *,
    in_place: bool = False, backup: bool = True, force: bool = False, sync: bool = True, **opening: Unpack[Opening],
) -> Patched:  # fmt: skip
    """Apply ``changes`` to a copy of a database, which appears at ``destination`` when complete, or to the file itself.

    ``source`` is a path or an open database. ``changes`` are those of :func:`boltcli.diff`, the path of a file of them
    as lines of JSON ("-": standard input), or what :func:`collected` returns. Old values must be those in the database,
    unless ``force``. ``in_place`` replaces the file at the path ``source`` in one step, under its exclusive lock, for
    which ``timeout`` seconds are waited; the old file is kept under another name, unless ``backup`` is False. Without
    ``sync`` nothing is synced to the disk. The other arguments are those of :func:`boltcli.open`.

    Raises what that raises, ArgumentError, PatchMismatch for a change that doesn't fit, Corrupted, and the errors of a
    destination; then nothing is written.

    >>> import boltcli, tempfile, os
    >>> change = boltcli.Change("add", (b"execution",), b"a", None, b"b")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = boltcli.patch("fixtures/document.db", [change], os.path.join(folder, "new.db"))
    >>> done.changes, done.pairs
    (1, 22)
    """
    if in_place == (destination is not None):
        raise ArgumentError("either a destination or in_place is required")
    with nullcontext(changes) if isinstance(changes, Overlay) else collected(changes, force=force) as overlay:
        if destination is not None:
            target = os.fspath(destination)
            done = read(source, lambda snapshot: patched(snapshot, overlay, target, sync=sync), opening)
            path = name_of(source)
            return Patched(path, target, len(overlay.steps), done.pairs, done.buckets, done.size)
        if not isinstance(source, (str, os.PathLike)) or opening.keys() - {"timeout"}:
            raise ArgumentError("in_place takes a path, and of the other arguments only timeout")
        path = file_at(source)
        timeout = opening.get("timeout", LOCK_PATIENCE)
        done, kept = patch_in_place(path, overlay, backup=backup, timeout=timeout, sync=sync)
        return Patched(path, path, len(overlay.steps), done.pairs, done.buckets, done.size, kept)


def collected(changes: Path | Iterable[Change], *, force: bool = False) -> Overlay:
    """Return changes together, values in a temporary file if they are large: close it. Raises ArgumentError.

    With ``force`` old values are not compared.
    """
    overlay = Overlay(force=force)
    try:
        is_path = isinstance(changes, (str, os.PathLike))
        overlay.add(_changes(os.fspath(changes)) if is_path else enumerate(changes, 1))  # type: ignore[arg-type]
    except BaseException:
        overlay.close()
        raise
    return overlay


def _changes(source: str) -> Iterator[tuple[int, Change]]:
    """Yield the changes in the file ``source`` (-: standard input), with their line numbers."""
    with Trying("read", source):
        if source == "-":
            take_stdin("changes")
        with sys.stdin.buffer if source == "-" else open(source, "rb") as file:
            yield from parse_changes(file)
