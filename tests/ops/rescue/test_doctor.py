"""doctor and check --explain: every kind of finding is explained, and the best remedy holds what it says."""

from __future__ import annotations

import hashlib
import json
import random
import shlex
import struct
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from boltcli.ops.rescue.recover import recover_file
from boltcli.render.explanations import EXPLANATIONS
from tests.damage.mutations import sample
from tests.live import held
from tests.rescue_score.damage import torn_copy
from tests.rescue_score.truth import read
from tests.schema import run_json
from tests.support import fixture, freelist, page, pgid, run, small


def _damaged(name: str, pages: list[int], tmp_path: Path) -> Path:
    content = bytearray(fixture(name).read_bytes())
    for number in pages:
        content[number * 4096 : (number + 1) * 4096] = bytes(4096)
    path = tmp_path / "bad.db"
    path.write_bytes(content)
    return path


def test_a_sound_file_needs_nothing() -> None:
    status, (record,), _ = run_json("doctor", fixture("document"))
    assert status == 0
    assert record["ok"]
    assert record["findings"] == record["remedies"] == []


def test_a_lost_branch_page(tmp_path: Path) -> None:
    truth = read(fixture("integers").read_bytes())
    path = _damaged("integers", truth.branches[:1], tmp_path)
    before = hashlib.sha256(path.read_bytes()).digest()
    status, (record,), _ = run_json("doctor", path)
    assert status == 1
    assert {finding["kind"] for finding in record["findings"]} == {
        "damaged", "unreachable-unfreed", "fallback", "lost",
    }  # fmt: skip
    best = record["remedies"][0]
    assert best["name"] == "recover"
    assert best["sound"]
    assert best["pairs"] == len(truth.pairs)
    assert hashlib.sha256(path.read_bytes()).digest() == before


def test_a_branch_element_that_leads_to_another_leaf(tmp_path: Path) -> None:
    """The leaf is in its place elsewhere: no torn copy, and the leaf that nothing leads to any more fits."""
    data = bytearray(fixture("integers").read_bytes())
    truth = read(bytes(data))
    first = truth.branches[0] * 4096 + 16
    data[first + 24 : first + 32] = data[first + 8 : first + 16]  # page ids of the second element and the first
    path = tmp_path / "damaged.db"
    path.write_bytes(data)
    _, (record,), _ = run_json("doctor", path)
    assert not any("torn" in note for note in record["notes"])
    _, (recovered,), _ = run_json("recover", path, "-o", tmp_path / "out.db")
    assert recovered["pairs"] == len(truth.pairs)
    assert recovered["lost"] == []


def test_a_leaf_that_is_both_free_and_in_use(tmp_path: Path) -> None:
    """Only the freelist is wrong: abandoning it keeps everything."""
    sound = fixture("after-deletes").read_bytes()
    truth = read(sound)
    content = bytearray(sound)
    at = truth.freelist * 4096
    count = int.from_bytes(content[at + 10 : at + 12], "little")
    ids = [int.from_bytes(content[at + 16 + 8 * i : at + 24 + 8 * i], "little") for i in range(count)]
    leaf = next(page for page in sorted(truth.live) if page not in truth.branches and page != truth.root)
    ids = sorted([*ids[1:], leaf])
    for i, number in enumerate(ids):
        content[at + 16 + 8 * i : at + 24 + 8 * i] = number.to_bytes(8, "little")
    path = tmp_path / "bad.db"
    path.write_bytes(content)
    status, (record,), _ = run_json("doctor", "--fix", "-o", tmp_path / "new.db", path)
    assert status == 0
    assert record["fixed"] == record["remedies"][0]["name"]
    assert record["remedies"][0]["pairs"] == len(truth.pairs)
    assert run("check", tmp_path / "new.db")[:2] == (0, b"OK\n")


def test_fix_of_a_file_without_metas(tmp_path: Path) -> None:
    path = _damaged("integers", [0, 1], tmp_path)
    status, (record,), _ = run_json("doctor", "--fix", "-o", tmp_path / "new.db", path)
    assert status == 2  # the state before it is as likely to be the newest one, without its last pairs
    assert any("2 states may be the newest one" in note for note in record["notes"])
    assert record["findings"][0]["kind"] == "invalid-database"
    truth, fixed = read(fixture("integers").read_bytes()), read((tmp_path / "new.db").read_bytes())
    assert {place: entry[0] for place, entry in truth.pairs.items()} == {
        place: entry[0] for place, entry in fixed.pairs.items()
    }


def test_fix_recovers_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a trial made is the result; it isn't made again."""
    counted = Mock(wraps=recover_file)
    monkeypatch.setattr("boltcli.ops.rescue.doctor.recover_file", counted)
    path = _damaged("integers", [0, 1], tmp_path)
    assert run("doctor", "--fix", "-o", tmp_path / "new.db", path)[0] == 2
    assert counted.call_count == 1
    assert run("check", tmp_path / "new.db")[:2] == (0, b"OK\n")


