"""What every command that writes a file keeps: no source is ever replaced, and secrets stay as private as they were."""

from __future__ import annotations

import io
import json
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from boltcli.cli.command_table import COMMANDS
from boltcli.cli.registry import find
from boltcli.render import json_streams
from boltcli.render.row_files import FORMATS
from boltcli.text.values import shell_quoted
from tests.support import ROOT, error_line, fixture, run

pytestmark = pytest.mark.skipif(os.name == "nt", reason="permissions, links and descriptors of POSIX")

STORE = fixture("bacalhau-compute-1.4")
# FILE is the source, DEST the destination, CHANGES and LINES the other inputs. "force": --force replaces DEST.
# The ending of DEST chooses the form.
TABLE: dict[str, tuple[str, ...]] = {
    "compact": ("compact -o DEST FILE", "compact --dense -o DEST FILE"),
    "recover": ("recover -o DEST FILE",),
    "redact": ("redact -o DEST FILE", "redact --keys -o DEST FILE"),
    "doctor": ("doctor --fix -o DEST FILE",),
    "export": (
        "export -o DEST FILE",
        *(f"export -o DEST.{ending} FILE" for ending in ("ndjson", "json", "csv", "sqlite", "parquet", "arrow")),
        *(f"export --view executions -o DEST.{ending} FILE" for ending in ("ndjson", "json", "sqlite", "parquet")),
        "export --format sqlite --all-views -o DEST FILE",
    ),
    "report": ("report -o DEST FILE", "report -o DEST LINES FILE"),
    "map": ("map --svg -o DEST FILE", "map --png -o DEST FILE", "map --svg FILE DEST", "map --svg --json -o DEST FILE"),
    "metrics": ("metrics -o DEST FILE", "metrics --json -o DEST FILE", "metrics -o DEST.ndjson FILE"),
    "audit": ("audit --changes DEST FILE", "audit -o DEST.ndjson FILE", "audit -o DEST.json FILE"),
    "sql": tuple(f"sql -o DEST{ending} 'SELECT * FROM pairs' FILE" for ending in FORMATS),
    "view": ("view -o DEST.csv FILE executions", "view -o DEST.json FILE executions", "view -o DEST.ndjson FILE"),
    "deleted": ("deleted -o DEST FILE", "deleted -o DEST.json FILE"),
    "patch": ("patch -o DEST FILE CHANGES",),
    "import": ("import -o DEST LINES",),
    "check": ("check -o DEST.csv FILE", "check -o DEST.ndjson --jobs 2 FILE LINES"),
    "verify": ("verify -o DEST.json FILE", "verify -o DEST.parquet FILE"),
    "stats": ("stats -o DEST.csv FILE",),
    "du": ("du -o DEST.csv FILE",),
    "info": ("info -o DEST.csv FILE",),
    "surgery clear-page": ("surgery clear-page --pageId 4 --output DEST FILE",),
    "surgery clear-page-elements": (
        "surgery clear-page-elements --pageId 4 --from-index 0 --to-index 1 --output DEST FILE",
    ),
    "surgery copy-page": ("surgery copy-page --from-page 4 --to-page 5 --output DEST FILE",),
    "surgery freelist abandon": ("surgery freelist abandon --output DEST FILE",),
    "surgery freelist rebuild": ("surgery freelist rebuild --output DEST FILE",),
    "surgery meta update": ("surgery meta update --meta-page 0 --fields pageSize:4096 --output DEST FILE",),
    "surgery revert-meta-page": ("surgery revert-meta-page --output DEST FILE",),
}  # fmt: skip
LINES = [line for lines in TABLE.values() for line in lines]
# Their result is for anybody: no key and no value is in it.
PUBLIC = ("map", "metrics")


def _writes(name: str) -> bool:
    command = find(name)
    assert command is not None
    return any(option.kind == "result" for option in command.options)


def test_the_table_has_every_command_that_writes() -> None:
    assert {name for name in COMMANDS if _writes(name)} == TABLE.keys()


