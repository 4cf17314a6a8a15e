"""Completion: what may follow on a line, and the same in real shells."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from boltcli.cli import shell_words
from boltcli.cli.values import address
from tests.cli.shells import Shell
from tests.support import fixture, freelist, page, pgid, run, small

DOCUMENT = str(fixture("document"))
E_9 = "e-9a937556-ac83-49ec-b794-a94c3aa068b2"
ROOT_NAMES = ["execution", "execution-history", "execution-index"]


def offered(*words: str) -> list[str]:
    status, out, err = run("__complete", "plain", *words)
    assert (status, err) == (0, b"")
    return out.decode().splitlines()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ke"], ["keys"]),
        (["pag"], ["pages", "page", "page-item"]),
        (["nosuch", ""], []),
        (["-"], ["--help", "--version"]),
        (["surgery", "fre"], ["freelist"]),
        (["surgery", "meta", ""], ["validate", "update"]),
        (["surgery", "nosuch", ""], []),
        (["help", "opt"], ["options"]),
        (["help", "e"], ["export", "exit-status", "example"]),
        (["help", "au"], ["audit"]),  # a command and a topic
        (["help", "surgery", "meta", ""], ["validate", "update"]),
        (["schema", "opt"], []),
        (["view", DOCUMENT, "ex"], ["executions"]),
        (["view", "--app", "etcd", DOCUMENT, "le"], ["leases"]),
        (["view", "--app", "nosuch", DOCUMENT, ""], []),
        (["view", str(fixture("values")), ""], []),  # of no application
        (["view", DOCUMENT, "executions", ""], []),
        (["export", DOCUMENT, "--view", "ev"], ["evaluations", "events"]),
        (["diff", "--view", ""], []),
        (["help", "surgery", "clear-page"], ["clear-page", "clear-page-elements"]),
        (["keys", ""], [":file"]),
        (["surgery", "clear-page", "--output", ""], [":file"]),
        (["compact", "-o", ""], [":file"]),
        (["keys", "--format", "h"], ["hex"]),
        (["keys", "-f", "by"], ["bytes"]),
        (["keys", "--format=red"], ["--format=redacted"]),
        (["page", "--a"], ["--all"]),
        (["keys", DOCUMENT, "exec"], ROOT_NAMES),
        (["keys", "--", DOCUMENT, "execution-i"], ["execution-index"]),
        (["keys", "--format", "hex", DOCUMENT, "execution-i"], ["execution-index"]),
        (["stats", DOCUMENT, "execution-h"], ["execution-history"]),
        (["stats", DOCUMENT, "execution", ""], []),
        (["keys", DOCUMENT, "execution-history", "e-9"], [E_9]),
        (["keys", DOCUMENT, "execution", ""], []),  # pairs only: no bucket in it
        (["get", DOCUMENT, "execution", "e-9"], [E_9]),
        (["get", DOCUMENT, "execution-history", E_9, ""], ["001", "002", "003"]),
        (["get", "--parse-format", "hex", DOCUMENT, "execution", "652d39"], [E_9.encode().hex()]),
        (["get", "--parse-format=hex", DOCUMENT, "execution", "652d3"], 2),
        (["check", DOCUMENT, ""], []),
        (["keys", "missing.db", ""], []),
        (["keys", str(Path(__file__).parent), ""], []),
        (["keys", __file__, ""], []),
        (["keys", DOCUMENT, "nosuch", ""], []),
    ],
)
def test_what_is_offered(words: list[str], expected: list[str] | int) -> None:
    found = offered(*words)
    assert found == expected if isinstance(expected, list) else len(found) == expected


def test_names_that_cannot_be_typed_are_left_out() -> None:
    found = offered("keys", str(fixture("bucket-newline")), "")
    assert 'quote"d' in found
    assert all(name.isprintable() for name in found)


def test_binary_names_are_offered_in_hexadecimal() -> None:
    integers = str(fixture("integers"))
    name = offered("keys", integers, "")[0]
    keys = offered("get", integers, name, "hex:")
    assert keys
    assert all(key.startswith("hex:") for key in keys)
    assert offered("get", integers, name, keys[0][:-1])[0] == keys[0]
    assert run("get", integers, name, keys[0])[0] == 0
    assert offered("keys", DOCUMENT, "str:exec") == []  # they are typed without it


def test_many_keys(tmp_path: Path) -> None:
    """Some of them, the last one too: what the shell finds them to have in common has to hold for all."""
    leaves = [page(5 + i, 2, [(b"a%02d%02d" % (i, k), b"") for k in range(100)]) for i in range(20)]
    branch = page(4, 1, [(b"a%02d00" % i, pgid(5 + i)) for i in range(20)])
    root = page(3, 2, [(b"many", pgid(4) + pgid(0), b"\1")])
    path = tmp_path / "db"
    path.write_bytes(small(freelist(2), root, branch, *leaves))
    found = offered("get", str(path), "many", "a")
    assert len(found) < 600
    assert found[0] == "a0000"
    assert found[-1] == "a1999"
    assert offered("get", str(path), "many", "a19") == [f"a19{k:02}" for k in range(100)]
    assert offered("get", str(path), "many", "a0599") == ["a0599"]
    assert offered("get", str(path), "many", "b") == []


def test_descriptions() -> None:
    status, out, err = run("__complete", "described", "buc")
    assert (status, out, err) == (0, b"buckets\tList the top-level buckets.\n", b"")
    assert run("__complete") == run("__complete", "plain", "")
    assert run("__complete", "plain=", "surgery", "=") == run("__complete", "plain", "surgery", "")
    assert run("__complete", "described=", "=buc")[1] == out


@pytest.mark.parametrize(
    ("line", "part", "words", "names", "written"),
    [
        ("boltcli keys f a", "a", ["keys", "f", "a"], ["a b", 'q"'], ["a\\ b", 'q\\"']),
        ("boltcli keys f ", "", ["keys", "f", ""], ["x"], ["x"]),
        ('boltcli keys "my f', '"my f', ["keys", "my f"], ["my f$"], ["my f\\$"]),
        ("boltcli keys 'my f", "'my f", ["keys", "my f"], ["my f$", "it's"], ["my f$"]),
        ("boltcli keys my\\ f", "my\\ f", ["keys", "my f"], ["my f"], ["my\\ f"]),
        ("boltcli keys f a:b", "b", ["keys", "f", "a:b"], ["a:bc"], ["bc"]),
        ("boltcli keys --format=h", "h", ["keys", "--format=h"], ["--format=hex"], ["hex"]),
        ('boltcli "a\\"b" "\\x', '"\\x', ['a"b', "\\x"], [], []),
        ("boltcli keys f ", "", ["keys", "f", ""], [":$(x)", "~", "!x"], [":\\$\\(x\\)", "\\~", "\\!x"]),
        ("boltcli keys f :", "", ["keys", "f", ":"], [":$(x)"], ["\\$\\(x\\)"]),
        ("boltcli keys f ':'a:", "", ["keys", "f", ":a:"], [":a:;x", "other"], ["\\;x"]),
        ('boltcli keys f "a', '"a', ["keys", "f", "a"], ["a!b", "a$b"], ["a\\$b"]),
    ],
)
def test_lines_of_bash(line: str, part: str, words: list[str], names: list[str], written: list[str]) -> None:
    found, raw, quote = shell_words.split(line)
    assert found == ["boltcli", *words]
    assert shell_words.written(names, part, raw, quote) == written


SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(boltcli completion bash)"'),
    "zsh": (
        ["zsh", "-f", "-i"],
        "unset zle_bracketed_paste; autoload -Uz compinit; compinit -u; "
        'eval "$(boltcli completion zsh --no-descriptions)"',
    ),
    "fish": (
        ["fish", "--no-config", "-i"],
        "function fish_prompt; echo '> '; end; boltcli completion fish | source",
    ),
}


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shell]:
    argv, setup = SHELLS[request.param]
    if shutil.which(argv[0]) is None:
        pytest.skip(f"there is no {argv[0]} here")
    shutil.copy(DOCUMENT, tmp_path / "my doc.db")
    shutil.copy(fixture("bucket-newline"), tmp_path / "names.db")
    running = Shell(argv, setup, tmp_path)
    yield running
    running.close()


# Whatever a shell could expand or run; those that can't be shown are in hexadecimal.
NAMES = [
    ":$(touch made)", ":`touch made`", "::", "a:$(touch made)", "a=;touch made", "~root", "!!", "a\\", "'", '"', "-a",
    ":file", ";touch made",
    "|touch made", "{a,b}", "*", "#", "^a^b", "\n;touch made", "$(touch\nmade)", "\x1b[31m", "a b",
    "@a", "%1",
]  # fmt: skip


def test_a_bucket_of_the_name_that_means_a_file(tmp_path: Path) -> None:
    path = _with_bucket(tmp_path / "db", ":file")
    assert offered("keys", path, "") == ["str::file"]
    assert run("__complete", "bash", f"boltcli keys {shlex.quote(str(path))} ", "")[1] == b"str::file\n"
    assert run("__complete", "bash", "boltcli keys ", "")[1] == b":file\n"


def _with_bucket(path: Path, name: str) -> str:
    path.write_bytes(small(freelist(2), page(3, 2, [(name.encode(), pgid(4) + pgid(0), b"\1")]), page(4, 2, [])))
    return str(path)


@pytest.mark.slow
def test_names_are_only_names(shell: Shell, tmp_path: Path) -> None:
    for at, name in enumerate(NAMES):
        _with_bucket(tmp_path / f"f{at}.db", name)
        *_, last = shell.arguments(f"boltcli keys f{at}.db \t")
        assert address(last) == name.encode(), last
    for at in (0, 1, 2):
        assert shell.arguments(f"boltcli keys f{at}.db :\t")[2:] == [NAMES[at]]
    assert shell.arguments("boltcli keys f3.db a:\t")[2:] == [NAMES[3]]
    assert not (tmp_path / "made").exists()


@pytest.mark.slow
def test_in_a_shell(shell: Shell) -> None:
    for typed, expected in [
        ("boltcli key\tnam\tpare\t", ["keys", "names.db", "parent"]),
        ("boltcli get my\\ d\texecution e-9\t", ["get", "my doc.db", "execution", E_9]),
        ("boltcli surg\tfree\taba\t--out\tx", ["surgery", "freelist", "abandon", "--output", "x"]),
        ("boltcli keys names.db 'quo\t", ["keys", "names.db", 'quote"d']),
        ("boltcli view my\\ d\texecu\t", ["view", "my doc.db", "executions"]),
        ("boltcli help exit\t", ["help", "exit-status"]),
    ]:
        assert shell.arguments(typed) == expected
