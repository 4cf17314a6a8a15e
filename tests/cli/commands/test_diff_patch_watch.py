"""The commands that compare: what they print, and how they end."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest

from boltcli.__main__ import main
from boltcli.render.change_lines import changed_fields
from boltcli.render.changes import parse_change
from tests.damage.mutations import sample
from tests.live import Writer, held
from tests.schema import run_json
from tests.states import Content, State, database
from tests.support import DATABASES, error_line, fixture, freelist, page, pgid, run, small

OLD: Content = {b"t": (1, {b"a": b"1", b"b": b'{"x":{"y":1},"l":[1,2]}', b"\xff": b"\xfe", b"in": (0, {b"k": b""})})}
NEW: Content = {b"t": (2, {b"a": b"2", b"b": b'{"x":{"y":2,"z":0},"l":[1,3]}', b"\xff": b"\xfd", b"new": (9, {})})}


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return database(tmp_path / "a", OLD), database(tmp_path / "b", NEW)


TEXT = """\
~ t\t(sequence)\t1 -> 2
~ t\ta
~ t\tb
- t\tin\tk
- t\tin\t(bucket)
+ t\tnew\t(bucket)
~ t\tnew\t(sequence)\t0 -> 9
~ t\tff
"""


def test_text(pair: tuple[Path, Path]) -> None:
    assert run("diff", *pair) == (1, TEXT.encode(), b"")
    assert run("diff", pair[0], pair[0]) == (0, b"", b"")
    assert run("diff", *pair, "t", "in") == (1, b"- k\n- (bucket)\n", b"")
    assert run("diff", *pair, "--bucket", "t", "--prefix", "a") == (1, b"~ (sequence)\t1 -> 2\n~ a\n", b"")
    values = run("diff", "--values", *pair)[1].decode().splitlines()
    assert values[1:3] == ["~ t\ta\t1 -> 2", "~ t\tb\tx.y: 1 -> 2, +x.z: 0, l[1]: 2 -> 3"]
    assert values[-1] == "~ t\tff\tfe -> fd"
    assert run("diff", "--values", "--keys-only", *pair)[1] == TEXT.encode()


def test_json(pair: tuple[Path, Path]) -> None:
    status, records, _ = run_json("diff", *pair)
    assert status == 1
    assert records == [
        {"op": "change", "bucket": ["t"], "sequence": True, "old": 1, "new": 2},
        {"op": "change", "bucket": ["t"], "key": "a", "old": "1", "new": "2"},
        {"op": "change", "bucket": ["t"], "key": "b", "old": OLD[b"t"][1][b"b"].decode(),
         "new": NEW[b"t"][1][b"b"].decode()},
        {"op": "remove", "bucket": ["t", "in"], "key": "k", "old": ""},
        {"op": "remove", "bucket": ["t", "in"]},
        {"op": "add", "bucket": ["t", "new"]},
        {"op": "change", "bucket": ["t", "new"], "sequence": True, "old": 0, "new": 9},
        {"op": "change", "bucket": ["t"], "key_hex": "ff", "old_hex": "fe", "new_hex": "fd"},
    ]  # fmt: skip
    bare = run_json("diff", "--keys-only", *pair)[1]
    assert bare[1] == {"op": "change", "bucket": ["t"], "key": "a"}
    assert bare[0] == records[0]


def test_summary(pair: tuple[Path, Path]) -> None:
    status, rows, _ = run_json("diff", "--summary", *pair)
    assert status == 1
    assert [row["bucket"] for row in rows] == [[], ["t"], ["t", "in"], ["t", "new"]]
    assert [[row[name] for name in ("added", "removed", "changed")] for row in rows] == [
        [1, 2, 5], [1, 2, 5], [0, 2, 0], [1, 0, 1],
    ]  # fmt: skip
    sizes = {tuple(each["bucket"]): each["bytes"] for each in run_json("tree", pair[1])[1]}
    assert [row["bytes_after"] for row in rows[1:]] == [sizes["t",], 0, sizes["t", "new"]]
    assert rows[2]["bytes_before"] > 0
    assert rows[3]["bytes_before"] == 0
    assert len(run_json("diff", "--summary", "--depth", "1", *pair)[1]) == 2
    lines = run("diff", "--summary", *pair)[1].decode().splitlines()
    assert lines[0].split() == ["added", "removed", "changed", "bytes", "before", "bytes", "after", "growth", "bucket"]
    assert lines[1].split()[:3] == ["1", "2", "5"]
    assert run("diff", "--summary", pair[0], pair[0]) == (0, b"", b"")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("A",), "requires at least 2 arg(s), only received 1"),
        ((), "requires at least 1 arg(s), only received 0"),
        (("A", "nosuch"), 'source database file "nosuch" doesn\'t exist'),
        (("nosuch", "A"), 'source database file "nosuch" doesn\'t exist'),
        (("A", "A", "nosuch"), "bucket not found"),
        (("A", "A", "--nosuch"), "unknown flag: --nosuch"),
        (("A", "README"), "invalid database"),
    ],
)
def test_trouble_is_status_2(
    arguments: tuple[str, ...], words: str, pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README").write_text("no database\n" * 999)
    status, out, err = run("diff", *[str(pair[0]) if word == "A" else word for word in arguments])
    assert (status, out) == (2, b"")
    assert error_line(err).decode() == words


@pytest.mark.slow
def test_the_last_transaction_of_every_fixture() -> None:
    for path in DATABASES:
        status, out, err = run("diff", "--previous", "--json", path)
        if status == 2:
            assert b"there is no transaction before" in err
            continue
        changes = [parse_change(line, {}) for line in out.splitlines()]
        state = State.of(path)
        # Backwards, from the newest state: what was added goes.
        state.apply([change.reversed() for change in reversed(changes)])
        kept = run("export", "--previous", path)[1]
        pairs = [line for line in map(json.loads, kept.splitlines()) if "key" in line or "key_hex" in line]
        assert len(pairs) == len(state.pairs)


def test_both_files_in_use(tmp_path: Path) -> None:
    first, second = Writer(tmp_path / "a"), Writer(tmp_path / "b", size=2 << 20)
    second.commit()
    with held(first.path), held(second.path):
        status, out, err = run("diff", "--timeout", "10ms", first.path, second.path, "data")
    assert (status, out) == (1, b"~ n\n")
    assert b"holds the lock" in err


class Terminal(io.BytesIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal(tmp_path: Path) -> None:
    one = database(tmp_path / "a", {b"t": (0, {b"a": b"x" * 100})})
    two = database(tmp_path / "b", {b"t": (0, {b"a": b"y" * 100, b"b": b"1"})})
    out = Terminal()
    assert main(["diff", "--values", str(one), str(two)], out, io.BytesIO()) == 1
    cut = "x" * 57 + "... -> " + "y" * 57 + "..."
    assert out.getvalue().decode() == f"\x1b[33m~ t\ta\t{cut}\x1b[0m\n\x1b[32m+ t\tb\t1\x1b[0m\n"


@pytest.mark.parametrize(
    ("old", "new", "fields"),
    [
        (b'{"a":1}', b'{"a":1.0}', ["a: 1 -> 1.0"]),
        (b'{"a":null}', b"{}", ["-a: null"]),
        (b"[1,2]", b"[1]", [": [1,2] -> [1]"]),
        (b'{"a":[{"b":"x"}]}', b'{"a":[{"b":"y"}]}', ['a[0].b: "x" -> "y"']),
        (b"{1}", b"{2}", []),
        (b'{"a":1}', b"[1]", []),
    ],
)
def test_changed_fields(old: bytes, new: bytes, fields: list[str]) -> None:
    assert changed_fields(old, new) == fields


def test_copies_by_another_tool(tmp_path: Path) -> None:
    """A compacted copy holds the same."""
    for path in (fixture("bacalhau-compute-1.4"), fixture("depth-4")):
        for dense in ([], ["--dense"]):
            assert run("compact", *dense, "-o", tmp_path / "c", path)[0] == 0
            assert run("diff", path, tmp_path / "c") == (0, b"", b"")
            (tmp_path / "c").unlink()
        assert run("diff", path, shutil.copy(path, tmp_path / "d")) == (0, b"", b"")


def test_what_ends_in_an_error_is_not_applied(tmp_path: Path) -> None:
    """The lines before the damage are there, and a last one says that they are not all."""
    content: Content = {b"%02d" % number: b"x" * 60 for number in range(80)}
    one, two = database(tmp_path / "a", {b"t": (0, {})}, 1024), database(tmp_path / "b", {b"t": (0, content)}, 1024)
    damaged = bytearray(two.read_bytes())
    at = damaged.index(b"79" + b"x" * 60) // 1024 * 1024
    damaged[at : at + 16] = bytes(16)
    two.write_bytes(damaged)
    status, records, failures = run_json("diff", one, two)
    assert status == 2
    assert len(records) > 10
    assert [record.get("op") for record in records[-2:]] == ["add", None]
    assert records[-1]["error"]["message"] == failures[0]["message"]
    lines = tmp_path / "lines"
    lines.write_bytes(run("diff", "--json", one, two)[1])
    status, _, err = run("patch", one, lines, "-o", tmp_path / "c")
    assert status == 1
    assert f"line {len(records)}: the changes are not complete: page ".encode() in err
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("file", ["-", "https://127.0.0.1:1/a.db"])
def test_watch_is_for_files_of_this_machine(file: str) -> None:
    status, out, err = run("watch", file)
    assert (status, out) == (1, b"")
    assert err.startswith(b"Error: watch follows a local file")


def _leaves(folder: Path, *leaves: bytes, cut: int = 0) -> Path:
    """A file with a bucket of two leaves, pages 5 and 6, under a branch page."""
    branch = page(4, 1, [(b"", pgid(5)), (b"c", pgid(6))])
    root = page(3, 2, [(b"bucket", pgid(4) + bytes(8), b"\1")])
    folder.write_bytes(small(freelist(2), root, branch, *leaves)[: -cut or None])
    return folder


def _leaf(number: int, *keys: bytes) -> bytes:
    return page(number, 2, [(key, b"value of " + key) for key in keys])


@pytest.mark.parametrize(
    ("leaves", "cut", "problem"),
    [
        ([_leaf(5, b"a", b"c", b"b"), _leaf(6, b"d")], 0, b"keys that are not in order"),
        ([_leaf(5, b"a", b"a"), _leaf(6, b"d")], 0, b"keys that are not in order"),
        ([_leaf(5, b"b", b"d"), _leaf(6, b"c", b"e")], 0, b"keys that are not in order"),
        ([_leaf(5, b"", b"b"), _leaf(6, b"d")], 0, b"a key of an impossible size"),
        ([_leaf(5, b"a"), _leaf(6, b"d")], 2000, b"its last 2000 bytes lie beyond the end of the file"),
    ],
)
def test_a_side_that_is_unsound_is_said(tmp_path: Path, leaves: list[bytes], cut: int, problem: bytes) -> None:
    """The changes are shown as far as they go, and then comes an error; patch refuses them."""
    good = _leaves(tmp_path / "good.db", _leaf(5, b"a"), _leaf(6, b"x"))
    bad = _leaves(tmp_path / "bad.db", *leaves, cut=cut)
    for pair in ((good, bad), (bad, good)):
        for form in ([], ["--summary"], ["--values"], ["--json"], ["--json", "--summary"]):
            status, out, err = run("diff", *form, *pair)
            assert status == 2, form
            assert problem in err, form
            assert str(bad).encode() in err, form
            assert bool(out) or "--summary" in form
        assert run("diff", "--exit-status", "detailed", *pair)[0] == 2
        changes = tmp_path / "changes"
        changes.write_bytes(run("diff", "--json", *pair)[1])
        assert b'"error"' in changes.read_bytes().splitlines()[-1]
        assert run("patch", "-o", tmp_path / "made.db", pair[0], changes)[0] != 0


def test_keys_below_the_one_in_front_of_their_page(tmp_path: Path) -> None:
    """The first leaf is shared, and not read: that keys of the second are in it can only be told by the branch page."""
    good = _leaves(tmp_path / "good.db", _leaf(5, b"a", b"b", b"c"), _leaf(6, b"x"))
    bad = tmp_path / "bad.db"
    content = bytearray(good.read_bytes())
    content[6 * 4096 : 7 * 4096] = _leaf(6, b"b")
    bad.write_bytes(content)
    status, _, err = run("diff", good, bad)
    assert (status, b"page 6" in err, b"keys that are not in order" in err) == (2, True, True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["document", "binary-keys", "nested-8"])
def test_no_diff_of_a_damaged_file_is_refused_without_a_word(name: str, tmp_path: Path) -> None:
    content = fixture(name).read_bytes()
    good, bad, lines, made = (tmp_path / each for each in ("good.db", "bad.db", "lines", "made.db"))
    good.write_bytes(content)
    for mutation in sample(content, 60, "diff"):
        bad.write_bytes(mutation.apply(content))
        for one, other in ((good, bad), (bad, good)):
            status, out, err = run("diff", "--json", "--no-lock", one, other)
            if status != 1:
                continue
            assert not err
            lines.write_bytes(out)
            made.unlink(missing_ok=True)
            assert run("patch", "--no-lock", "-o", made, one, lines)[0] == 0, mutation.what