@pytest.fixture
def files(tmp_path: Path, request: pytest.FixtureRequest) -> dict[str, Path]:
    """What commands read."""
    lines, changes, source = tmp_path / "lines", tmp_path / "changes", tmp_path / "source"
    line = getattr(request.node, "callspec", None) and request.node.callspec.params.get("line", "")
    lines.write_bytes(b'{"bucket":["a"],"key":"x","value":"1"}\n{"end":true,"pairs":1,"buckets":0}\n')
    changes.write_bytes(b'{"op":"add","bucket":["new"]}\n{"op":"add","bucket":["new"],"key":"k","new":"secret"}\n')
    if line and line.startswith("surgery freelist rebuild"):
        run("surgery", "freelist", "abandon", STORE, "--output", source)
    else:
        shutil.copy(STORE, source)
    return {"FILE": source, "LINES": lines, "CHANGES": changes}


def _words(line: str, files: dict[str, Path], dest: str) -> list[str]:
    """The arguments of ``line``; DEST, with its ending, becomes ``dest``."""
    return [dest if word.split(".")[0] == "DEST" else str(files.get(word, word)) for word in shlex.split(line)]


def _ending(line: str) -> str:
    return next((word[4:] for word in line.split() if word.startswith("DEST.")), "")


def _can_force(line: str) -> bool:
    command = next(find(name) for name in sorted(TABLE, key=len, reverse=True) if line.startswith(name + " "))
    assert command is not None
    return any(option.name == "force" and option.help.startswith("Replace") for option in command.options)


def _names(of: Path, ending: str, folder: Path) -> Iterator[str]:
    """Other names of the file ``of`` that have the ``ending``, each with its way."""
    if not ending:
        yield str(of)
        yield os.path.relpath(of)
        yield os.path.join(of.parent, os.curdir, of.name)
    hard, soft, twice = (folder / f"{name}{ending}" for name in ("hard", "soft", "twice"))
    hard.hardlink_to(of)
    soft.symlink_to(of)
    twice.symlink_to(soft.name)
    yield str(hard)
    yield os.path.relpath(hard)
    yield str(soft)
    yield str(twice)
    if not ending and os.path.isdir("/proc/self/fd"):
        descriptor = os.open(of, os.O_RDONLY)
        yield f"/dev/fd/{descriptor}"
        yield f"/proc/self/fd/{descriptor}"
        os.close(descriptor)


