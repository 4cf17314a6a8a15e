"""One shape of JSON: whatever the number of files, whatever is wrong with them, however a key is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from boltcli.render.explanations import findings_summary, ranges
from tests.cli.test_streams import on_a_terminal
from tests.live import held
from tests.schema import run_json
from tests.support import error_line, fixture, freelist, page, run, small

DOCUMENT = fixture("document")


def many_findings(folder: Path) -> Path:
    """A database with 150 pages that nothing leads to."""
    path = folder / "many.db"
    pages = b"".join(page(4 + number, 2) for number in range(150))
    path.write_bytes(small(freelist(2), page(3, 2), pages) + bytes(100))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("command", ["check", "info", "stats", "du"])
def test_one_file_is_as_many(command: str, tmp_path: Path) -> None:
    damaged = many_findings(tmp_path)
    paths = [DOCUMENT, tmp_path / "missing.db", damaged]
    _, together, _ = run_json(command, *paths)
    for path, record in zip(paths, together):
        status, alone, failures = run_json(command, path)
        assert alone == [record]
        assert status == run(command, path)[0]
        if "error" in record:
            assert record["error"] in failures


def test_warnings_and_findings_are_in_it(tmp_path: Path) -> None:
    path = many_findings(tmp_path)
    status, (verdict,), notices = run_json("check", path)
    assert (status, verdict["ok"], verdict["errors"], len(verdict["findings"])) == (1, False, 150, 150)
    assert verdict["warnings"] == [notices[0]["message"]]
    assert notices[-1]["kind"] == "check-failed"
    _, (verdict,), _ = run_json("check", "--max-findings", "7", path)
    assert (verdict["errors"], len(verdict["findings"])) == (150, 7)
    assert run_json("check", DOCUMENT)[1] == [
        {"ok": True, "errors": 0, "path": str(DOCUMENT), "findings": [], "warnings": []}
    ]


def test_findings_are_not_without_end(tmp_path: Path) -> None:
    path = many_findings(tmp_path)
    whole = run("check", path)[1].splitlines()
    assert len(whole) == 151
    status, out, err = run("check", "--max-findings", "3", path)
    assert (status, out.splitlines()) == (1, [*whole[:3], b"150 errors found"])
    assert b"warning: 147 of 150 findings are not shown: --max-findings 3\n" in err
    assert b"boltcli: 150 unreachable-unfreed: pages 4-153\n" in err
    assert on_a_terminal(["check", str(path)]).count(b"unreachable") == 100
    assert b"boltcli: 150 unreachable-unfreed: pages 4-153\n" in run("check", "--deep", path)[2]


def test_ranges() -> None:
    assert ranges([5, 3, 4, 9, 4]) == [(3, 5), (9, 9)]
    assert ranges([]) == []
    assert findings_summary({"lost": [7]}) == "boltcli: 1 lost: page 7\n"
    assert findings_summary({"lost": list(range(0, 40, 2))}).endswith(": pages 0, 2, 4, 6, 8, 10, 12, 14, ...\n")


def test_a_key_is_text_where_text_shows_it_as_text() -> None:
    for name in ("binary-keys", "bucket-newline", "integers", "document"):
        path = fixture(name)
        for bucket in run_json("buckets", path)[1][:6]:
            assert ("name" in bucket) == (bucket.get("name", "").isprintable() and "name_hex" not in bucket)
            argument = f"hex:{bucket['name_hex']}" if "name_hex" in bucket else f"str:{bucket['name']}"
            text = run("keys", path, argument)[1].decode().split("\n")[:-1]
            records = [json.loads(line) for line in run("keys", "--json", path, argument)[1].splitlines()]
            assert text == [record.get("key", record.get("key_hex")) for record in records]
            as_hex = [
                json.loads(line) for line in run("keys", "--json", "--format", "hex", path, argument)[1].splitlines()
            ]
            assert all(set(record) == {"key_hex"} for record in as_hex)


def test_values_that_are_json_are_nested_by_one_flag() -> None:
    _, (pair,), _ = run_json("get", "--parse", DOCUMENT, "execution", "e-9a937556-ac83-49ec-b794-a94c3aa068b2")
    assert pair["value"]["ID"] == pair["key"]
    _, records, _ = run_json("items", "--parse", DOCUMENT, "execution")
    assert all(record["value"]["ID"] == record["key"] for record in records)
    _, records, _ = run_json("items", "--parse", fixture("integers"), "events")
    assert all(("value" in record) != ("value_hex" in record) for record in records)


def test_completion_of_pages_and_of_buckets_for_options() -> None:
    def offered(*words: str) -> list[str]:
        return run("__complete", "plain", *words)[1].decode().splitlines()

    assert offered("export", str(DOCUMENT), "--bucket", "execution-i") == ["execution-index"]
    inner = offered("export", str(DOCUMENT), "--bucket", "execution-history", "--bucket", "e-9")
    assert inner == ["e-9a937556-ac83-49ec-b794-a94c3aa068b2"]
    assert offered("export", "--bucket", "x") == []
    assert offered("page", str(DOCUMENT), "") == [
        row.split()[0] for row in run("pages", DOCUMENT)[1].decode().splitlines()[2:]
    ]
    assert offered("dump", str(DOCUMENT), "1") == ["1"]
    assert run("__complete", "described", "page-item", DOCUMENT, "4")[1] == b"4\tleaf\n"
    assert offered("page", "missing.db", "") == []


@pytest.mark.slow
def test_waiting_for_a_lock_says_whose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boltcli.storage.source._LOCK_NOTICE", 0.1)
    path = tmp_path / "held.db"
    path.write_bytes(small(freelist(2), page(3, 2)))
    with held(path) as holder:
        _, _, err = run("info", "--lock", "wait", "--timeout", "0.25", path)
        assert err.count(f"boltcli: process {holder} (python".encode()) == 2
        assert b"holds the lock; waiting for 0 s\n" in err
        assert error_line(err[err.index(b"Error: ") :]).startswith(b"lock ")
        assert b"; waiting for" not in run("info", "-q", "--lock", "wait", "--timeout", "0.25", path)[2]
