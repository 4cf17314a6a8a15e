"""Read bolt (bbolt) database files: the command line ``boltcli`` and the library under it.

>>> import boltcli
>>> with boltcli.open("fixtures/document.db") as db:
...     print(*db)
...     history = db[b"execution-history"]
...     print(len(history), history.sequence)
b'execution' b'execution-history' b'execution-index'
4 0

Everything here is loaded when it is first used: ``import boltcli`` costs next
to nothing.
"""

from __future__ import annotations

__version__ = "0.1.0"

# The release of bbolt whose output and findings are the standard here.
BBOLT_VERSION = "1.5.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .errors import BoltError as BoltError
    from .library import Bucket as Bucket
    from .library import Database as Database
    from .library import PageRow as PageRow
    from .library import compact as compact
    from .library import open as open
    from .library import view as view

_LAZY = {
    "open": "library", "view": "library", "compact": "library",
    "Database": "library", "Bucket": "library", "PageRow": "library", "BoltError": "errors",
}  # fmt: skip

__all__ = ["BBOLT_VERSION", "BoltError", "Bucket", "Database", "PageRow", "__version__", "compact", "open", "view"]


def __getattr__(name: str) -> object:
    module = _LAZY.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(__import__(f"{__name__}.{module}", fromlist=[name]), name)
    globals()[name] = value
    return value
