"""The audit that ``doctor`` runs on a file of a known program whose structure is sound."""

from __future__ import annotations

from ..apps.contract import ERROR, AuditOptions
from ..apps.registry import recognise
from ..apps.store import SnapshotStore
from ..errors import BoltError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..apps.contract import AuditFinding
    from ..storage.open_source import Way


def audit_errors(path: str, lock: Way, timeout: float) -> list[AuditFinding]:
    """Return the errors that the audit of a file's program finds; none where no audit is known, or it can't be made."""
    import time

    from ..storage.open_source import open_source
    from ..storage.snapshot import Snapshot

    try:
        with Snapshot(path, open_source(path, "none" if lock == "none" else "wait", timeout)) as snapshot:
            db = SnapshotStore(snapshot)
            found = recognise(db)
            audit = None if found is None else found[0].audit(db, AuditOptions(time.time_ns()))
    except BoltError:
        return []  # of damage the diagnosis speaks
    return [] if audit is None else [finding for finding in audit.findings if finding.severity == ERROR]
