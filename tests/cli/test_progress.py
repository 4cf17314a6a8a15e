"""The progress line: after a second, on a terminal only, and gone when the job is done."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator

import pytest

from boltcli.cli import streams
from boltcli.cli.streams import Progress


class Clock:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(streams, "monotonic", clock)
    return clock


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a terminal: what is written to the second is read from the first."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def _shown(fd: int) -> bytes:
    """All that arrives until nothing does for a while: a terminal hands on in pieces, when it gets around to it."""
    shown = b""
    while select.select([fd], [], [], 0.3)[0]:
        part = os.read(fd, 4096)
        if not part:
            break
        shown += part
    return shown


@pytest.mark.slow
def test_quiet_in_the_first_second(clock: Clock, terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    with Progress("checking", fd=theirs) as show:
        show(1, 10)
        clock.now += 0.9
        show(9, 10)
    assert _shown(ours) == b""


@pytest.mark.slow
def test_a_line_that_is_redrawn_and_goes_away(clock: Clock, terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    with Progress("checking", fd=theirs) as show:
        clock.now += 1
        show(500, 1000)
        assert _shown(ours) == b"\rchecking: 50% of 1,000 pages"
        clock.now += 0.05
        show(600, 1000)
        assert _shown(ours) == b""  # too soon
        clock.now += 0.06
        show(6, 7)
        assert _shown(ours) == b"\rchecking: 85% of 7 pages    "
    assert _shown(ours) == b"\r" + b" " * 24 + b"\r"


@pytest.mark.slow
def test_more_than_all_and_nothing_at_all(clock: Clock, terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    show = Progress("copying", "pairs", theirs)
    clock.now += 1
    show(11, 10)
    clock.now += 1
    show(0, 0)
    assert _shown(ours) == b"\rcopying: 100% of 10 pairs\rcopying: 0 pairs" + b" " * 9


@pytest.mark.slow
def test_cleared_before_an_error(clock: Clock, terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    show = Progress("checking", fd=theirs)
    clock.now += 1
    with pytest.raises(ZeroDivisionError), show:
        show(1 // 0, 1)
    assert _shown(ours) == b""
    show(1, 2)
    with pytest.raises(ZeroDivisionError), show:
        show(1 // 0, 1)
    assert _shown(ours).endswith(b" \r")


@pytest.mark.slow
def test_nothing_where_there_is_no_terminal(clock: Clock) -> None:
    reading, writing = os.pipe()
    with Progress("checking", fd=writing) as show:
        clock.now += 5
        show(1, 2)
        clock.now += 5
        show(2, 2)
    assert _shown(reading) == b""
    os.close(reading)
    os.close(writing)


def test_a_terminal_that_is_gone_is_no_failure(clock: Clock, terminal: tuple[int, int]) -> None:
    _, theirs = terminal
    gone = os.dup(theirs)
    show = Progress("checking", fd=gone)
    clock.now += 1
    show(1, 2)
    os.close(gone)
    clock.now += 1
    show(2, 2)
    show.clear()
