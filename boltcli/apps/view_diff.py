"""Compare the same view of two databases."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..database import Database
from ..errors import ArgumentError
from ..storage.snapshot import Snapshot
from .contract import Application, View
from .registry import recognised
from .rows import Row, view_rows


class ViewChange(NamedTuple):
    """A row that is new, gone or different; the other one is None."""

    old: Any
    new: Any


def view_diff(old: Snapshot, new: Snapshot, name: str) -> tuple[View, dict[str, Any], Iterator[ViewChange]]:
    """Return the view, the facts on which both are compared (etcd's revision), and the changes of its rows.

    Rows with the same first column are compared (if several rows have it, in order); those of one file are in memory.
    Raises :class:`~boltcli.errors.ArgumentError`, and Corrupted also for keys that are out of order.
    """
    application, other = (_application(each) for each in (old, new))
    if application.name != other.name:
        raise ArgumentError(f"the files are of different programs: {application.name} and {other.name}")
    view = application.view(name)
    if view is None:
        known = ", ".join(each.name for each in application.views) or "none"
        raise ArgumentError(f"{application.name} has no view {name!r}; its views: {known}")
    before, after = (Database(each, ordered=True) for each in (old, new))
    options, facts = application.common(before, after)
    options = {key: value for key, value in options.items() if key in view.options}
    return view, facts, _changes(view_rows(view, before, options), view_rows(view, after, options))


def _application(snapshot: Snapshot) -> Application:
    found = recognised(snapshot)
    if found is None:
        raise ArgumentError("no known application wrote this database; `boltcli help apps` lists them")
    return found.application


def _changes(before: Iterable[Row], after: Iterable[Row]) -> Iterator[ViewChange]:
    there = dict(_numbered(before))
    for name, row in _numbered(after):
        former = there.pop(name, None)
        if former != row:
            yield ViewChange(former, row)
    for row in there.values():
        yield ViewChange(row, None)


def _numbered(rows: Iterable[Row]) -> Iterator[tuple[tuple[Any, int], Row]]:
    """Yield each row with its name: its first column, and how many rows before it have the same."""
    met: Counter[Any] = Counter()
    for row in rows:
        name = row[0] if isinstance(row[0], (str, bytes, int, type(None))) else repr(row[0])
        yield (name, met[name]), row
        met[name] += 1