@pytest.mark.slow
@pytest.mark.parametrize("line", LINES)
def test_a_source_is_never_replaced(
    line: str, files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = {path: path.read_bytes() for path in files.values()}
    for kind, path in files.items():
        if kind not in line.split():
            continue
        folder = tmp_path / kind
        folder.mkdir()
        for dest in _names(path, _ending(line), folder):
            for force in [[], ["--force"]] if _can_force(line) else [[]]:
                words = [*_words(line, files, dest), *force, "--json"]
                status, _, err = run(*words)
                assert status != 0, words
                found = json.loads(err.splitlines()[-1])
                kinds = {"destination-is-source"}
                if line.startswith("surgery "):  # bbolt looks at the destination first
                    kinds = {"step-failed", "destination-exists"}
                assert found["kind"] in kinds, (words, found)
                assert {each: each.read_bytes() for each in files.values()} == before, words
                assert not list(tmp_path.rglob(".boltcli-*")), words
        assert (folder / f"soft{_ending(line)}").is_symlink()
        assert os.path.samefile(folder / f"hard{_ending(line)}", path)


@pytest.mark.slow
@pytest.mark.parametrize("line", [
    "verify --resume OTHER.csv -o DEST.csv FILE", "check --files-from OTHER -o DEST.csv FILE",
    "export --proto OTHER --message m -o DEST FILE", "sql -o DEST.csv 'SELECT 1' FILE OTHER",
    "report -o DEST OTHER FILE", "metrics -o DEST OTHER FILE",
])  # fmt: skip
def test_nor_any_other_file_that_is_named(line: str, files: dict[str, Path], tmp_path: Path) -> None:
    """Also one that can't be opened as what it should be."""
    other = tmp_path / ("OTHER.csv" if "OTHER.csv" in line else "OTHER")
    for content in (b"", b"text", fixture("inline").read_bytes()):
        other.write_bytes(content)
        link = tmp_path / f"link{_ending(line)}"
        link.unlink(missing_ok=True)
        link.hardlink_to(other)
        force = ["--force"] if _can_force(line) or line.startswith(("verify", "check")) else []
        words = [word.replace("OTHER", str(tmp_path / "OTHER")) for word in _words(line, files, str(link))]
        assert run(*words, *force)[0] != 0
        assert link.read_bytes() == content
        assert os.path.samefile(link, other)


def test_a_file_without_permissions_is_one_too(files: dict[str, Path], tmp_path: Path) -> None:
    """What can't be opened was named all the same."""
    folder = tmp_path / "locked"
    folder.mkdir()
    unreadable = folder / "db"
    unreadable.write_bytes(b"no database")
    unreadable.chmod(0)
    assert run("metrics", unreadable, "-o", unreadable)[0] != 0
    unreadable.chmod(0o600)
    assert unreadable.read_bytes() == b"no database"


def test_packed_files_and_folders_are_sources(tmp_path: Path, files: dict[str, Path]) -> None:
    import gzip
    import zipfile

    packed = tmp_path / "db.gz"
    packed.write_bytes(gzip.compress(STORE.read_bytes()))
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(STORE, "inner/db")
    inside = tmp_path / "etcd" / "member" / "snap"
    inside.mkdir(parents=True)
    shutil.copy(STORE, inside / "db")
    for path, source in (
        (packed, packed),
        (archive, archive),
        (Path(f"{archive}!inner/db"), archive),
        (tmp_path / "etcd", inside / "db"),
    ):
        before = source.read_bytes()
        for command in ("compact", "redact", "export", "recover"):
            _, _, err = run(command, path, "-o", source, "--force")
            assert b" is the source database" in error_line(err) or b"one of the files" in error_line(err)
            assert source.read_bytes() == before
        link = tmp_path / "x.ndjson"
        link.unlink(missing_ok=True)
        link.hardlink_to(source)
        assert run("verify", "--jobs", "2", path, STORE, "-o", link, "--force")[0] != 0
        assert source.read_bytes() == before


def test_files_found_by_a_pattern_or_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("a.csv", "b.csv"):
        shutil.copy(STORE, folder / name)
    before = (folder / "a.csv").read_bytes()
    for words in (["--recursive", str(folder)], [str(folder / "*.csv")]):
        for jobs in ("1", "2"):
            assert run("verify", *words, "--jobs", jobs, "-o", folder / "a.csv", "--force")[0] != 0
            assert run("metrics", *words, "-o", folder / "a.csv", "--force", "--jobs", jobs)[0] != 0
            assert (folder / "a.csv").read_bytes() == before


def test_the_rows_so_far_are_not_written_into_a_source(tmp_path: Path, files: dict[str, Path]) -> None:
    partial = tmp_path / "r.csv.partial"
    shutil.copy(STORE, partial)
    assert run("check", partial, "-o", tmp_path / "r.csv", "--force")[0] != 0
    assert partial.read_bytes() == STORE.read_bytes()


def test_results_are_continued_in_their_own_file(tmp_path: Path, files: dict[str, Path]) -> None:
    results = tmp_path / "r.ndjson"
    assert run("check", files["FILE"], "-o", results)[0] == 0
    assert b"1 from the earlier" in run("check", files["FILE"], "-o", results, "--resume", results)[1]
    assert [json.loads(line)["ok"] for line in results.read_bytes().splitlines()] == [True]
    link = tmp_path / "link.ndjson"
    link.hardlink_to(results)
    assert run("check", files["FILE"], "-o", link, "--resume", results, "--force")[0] != 0
    shutil.copy(files["FILE"], link.with_suffix(".csv"))
    assert run("check", link.with_suffix(".csv"), "-o", link.with_suffix(".csv"), "--resume", link.with_suffix(".csv"))[
        0
    ]
    assert link.with_suffix(".csv").read_bytes() == STORE.read_bytes()


def test_in_place_is_the_one_way(files: dict[str, Path]) -> None:
    assert run("patch", files["FILE"], files["CHANGES"], "--in-place")[0] == 0
    assert run("get", files["FILE"], "new", "k")[1] == b"secret\n"


def test_output_into_the_source(files: dict[str, Path]) -> None:
    """The shell opened it: with ``>>`` or ``1<>`` it is still whole."""
    before = files["FILE"].read_bytes()
    for mode in ("ab", "r+b"):
        with files["FILE"].open(mode) as out:
            command = [sys.executable, "-m", "boltcli", "keys", str(files["FILE"]), "execution"]
            done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, cwd=ROOT, check=False)
        assert (done.returncode, files["FILE"].read_bytes()) == (1, before)
        assert b"is the source database" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    ["check FILE", "page FILE 3", "dump FILE 3", "check OTHER FILE", "metrics OTHER FILE", "scan OTHER FILE",
     "sql SELECT*FROM:pairs OTHER FILE", "check ADDRESS", "patch OTHER FILE -o NEW"],
)  # fmt: skip
def test_nothing_is_written_before_it_is_known_that_the_output_is_a_source(line: str, files: dict[str, Path]) -> None:
    before = files["FILE"].read_bytes()
    shutil.copy(STORE, other := files["FILE"].with_name("another.db"))
    words = {
        "OTHER": str(other),
        "FILE": str(files["FILE"]),
        "ADDRESS": f"file://{files['FILE']}",
        "NEW": f"{other}.new",
    }
    for mode in ("ab", "r+b"):
        with files["FILE"].open(mode) as out:
            argv = [words.get(word, word.replace(":", " ")) for word in line.split()]
            command = [sys.executable, "-m", "boltcli", *argv]
            done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, cwd=ROOT, check=False)
        assert (done.returncode != 0, files["FILE"].read_bytes()) == (True, before)
        assert b"is the source database" in done.stderr or b"one of the files that are read" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["ab", "r+b"])