def test_what_is_not_possible_is_said(tmp_path: Path) -> None:
    path = _damaged("after-deletes", [read(fixture("after-deletes").read_bytes()).root], tmp_path)
    _, out, _ = run("doctor", path)
    _, (record,), _ = run_json("doctor", path)
    failed = [each for each in record["remedies"] if each["problem"]]
    assert failed
    for each in record["remedies"]:
        assert (f"not possible: {each['name']}: ".encode() in out) == bool(each["problem"])
        assert not each["problem"] or not any(line.encode() + b"\n" in out for line in each["commands"])


@pytest.mark.skipif(sys.platform == "win32", reason="flock")
def test_who_has_the_file_open_is_said(tmp_path: Path) -> None:
    path = tmp_path / "db"
    path.write_bytes(fixture("one-bucket").read_bytes())
    assert run_json("doctor", path)[1][0]["holder"] is None
    with held(path, "LOCK_SH"):
        assert run_json("doctor", path)[1][0]["holder"].endswith("(shared)")


def test_a_bucket_that_leads_nowhere_can_be_cleared(tmp_path: Path) -> None:
    """The step names its element; the other bucket stays."""
    buckets = [(name, pgid(number) + pgid(0), b"\1") for name, number in ((b"a", 4), (b"b", 5))]
    path = tmp_path / "db"
    path.write_bytes(small(freelist(2), page(3, 2, buckets), page(4, 2, [(b"k", b"v")]), bytes(4096)))
    _, (record,), _ = run_json("doctor", path)
    [clear] = [each for each in record["remedies"] if each["name"] == "clear the damaged elements"]
    assert "--pageId=3 --from-index=1 --to-index=2" in clear["commands"][0]
    assert (clear["problem"], clear["pairs"], clear["buckets"]) == (None, 1, 1)


def test_fix_and_output_go_together(tmp_path: Path) -> None:
    assert run("doctor", "--fix", fixture("document"))[0] == 1
    assert run("doctor", "-o", tmp_path / "x", fixture("document"))[0] == 1


