"""What people type first leads somewhere: names that there are, commands that go on, after bbolt's ``Error:`` line."""

from __future__ import annotations

import gzip
import json
import lzma
import shlex
import sqlite3
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from boltcli.cli.command_table import COMMANDS
from boltcli.cli.words_of_other_tools import nearest, suggestions
from tests.live import held
from tests.schema import run_json
from tests.support import ROOT, error_line, fixture, freelist, meta, page, run, small

DOCUMENT = str(fixture("document"))
SHOWN = shlex.quote(DOCUMENT)
KEY = "e-42bdab56-bb27-42ca-a4c2-62aeb0f76342"
FAULTS = ROOT.parent / "shared" / "data" / "faults"


def hints(*argv: str | Path) -> list[str]:
    """The hints of a call that fails; in text and in JSON they are the same."""
    status, _, err = run(*argv)
    assert status
    lines = err.decode().splitlines()
    found = [line.removeprefix("hint: ") for line in lines if line.startswith("hint: ")]
    if "--json" not in argv and argv[0] not in ("help",) and "unknown flag" not in lines[0]:
        last = json.loads(run(*argv, "--json")[2].splitlines()[-1])
        assert set(found) <= set(last.get("hint", "").split("\n"))
    return found


@pytest.mark.parametrize(
    ("argv", "error", "hint"),
    [
        (["keys"], "requires at least 2 arg(s), only received 0", "FILE is missing"),
        (["keys", DOCUMENT], "requires at least 2 arg(s), only received 1",
         "BUCKET is missing; this file has: execution, execution-history, execution-index"),
        (["get", DOCUMENT, "execution-history", KEY], 'Error key not found for key: "' + KEY,
         f"{KEY} is a bucket: boltcli keys {SHOWN} execution-history {KEY}"),
        (["keys", DOCUMENT, "exectuion"], "bucket not found", "did you mean execution?"),
        (["keys", DOCUMENT, "nosuch"], "bucket not found",
         "this file has the buckets: execution, execution-history, execution-index"),
        (["keys", DOCUMENT, "execution", "nosuch"], "bucket not found", "the bucket execution has no buckets"),
        (["keys", DOCUMENT, "execution", KEY], "bucket not found",
         f"{KEY} is a key, not a bucket: boltcli get {SHOWN} execution {KEY}"),
        (["export", "--bucket", "exec", DOCUMENT], "bucket not found", "this file has the buckets: "),
        (["get", DOCUMENT, "execution", KEY.upper()], "Error key not found", f"did you mean {KEY}?"),
        (["get", DOCUMENT, "execution", KEY[2:]], "Error key not found", f"did you mean {KEY}?"),
        (["get", DOCUMENT, "execution", KEY[:-1] + "x"], "Error key not found", f"did you mean {KEY}?"),
        (["get", DOCUMENT, "execution", "x"], "Error key not found", f"boltcli keys {SHOWN} execution lists"),
        (["get", fixture("integers"), "events", "42"], "Error key not found", "u64:42 exists: boltcli get "),
        (["get", fixture("integers"), "events", "000000000000002a"], "Error key not found", "hex:000000000000002a "),
        (["keys", "--fromat", "hex", DOCUMENT, "execution"], "unknown flag: --fromat", "did you mean --format"),
        (["compact", DOCUMENT, "new.db"], 'required flag(s) "output" not set',
         f"name the result with an option: boltcli compact -o new.db {SHOWN}"),
        (["surgery", "revert-meta-page", DOCUMENT, "new.db"], "accepts 1 arg(s), received 2",
         f"name the result with an option: boltcli surgery revert-meta-page -o new.db {SHOWN}"),
        (["check", DOCUMENT.replace("document", "documnet")], "source database file", f"did you mean {SHOWN}?"),
        (["check", ROOT / "fixtures"], "invalid database", "this is a folder; it contains "),
    ],
)  # fmt: skip
def test_hints(argv: list[str], error: str, hint: str) -> None:
    assert error_line(run(*argv)[2]).decode().startswith(error)
    found = hints(*argv)
    assert any(line.startswith(hint) for line in found), found


def test_commands_in_hints_do_what_they_say() -> None:
    for argv in (["get", DOCUMENT, "execution-history", KEY], ["get", str(fixture("integers")), "events", "42"]):
        (hint,) = hints(*argv)
        words = shlex.split(hint.partition("boltcli ")[2])
        assert run(*words)[0] == 0


