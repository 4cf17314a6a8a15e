"""Rescue what a damaged file holds, and show a file to others."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ..apps.contract import ERROR, WARNING, AuditOptions
from ..apps.registry import recognised
from ..database import Database
from ..errors import ArgumentError
from ..ops.rescue.doctor import Diagnosis, Records, diagnose
from ..ops.rescue.doctor import fix as carry_out
from ..ops.rescue.recover import LOST_AND_FOUND, Recovered, recover_file
from ..ops.rescue.redact import Redaction
from ..ops.rescue.redact import redact as redacted
from ..storage.destination import check_destination
from ..storage.opened import Read
from ..storage.source import LOCK_PATIENCE
from ..tree.bucket import as_bytes, bucket_path
from . import file_at, growing

if TYPE_CHECKING:
    from ..storage.snapshot import Snapshot
    from ..storage.source import Way
    from . import Progress

    Path = str | os.PathLike[str]

__all__ = ["Diagnosis", "Recovered", "Redaction", "doctor", "recover", "redact"]

_LISTED = 3  # findings of an audit that are quoted


def recover(
    path: Path, destination: Path, *, bucket: bytes | str | Sequence[bytes | str] = (),
    lost_and_found: bytes | str | None = LOST_AND_FOUND, deleted: bool = False, state: int = 0, page_size: int = 0,
    replace: bool = False, sync: bool = True, progress: Progress | None = None, lock: Way = "wait",
    timeout: float = LOCK_PATIENCE, offset: int = 0,
) -> Recovered:  # fmt: skip
    """Write what the damaged file ``path`` still holds to ``destination``, a sound database that appears when complete.

    ``bucket`` (a name or a path) recovers only that one. ``lost_and_found`` names the bucket for pages of which it
    isn't known where they belong; None leaves them out. ``deleted`` also keeps old versions and deleted pairs, in a
    bucket of their own. ``state``: of several states that may be the newest one take this one of ``states``, counted
    from 1; 0: the likeliest. ``page_size`` is in bytes, 0: it is found. ``replace`` replaces an existing file; without
    ``sync`` nothing is synced to the disk. ``progress(done, total)`` is called with pages. Rescue doesn't read beside a
    writer unless ``lock`` is none: it waits ``timeout`` seconds (0: for ever) for it. ``offset`` is where the database
    begins, in bytes.

    Raises SourceNotFound, OpenError, Locked, InvalidDatabase if there is nothing, ArgumentError, BucketNotFound,
    DestinationExists, DestinationIsSource and DestinationError; then nothing is written.

    >>> import boltcli, tempfile, os
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = boltcli.recover("fixtures/document.db", os.path.join(folder, "new.db"))
    >>> found.pairs, found.exact, found.lost
    (21, True, ())
    """
    if state < 0:
        raise ArgumentError(f"state {state}: must be the number of a state, or 0")
    name = None if lost_and_found is None else as_bytes(lost_and_found)
    if name == b"":
        raise ArgumentError("the name of the bucket for lost pages is empty")
    return recover_file(
        file_at(path, offset), os.fspath(destination), lock=lock, timeout=timeout, page_size=page_size,
        state=state, bucket=bucket_path(bucket), lost_and_found=name, deleted=deleted, replace=replace,
        sync=sync, progress=growing(progress),
    )  # fmt: skip


def doctor(
    path: Path, *, fix: Path | None = None, replace: bool = False, sync: bool = True, progress: Progress | None = None,
    lock: Way = "wait", timeout: float = LOCK_PATIENCE, offset: int = 0,
) -> Diagnosis:  # fmt: skip
    """Say what is wrong with the file ``path``, what that means for its data, and what to do: remedies are tried.

    They are tried on copies; ``path`` is never changed. ``fix`` is where the result of the best remedy is written, if
    anything is wrong; it appears when complete. The other arguments are those of :func:`boltcli.recover`.

    Raises SourceNotFound, OpenError, Locked, InvalidDatabase if no remedy leads to a sound file for ``fix``, and the
    errors of a destination.

    >>> import boltcli
    >>> found = boltcli.doctor("fixtures/document.db")
    >>> found.ok, found.application, found.findings, found.remedies
    (True, 'bacalhau (compute mid-2023)', (), ())
    """
    file = file_at(path, offset)
    with Read(file, database=True), TemporaryDirectory(prefix="boltcli-doctor-") as folder:
        if fix is not None:
            check_destination(os.fspath(fix), replace=replace)  # before the long work
        found = diagnose(
            file, folder, lock=lock, timeout=timeout, progress=growing(progress), whose=_whose, audit=_audit
        )
        if fix is not None and found.findings:
            found = carry_out(found, folder, os.fspath(fix), replace=replace, sync=sync)
    return found


def _whose(snapshot: Snapshot) -> str:
    found = recognised(snapshot)
    return f"{found.name} ({found.layout})" if found is not None else ""


def _audit(snapshot: Snapshot) -> Records | None:
    """Return what the audit of the application finds in the records; None if there is none."""
    found = recognised(snapshot)
    audit = found.application.audit(Database(snapshot), AuditOptions(time.time_ns())) if found is not None else None
    if audit is None:
        return None
    grave = [finding for severity in (ERROR, WARNING) for finding in audit.findings if finding.severity == severity]
    errors = sum(finding.severity == ERROR for finding in grave)
    first = tuple(f"{finding.severity}: {finding.message}" for finding in grave[:_LISTED])
    return Records(errors, len(grave) - errors, first)


def redact(
    path: Path, destination: Path, *, keys: bool = False, seed: int = 0, replace: bool = False, sync: bool = True,
    progress: Progress | None = None, lock: Way = "wait", timeout: float = LOCK_PATIENCE, offset: int = 0,
) -> Redaction:  # fmt: skip
    """Write a copy of the file ``path`` without its content to ``destination``, to show it to others.

    It has the same size, pages and damage; values are replaced by filler, free pages are wiped. ``keys`` also replaces
    keys and names by others of the same length and in the same order; which ones depends on ``seed``. The other
    arguments are those of :func:`boltcli.recover`.

    Raises SourceNotFound, OpenError, Locked, InvalidDatabase for an empty file, and the errors of a destination.

    >>> import boltcli, tempfile, os
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = boltcli.redact("fixtures/document.db", os.path.join(folder, "shown.db"))
    >>> done.values, done.keys, done.wiped
    (21, 0, 9)
    """
    return redacted(
        file_at(path, offset), os.fspath(destination), keys=keys, seed=seed, lock=lock, timeout=timeout,
        replace=replace, sync=sync, progress=growing(progress),
    )  # fmt: skip