def test_standard_input_is_no_place_for_the_output(mode: str, files: dict[str, Path]) -> None:
    before = files["FILE"].read_bytes()
    for words in (["check", "-"], ["export", "-"]):
        with files["FILE"].open("rb") as source, files["FILE"].open(mode) as out:
            command = [sys.executable, "-m", "boltcli", *words]
            done = subprocess.run(command, stdin=source, stdout=out, stderr=subprocess.PIPE, cwd=ROOT, check=False)
        assert (done.returncode, files["FILE"].read_bytes()) == (1, before)
        assert b"is the source database" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("form", ["file://{}", "local://{}", "simplecache::file://{}"])
@pytest.mark.parametrize(
    "line", ["compact", "recover", "redact", "export", "report", "verify --force", "verify --recursive"]
)
def test_a_file_named_by_an_address_is_a_source(line: str, form: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    shutil.copy(STORE, path)
    source = form.format(tmp_path if "--recursive" in line else path)
    for dest in (path, tmp_path / "b.csv"):
        if dest != path:
            dest.hardlink_to(path)
        assert run(*line.split(), "--force", "-o", dest, source)[0] != 0
        assert path.read_bytes() == dest.read_bytes() == STORE.read_bytes()


def test_the_library_refuses_a_file_that_is_open(tmp_path: Path) -> None:
    import boltcli

    path, link, other = tmp_path / "db", tmp_path / "link", tmp_path / "other"
    shutil.copy(STORE, path)
    link.hardlink_to(path)
    with boltcli.open(path), pytest.raises(boltcli.DestinationIsSource):
        boltcli.compact(STORE, link, replace=True)
    for source in (path, f"file://{path}"):
        with pytest.raises(boltcli.DestinationIsSource):
            boltcli.compact(source, link, replace=True)
    boltcli.compact(path, other)
    boltcli.compact(STORE, path, replace=True)  # it isn't open any more
    boltcli.compact(other, path, replace=True)


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)