def test_no_hints_when_quiet() -> None:
    assert b"hint: " not in run("keys", "-q", DOCUMENT, "nosuch")[2]


MEANT = {
    "repair": ("doctor", "recover", "check"), "fsck": ("doctor", "recover", "check"), "search": ("grep", "items"),
    "find": ("grep", "items"), "ls": ("buckets", "tree", "keys"), "cat": ("get", "items"),
    "dump-keys": ("keys", "items"),
    "verify": ("verify", "check"), "put": ("patch", "import", "export"), "delete": ("patch", "import", "export"),
    "images": ("view", "items", "keys"), "chek": ("check",), "comapct": ("compact",), "Keys": ("keys",),
    "defrag": ("compact",), "REPAIR": ("doctor", "recover", "check"), "repiar": ("doctor", "recover", "check"),
}  # fmt: skip


@pytest.mark.parametrize("word", [word for word in MEANT if word not in COMMANDS])
def test_commands_as_people_guess_them(word: str) -> None:
    expected = [name for name in MEANT[word] if name in COMMANDS]
    status, out, err = run(word, DOCUMENT)
    assert (status, out) == (1, b"")
    assert error_line(err) == f'unknown command "{word}" for "boltcli"'.encode()
    listed = err.decode().partition("Did you mean this?\n")[2].partition("\n\n")[0].split()
    assert listed == expected
    record = run(word, DOCUMENT, "--json")[2]
    assert f"did you mean {expected[0]}".encode() in record


def test_nothing_is_like_it() -> None:
    assert suggestions("zzzzzzzzz") == []
    assert nearest("abc", ["acb", "abd", "xyz", "bcade"]) == ["acb", "abd"]
    assert nearest("valid", ["update", "validate"]) == ["validate"]


@pytest.mark.parametrize("argv", ["surgery nosuch", "surgery meta valid x", "completion tcsh", "surgery freelist f"])
def test_an_unknown_part_of_a_group_is_an_error(argv: str) -> None:
    status, out, err = run(*argv.split())
    assert (status, out) == (1, b"")
    assert error_line(err).startswith(b'unknown command "')
    assert (b"surgery meta validate" in err) == ("valid" in argv)


def test_options_before_the_command() -> None:
    assert run("--json", "check", DOCUMENT) == run("check", "--json", DOCUMENT)
    assert run("-j", "info", DOCUMENT) == run("info", "-j", DOCUMENT)
    assert run("-q", "--previous", "get", DOCUMENT, "execution", KEY)[0] == 0
    assert run("--lock", "try", "check", DOCUMENT) == (0, b"OK\n", b"")


def test_flags_mean_the_same_everywhere(tmp_path: Path) -> None:
    assert run("get", "-f", "hex", DOCUMENT, "execution", KEY) == run(
        "get", "--format", "hex", DOCUMENT, "execution", KEY
    )
    assert run("page", "-f", "hex", DOCUMENT, "4") == run("page", "--format-value", "hex", DOCUMENT, "4")
    assert run("page", "--format", "hex", DOCUMENT, "4") == run("page", "-f", "hex", DOCUMENT, "4")
    status, _, err = run("surgery", "clear-page", "--page-id", "4", "-o", tmp_path / "new.db", DOCUMENT)
    assert (status, (tmp_path / "new.db").exists()) == (0, True), err


@pytest.mark.parametrize("value", ["x", "-1", str(1 << 64), "1.5", ""])
def test_numbers_out_of_range(value: str) -> None:
    """bbolt's words for bbolt's options, ours for ours."""
    ours = f'invalid argument "{value}" for "--jobs" flag: must be a whole number from 0 to {(1 << 64) - 1}'
    assert error_line(run("check", "--jobs", value, DOCUMENT)[2]) == ours.encode()
    theirs = f'invalid argument "{value}" for "--from-page" flag: strconv.ParseUint: parsing "{value}": '
    assert error_line(run("check", "--from-page", value, DOCUMENT)[2]).startswith(theirs.encode())


@pytest.mark.parametrize("timeout", ["2", "0.5", "2s", ".5"])
def test_a_timeout_in_seconds(timeout: str) -> None:
    assert run("check", "--timeout", timeout, DOCUMENT) == (0, b"OK\n", b"")


