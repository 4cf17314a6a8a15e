"""Which applications there are, and whose file a database is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from itertools import filterfalse, islice
from typing import TYPE_CHECKING

from ..database import Database
from ..errors import BoltError
from ..storage.snapshot import Snapshot
from .contract import CERTAIN, GROUP, GUESS, LIKELY, Application, Recognition, Store
from .guarded import loaded

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint  # it takes as long to load as all of boltcli

_ORDER = {CERTAIN: 0, LIKELY: 1, GUESS: 2}


@dataclass(frozen=True)
class Recognised(Recognition):
    """Whose file a database is: what the ``application`` said, and itself."""

    application: Application = field(kw_only=True)

    def __str__(self) -> str:
        return f"{self.name}, {self.layout}"


def recognised(snapshot: Snapshot) -> Recognised | None:
    """Return whose file ``snapshot`` is, which is found out once; None if no application knows it."""
    if "recognised" not in snapshot.memo:
        snapshot.memo["recognised"] = recognise(Database(snapshot))
    return snapshot.memo["recognised"]  # type: ignore[no-any-return]


def recognise(db: Store) -> Recognised | None:
    """Return the application whose file ``db`` most certainly is, with what it said; None if none knows it.

    Plug-ins are asked first, and win where they are as sure. A failing application is passed over, and so is damage.
    """
    answers = filter(None, (_asked(each, db) for each in _candidates(db)))
    return min(answers, key=lambda found: _ORDER.get(found.certainty, len(_ORDER)), default=None)


def named(db: Store, name: str) -> Recognised | None:
    """Return the application called ``name``, which need not recognise ``db``; None if there is none."""
    found = application(name)
    if found is None:
        return None
    return _asked(found, db) or Recognised(found.name, "unknown", GUESS, application=found)


def _asked(application: Application, db: Store) -> Recognised | None:
    try:
        found = application.recognise(db)
        if found is not None:
            return Recognised(found.name, found.layout, found.certainty, application=application)
    except Exception:
        pass
    return None


def applications() -> Iterator[Application]:
    """Yield all applications by the names of their entry points: plug-ins, then boltcli's own."""
    yield from plug_ins()
    yield from (_own(point) for point in _points() if _is_own(point))


def application(name: str) -> Application | None:
    return next((found for found in applications() if found.name == name), None)


def plug_ins() -> Iterator[Application]:
    """Yield the applications of other packages, guarded; one that can't be loaded is left out, with a warning."""
    return filter(None, map(loaded, filterfalse(_is_own, _points())))


@cache
def _points() -> list[EntryPoint]:
    from importlib.metadata import entry_points

    return sorted(entry_points(group=GROUP), key=lambda point: point.name)


@cache
def _own(point: EntryPoint) -> Application:
    return point.load()  # type: ignore[no-any-return]


def _is_own(point: EntryPoint) -> bool:
    return point.value.startswith(f"{__package__}.")


def _candidates(db: Store) -> Iterator[Application]:
    try:
        present = [name.decode("latin-1") for name, _ in islice(db.range(), 256)]
    except BoltError:
        present = []
    for each in applications():
        if not each.buckets or any(fnmatchcase(name, pattern) for pattern in each.buckets for name in present):
            yield each
