"""``watch``: print each change that another process makes to a database. bbolt has no such command."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Annotated

from ...errors import ArgumentError
from ...ops.compare.watch import Waiter, watch
from ...storage.live import Live
from ...storage.snapshot import Snapshot
from ...storage.source import is_elsewhere, open_source
from ...text.times import time_text
from ...tree.walk import bounds
from ..change_output import ChangeOutput
from ..command import command
from ..decoding import asked, is_asked
from ..values import seconds

if TYPE_CHECKING:
    from ...apps.decode import Decoder
    from ..options import BucketPath, Decoding, Path, number, switch, text
    from ..output import Output
    from ..values import parse_timeout


_SHORTEST = 0.001  # seconds between two looks
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
    start, stop = bounds(prefix)

    decoder = _decoder(path, names, decoding)
    output = ChangeOutput(out, values=values, keys_only=keys_only, above=len(names), decoder=decoder)
    waiter = Waiter(max(seconds(interval), _SHORTEST))
    _end_by_signals(waiter)
    for commit in watch(path, waiter, names, start=start, stop=stop, initial=initial):
        if commit.replaced:
            out.note(f"the file was replaced by another one; its differences up to transaction {commit.txid} follow")
            output.decoder = _decoder(path, names, decoding)
        elif commit.skipped:
            out.note(
                f"{commit.skipped} transactions before {commit.txid} were not seen one by one; the net change follows"
            )
        time = time_text(int(commit.time * 1000) * 1_000_000)
        for change in commit.changes:
            output.write(change, f"{time} {commit.txid} ".encode(), txid=commit.txid, time=time)
        out.flush()


def _decoder(path: str, bucket: tuple[bytes, ...], decoding: Decoding) -> Decoder | None:
    """Return the decoder that the options select for the file's present content; None for none."""
    if not is_asked(decoding):
        return None

    def ask(snapshot: Snapshot) -> Decoder | None:
        found = asked(snapshot, decoding)
        if found is not None:
            found.leave([bucket])
        return found

    with Live(open_source(path, "none")) as live:
        return live.read(ask)


def _end_by_signals(waiter: Waiter) -> None:
    """Make SIGINT and SIGTERM end the watch after the current transaction; a second signal ends it at once.

    This is done only in the boltcli process itself, and only for signals that aren't ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        return

    def end(number: int, frame: object) -> None:
        if waiter.stopped:
            os._exit(128 + number)
        waiter.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            signal.signal(number, end)
