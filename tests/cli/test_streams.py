"""The command as a process: pipes that close, disks that are full, signals, missing streams."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from boltcli.cli.command_table import COMMANDS
from boltcli.cli.help import inside, shown_example
from boltcli.cli.registry import all_commands, find, names
from tests.support import FIXTURES, ROOT, error_line, fixture, read_terminal, run

COMMAND = [sys.executable, "-m", "boltcli"]


def shell(line: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["bash", "-c", f"set -o pipefail; {line}"], cwd=ROOT, capture_output=True, timeout=60)


def test_a_pipe_that_closes_early_ends_it_quietly() -> None:
    # A value of 1 MiB: far more than a pipe takes.
    done = shell("boltcli get fixtures/values.db large 1MiB --format hex | head -c 1")
    assert len(done.stdout) == 1
    assert done.returncode == 141  # pipefail: ours, as if SIGPIPE had ended it
    assert done.stderr == b""
    done = shell("boltcli keys fixtures/bacalhau-compute-1.4.db execution | head -1")
    assert done.stdout.count(b"\n") == 1
    assert done.stderr == b""


def test_a_reader_that_never_reads() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*COMMAND, "check", "fixtures/document.db"], cwd=ROOT, stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert done.stderr == b""
    assert done.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "arguments", ["check F", "buckets F", "keys F execution", "stats F", "info F", "version", "-h"]
)
def test_a_full_disk_is_an_error(arguments: str) -> None:
    done = shell(f"boltcli {arguments.replace('F', 'fixtures/document.db')} > /dev/full")
    assert done.returncode == 1
    assert done.stderr == b"Error: write /dev/stdout: no space left on device\n"


def test_without_stdout() -> None:
    done = shell("boltcli check fixtures/document.db >&-")
    assert done.returncode == 1
    assert done.stderr == b"Error: write /dev/stdout: bad file descriptor\n"


def test_without_stderr() -> None:
    assert shell("boltcli check fixtures/missing.db 2>&-").returncode == 1
    assert shell("boltcli check fixtures/document.db 2>&-").stdout == b"OK\n"


def test_arguments_that_are_not_utf8(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9.db"
    Path(os.fsdecode(name)).write_bytes(fixture("one-bucket").read_bytes())
    done = subprocess.run([*COMMAND, "check", name], cwd=ROOT, capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"OK\n")
    done = subprocess.run([*COMMAND, "check", name + b"x"], cwd=ROOT, capture_output=True)
    assert error_line(done.stderr).endswith(b"/caf\\xe9.dbx\" doesn't exist")


def test_what_was_sound_is_written_before_the_error(tmp_path: Path) -> None:
    """A bucket of many leaves, one of them damaged: the keys before it come out, then the error."""
    content = bytearray((FIXTURES / "page-1024.db").read_bytes())
    path = tmp_path / "damaged.db"
    path.write_bytes(content)
    _, names, _ = run("buckets", path)
    for name in names.split(b"\n")[:-1]:
        _, whole, _ = run("keys", path, name.decode())
        from boltcli.storage.snapshot import Snapshot
        from boltcli.tree.bucket import find_bucket
        from boltcli.tree.walk import leaf_pages

        with Snapshot(str(path)) as snapshot:
            leaves = [page.pgid for page in leaf_pages(snapshot, find_bucket(snapshot, [name]))]
        if len(leaves) > 2:
            break
    else:
        pytest.fail("no bucket with several leaves")
    content[leaves[2] * 1024] ^= 0xFF
    path.write_bytes(content)
    status, out, err = run("keys", path, name.decode())
    assert status == 1
    assert out
    assert whole.startswith(out)
    assert len(out) < len(whole)
    assert error_line(err).startswith(
        b"page %d at offset %d: the page identifies itself as" % (leaves[2], leaves[2] * 1024)
    )


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_everywhere(flag: str) -> None:
    for command in (None, *map(find, names())):
        status, text, err = run(*(command.name.split() if command else ()), flag)
        assert (status, err) == (0, b"")
        assert b"\x1b" not in text
        words = b" ".join(text.split())
        for inner in inside(command.name) if command and command.is_group else () if command else inside(""):
            assert inner.name.encode() in words
            assert inner.summary.encode() in words
        if command:
            assert shown_example(command.example).encode() in words
            assert command.summary.encode() in words
            for option in command.shown_options:
                assert f"--{option.name}".encode() in text


def test_common_options_have_a_page() -> None:
    """A command's help names them in a line; what they do is on that page, unless a command says it of its own."""
    page = b" ".join(run("help", "options")[1].split())
    common = [each for command in all_commands() for each in command.options if each.common]
    assert len({each.name for each in common}) > 15
    for option in common:
        assert f"--{option.name} ".encode() in page
    text = b" ".join(run("check", "--help")[1].split())
    assert b"And the common options: boltcli help options (--recursive, " in text
    assert b"Search folders for databases." in page
    assert b"Search folders for databases." not in text
    assert b" --json Write errors and warnings as JSON too; " in b" ".join(run("export", "--help")[1].split())
    assert b"Write errors and warnings as JSON too" not in page


