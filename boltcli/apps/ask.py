"""What the library asks of an application: whose file it is, the rows of a view, an audit."""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError
from .contract import AuditOptions
from .registry import recognise
from .rows import view_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .contract import Application, Audit, Column, Recognition
    from .store import Store


def recognition(db: Store) -> Recognition | None:
    """Return what is known of the application that wrote ``db``, or None."""
    found = recognise(db)
    return None if found is None else found[1]


def named_rows(db: Store, name: str, options: dict[str, str]) -> tuple[Sequence[Column], Iterator[Any]]:
    """Return the columns of a view, and its rows as named tuples. Raises :class:`~boltcli.errors.ArgumentError`."""
    application = _application(db)
    view = application.view(name)
    if view is None:
        raise ArgumentError(f"{application.name} has no view {name!r}")
    row = namedtuple("Row", [column.name for column in view.columns], rename=True)  # type: ignore[misc]
    return view.columns, map(row._make, view_rows(view, db, options))


def audit(db: Store, now: int | None, older_than: int | None) -> Audit:
    """Audit ``db``; ``now`` None is the clock's time. Raises :class:`~boltcli.errors.ArgumentError`."""
    import time

    application = _application(db)
    found = application.audit(db, AuditOptions(time.time_ns() if now is None else now, older_than))
    if found is None:
        raise ArgumentError(f"{application.name} has no audit")
    return found


def _application(db: Store) -> Application:
    found = recognise(db)
    if found is None:
        raise ArgumentError("no known application wrote this database")
    return found[0]
