"""How a command opens files: the lock, how long to wait for it, and what else the options say."""

from __future__ import annotations

from itertools import count

from ..storage import opened
from .output import Output
from .values import seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeVar

    from ..errors import BoltError
    from ..fleet.files import Files
    from ..storage.live import Live
    from ..storage.remote import Remote
    from ..storage.snapshot import Snapshot
    from ..storage.source import Source, Way
    from .command import Command

    T = TypeVar("T")
    Work = Callable[[Snapshot, Output], T]


class Opener:
    """How a ``command`` opens files, by the ``values`` of its options, by name. ``timeout`` is in seconds, 0: for ever;
    ``max_unpacked`` in bytes, 0: the usual limits. ``alone`` is None unless the file is one of many, on which the
    command runs alone: then it says how it was found, one of ``HOW`` of ``fleet/files.py``. What is said of waiting and
    unpacking goes to ``out``. Raises ArgumentError."""

    def __init__(self, values: dict[str, Any], out: Output, command: Command | None = None) -> None:
        self.lock: Way = "none" if values.get("no-lock") else values.get("lock", "auto")
        self.timeout = seconds(values.get("timeout", "0"))
        self.previous = bool(values.get("previous"))
        self.max_unpacked: int = values.get("max-unpacked") or 0
        self.recursive = bool(values.get("recursive"))
        self.alone: str | None = values.get("found")
        self.values = values
        self.out = out
        self.command = command
        if "read-timeout" in values:
            opened.read_timeout = seconds(values["read-timeout"])

    def read(self, path: str, work: Work[T], out: Output) -> T:
        """Open a database and call ``work`` with its snapshot and an output. Return what it returns.

        Under the lock the database can't change, and ``work`` writes directly. Without the lock, or for the state
        before the last transaction, ``work`` writes to outputs that hold back (``lock_free.py``), and is repeated until
        everything it read belongs to one transaction. So it must have other side effects only after
        ``snapshot.finish()``, which takes the closing look.
        """
        from ..storage.snapshot import Snapshot

        source = self._source(path)
        if source.is_stable and (source.is_own_copy or not self.previous):
            with Snapshot(source.path, source, previous=self.previous) as snapshot:
                try:
                    return work(snapshot, out)
                finally:
                    if source.remote is not None and self.values.get("stats"):
                        _say_traffic(source.remote, out)
        from .lock_free import run_lock_free

        return run_lock_free(work, source, out, previous=self.previous)

    def open(self, path: str, *, previous: bool = False) -> Snapshot:
        """Open a database, for commands that read two. The caller closes it. Without the lock this is a private copy of
        one transaction's state."""
        from ..storage.live import open_state

        return open_state(self._source(path), previous=previous)

    def live(self, path: str) -> Live:
        """Open a database for a long look, which a server must not wait for: the lock is taken only with --lock wait or
        try. The caller closes it."""
        from ..storage.live import Live

        return Live(self._source(path, locking=self.lock != "auto"), previous=self.previous)

    def files(self, paths: Iterable[str], *, search: bool = False, twice: bool = True) -> Files:
        """Find the files that ``paths`` and the options name; see :func:`~boltcli.fleet.find.select`. Raises OpenError.
        With ``search`` a folder without databases at a program's place is searched."""
        from ..fleet.files import Files
        from ..fleet.find import listed, select
        from ..storage.secrets import redact_url

        if self.alone is not None:
            files = Files()
            for path in paths:
                files.paths.add(path, self.alone)
            return files
        more = self.values.get("files-from")
        named = [*paths, *map(redact_url, listed(more) if more else ())]
        with self.out.progress("searching", "files") as progress:
            seen = count(1)
            files = select(
                named, recursive=self.recursive, search=search, twice=twice, looked=lambda: progress(next(seen), 0)
            )
        opened.name(files.paths)  # other processes may read them
        return files

    def status_of(self, error: BoltError) -> int:
        """Return the exit status for the failure of a file."""
        return error.detailed_status if self.values.get("exit-status") == "detailed" else error.exit_status

    def _source(self, path: str, *, locking: bool = True) -> Source:
        from ..storage.source import open_source

        with self.out.progress("unpacking", "bytes") as progress:
            return open_source(
                path, self.lock if locking else "none", self.timeout, max_unpacked=self.max_unpacked,
                progress=progress, waiting=self._waiting,
            )  # fmt: skip

    def _waiting(self, holder: str, seconds: float) -> None:
        self.out.say(f"boltcli: {holder} holds the lock; waiting for {seconds:.0f} s\n")
        self.out.err.flush()


def _say_traffic(remote: Remote, out: Output) -> None:
    from ..render import records
    from ..render.info_text import traffic_text

    facts = (remote.requests, remote.read, remote.size)
    out.notice(lambda: records.traffic(*facts, out.path), traffic_text(*facts))