def _made(line: str, files: dict[str, Path], dest: Path, *more: str) -> Path:
    err = run(*_words(line, files, str(dest)), *more)[2]
    assert dest.exists(), err
    return dest


@pytest.mark.sampled(3)
@pytest.mark.slow
@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("mask", [0, 0o22, 0o277], ids=oct)
@pytest.mark.parametrize("line", LINES)
def test_what_holds_keys_or_values_is_as_private_as_they_were(
    line: str, mask: int, files: dict[str, Path], tmp_path: Path
) -> None:
    if line.startswith("doctor"):
        _damage(files["FILE"])
    for path in files.values():
        path.chmod(0o600)
    os.umask(mask)
    dest = _made(line, files, tmp_path / f"dest{_ending(line)}")
    if line.startswith(PUBLIC):
        assert _mode(dest) == 0o666 & ~mask
    else:
        assert _mode(dest) == 0o600
    if _can_force(line):
        dest.chmod(0o644)
        _made(line, files, dest, "--force")
        assert _mode(dest) == (0o644 if line.startswith(PUBLIC) else 0o600)


def _damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    newest = max((0, 1), key=lambda slot: int.from_bytes(content[slot * 4096 + 64 : slot * 4096 + 72], "little"))
    root = int.from_bytes(content[newest * 4096 + 32 : newest * 4096 + 40], "little")
    content[root * 4096] ^= 1  # its own id
    path.write_bytes(content)


@pytest.mark.slow
@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("name", ["FILE", "CHANGES"])
def test_the_most_private_source_counts(name: str, files: dict[str, Path], tmp_path: Path) -> None:
    for path in files.values():
        path.chmod(0o644)
    files[name].chmod(0o600)
    assert _mode(_made("patch -o DEST FILE CHANGES", files, tmp_path / "patched")) == 0o600
    if name == "FILE":
        words = ("sql", "-o", tmp_path / "rows.csv", "SELECT * FROM pairs", fixture("inline"), files["FILE"])
        assert run(*words)[0] == 0
        assert _mode(tmp_path / "rows.csv") == 0o600
        run("report", "-o", tmp_path / "report", fixture("inline"), files["FILE"])
        assert _mode(tmp_path / "report") == 0o600


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize(("mode", "result"), [(0o644, 0o644), (0o640, 0o640), (0o400, 0o600), (0o664, 0o664)])
def test_a_result_has_the_permissions_of_its_source(
    mode: int, result: int, files: dict[str, Path], tmp_path: Path
) -> None:
    files["FILE"].chmod(mode)
    assert _mode(_made("export -o DEST FILE", files, tmp_path / "rows")) == result


