"""The progress line: after a second, on a terminal only, and gone when the job is done."""

from __future__ import annotations

import json
import os
import select
from collections.abc import Iterator
from importlib.util import find_spec
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest

from boltcli.__main__ import main
from boltcli.cli import streams
from boltcli.cli.output import Collected
from boltcli.cli.streams import Progress
from tests.support import fixture


class Clock:
    """A clock that stands still until it is told, or goes on by a ``step`` whenever it is read."""

    def __init__(self) -> None:
        self.now = 100.0
        self.step = 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(streams, "monotonic", clock)
    monkeypatch.setattr(streams, "_LINES", set())
    return clock


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a terminal: what is written to the second is read from the first."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines that are drawn, as on a terminal of 80 columns."""
    drawn: list[str] = []
    monkeypatch.setattr(os, "isatty", lambda _: True)
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((80, 24)))
    monkeypatch.setattr(Progress, "_draw", lambda _, text: drawn.append(text) if text else None)
    return drawn


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
        assert _shown(ours) == b"\rchecking: 50% of 1,000 pages, 500/s, 1 s left"
        clock.now += 0.05
        show(600, 1000)
        assert _shown(ours) == b""  # too soon
        clock.now += 0.06
        show(700, 1000)
        assert _shown(ours) == b"\rchecking: 70% of 1,000 pages, 630/s, 1 s left"
        clock.now += 1
        show(1000, 1000)
        assert _shown(ours) == b"\rchecking: 100% of 1,000 pages, 473/s         "
    assert _shown(ours) == b"\r" + b" " * 45 + b"\r"


