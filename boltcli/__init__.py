"""Read bolt (bbolt) database files: the command line ``boltcli`` and its library.

>>> import boltcli
>>> with boltcli.open("fixtures/document.db") as db:
...     print(*db)
...     history = db[b"execution-history"]
...     print(len(history), history.sequence)
b'execution' b'execution-history' b'execution-index'
4 0

Each name is loaded when it is first used, so that ``import boltcli`` is quick.
"""

from __future__ import annotations

__version__ = "0.1.0"

# The release of bbolt whose output and findings boltcli reproduces.
BBOLT_VERSION = "1.5.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .api.audit import Audit as Audit
    from .api.audit import AuditFinding as AuditFinding
    from .api.audit import audit as audit
    from .api.check import Findings as Findings
    from .api.check import check as check
    from .api.compact import compact as compact
    from .api.compare import Changes as Changes
    from .api.compare import ViewChanges as ViewChanges
    from .api.compare import diff as diff
    from .api.deleted import Deleted as Deleted
    from .api.deleted import Deletions as Deletions
    from .api.deleted import deleted as deleted
    from .api.export import export as export
    from .api.fleet import Scan as Scan
    from .api.fleet import Scanned as Scanned
    from .api.fleet import Verdicts as Verdicts
    from .api.fleet import Verified as Verified
    from .api.fleet import scan as scan
    from .api.fleet import verify as verify
    from .api.lock import Holder as Holder
    from .api.lock import Holders as Holders
    from .api.lock import lock as lock
    from .api.metrics import Metrics as Metrics
    from .api.metrics import metrics as metrics
    from .api.patch import Patched as Patched
    from .api.patch import patch as patch
    from .api.rescue import Diagnosis as Diagnosis
    from .api.rescue import Recovered as Recovered
    from .api.rescue import Redaction as Redaction
    from .api.rescue import doctor as doctor
    from .api.rescue import recover as recover
    from .api.rescue import redact as redact
    from .api.search import Hit as Hit
    from .api.search import grep as grep
    from .api.tables import sql as sql
    from .api.watch import Watch as Watch
    from .api.watch import watch as watch
    from .api.write import Loaded as Loaded
    from .api.write import import_ as import_
    from .api.write import write as write
    from .apps.view_diff import ViewChange as ViewChange
    from .cursor import Cursor as Cursor
    from .database import Pairs as Pairs
    from .errors import *  # noqa: F403
    from .library import Bucket as Bucket
    from .library import Database as Database
    from .library import PageRow as PageRow
    from .library import open as open
    from .library import view as view
    from .ops.check.findings import Finding as Finding
    from .ops.compare.change import Change as Change
    from .ops.compare.watch import Commit as Commit
    from .ops.stats import BucketStats as BucketStats
    from .ops.write.compact import Compaction as Compaction
    from .results.view_rows import ViewRows as ViewRows

# The module of each public name.
_LAZY = {
    name: module
    for module, names in {
        "api.audit": "Audit AuditFinding audit",
        "api.check": "Findings check",
        "api.compact": "compact",
        "api.compare": "Changes ViewChanges diff",
        "api.deleted": "Deleted Deletions deleted",
        "api.export": "export",
        "api.fleet": "Scan Scanned Verdicts Verified scan verify",
        "api.lock": "Holder Holders lock",
        "api.metrics": "Metrics metrics",
        "api.patch": "Patched patch",
        "api.rescue": "Diagnosis Recovered Redaction doctor recover redact",
        "api.search": "Hit grep",
        "api.tables": "sql",
        "api.watch": "Watch watch",
        "api.write": "Loaded import_ write",
        "apps.view_diff": "ViewChange",
        "cursor": "Cursor",
        "library": "Bucket Database PageRow open view",
        "database": "Pairs",
        "results.view_rows": "ViewRows",
        "ops.check.findings": "Finding",
        "ops.compare.change": "Change",
        "ops.compare.watch": "Commit",
        "ops.stats": "BucketStats",
        "ops.write.compact": "Compaction",
        "errors": "AccessDenied ArgumentError BoltError BucketNotFound Changed CheckFailed ChecksumError Corrupted"
        " DamageSkipped DamagedSource DatabaseClosed DestinationError DestinationExists DestinationIsSource"
        " InvalidDatabase KeyNotFound Locked MissingExtra OpenError PassedOver PatchMismatch SourceNotFound StepFailed"
        " UnpackError UnreadablePage VersionMismatch",
    }.items()
    for name in names.split()
}

__all__ = sorted(["BBOLT_VERSION", "__version__", *_LAZY])


if not TYPE_CHECKING:  # with it every name would be one for type checkers

    def __getattr__(name: str) -> object:
        module = _LAZY.get(name)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(__import__(f"{__name__}.{module}", fromlist=[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return __all__
