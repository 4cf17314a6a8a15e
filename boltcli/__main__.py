"""The entry point: ``boltcli`` and ``python -m boltcli``.

It handles interruptions before it imports other modules: Ctrl-C during the imports must not show a traceback.
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

    It ends with os._exit once everything is written, because an orderly shutdown of Python takes longer than
    a whole small command. SIGINT and SIGTERM end it at once, with the status 130 or 143.
    """
    import gc

    gc.set_threshold(20_000, 20, 20)  # garbage collection during the imports costs half a millisecond
    _end_when_interrupted()
    try:
        from .cli.app import main

        status = main()
    except (OSError, MemoryError) as error:  # not even the modules could be loaded
        problem = "out of memory" if isinstance(error, MemoryError) else str(error)
        os.write(2, f"Error: {problem}\n".encode("utf-8", "surrogateescape"))
        status = 3 if "--nagios" in sys.argv else 1  # 1 would be its WARNING
    os._exit(status)


def _end_when_interrupted() -> None:
    """Make SIGINT and SIGTERM end this process silently, unless they are ignored. Unwritten output is dropped.

    An exception would not do: Python swallows exceptions during imports and in destructors, and unwinding
    would wait for a pipe whose reader has stopped reading.
    """
    # The module signal takes 2 ms to import; _signal is its C part.
    from _signal import SIG_DFL, SIGINT, SIGTERM, default_int_handler, getsignal, signal  # type: ignore[import-not-found]

    process = os.getpid()

    def end(number: int, frame: object) -> None:
        if os.getpid() == process:  # not in a forked worker
            destination = sys.modules.get("boltcli.storage.destination")
            for path in tuple(getattr(destination, "UNFINISHED", ())):
                try:
                    os.unlink(path)
                except OSError:
                    pass  # it was not created yet
            remove_lines = getattr(sys.modules.get("boltcli.cli.streams"), "remove_lines", None)
            if remove_lines is not None:
                remove_lines()
        os._exit(128 + number)

    for number in (SIGINT, SIGTERM):
        if getsignal(number) in (SIG_DFL, default_int_handler):
            signal(number, end)


if __name__ == "__main__":
    process()