@pytest.mark.slow
def test_more_than_all_and_nothing_at_all(clock: Clock, terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    show = Progress("copying", "pairs", theirs)
    clock.now += 1
    show(11, 10)
    clock.now += 1
    show(0, 0)
    assert _shown(ours) == b"\rcopying: 100% of 10 pairs, 11/s\rcopying: 0 pairs" + b" " * 15


def test_the_time_that_is_left(clock: Clock, lines: list[str]) -> None:
    show = Progress("reading", "bytes")
    for seconds, done in ((10, 10 << 20), (10, 30 << 20), (600, 31 << 20), (1, 400 << 20), (1, 400 << 20)):
        clock.now += seconds
        show(done, 400 << 20)
    assert lines == [
        "reading: 2% of 400 MiB, 1.0 MiB/s, 6 min 30 s left",
        "reading: 7% of 400 MiB, 1.5 MiB/s, 4 min 7 s left",
        "reading: 7% of 400 MiB, 51.2 KiB/s, 2 h 3 min left",
        "reading: 100% of 400 MiB, 660 KiB/s",
        "reading: 100% of 400 MiB, 659 KiB/s",
    ]


def test_what_begins_again_is_timed_anew(clock: Clock, lines: list[str]) -> None:
    show = Progress("reading")
    for done in (50, 90, 10, 20):
        clock.now += 10
        show(done, 100)
    assert lines == [
        "reading: 50% of 100 pages, 5/s, 10 s left",
        "reading: 90% of 100 pages, 4/s, 3 s left",
        "reading: 10% of 100 pages",
        "reading: 20% of 100 pages, 2/s, 40 s left",
    ]


def test_as_much_as_the_terminal_is_wide(clock: Clock, lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    show = Progress("reading")
    for width in (60, 40, 30, 12):
        monkeypatch.setattr(os, "get_terminal_size", lambda _, width=width: os.terminal_size((width, 24)))
        clock.now += 1
        show(123_456, 1_000_000)
    assert lines == [
        "reading: 12% of 1,000,000 pages, 123,456/s, 8 s left",
        "reading: 12% of 1,000,000 pages",
        "reading: 12% of 1,000,000 pag",
        "reading: 12",
    ]


def test_a_worker_draws_no_line(clock: Clock, lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_PROCESS", -1)
    show = Progress("reading")
    clock.now += 10
    show(1, 2)
    assert not lines


def test_a_process_elsewhere_draws_no_line(clock: Clock, lines: list[str]) -> None:
    clock.step = 2
    for elsewhere in (True, False):
        out = Collected("a.db", elsewhere=elsewhere)
        out.about("b.db").progress("reading")(1, 2)
        assert bool(lines) is not elsewhere


@pytest.mark.slow
def test_results_on_the_terminal_take_the_place_of_the_line(clock: Clock, terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    show = Progress("reading", fd=theirs)
    clock.now += 1
    show(0, 1)
    out = streams.stream(theirs)
    assert out is not None
    out.write(b"a result\n")
    assert _shown(ours) == b"\rreading: 0% of 1 pages"
    out.flush()
    assert _shown(ours) == b"\r" + b" " * 22 + b"\ra result\r\n"


@pytest.mark.slow
def test_two_jobs_share_the_line(clock: Clock, terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    files, pages = Progress("verify", "files", theirs), Progress("verifying", fd=theirs)
    clock.now += 1
    files(1, 3)
    assert _shown(ours) == b"\rverify: 33% of 3 files, 1/s, 2 s left"
    pages(1, 2)
    pages.clear()
    assert _shown(ours) == b"\r" + b" " * 37 + b"\r\rverifying: 50% of 2 pages, 1/s, 1 s left\r" + b" " * 40 + b"\r"
    files.clear()
    assert _shown(ours) == b""


@pytest.mark.slow
def test_an_interruption_takes_the_line_and_what_the_terminal_added(clock: Clock, terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    show = Progress("reading", fd=theirs)
    clock.now += 1
    show(0, 1)
    os.write(theirs, b"^C")
    streams.remove_lines()
    streams.remove_lines()
    assert _shown(ours) == b"\rreading: 0% of 1 pages^C\r" + b" " * 24 + b"\r"


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


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with databases of some hundred pages, one of them damaged, and exports of one in each form."""
    folder = tmp_path_factory.mktemp("progress")
    rows = [{"bucket": [name], "key": f"user/{i:05}", "value": "x" * 300} for name in "ab" for i in range(1500)]
    export = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "rows.ndjson").write_text(export)
    whole = folder / "whole.db"
    assert main(["import", "--partial", "-q", "-o", str(whole), str(folder / "rows.ndjson")], BytesIO(), BytesIO()) == 0
    for form in ("parquet", "sqlite") if find_spec("pyarrow") else ("sqlite",):
        assert main(["export", "-o", str(folder / f"rows.{form}"), str(whole)], BytesIO(), BytesIO()) == 0
    (folder / "requester.db").write_bytes(fixture("bacalhau-requester-1.4").read_bytes())
    content = bytearray(whole.read_bytes())
    content[40 * 4096 : 40 * 4096 + 16] = bytes(16)
    (folder / "damaged.db").write_bytes(content)
    rows[7]["value"] = "other"
    (folder / "other.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    other = folder / "other.db"
    assert (
        main(["import", "--partial", "-q", "-o", str(other), str(folder / "other.ndjson")], BytesIO(), BytesIO()) == 0
    )
    return folder


# Where the first phase takes longer than the rest the last share is far from 100: the rest was not needed.
@pytest.mark.parametrize(
    ("words", "last"),
    [
        ("audit --now 1800000000 requester.db", 90),
        ("check whole.db", 90),
        ("check --deep whole.db", 90),
        ("compact -o DEST.db whole.db", 90),
        ("deleted whole.db", 50),
        ("deleted --history user/00003 damaged.db", 90),
        ("diff whole.db other.db", 50),
        ("diff --summary whole.db other.db", 50),
        ("doctor whole.db", 90),
        ("du whole.db", 90),
        ("export whole.db", 90),
        ("export -o DEST.csv whole.db", 90),
        ("export -o DEST.parquet whole.db", 90),
        ("export -o DEST.sqlite whole.db", 90),
        ("grep zzz whole.db", 90),
        ("grep zzz damaged.db", 90),
        ("grep --deleted zzz whole.db", 90),
        ("import --partial -o DEST.db rows.ndjson", 90),
        ("import -o DEST.db rows.parquet", 90),
        ("import -o DEST.db rows.sqlite", 90),
        ("map whole.db", 90),
        ("recover -o DEST.db whole.db", 90),
        ("recover -o DEST.db damaged.db", 90),
        ("redact -o DEST.db whole.db", 90),
        ("redact --keys -o DEST.db whole.db", 90),
        ("report -o DEST.html whole.db", 90),
        ("sql SELECT+sum(octet_length(value))+FROM+pairs whole.db", 90),
        ("stats whole.db", 90),
        ("top whole.db", 90),
        ("verify whole.db", 90),
        ("verify --deep damaged.db", 90),
    ],
)
def test_a_job_shows_a_share_that_grows(
    words: str, last: int, inputs: Path, tmp_path: Path, clock: Clock, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for word, module in (("parquet", "pyarrow"), ("sql ", "duckdb"), ("report", "jinja2")):
        if word in words:
            pytest.importorskip(module)
    monkeypatch.chdir(inputs)
    monkeypatch.setenv("BOLTCLI_KERNEL", "0")  # it shows something every few milliseconds
    clock.step = 1.1
    argv = [word.replace("+", " ") for word in words.split()]
    assert main([word.replace("DEST", str(tmp_path / "made")) for word in argv], BytesIO(), BytesIO()) < 3
    shares = [int(line.partition(": ")[2].partition("%")[0]) for line in lines]
    falls = sum(after < before for before, after in pairwise(shares))
    assert len(shares) > 5
    assert len(set(shares)) > 1
    assert shares[-1] >= last
    assert falls == 0


def test_a_view_shows_how_much_it_has_read(
    inputs: Path, clock: Clock, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(inputs)
    clock.step = 1.1
    assert main(["view", "requester.db", "executions"], BytesIO(), BytesIO()) == 0
    assert lines[0] == "reading: 1 pages"
    assert lines[-1].startswith(f"reading: {len(lines)} pages")
