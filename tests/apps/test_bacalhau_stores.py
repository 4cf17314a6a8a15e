"""Bacalhau's shared stores: recognised, and audited with the answers of an independent reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from boltcli.apps.contract import ERROR, INFO, WARNING, Audit, AuditOptions
from boltcli.apps.ours import BACALHAU
from boltcli.apps.registry import recognise
from tests.apps.support import STORES, Opened
from tests.support import fixture

NAMES = sorted(path.name.removesuffix(".expect.json") for path in STORES.glob("bacalhau-*.expect.json"))
NOW = 1_800_000_000_000_000_000
absent = pytest.mark.skipif(not NAMES, reason="the shared stores aren't here")


def audit(path: Path) -> Audit:
    with Opened(path) as db:
        found = BACALHAU.audit(db, AuditOptions(NOW))
    assert found is not None
    return found


def shared(name: str) -> tuple[Path, dict[str, Any]]:
    return STORES / f"{name}.db", json.loads((STORES / f"{name}.expect.json").read_text())


@pytest.mark.parametrize("name", NAMES)
def test_answers_are_those_of_an_independent_reader(name: str) -> None:
    path, expected = shared(name)
    found = audit(path)
    assert json.loads(json.dumps(found.answers)) == expected["audit"]
    assert json.loads(json.dumps(found.more)) == {
        part: expected[part] for part in ("largest_values", "top_buckets", "undecodable_values")
    }


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith("-damaged")])
def test_nothing_is_invented_on_sound_stores(name: str) -> None:
    assert {finding.severity for finding in audit(shared(name)[0]).findings} == {INFO}


# What was planted, by kind: the question, the severity, and a part of the id concerned.
PLANTED = {
    "bacalhau-compute-v1.4.0-damaged": {
        "record_gone": ("live_index", ERROR, "e-1c6c2721"),
        "index_wrong": ("live_index", WARNING, "e-463f76a1"),
        "index_dangling": ("live_index", ERROR, "e-00000000"),
        "history_gap": ("history_gaps", WARNING, "e-463f76a1"),
        "index_missing": ("job_index", ERROR, "e-1bc4ba1c"),
        "revision": ("revision_mismatches", WARNING, "e-1bc4ba1c"),
        "history_orphan": ("history_without_execution", WARNING, "e-11111111"),
        "index_empty": ("job_index", INFO, "j-22222222"),
    },
    "bacalhau-jobstore-v1.4.0-damaged": {
        "history_gap": ("history_gaps", WARNING, "j-bc9fb2d7"),
        "job_gone": ("indexes.idx_tags", WARNING, "j-f5c19891"),
        "index_missing": ("indexes.idx_inprogress", ERROR, "j-651d4893"),
        "index_terminal": ("indexes.idx_inprogress", WARNING, "j-bc9fb2d7"),
        "index_dangling": ("indexes.idx_inprogress", ERROR, "batch:j-00000000"),
        "revision": ("revision_mismatches", WARNING, "j-dff72667"),
        "live_in_terminal_job": ("terminal_jobs_with_live_executions", WARNING, "e-2e70542e"),
        "unknown_state": ("unknown_state", ERROR, "e-aa2267dc"),
        "misplaced": ("record_id_differs_from_key", ERROR, "e-16ce7ad2"),
        "undecodable": ("undecodable_values", ERROR, "v-026ca919"),
    },
}


@pytest.mark.parametrize("name", [name for name in NAMES if name in PLANTED])
def test_planted_faults_are_found(name: str) -> None:
    path, expected = shared(name)
    found = {(finding.question, finding.severity, finding.subject[:10]) for finding in audit(path).findings}
    planted = PLANTED[name]
    assert {fault["kind"] for fault in expected["planted"]} == planted.keys()
    for question, severity, subject in planted.values():
        assert any(
            (asked, grave) == (question, severity) and subject.startswith(about) for asked, grave, about in found
        ), (question, severity, subject)


@pytest.mark.parametrize("name", [name for name in NAMES if name in PLANTED])
def test_every_finding_has_its_cause(name: str) -> None:
    """What isn't in the sound store is about an id that something was planted on."""
    path, expected = shared(name)
    sound = {finding.message for finding in audit(shared(name.removesuffix("-damaged"))[0]).findings}
    # "An execution that is not there" has this id; the rows 5, 6 and 12 were of the other two.
    planted = json.dumps(expected["planted"]) + "e-00000000 e-9b4df9ec e-f6f7bb6e"
    for finding in audit(path).findings:
        if finding.message not in sound:
            ids = [finding.subject, *finding.message.replace(":", " ").replace(",", " ").split()]
            assert any(id[:10] in planted for id in ids if id[:2] in ("e-", "j-", "v-")), finding.message


