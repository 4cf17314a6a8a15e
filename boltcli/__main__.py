"""The entry point: ``boltcli`` and ``python -m boltcli``.

It imports next to nothing before an interruption is taken care of: whoever presses Ctrl-C while the
modules are loaded must not see a traceback.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO, NoReturn


def main(argv: Sequence[str] | None = None, stdout: BinaryIO | None = None, stderr: BinaryIO | None = None) -> int:
    """Run boltcli; by default on the process's own argv and streams. Returns the exit status."""
    from .cli.app import main

    return main(argv, stdout, stderr)


def process() -> NoReturn:
    """Run boltcli on the process's own streams and end the process: the console script.

    It ends by os._exit once all is written: taking Python down in good order takes longer than the whole
    rest of a small command. SIGINT and SIGTERM end it at once, with the status 130 or 143.
    """
    import gc

    gc.set_threshold(20_000, 20, 20)  # to look for garbage while modules are loaded costs half a millisecond
    _end_when_interrupted()
    try:
        from .cli.app import main

        status = main()
    except OSError as error:  # not even modules can be read any more
        os.write(2, f"Error: {error}\n".encode("utf-8", "surrogateescape"))
        status = 1
    os._exit(status)


def _end_when_interrupted() -> None:
    """Have SIGINT and SIGTERM end this process without a word, unless they are ignored.

    Not by an exception: Python swallows one that comes while it imports a module or frees an object, and
    one that unwinds would wait for a reader who doesn't read. What was not written yet is dropped.
    """
    # Of the module signal, which takes 2 ms to import.
    from _signal import SIG_DFL, SIGINT, SIGTERM, default_int_handler, getsignal, signal  # type: ignore[import-not-found]

    process = os.getpid()

    def end(number: int, frame: object) -> None:
        if os.getpid() == process:  # not in a worker, which is a copy of it
            destination = sys.modules.get("boltcli.storage.destination")
            for path in tuple(getattr(destination, "UNFINISHED", ())):
                try:
                    os.unlink(path)
                except OSError:
                    pass  # it wasn't made yet
        os._exit(128 + number)

    for number in (SIGINT, SIGTERM):
        if getsignal(number) in (SIG_DFL, default_int_handler):
            signal(number, end)


if __name__ == "__main__":
    process()
