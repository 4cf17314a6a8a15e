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
    from .apps.contract import Audit as Audit
    from .comparison import Changes as Changes
    from .comparison import Watch as Watch
    from .comparison import diff as diff
    from .comparison import watch as watch
    from .database import Pairs as Pairs
    from .errors import *  # noqa: F403
    from .library import Bucket as Bucket
    from .library import Database as Database
    from .library import PageRow as PageRow
    from .library import compact as compact
    from .library import open as open
    from .library import view as view
    from .ops.check.findings import Finding as Finding
    from .ops.compare.change import Change as Change
    from .ops.compare.watch import Commit as Commit
    from .ops.stats import BucketStats as BucketStats
    from .ops.write.compact import Compaction as Compaction
    from .results.rows import ViewRows as ViewRows

# The module of each public name.
_LAZY = {
    name: module
    for module, names in {
        "library": "Bucket Database PageRow compact open view",
        "comparison": "Changes Watch diff watch",
        "database": "Pairs",
        "results.rows": "ViewRows",
        "apps.contract": "Audit",
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
