"""Run a command without the database's lock: hold its output back until the closing look."""

from collections.abc import Callable
from typing import TypeVar

from ..errors import BoltError, Changed
from ..storage.holders import describe_holder
from ..storage.live import Live
from ..storage.snapshot import Snapshot
from ..storage.source import Source
from .output import Output

T = TypeVar("T")
Work = Callable[[Snapshot, Output], T]


def run_lock_free(work: Work[T], source: Source, out: Output, *, previous: bool) -> T:
    """Run ``work`` with outputs that hold back, until what it read is consistent; then give ``out`` what it wrote. Says
    which transaction was read. Owns ``source``. Returns what ``work`` returns, and raises what it raises, after its
    output is written."""
    why = _why(source)
    with Live(source, previous=previous) as live:
        held, found = live.run(lambda: _attempt(work, live, out))
        try:
            if live.source.locked:
                why = ""  # the lock was obtained in the end
            if live.current is not None and (why or previous):
                which = f"transaction {live.current.meta.txid}{', the previous one' if previous else ''}"
                out.note(f"{why}reading {which}", source.path)
            out.take(held)
        finally:
            held.close()
    if isinstance(found, BoltError):
        raise found
    return found


def _attempt(work: Work[T], live: Live, out: Output) -> tuple[Output, T | BoltError]:
    held = out.held()
    try:
        try:
            with live.snapshot() as snapshot:
                found: T | BoltError = work(snapshot, held)
        except Changed:
            raise
        except BoltError as error:
            found = error
        live.check_unchanged()  # if the state changed, the failure is not one of the database
        return held, found
    except BaseException:
        held.close()
        raise


def _why(source: Source) -> str:
    """Return why the lock isn't held; empty if it is, or wasn't requested."""
    if source.locked or source.reason == "unasked":
        return ""
    if source.reason == "held":
        return f"{describe_holder(source)} holds the lock; without it, "
    return f"the file can't be locked ({source.reason}); without the lock, "