@pytest.mark.usefixtures("umask")
def test_rows_so_far_are_private_too(tmp_path: Path, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from boltcli.cli import results_file

    files["FILE"].chmod(0o600)
    monkeypatch.setattr(results_file.ResultsFile, "commit", lambda self: None)
    run("check", files["FILE"], "-o", tmp_path / "r.csv")
    assert _mode(tmp_path / "r.csv.partial") == 0o600
    (tmp_path / "r.csv.partial").chmod(0o644)
    run("check", files["FILE"], "-o", tmp_path / "r.csv", "--resume", tmp_path / "r.csv")
    assert _mode(tmp_path / "r.csv.partial") == 0o600


@pytest.mark.slow
@pytest.mark.usefixtures("umask")
def test_what_came_through_a_pipe_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-m", "boltcli"]
    for words in (["export"], ["compact"], ["redact"]):
        dest = tmp_path / words[0]
        subprocess.run([*command, *words, "-o", dest, "-"], input=STORE.read_bytes(), cwd=ROOT, check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
        assert _mode(dest) == 0o600


@pytest.mark.slow
@pytest.mark.parametrize("line", LINES)
def test_an_existing_destination_is_one_kind_of_error(line: str, files: dict[str, Path], tmp_path: Path) -> None:
    dest = tmp_path / f"dest{_ending(line)}"
    dest.write_bytes(b"precious")
    words = [*_words(line, files, str(dest)), "--json", "--exit-status", "detailed"]
    if line.startswith("metrics") and not _ending(line):
        return  # it is replaced each time, as a monitoring system wants it
    status, _, err = run(*words)
    found = json.loads(err.splitlines()[-1])
    assert dest.read_bytes() == b"precious"
    if line.startswith("surgery "):
        assert found["kind"] == "step-failed"
        return
    assert (status, found["kind"]) == (2, "destination-exists"), found
    assert ("--force replaces it" in found.get("hint", "")) == _can_force(line)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
@pytest.mark.parametrize("line", [line for line in LINES if not line.startswith("map --svg FILE")])
def test_standard_output_or_a_clear_refusal(
    line: str, name: str, files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = _words(line, files, name)
    status, out, err = run(*words)
    assert not Path("-").exists()
    if status:
        assert b"standard output" in err or b"needs --output" in err, err
    else:
        plain = [word for word in words if word not in (name, "-o")]
        assert out == run(*plain)[1] or line.startswith("metrics")


@pytest.mark.slow
@pytest.mark.parametrize("line", [
    "patch -o DEST FILE -", "patch -o DEST - CHANGES", "import -o DEST -", "check -", "keys - x",
    "verify --files-from -", "sql 'SELECT 1' -", "diff FILE -", "recover -o DEST -", "doctor -", "metrics -",
    "surgery revert-meta-page --output DEST -",
])  # fmt: skip
def test_closed_standard_input(line: str, files: dict[str, Path], tmp_path: Path) -> None:
    words = ["sh", "-c", '"$0" -m boltcli "$@" <&-', sys.executable, *_words(line, files, str(tmp_path / "dest"))]
    done = subprocess.run(words, capture_output=True, cwd=ROOT, check=False)
    assert done.returncode != 0
    assert b"Traceback" not in done.stderr
    name = b"-" if line.startswith("import") else b"standard input"
    assert b"read %s: bad file descriptor" % name in done.stderr + done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("line", [
    "metrics -", "verify - FILE", "verify --jobs 2 - FILE", "doctor -", "diff - FILE", "lock -",
    "surgery revert-meta-page --output DEST -",
])  # fmt: skip
def test_a_database_through_a_pipe(line: str, files: dict[str, Path], tmp_path: Path) -> None:
    """Also where a command opens it twice, or in another process."""
    words = [sys.executable, "-m", "boltcli", *_words(line, files, str(tmp_path / "dest"))]
    done = subprocess.run(words, input=STORE.read_bytes(), capture_output=True, cwd=ROOT, check=False)
    assert done.returncode == int(line == "doctor -"), (
        done
    )  # it finds in the records what it finds in those of the file


@pytest.mark.slow
def test_remedies_for_a_damaged_file_through_a_pipe(files: dict[str, Path], tmp_path: Path) -> None:
    _damage(files["FILE"])
    command = [sys.executable, "-m", "boltcli", "doctor", "-"]
    with files["FILE"].open("rb") as given:
        done = subprocess.run(command, stdin=given, capture_output=True, cwd=ROOT, check=False)
    direct = run("doctor", files["FILE"])[1]
    assert done.stdout.replace(b" - ", b" X ") == direct.replace(
        f" {shell_quoted(str(files['FILE']))} ".encode(), b" X "
    )


def test_standard_input_is_one_thing(files: dict[str, Path], tmp_path: Path) -> None:
    for words in (["patch", "-o", str(tmp_path / "x"), "-", "-"], ["check", "--files-from", "-", "-"]):
        done = subprocess.run(
            [sys.executable, "-m", "boltcli", *words], input=b"", capture_output=True, cwd=ROOT, check=False
        )
        assert done.returncode != 0
        assert b"it was already read" in done.stderr + done.stdout


@pytest.mark.slow
def test_an_array_where_the_ending_is_json(files: dict[str, Path], tmp_path: Path) -> None:
    def rows(*words: str | Path) -> tuple[list[object], list[object]]:
        """What is in an array and in lines."""
        for ending in ("json", "ndjson"):
            (tmp_path / f"x.{ending}").unlink(missing_ok=True)
            assert run(*words, "-o", tmp_path / f"x.{ending}")[0] == 0
        array: list[object] = json.loads((tmp_path / "x.json").read_bytes())
        return array, [json.loads(line) for line in (tmp_path / "x.ndjson").read_bytes().splitlines()]

    file = files["FILE"]
    for words in (
        ("sql", "SELECT * FROM pairs", file), ("sql", "--json", "SELECT 1 WHERE false", file),
        ("export", file), ("export", "--view", "executions", file), ("view", file, "executions"), ("deleted", file),
        ("verify", file, fixture("inline")),
    ):  # fmt: skip
        array, lines = rows(*words)
        assert (array, isinstance(array, list)) == (lines, True)
    assert (tmp_path / "x.json").read_bytes().startswith(b"[\n{")
    assert json.loads(run("export", "--format", "json", file)[1]) == json.loads(
        run("export", "-o", "-", "-f", "json", file)[1]
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["inline", "document", "many-free", "empty", "bacalhau-compute-1.4"])
def test_an_array_can_be_imported(name: str, tmp_path: Path) -> None:
    source = fixture(name)
    array, made = tmp_path / "x.json", tmp_path / "db"
    assert run("export", "-o", array, source)[0] == 0
    assert run("import", "-o", made, array)[0] == 0
    assert run("export", made)[1] == run("export", source)[1]
    cut = array.read_bytes()[:-40]
    array.write_bytes(cut)
    assert run("import", "-o", tmp_path / "cut", array)[0] != 0


def test_any_block_size_of_an_array(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = b'{"a":"],"}\n{"b":[1,2]}\n{"c":"x,"}\n'
    for content in (lines, b""):
        out = io.BytesIO()
        with json_streams.as_array(out) as writer:
            for start in range(0, len(content), 3):
                writer.write(content[start : start + 3])
        assert json.loads(out.getvalue()) == [json.loads(line) for line in content.splitlines()]
    with json_streams.as_array(out := io.BytesIO()) as writer:
        writer.write(lines)
    for size in range(1, len(out.getvalue()) + 1):
        monkeypatch.setattr(json_streams, "BLOCK", size)
        for content in (out.getvalue(), lines):
            found = [line for part, _ in json_streams.line_lists(io.BytesIO(content)) for line in part]
            assert [line for line in found if line] == lines.splitlines()


def test_a_map_with_json_is_written_all_the_same(tmp_path: Path) -> None:
    dest = tmp_path / "x.svg"
    status, out, _ = run("map", "--svg", "--json", "-o", dest, fixture("inline"))
    assert (status, json.loads(out)["output"]) == (0, str(dest))
    assert dest.read_bytes() == run("map", "--svg", fixture("inline"))[1]
    assert run("map", "--svg", "--json", fixture("inline"))[0] == 1


def test_sqlite_is_whole(files: dict[str, Path], tmp_path: Path) -> None:
    """Made elsewhere, in a folder of one's own, and moved."""
    run("export", "-o", tmp_path / "x.sqlite", files["FILE"])
    with sqlite3.connect(tmp_path / "x.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM pairs").fetchone()[0] > 0
    connection.close()
