"""Which records of an application refer to which: by the names of columns and views, as their authors chose them."""

from collections.abc import Sequence
from itertools import takewhile
from time import monotonic
from typing import Any, NamedTuple

from ...apps.contract import Column, View
from ...errors import BoltError, Changed
from ...text.cells import cell_text
from ...text.values import as_text
from .reader import Job
from .session import Path, State

_SECONDS = 0.3  # of looking for the record of a pair
# Columns that say nothing of another record, whatever is called so.
_PLAIN = (
    "id",
    "name",
    "key",
    "type",
    "value",
    "kind",
    "state",
    "count",
    "label",
    "labels",
    "version",
    "versions",
    "seq",
    "index",
    "resource",
)


class Reference(NamedTuple):
    """Where a value leads: the rows of ``view`` in which ``column`` is ``text``."""

    view: str
    column: str
    text: str


def identity(view: View) -> Column:
    """Return the column by which other records name a row of ``view``: its first one, but for a namespace."""
    columns = view.columns
    return (
        columns[1] if columns[0].name == "namespace" and len(columns) > 1 and view.name != "namespaces" else columns[0]
    )


def target(name: str, views: Sequence[View]) -> View | None:
    """Return the view to whose rows a column or field ``name`` refers, or None.

    ``job``, ``job_id``, ``JobID`` and ``previous_job`` refer to a view ``jobs``; ``digest`` to one of digests.
    """
    word = _snake(name)
    for ending in ("_id", "_key", "_name", "_hex"):
        word = word.removesuffix(ending)
    if word in _PLAIN:
        return None
    last = word.rpartition("_")[2]
    for stem in (word, last):
        for view in views:
            if view.name in (f"{stem}s", f"{stem}es", f"{stem.removesuffix('y')}ies"):
                return view
    return next((view for view in views if identity(view).name == word), None)


def _snake(name: str) -> str:
    small = "".join(f"_{char.lower()}" if char.isupper() and not before.isupper() else char.lower()
                    for before, char in zip("_" + name, name))  # fmt: skip
    return small.strip("_").replace("__", "_")


def reference(name: str, value: Any, views: Sequence[View], source: str = "", type: str = "text") -> Reference | None:
    """Return where ``value`` in the column or field ``name`` leads, or None; ``source`` is the view that it is in."""
    found = target(name, views)
    if found is None or value in (None, "", 0) or isinstance(value, (dict, list, bool)):
        return None
    column = identity(found)
    if found.name == source and column.name == name:
        return None  # the row itself
    return Reference(found.name, column.name, cell_text(value, type) if source else str(value))


def backwards(view: View, row: Sequence[Any], views: Sequence[View]) -> list[Reference]:
    """Return where rows that refer to ``row`` of ``view`` are."""
    own = identity(view)
    text = cell_text(row[view.columns.index(own)], own.type)
    if not text:
        return []
    return [
        Reference(other.name, column.name, text)
        for other in views
        for column in other.columns
        if target(column.name, views) is view and not (other is view and column.name == own.name)
    ]


def record_of(state: State, job: Job, path: Path, key: bytes) -> tuple[View, tuple[Any, ...]] | None:
    """Return the view, and the row in it, that shows the pair ``key`` of the bucket at ``path``, or None.

    The view is one whose name a bucket of the path has; the row that whose identity is a name after it.
    """
    until = monotonic() + _SECONDS
    for at in range(len(path) - 1, -1, -1):
        bucket = as_text(path[at]).replace("-", "_").lower()
        ids = {as_text(name) for name in (*path[at + 1 :], key)}
        for view in state.views:
            if not bucket.endswith((view.name, view.name.removesuffix("s"))):
                continue
            own = view.columns.index(identity(view))
            try:
                for row in takewhile(lambda _: monotonic() < until, view.rows(state.db)):
                    job.look()
                    if row[own] is not None and cell_text(row[own], view.columns[own].type) in ids:
                        return view, row
            except Changed:
                raise
            except BoltError:
                return None
    return None
