"""A pager for text that is longer than the terminal."""

from __future__ import annotations

import os

from .streams import write_styled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

_LESS = "less -FRX"
_VARIABLES = ("BOLTCLI_PAGER", "PAGER")  # the first that is set counts; "" and cat: no pager
_NOT_RUN = (126, 127)  # the shell's statuses of a command that it could not run


def write_paged(text: bytes, out: BinaryIO) -> None:
    """Write ``text``, with its escape sequences, to ``out``, through a pager if that is a terminal with fewer lines."""
    pager = _pager(text, out)
    if not pager or not _shown(text, pager, out):
        write_styled(out, text)


def _pager(text: bytes, out: BinaryIO) -> str:
    """Return the pager's command line, "" for none."""
    if not out.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        return ""
    try:
        lines = os.get_terminal_size(out.fileno()).lines
    except OSError:
        return ""
    if text.count(b"\n") < lines:
        return ""
    named = next((os.environ[name] for name in _VARIABLES if name in os.environ), None)
    if named is None:
        from shutil import which

        return _LESS if which("less") else ""
    return "" if named.strip() == "cat" else named.strip()


def _shown(text: bytes, pager: str, out: BinaryIO) -> bool:
    """Show ``text`` in the pager and wait for its end; return whether it could be run. It ends when this process is
    ended; Ctrl-C is the pager's."""
    from signal import SIG_IGN, SIGINT, SIGTERM, getsignal, signal
    from subprocess import PIPE, Popen

    out.flush()
    environment = {"LESS": "FRX", "LESSCHARSET": "utf-8", **os.environ}
    before = {number: getsignal(number) for number in (SIGINT, SIGTERM)}
    children: list[Popen[bytes]] = []

    def end(number: int, _: object) -> None:
        for child in children:
            child.terminate()
        os._exit(128 + number)

    signal(SIGTERM, end)
    try:
        child = Popen(pager, shell=True, stdin=PIPE, stdout=out.fileno(), env=environment)
        children.append(child)
        signal(SIGINT, SIG_IGN)  # after its start: a child inherits what is ignored
        child.communicate(text)  # which passes over a reader that has seen enough
    finally:
        for number, handler in before.items():
            signal(number, handler)
    return child.returncode not in _NOT_RUN
