"""Audit the records of an application."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Unpack, overload

from ..apps.contract import Audit, AuditFinding, AuditOptions
from ..apps.registry import application as application_called
from ..apps.registry import named, recognised
from ..apps.values import names
from ..database import Database
from ..errors import ArgumentError, BoltError, PassedOver
from ..fleet.files import Named
from ..fleet.find import program_at
from ..storage.snapshot import Snapshot
from ..text.times import SECOND, since_epoch
from . import are_several, for_path, read
from .sources import Sources

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from . import Given, Opening, Progress, Skipped

__all__ = ["Audit", "AuditFinding", "audit", "audit_file", "compare", "is_compared"]


@overload
def audit(  # type: ignore[overload-overlap]
    source: Given, *, now: datetime | None = None, older_than: timedelta | None = None, deletions: bool = False,
    snapshot: str = "", application: str = "auto", progress: Progress | None = None, **opening: Unpack[Opening],
) -> Audit: ...  # fmt: skip
@overload
def audit(
    source: Iterable[Given], *, now: datetime | None = None, older_than: timedelta | None = None,
    deletions: bool = False, snapshot: str = "", application: str = "auto", recursive: bool = False,
    skipped: Skipped | None = None, progress: Progress | None = None, **opening: Unpack[Opening],
) -> list[Audit]: ...  # fmt: skip


def audit(
    source: Given | Iterable[Given], *, now: datetime | None = None, older_than: timedelta | None = None,
    deletions: bool = False, snapshot: str = "", application: str = "auto", recursive: bool = False,
    skipped: Skipped | None = None, progress: Progress | None = None, **opening: Unpack[Opening],
) -> Audit | list[Audit]:  # fmt: skip
    """Audit the records of the application that wrote ``source``: answers by name, and findings with remedies.

    ``source`` is a path or an open database; of several, in which a folder stands for the databases in it, the result
    is a list, and members of a cluster are compared with each other. ``now`` (a time with a time zone; None: the
    current one) is for ages; ``older_than`` also reports what could be deleted as it was finished longer ago than that,
    with ``deletions`` by which changes. ``snapshot`` says what the newest snapshot beside a raft log holds, its index
    or path. ``application`` names the program; auto: recognise it.

    Of several files one that can't be audited ends it with its error; with ``skipped`` that is called with the error
    instead, and the others are audited. ``progress(done, total)`` is called with files, of several. The other
    arguments are those of :func:`boltcli.open`.

    Raises what that raises, ArgumentError if no application is known or it has no audit, and Corrupted.

    >>> import boltcli
    >>> found = boltcli.audit("fixtures/bacalhau-compute-1.4.db")
    >>> found.application, found.ok, [finding.severity for finding in found.findings][:1]
    ('bacalhau', False, ['error'])
    """
    if now is not None and now.tzinfo is None:
        raise ArgumentError("now needs a time zone: datetime.now(timezone.utc)")
    moment = time.time_ns() if now is None else since_epoch(now)
    span = None if older_than is None else int(older_than.total_seconds() * SECOND)
    asked = AuditOptions(moment, span, deletions=deletions, snapshot=snapshot)
    if are_several(source):
        return _several(source, asked, application, recursive, skipped, progress, opening)
    nobody = Named("", "", None)
    return read(source, lambda state: audit_file(state, asked, application, nobody), opening)


def _several(
    sources: Iterable[Given], asked: AuditOptions, application: str, recursive: bool, skipped: Skipped | None,
    progress: Progress | None, opening: Opening,
) -> list[Audit]:  # fmt: skip
    chosen = Sources(sources, recursive=recursive, search=True, twice=False)
    found = []
    for done, (source, file) in enumerate(chosen, 1):
        try:
            if file.failure is not None:
                raise file.failure
            audited = partial(audit_file, asked=asked, application=application, file=file, recursive=recursive)
            found.append(read(source, audited, for_path(source, opening)))
            chosen.seen()
        except PassedOver:
            pass
        except BoltError as error:
            if skipped is None:
                raise
            error.path = error.path or file.path
            skipped(error)
            chosen.seen()
        if progress is not None:
            progress(done, len(chosen))
    compare(found)
    return found


def audit_file(
    snapshot: Snapshot, asked: AuditOptions, application: str, file: Named, *, recursive: bool = False
) -> Audit:
    """Audit an open file, which was found as ``file`` says. Raises PassedOver for one without an audit that was not
    named, else ArgumentError."""
    db = Database(snapshot)
    known = recognised(snapshot) if application == "auto" else named(db, application)
    if known is None:
        error = "no known application wrote this database; `boltcli help apps` lists them"
        if file.how and application == "auto" and _is_of_another(db, file, recursive):
            raise PassedOver(error, unknown=True)
        raise ArgumentError(error)
    audit = known.application.audit(db, asked)
    if audit is None:
        raise (PassedOver if file.how else ArgumentError)(f"there is no audit of {known.application.name}")
    # All changes while the database is open.
    return replace(
        audit, path=file.path or snapshot.path, application=known.application.name, deletions=list(audit.deletions)
    )


def _is_of_another(db: Database, file: Named, recursive: bool) -> bool:
    """Return whether a file that no application recognises is no failure: it is of another program, and readable.

    At the place of a store that has an audit the file should have been recognised.
    """
    for _ in names(db):  # raises for a damaged root bucket, which would also explain it
        pass
    if file.how == "search":
        return not recursive
    program = application_called(program_at(file.path))
    return program is None or not program.has_audit(db)


def is_compared(audit: Audit) -> bool:
    """Return whether audits of this application may be compared with each other."""
    found = application_called(audit.application)
    return found is not None and found.compares


def compare(audits: Iterable[Audit]) -> None:
    """Compare the audits of each application with each other, and add what that finds to them."""
    by_name: dict[str, list[Audit]] = {}
    for audit in audits:
        by_name.setdefault(audit.application, []).append(audit)
    for name, same in by_name.items():
        application = application_called(name)
        if application is None or len(same) < 2:
            continue
        by_path = {audit.path: audit for audit in same}
        for path, finding in application.join([(audit.path, audit) for audit in same]):
            found = by_path[path]
            found.findings = [*found.findings, finding]