@pytest.mark.parametrize(
    ("name", "layout", "certainty"),
    [
        ("bacalhau-compute-v1.4.0", "compute 1.0.4-1.4.0", "certain"),
        ("bacalhau-compute-v1.9.3", "compute 1.6.0-1.9.3", "certain"),
        ("bacalhau-jobstore-v1.4.0", "orchestrator 1.3.1-1.4.0", "certain"),
        ("bacalhau-jobstore-v1.9.3", "orchestrator 1.8.0-1.9.3", "certain"),
    ],
)
@absent
def test_layouts_of_shared_stores(name: str, layout: str, certainty: str) -> None:
    with Opened(STORES / f"{name}.db") as db:
        found = recognise(db)
    assert found is not None
    assert (found.name, found.layout, found.certainty) == ("bacalhau", layout, certainty)


@absent
def test_no_other_store_is_taken_for_bacalhaus() -> None:
    for path in STORES.glob("*.db"):
        if not path.name.startswith("bacalhau"):
            with Opened(path) as db:
                assert BACALHAU.recognise(db) is None, path


@pytest.mark.parametrize(
    ("name", "layout", "certainty"),
    [
        ("document", "compute mid-2023", "likely"),
        ("bacalhau-compute-1.4", "compute 1.0.4-1.4.0", "certain"),
        ("bacalhau-compute-1.5", "compute 1.6.0-1.9.3", "certain"),
        ("bacalhau-requester-1.4", "orchestrator 1.3.1-1.4.0", "certain"),
    ],
)
def test_layouts_of_fixtures(name: str, layout: str, certainty: str) -> None:
    with Opened(fixture(name)) as db:
        found = recognise(db)
    assert found is not None
    assert (found.name, found.layout, found.certainty) == ("bacalhau", layout, certainty)


def test_the_fixtures_dangling_entries_are_found() -> None:
    errors = [finding for finding in audit(fixture("bacalhau-compute-1.4")).findings if finding.severity == ERROR]
    assert [(finding.question, finding.subject) for finding in errors] == [
        ("live_index", "e-0b7c92d4-3e51-4f6a-8d27-95a1c40ef3b8"),
        ("live_index", "e-c6f1a08e-72b9-4d13-9c5e-1f84d7236ba0"),
    ]


@pytest.mark.parametrize("name", ["bacalhau-compute-1.4", "bacalhau-compute-1.5", "bacalhau-requester-1.4", "document"])
def test_each_bucket_is_read_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from boltcli.apps.meter import Meter

    read: list[tuple[bytes, ...]] = []
    original = Meter.read

    def counting(self: Meter, store: Any, path: tuple[bytes, ...]) -> Any:
        read.append(path)
        return original(self, store, path)

    monkeypatch.setattr(Meter, "read", counting)
    found = audit(fixture(name))
    assert len(read) == len(set(read))
    buckets = sum(usage["sub_buckets"] for usage in found.more["top_buckets"].values())
    assert len(read) == buckets + len(found.more["top_buckets"])
