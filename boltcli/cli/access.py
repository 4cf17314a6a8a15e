"""How every command opens its database.

``database()`` is the one way. With the lock nothing is in its way: the command
reads, and writes as it reads. Without the lock it can't go on like that, and
:class:`Apart` takes the command back to the start; from there it runs again,
as often as it takes, with an ``out`` that keeps what is written until it is
known to be whole (``apart.py``). A command has nothing to do with that, as
long as

- it opens its database by ``with database(path, options, out) as snapshot:``
  and is declared with ``opens=True`` in the table;
- all it does before that can be done again;
- what it writes elsewhere than to ``out`` takes effect only after that block's
  end, which is the closing look, or after a ``snapshot.settle()``.
"""

from __future__ import annotations

from ..storage.snapshot import Snapshot
from ..storage.source import open_source
from .app import Apart
from .values import seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ..storage.source import Way


def database(path: str, options: dict[str, str | int], out: BinaryIO) -> Snapshot:
    """The snapshot of the database at ``path`` that the command's options ask for.

    Raises as :class:`Snapshot` does, and :class:`Apart`, which is the caller's caller's.
    """
    live = getattr(out, "live", None)
    if live is not None:
        snapshot: Snapshot = live.snapshot()
        return snapshot
    lock: Way = "none" if options["no-lock"] else options["lock"]  # type: ignore[assignment]
    source = open_source(path, lock, seconds(str(options["timeout"])))
    previous = bool(options["previous"])
    if source.locked and not previous:
        return Snapshot(path, source)
    raise Apart(source, previous)
