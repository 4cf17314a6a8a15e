"""Running a command whose database is read without its lock: its output waits for the closing look."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from ..errors import BoltError, Changed, OpenError
from ..storage.holders import describe_holder
from ..storage.live import Live

if TYPE_CHECKING:
    from ..storage.source import Source
    from .app import Apart

# A command, to be called with its two streams.
Command = Callable[[BinaryIO, BinaryIO], int | None]

_IN_MEMORY = 8 << 20  # bytes of output; more of it goes to a temporary file


class Spool(tempfile.SpooledTemporaryFile[bytes]):
    """What a command writes, kept back. ``live`` is where its database comes from."""

    def __init__(self, live: Live, out: BinaryIO) -> None:
        super().__init__(max_size=_IN_MEMORY, prefix="boltcli-")
        self.live = live
        self._out = out

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise OpenError("write", tempfile.gettempdir(), error.strerror or str(error)) from error

    def writelines(self, lines: Iterable[Any]) -> None:
        for line in lines:
            self.write(line)

    def isatty(self) -> bool:
        """What is written to it is on its way to ``out``."""
        return self._out.isatty()

    def hand_over(self) -> None:
        """Write all to ``out``."""
        self.seek(0)
        shutil.copyfileobj(self, self._out, 1 << 20)


def run_apart(command: Command, apart: Apart, out: BinaryIO, err: BinaryIO, *, as_json: bool = False) -> int | None:
    """Run ``command`` on streams of our own until what it writes there is whole; then that goes to ``out`` and ``err``.

    Says on ``err`` which transaction it was, with ``as_json`` in JSON. Returns what ``command`` returns,
    and raises what it raises, once its output is written.
    """
    why = _why(apart.source)
    with Live(apart.source, previous=apart.previous) as live:
        spool, said, status, failure = live.run(lambda: _attempt(command, live, out))
        with spool:
            if live.source.locked:
                why = ""  # got it in the end
            if live.current is not None and (why or apart.previous):
                which = f"transaction {live.current.meta.txid}{', the last but one' if apart.previous else ''}"
                err.write(_notice(f"{why}reading {which}", apart.source.path, as_json))
            err.write(said.getvalue())
            err.flush()
            spool.hand_over()
    if failure is not None:
        raise failure
    return status


def _attempt(command: Command, live: Live, out: BinaryIO) -> tuple[Spool, BytesIO, int | None, BoltError | None]:
    spool, said = Spool(live, out), BytesIO()
    status: int | None = None
    failure: BoltError | None = None
    try:
        try:
            status = command(cast("BinaryIO", spool), said)
        except Changed:
            raise
        except BoltError as error:
            failure = error
        live.verify()  # if what was read is torn, so is the failure
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
    """Why the lock isn't ours; empty if it is, or wasn't asked for."""
    if source.locked or source.reason == "unasked":
        return ""
    if source.reason == "held":
        return f"{describe_holder(source)} holds the lock; without it, "
    return f"no lock can be had ({source.reason}); without it, "
