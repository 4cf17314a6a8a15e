"""The process's output streams, and the progress of a long job on a terminal."""

from __future__ import annotations

import io
import os
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

# Bytes buffered before they are written; bbolt makes a system call for each line.
_BUFFER = 1 << 17

_PATIENCE = 1.0  # seconds before the line of progress appears
_EVERY = 0.1  # seconds between two updates of it
_COLUMNS = 80  # of a terminal that does not say how wide it is
_PROCESS = os.getpid()  # workers, which are forked, draw no lines of progress

# The value of --color.
color = "auto"


class _Output(io.FileIO):
    """A stream that records whether writing to it failed, to tell its OSErrors from others. What goes to a terminal
    takes the place of the line of progress."""

    failed = False

    def write(self, data: Any) -> int:
        try:
            if _LINES and self.isatty():
                clear_lines()
            return super().write(data)
        except OSError:
            self.failed = True
            raise


class Terminal(io.BufferedWriter):
    """A stream to a terminal, which escapes control characters (``text/visible.py``). Use :meth:`write_styled` for
    colours."""

    _begun = b""  # the first bytes of an incomplete UTF-8 character

    def write(self, data: Any) -> int:
        from ..text.visible import incomplete, visible_bytes

        content = self._begun + bytes(data)
        whole = len(content) - incomplete(content)
        self._begun = content[whole:]
        super().write(visible_bytes(content[:whole]))
        return len(data)

    def write_styled(self, data: bytes) -> None:
        """Write ``data`` unchanged: boltcli's own text, with escape sequences."""
        super().write(data)

    def flush(self) -> None:
        from ..text.visible import visible_bytes

        begun, self._begun = self._begun, b""
        super().write(visible_bytes(begun))
        super().flush()


def stream(fd: int) -> BinaryIO | None:
    """Return a buffered stream over ``fd``, or None if it is closed. Python's own prints errors at exit."""
    try:
        raw = _Output(fd, "wb", closefd=False)
    except OSError:
        return None
    return (Terminal if os.isatty(fd) else io.BufferedWriter)(raw, _BUFFER)


def finish(stream: BinaryIO) -> None:
    """Flush ``stream``; discard what can't be written, so that Python doesn't try again at exit and print an error."""
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        stream.flush()


def has_failed(stream: BinaryIO) -> bool:
    """Return whether writing to ``stream`` failed; True if that isn't known."""
    return bool(getattr(getattr(stream, "raw", None), "failed", True))


def name_of(stream: BinaryIO) -> str:
    """Return Go's name for ``stream`` in write errors."""
    name = getattr(stream, "name", None)
    return name if isinstance(name, str) else "/dev/stdout"


def labelled(stream: BinaryIO, label: str, style: str, text: str, *, as_it_is: bool = False) -> None:
    """Write a line ``label: text``, with the label in colour if colours are enabled. Line ends in the text, which names
    may have, are escaped, unless ``as_it_is``: a part of a name is no line."""
    if wants_style(stream):
        write_styled(stream, f"\x1b[{style}m{label}:\x1b[0m".encode())
    else:
        stream.write(f"{label}:".encode())
    if not as_it_is:
        text = text.replace("\n", "\\n").replace("\r", "\\r")
    stream.write(f" {text}\n".encode("utf-8", "surrogateescape"))


def wants_style(stream: BinaryIO) -> bool:
    """Return whether colours may be written to ``stream``: it is a terminal with colours, and they are not disabled."""
    if color != "auto":
        return color == "always"
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def write_styled(stream: BinaryIO, data: bytes) -> None:
    """Write ``data`` with its escape sequences; text from a file must have gone through ``visible()``."""
    getattr(stream, "write_styled", stream.write)(data)


def terminal_width(out: BinaryIO) -> int:
    """Return the width in columns of the terminal ``out``: what COLUMNS says, else what the system does."""
    said = os.environ.get("COLUMNS", "")
    try:
        return int(said if said.isdecimal() else 0) or os.get_terminal_size(out.fileno()).columns or _COLUMNS
    except (OSError, ValueError):
        return _COLUMNS