def test_all_commands_have_a_line() -> None:
    lines = run("help", "commands")[1].decode()
    for name, row in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(row['summary'].split()[0])} ", lines, re.MULTILINE), name


@pytest.mark.slow
def test_help_is_the_same_on_a_terminal() -> None:
    """With colours unless they are unwanted, within its width, and at once."""
    for argv in ([], ["keys"], ["surgery"], ["surgery", "meta", "update"]):
        plain = on_a_terminal([*argv, "--help"], NO_COLOR="1").replace(b"\r", b"")
        assert b"\x1b" not in plain
        styled = on_a_terminal([*argv, "--help"]).replace(b"\r", b"")
        assert b"\x1b[1m" in styled
        assert re.sub(rb"\x1b\[[0-9;]*m", b"", styled) == plain
        assert run(*argv, "--help")[1].split() == plain.split()
        assert b"list[str]" not in plain


def test_the_example_of_the_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads an example can have the file that it is about."""
    monkeypatch.chdir(tmp_path)
    status, _, err = run("help", "example")
    assert (status, err, [path.name for path in tmp_path.iterdir()]) == (0, b"", ["example.db"])
    assert run("check", "--deep", "example.db") == (0, b"OK\n", b"")
    assert run("help", "example") == (0, b"example.db already exists\n", b"")
    for name in ("keys", "items", "get", "stats", "tree", "grep", "page-item"):
        text = run(name, "--help")[1].decode()
        example = text.partition("Example:\n")[2].split("\n")[0]
        assert "example.db" in example
        assert run(*shlex.split(example)[1:])[0] == 0


def test_colours_when_asked_for() -> None:
    path = fixture("document")
    assert b"\x1b[36m" in run("tree", "--color", "always", path)[1]
    assert run("tree", "--color", "never", path) == run("tree", path)
    assert run("check", "missing.db", "--color=always")[2].startswith(b"\x1b[1;31mError:\x1b[0m source database file")
    assert on_a_terminal(["check", "missing.db"], stderr=True).startswith(b"\x1b[1;31mError:\x1b[0m ")
    assert error_line(run("check", "--color", "blue", path)[2]).endswith(b"must be one of auto, always, never")


def on_a_terminal(argv: list[str], *, stderr: bool = False, columns: int = 0, **environment: str) -> bytes:
    """What boltcli shows if its stdout, or its stderr, is a terminal; ``columns``: its width, if it has one."""
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    environment = {**os.environ, "TERM": "xterm-256color", **environment}
    out, err = (subprocess.DEVNULL, theirs) if stderr else (theirs, None)
    with subprocess.Popen([*COMMAND, *argv], cwd=ROOT, stdout=out, stderr=err, env=environment):
        os.close(theirs)
        return read_terminal(ours)


def test_no_arguments_is_help() -> None:
    assert run() == run("--help")


def test_versions() -> None:
    from boltcli import __version__

    assert run("--version") == (0, f"boltcli version {__version__}\n".encode(), b"")
    assert run("-v") == run("--version")
    assert run("version")[1].startswith(f"boltcli Version: {__version__}\n".encode())


def test_an_unknown_command_gets_a_suggestion() -> None:
    status, out, err = run("chek")
    assert (status, out) == (1, b"")
    assert error_line(err) == b'unknown command "chek" for "boltcli"'
    assert b"Did you mean this?\n\tcheck\n" in err