def packed(folder: Path) -> dict[str, Path]:
    """A database in each of the packings, and other things that are no database."""
    content = fixture("document").read_bytes()
    found = {name: folder / name for name in ("gzip", "xz", "a zip archive", "a tar archive", "a SQLite database")}
    found["gzip"].write_bytes(gzip.compress(content))
    found["xz"].write_bytes(lzma.compress(content))
    with zipfile.ZipFile(found["a zip archive"], "w") as archive:
        archive.writestr("x.db", content)
    with tarfile.open(found["a tar archive"], "w") as tar:
        tar.add(fixture("document"), "x.db")
    with sqlite3.connect(found["a SQLite database"]) as other:
        other.execute("create table x (y)")
    for name, text in (
        ("JSON", b'{"a": 1}' * 2000),
        ("text", b"caf\xc3\xa9\n" * 3000),
        ("a program (ELF)", b"\x7fELF" + bytes(9000)),
    ):
        found[name] = folder / name
        found[name].write_bytes(text)
    return found


def test_what_a_file_is_that_is_no_database(tmp_path: Path) -> None:
    """By its magic; where such a file can be opened all the same there is nothing to say."""
    for name, path in packed(tmp_path).items():
        status, _, err = run("check", path)
        if status:
            assert f"hint: this is {name}, not a bolt database" in err.decode(), name


def test_both_meta_pages_gone(tmp_path: Path) -> None:
    path = tmp_path / "gone.db"
    content = bytearray(fixture("document").read_bytes())
    content[: 2 * 16384] = bytes(2 * 16384)
    path.write_bytes(content)
    assert error_line(run("check", path)[2]) == b"invalid database"
    found = hints("check", path)
    assert found[0].startswith(
        "the file begins with zeros only; no valid meta page (magic ed0cdaed, version 2, checksum) at offset 0, "
    )
    assert "magic ed0cdaed" in found[0]
    assert len(found) == 1 + sum(name in COMMANDS for name in ("scan", "recover", "doctor"))


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    path.touch()
    assert "this is an empty file, not a bolt database" in hints("check", path)


def test_damage_names_what_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "damaged.db"
    root = page(3, 2, [(b"b", (4).to_bytes(8, "little") + bytes(8), b"\1")])
    path.write_bytes(small(freelist(2), root, page(9, 2, [(b"k", b"v")])))
    for words in ("keys", "check", "stats", "export"):
        found = hints(words, path, *(["b"] if words == "keys" else []))
        assert any("--previous" in line for line in found)
        for name in ("doctor", "recover"):
            assert any(f"boltcli {name} " in line for line in found) == (name in COMMANDS)
    assert any("--skip-damaged" in line for line in hints("keys", path, "b"))
    path.write_bytes(meta(0, hwm=5) + bytes(4096) + path.read_bytes()[8192:])
    assert not any("--previous" in line for line in hints("check", path))


def test_names_are_those_of_the_database_at_the_offset(tmp_path: Path) -> None:
    first, second = fixture("document").read_bytes(), fixture("many-free").read_bytes()
    path = tmp_path / "two.db"
    path.write_bytes(first + second)
    assert hints("keys", "--offset", str(len(first)), path) == ["BUCKET is missing; this file has: kept"]
    assert hints("keys", path)[0].startswith("BUCKET is missing; this file has: execution, ")


def test_who_holds_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "held.db"
    path.write_bytes(fixture("document").read_bytes())
    with held(path):
        assert hints("check", "--lock", "wait", "--timeout", "1ms", path) == [
            f"boltcli lock {shlex.quote(str(path))} shows the holder; --lock auto reads without the lock"
        ]


def test_a_file_alone_shows_a_summary() -> None:
    status, out, err = run(DOCUMENT)
    assert (status, err) == (0, b"")
    assert out.startswith(run("info", DOCUMENT)[1])
    words = [line for line in out.decode().splitlines() if "boltcli " in line]
    assert [line.split()[1] for line in words] == ["tree", "check", "view", "audit"]
    for line in words:
        command = shlex.split(line.partition("boltcli ")[2])
        assert run(*command[: command.index(DOCUMENT) + 1])[0] == 0
    assert run("./no-such-file")[0] == 1