def cut_to_width(line: bytes, out: BinaryIO) -> bytes:
    """``line`` for a terminal: with spaces for tabs, and no longer than that is wide. A pipe gets it as it is."""
    if not out.isatty():
        return line
    width = terminal_width(out)
    text = line[:-1].decode("utf-8", "replace").replace("\n", " ").expandtabs()
    return (text if len(text) <= width else text[: width - 1] + "\u2026").encode() + b"\n"


class Progress:
    """Call it with (done, total) to show the share that is done, how many a second, and the time left; the end of a
    ``with`` block removes the line. With a ``total`` of 0, which isn't known, it shows how many are done. It shows
    nothing in the first second or if ``fd`` is not a terminal, and updates at most ten times a second, so that a job
    may call it often. ``what`` is the job ("checking"), ``unit`` what ``done`` and ``total`` count ("pages")."""

    def __init__(self, what: str, unit: str = "pages", fd: int = 2, *, quiet: bool = False) -> None:
        self._what = what
        self._unit = unit
        self._fd = fd
        self._drawn = 0  # characters on the line, with blanks over longer texts before
        self._began = monotonic()
        self._before = 0  # what was done at the last update
        self._next = float("inf") if quiet else self._began + _PATIENCE

    def __call__(self, done: int, total: int) -> None:
        now = monotonic()
        if now < self._next:
            return
        if not self._drawn and not (os.isatty(self._fd) and os.getpid() == _PROCESS):
            self._next = float("inf")
            return
        self._next = now + _EVERY
        if done < self._before:
            self._began = now  # it begins again: what came before says nothing about the time that is left
        self._before = done
        self._draw(self._sentence(done, total, now - self._began))

    def _sentence(self, done: int, total: int, seconds: float) -> str:
        share = f" {min(100 * done // total, 100)}% of" if total > 0 else ""
        parts = [f"{self._what}:{share} {self._number(total if total > 0 else done)}"]
        rate = done / seconds if seconds else 0.0
        if rate >= 1:
            parts.append(f"{self._number(int(rate), unit=False)}/s")
        if 0 < done < total and seconds:
            parts.append(f"{_span(seconds * (total - done) / done)} left")
        while len(parts) > 1 and len(", ".join(parts)) >= self._room():
            del parts[1]
        return ", ".join(parts)[: self._room() - 1]

    def _number(self, number: int, *, unit: bool = True) -> str:
        if self._unit == "bytes":
            from ..text.sizes import size

            return size(number)
        return f"{number:,}" + f" {self._unit}" * unit

    def _room(self) -> int:
        try:
            return os.get_terminal_size(self._fd).columns or _COLUMNS
        except OSError:
            return _COLUMNS

    def clear(self) -> None:
        """Remove the line, before other output to the terminal."""
        if self._drawn:
            self._draw("")
            self._next = monotonic() + _EVERY

    def _draw(self, text: str) -> None:
        if text and not self._drawn:
            clear_lines()  # there is one line, which of many files has the one that is read now
        # Spaces over the old text work on every terminal.
        line = f"\r{text:<{self._drawn}}" + ("" if text else "\r")
        self._drawn = max(self._drawn, len(text)) if text else 0
        (_LINES.add if text else _LINES.discard)(self)
        try:
            os.write(self._fd, line.encode())
        except OSError:
            self._next = float("inf")  # a closed terminal is no reason to fail

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()


# The lines of progress that are on a terminal.
_LINES: set[Progress] = set()


def clear_lines() -> None:
    """Remove all lines of progress."""
    for progress in tuple(_LINES):
        progress.clear()


def remove_lines() -> None:
    """Remove the lines of progress, when the process is interrupted: with the ``^C`` that the terminal added."""
    for progress in _LINES:
        progress._drawn = min(progress._drawn + len("^C"), progress._room() - 1)
    clear_lines()


def _span(seconds: float) -> str:
    """Return a time that is left, in the two largest units."""
    whole = max(int(-(-seconds // 1)), 1)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
