"""``watch``: print each change that another process makes to a database. bbolt has no such command."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Annotated

from ...api.watch import watch
from ...errors import ArgumentError
from ...storage.source import is_elsewhere
from ...text.times import since_epoch, time_text
from ..change_output import ChangeOutput
from ..command import command
from ..decoding import asked_of_file
from ..values import seconds

if TYPE_CHECKING:
    from ...api.watch import Watch
    from ..options import BucketPath, Decoding, Path, number, switch, text
    from ..output import Output
    from ..values import parse_timeout


_INTERVAL = "Look at the file at least this often: 5ms, 10ms; more than 20ms counts as 20ms."


def prepare(path: str, interval: str) -> None:
    if is_elsewhere(path):
        raise ArgumentError("watch follows a local file; compare remote files with diff")
    if not seconds(interval):
        raise ArgumentError("the interval must be more than 0")


@command("watch", example="boltcli watch --json fixtures/document.db execution", group="Compare", validate=prepare)
def watch_(
    out: Output,
    *,
    path: Path,
    buckets: BucketPath = [],
    initial: Annotated[bool, switch("First print the existing content, as additions.")] = False,
    values: Annotated[bool, switch("Show old and new values, or the changed fields of JSON values.")] = False,
    keys_only: Annotated[bool, switch("Leave out the values, also with --json.")] = False,
    prefix: Annotated[
        bytes, text("Only keys of the bucket (without BUCKETS: top-level buckets) that begin with this.", "KEY")
    ] = b"",
    interval: Annotated[str, number(_INTERVAL, "DURATION", parse_timeout)] = "500ms",
    decoding: Decoding,
) -> None:
    """Follow a database in use: print each change as it is committed."""
    names = tuple(buckets)
    decoder = asked_of_file(path, names, decoding)
    output = ChangeOutput(out, values=values, keys_only=keys_only, above=len(names), decoder=decoder)
    watched = watch(path, names, prefix=prefix, initial=initial, interval=seconds(interval))
    _end_by_signals(watched)
    for commit in watched:
        if commit.replaced:
            out.note(f"the file was replaced by another one; its differences up to transaction {commit.txid} follow")
            output.decoder = asked_of_file(path, names, decoding)
        elif commit.skipped:
            out.note(
                f"{commit.skipped} transactions before {commit.txid} were not seen one by one; the net change follows"
            )
        time = time_text(since_epoch(commit.time) // 1_000_000 * 1_000_000)
        for change in commit.changes:
            output.write(change, f"{time} {commit.txid} ".encode(), txid=commit.txid, time=time)
        out.flush()


def _end_by_signals(watched: Watch) -> None:
    """Make SIGINT and SIGTERM end the watch after the current transaction; a second signal ends it at once.

    This is done only in the boltcli process itself, and only for signals that aren't ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        return

    def end(number: int, frame: object) -> None:
        if watched.stopped:
            os._exit(128 + number)
        watched.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            signal.signal(number, end)