def _done(hint: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a hint, in a shell."""
    line = "boltcli" + hint.partition("boltcli")[2].partition(" shows it")[0]
    return subprocess.run(["sh", "-c", line.partition("  (")[0]], cwd=ROOT, capture_output=True)


@pytest.mark.slow
def test_a_view_is_found_by_its_name() -> None:
    etcd = str(fixture("etcd-3.6"))
    for words, view in ((["members", etcd], "members"), (["snapshot", "status", etcd], "status"),
                        (["hash", etcd], "hashkv"), (["executions", DOCUMENT], "executions")):  # fmt: skip
        (hint,) = hints(*words)
        assert f" {view} shows it: " in hint
        assert _done(hint).stdout == run("view", words[-1], view)[1]
    assert hints("zzzz", DOCUMENT) == []
    assert hints("images", DOCUMENT) == []


@pytest.mark.slow
def test_a_key_of_etcd_leads_to_its_view() -> None:
    etcd, key = str(fixture("etcd-3.6")), "/registry/namespaces/default"
    for words in (["get", etcd, "key", key], ["get", etcd, key]):
        assert key.encode() in _done(hints(*words)[-1]).stdout


def test_buckets_with_slashes_between_them() -> None:
    nested = str(fixture("nested-8"))
    (hint,) = hints("keys", nested, "level-1/level-2")
    assert _done(hint).stdout == run("keys", nested, "level-1", "level-2")[1]
    assert not any("word of its own" in hint for hint in hints("keys", nested, "level-1/nosuch"))


@pytest.mark.parametrize(
    ("argv", "hint"),
    [
        (["check", "--format", "json", DOCUMENT], "did you mean --json?"),
        (["check", "-r", DOCUMENT], "did you mean --recursive?"),
        (["check", "--strict", DOCUMENT], "did you mean --deep?"),
        (["nosuch/file.db"], "there is no file nosuch/file.db"),
        (["recover", DOCUMENT], f"name the result with an option: boltcli recover -o DEST {SHOWN}"),
        (["grep", "x", "fixtures"], "--recursive reads all databases in it"),
        (["check", "fixtures"], "--recursive reads all databases in it"),
    ],
)
def test_what_other_tools_call_it(argv: list[str], hint: str) -> None:
    assert hint in hints(*argv)


def test_an_invalid_value_is_not_called_a_missing_argument() -> None:
    assert hints("keys", "--limit", "x", DOCUMENT, "execution") == []


def test_the_manual_by_any_word() -> None:
    assert run("help", "sql")[1].startswith(b"# SQL")  # the page, although there is a command of this name
    assert b"topics that mention it: apps" in run("help", "etcd")[2]
    assert b"topics: about, apps, audit" in run("help", "zzzz")[2]


def test_a_damaged_file_alone_shows_what_saves_it(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    content = bytearray(small(freelist(2), page(3, 2, [(b"a", b"1")])))
    content[3 * 4096 + 24 : 3 * 4096 + 28] = b"\xff\xff\0\0"  # the size of the key
    path.write_bytes(content)
    steps = [line.split()[1] for line in run(path)[1].decode().splitlines() if line.startswith("  boltcli")]
    assert steps[:2] == ["doctor", "recover"]


def test_grep_in_folders(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.db").write_bytes(fixture("one-bucket").read_bytes())
    (tmp_path / "text").write_text("widgets")
    assert run("grep", "-rl", "widgets", tmp_path)[:2] == (0, f"{tmp_path}/inner/a.db\n".encode())


def test_hints_reach_a_shell_whatever_the_names_are(tmp_path: Path) -> None:
    """A path with blanks and quotes, a name of bytes: the command of a hint can be pasted."""
    path = tmp_path / "it's a file.db"
    inner = bytes(16) + page(0, 2, [(b"\xff", b"v")], page_size=0)
    outer = bytes(16) + page(0, 2, [(b"\xff\n", inner, b"\1")], page_size=0)
    path.write_bytes(small(freelist(2), page(3, 2, [(b"a b", outer, b"\1")])))
    (hint,) = hints("get", path, "a b", "hex:ff0a")
    done = subprocess.run(["sh", "-c", hint.partition("bucket: ")[2]], cwd=ROOT, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"ff\n", b"")


@pytest.mark.skipif(not FAULTS.exists(), reason="the shared data is not here")
@pytest.mark.parametrize("path", sorted(FAULTS.glob("*.db")) if FAULTS.exists() else [], ids=lambda path: path.stem)
def test_hints_survive_every_damage(path: Path) -> None:
    if path.stem in ("inline3900", "inline1000", "hwm2e33", "hwm2e31-1112", "bdag3x80", "amp4000"):
        pytest.skip("takes long, for another reason")
    for words in ([path, "nosuch"], [path, "key", "nosuch"], [path]):
        status, _, err = run("get", *words)
        assert status == 1
        assert err.startswith((b"Error: ", b"warning: "))
    run_json("get", path, "key", "nosuch")
