"""Run a command without the database's lock: hold its output back until the closing look."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from ..errors import BoltError, Changed, OpenError
from ..storage.holders import describe_holder
from ..storage.live import Live
from ..text.visible import visible_bytes
from .streams import Terminal, write_styled

if TYPE_CHECKING:
    from ..storage.source import Source
    from .job import Job, Work

_IN_MEMORY = 8 << 20  # bytes of output; more goes to a temporary file


class Spool(tempfile.SpooledTemporaryFile[bytes]):
    """The output of a command, held back."""

    def __init__(self, out: BinaryIO) -> None:
        super().__init__(max_size=_IN_MEMORY, prefix="boltcli-")
        self._out = out
        self._is_terminal = isinstance(out, Terminal)

    def write(self, data: Any) -> int:
        return self._keep(visible_bytes(bytes(data)) if self._is_terminal else data)

    def write_styled(self, data: bytes) -> None:
        """Write ``data`` unchanged: boltcli's own text, with escape sequences."""
        self._keep(data)

    def _keep(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise OpenError("write", tempfile.gettempdir(), error.strerror or str(error)) from error

    def writelines(self, lines: Iterable[Any]) -> None:
        for line in lines:
            self.write(line)

    def isatty(self) -> bool:
        """Return whether ``out``, where the output goes in the end, is a terminal."""
        return self._out.isatty()

    def hand_over(self) -> None:
        """Write all to ``out``."""
        self.seek(0)
        while data := self.read(1 << 20):
            write_styled(self._out, data)


def run_lock_free(work: Work, job: Job, source: Source, out: BinaryIO, err: BinaryIO) -> int | None:
    """Run ``work`` on private streams until what it read is consistent; then write its output to ``out`` and ``err``.

    Reports on ``err`` which transaction was read. Owns ``source``. Returns what ``work`` returns,
    and raises what it raises, after its output is written.
    """
    why = _why(source)
    with Live(source, previous=job.previous) as live:
        spool, said, status, failure = live.run(lambda: _attempt(work, job, live, out))
        with spool:
            if live.source.locked:
                why = ""  # the lock was obtained in the end
            if live.current is not None and (why or job.previous) and not job.quiet:
                which = f"transaction {live.current.meta.txid}{', the last but one' if job.previous else ''}"
                err.write(_notice(f"{why}reading {which}", source.path, job.json))
            err.write(said.getvalue())
            err.flush()
            spool.hand_over()
    if failure is not None:
        raise failure
    return status


def _attempt(work: Work, job: Job, live: Live, out: BinaryIO) -> tuple[Spool, BytesIO, int | None, BoltError | None]:
    spool, said = Spool(out), BytesIO()
    status: int | None = None
    failure: BoltError | None = None
    try:
        try:
            with live.snapshot() as snapshot:
                status = work(snapshot, job.again(err=said), cast("BinaryIO", spool), said)
        except Changed:
            raise
        except BoltError as error:
            failure = error
        live.check_unchanged()  # if the state changed, the failure is not one of the database
    except BaseException:
        spool.close()
        raise
    return spool, said, status, failure


def _notice(message: str, path: str, as_json: bool) -> bytes:
    if as_json:
        from ..render import records

        return records.line(records.notice("reading", message, path))
    return f"boltcli: {message}\n".encode("utf-8", "surrogateescape")


def _why(source: Source) -> str:
    """Return why the lock isn't held; empty if it is, or wasn't requested."""
    if source.locked or source.reason == "unasked":
        return ""
    if source.reason == "held":
        return f"{describe_holder(source)} holds the lock; without it, "
    return f"the file can't be locked ({source.reason}); without the lock, "