@pytest.mark.parametrize("magic", [b"SQLite format 3\0", b"\x7fELF"])
def test_another_programs_file_is_named(magic: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(magic.ljust(20000, b"\1"))
    status, (record,), _ = run_json("doctor", path)
    assert status == 1
    assert record["notes"]


def test_check_explains(tmp_path: Path) -> None:
    truth = read(fixture("integers").read_bytes())
    path = _damaged("integers", truth.branches[:1], tmp_path)
    plain, explained = run("check", path), run("check", "--explain", path)
    assert plain[0] == explained[0] == 1
    assert explained[1].startswith(plain[1])
    for kind in ("damaged", "unreachable-unfreed"):
        assert EXPLANATIONS[kind][0].encode() in explained[1]
    assert run("check", "--explain", fixture("integers"))[1] == b"OK\n"
    _, out, _ = run("check", "--explain", "--json", path)
    last = json.loads(out.splitlines()[-1])
    assert {each["kind"] for each in last["explanations"]} == {"damaged", "unreachable-unfreed"}


def test_a_damaged_freelist_is_rebuilt(tmp_path: Path) -> None:
    """The commands that it names do what its --fix does, and the result has a freelist again."""
    sound = fixture("after-deletes").read_bytes()
    truth = read(sound)
    path = _damaged("after-deletes", [truth.freelist], tmp_path)
    status, (record,), _ = run_json("doctor", "--fix", "-o", tmp_path / "new.db", path)
    assert status == 0
    best = record["remedies"][0]
    assert record["fixed"] == best["name"] == "rebuild the freelist"
    assert best["pairs"] == len(truth.pairs)
    assert run("check", tmp_path / "new.db")[:2] == (0, b"OK\n")
    step, dest = tmp_path / "step.db", tmp_path / "dest.db"
    for line in best["commands"]:
        words = [str({"STEP1": step, "DEST": dest}.get(word, word)) for word in shlex.split(line)[1:]]
        assert run(*words)[0] == 0
    assert dest.read_bytes() == (tmp_path / "new.db").read_bytes()


@pytest.mark.parametrize("name", ["jobs-1", "twins-1"])
def test_a_torn_hot_copy_is_named(name: str, tmp_path: Path) -> None:
    after = fixture(f"lived/{name}").read_bytes()
    before = fixture(f"lived/{name}").with_suffix(".db.before").read_bytes()
    path = tmp_path / "torn.db"
    path.write_bytes(torn_copy(before, after, random.Random(3)))
    status, (record,), _ = run_json("doctor", path)
    assert status == 1
    assert any("torn hot copy" in note for note in record["notes"])
    assert record["remedies"][0]["name"] == "recover"
    assert run("recover", path, "-o", tmp_path / "out.db")[0] == 2


@pytest.mark.slow
def test_a_cut_copy_and_its_program_are_named(tmp_path: Path) -> None:
    content = fixture("bacalhau-compute-1.4").read_bytes()
    path = tmp_path / "cut.db"
    path.write_bytes(content[: len(content) - 30000])
    _, (record,), _ = run_json("doctor", path)
    assert any("cut short" in note for note in record["notes"])
    assert record["application"].startswith("bacalhau")
    assert run_json("doctor", fixture("integers"))[1][0]["application"] is None


def test_what_only_the_deep_check_finds_is_wrong(tmp_path: Path) -> None:
    """An element that reaches into the next one: the check of bbolt finds nothing, and a reader reads nonsense."""
    leaf = bytearray(page(4, 2, [(b"k%d" % number, b"value %d" % number) for number in range(5)]))
    struct.pack_into("<I", leaf, 16 + 16 + 12, 9)
    path = tmp_path / "bad.db"
    path.write_bytes(small(freelist(2), page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")]), bytes(leaf)))
    assert run("check", path)[:2] == (0, b"OK\n")
    status, (record,), _ = run_json("doctor", path)
    assert status == 1
    assert not record["ok"]
    assert [finding["kind"] for finding in record["findings"]] == ["layout"]
    assert b"nothing is wrong" not in run("doctor", path)[1]
    # A remedy that leaves the damage where it is isn't one.
    sound = [remedy["name"] for remedy in record["remedies"] if remedy["sound"]]
    assert sound == ["recover"]
    assert run("doctor", "--fix", "-o", tmp_path / "new.db", path)[0] == 2
    assert run("check", "--deep", tmp_path / "new.db")[:2] == (0, b"OK\n")


@pytest.mark.sampled(3)
@pytest.mark.slow
@pytest.mark.parametrize("name", ["integers", "document", "inline", "after-deletes", "nested-8", "page-1024"])
def test_nothing_is_wrong_only_where_the_deep_check_and_an_export_say_so(name: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.db"
    for mutation in sample(fixture(name).read_bytes(), 60, f"doctor {name}"):
        path.write_bytes(mutation.apply(fixture(name).read_bytes()))
        status, out, _ = run("doctor", "--json", path)
        deep = run("check", "--deep", path)[:2] == (0, b"OK\n")
        record = json.loads(out)
        assert not record["findings"] == deep, mutation  # noqa: SIM201
        assert status == (not record["ok"])
        assert not deep or run("export", path)[0] == 0


def test_records_that_no_audit_knows_are_said_to_be_unexamined() -> None:
    path = fixture("integers")
    assert run("doctor", path)[:2] == (
        0, f"the structure is sound; for its records run `boltcli audit {shlex.quote(str(path))}`\n".encode()
    )  # fmt: skip
    _, (record,), _ = run_json("doctor", path)
    assert (record["ok"], record["records"]) == (True, None)


@pytest.mark.slow
def test_records_are_audited_where_an_audit_knows_them() -> None:
    path = fixture("bacalhau-compute-1.4")
    status, (record,), _ = run_json("doctor", path)
    _, (audit,), _ = run_json("audit", path)
    severities = [finding["severity"] for finding in audit["findings"]]
    assert (status, record["ok"], record["findings"]) == (1, False, [])
    assert record["records"]["errors"] == severities.count("error") > 0
    assert record["records"]["warnings"] == severities.count("warning")
    assert record["records"]["first"][0] == "error: " + next(
        finding["message"] for finding in audit["findings"] if finding["severity"] == "error"
    )
    _, out, _ = run("doctor", path)
    name = shlex.quote(str(path))
    assert f"the structure is sound; its records: 2 errors; see `boltcli audit {name}`\n  error: ".encode() in out
    assert b"nothing is wrong" not in out
    # A warning is no error, as in audit itself.
    status, (record,), _ = run_json("doctor", fixture("bacalhau-requester-1.4"))
    assert (status, record["ok"], record["records"]["errors"]) == (0, True, 0)
    assert record["records"]["warnings"] > 0
    assert b"its records: 1 warning; see " in run("doctor", fixture("bacalhau-requester-1.4"))[1]


def test_there_is_nothing_to_fix_where_only_records_are_wrong(tmp_path: Path) -> None:
    assert run("doctor", "--fix", "-o", tmp_path / "new.db", fixture("bacalhau-compute-1.4"))[0] == 1
    assert not (tmp_path / "new.db").exists()


@pytest.mark.slow
def test_records_of_a_damaged_file_are_not_audited(tmp_path: Path) -> None:
    """What they say is of no use before the file is recovered."""
    content = bytearray(fixture("bacalhau-compute-1.4").read_bytes())
    truth = read(bytes(content))
    leaf = next(first for (path, _), (_, first, _) in truth.pairs.items() if path[0] == b"execution")
    content[leaf * 4096 : (leaf + 1) * 4096] = bytes(4096)
    (tmp_path / "bad.db").write_bytes(content)
    status, (record,), _ = run_json("doctor", tmp_path / "bad.db")
    assert (status, record["records"]) == (1, None)


def test_another_database_in_the_file_is_named(tmp_path: Path) -> None:
    content = fixture("integers").read_bytes()
    (tmp_path / "bad.db").write_bytes(bytes(8192) + content[8192:] + content)
    _, (diagnosis,), _ = run_json("doctor", tmp_path / "bad.db")
    assert f"another database begins at byte {len(content)}; open it with --offset {len(content)}" in diagnosis["notes"]
