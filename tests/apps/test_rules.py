"""Rules and deviations: findings, answers and changes are made of the same data."""

from __future__ import annotations

from typing import NamedTuple

from boltcli.apps.contract import ERROR, INFO, Change
from boltcli.apps.rules import SILENT, Deviation, Rule, answers, findings

made: list[str] = []


class Executions(NamedTuple):
    live: int


def _remove(deviation: Deviation) -> list[Change]:
    made.append(deviation.subject)
    return [Change("remove", deviation.bucket, deviation.key, b"")]


STRAY = Rule("strays", ERROR, "{subject} is {state}.", "Delete {subject}.", _remove)
COUNTED = Rule("counts", INFO, "{job} has {executions.live}.", answer={"job": "job", "live": "executions.live"})


def test_findings_come_the_gravest_first_with_their_changes() -> None:
    made.clear()
    light = STRAY.at((b"b",), b"1", "first", state="old")
    light.severity = INFO
    found = findings(
        [light, COUNTED.at(job="{j}", executions=Executions(2)), STRAY.at((b"b",), b"2", "second", state="gone")]
    )
    assert [(each.severity, each.message, each.remedy) for each in found] == [
        (ERROR, "second is gone.", "Delete second."),
        (INFO, "first is old.", "Delete first."),
        (INFO, "{j} has 2.", ""),
    ]
    assert made == ["second", "first"]
    assert [[(change.op, change.key) for change in each.changes] for each in found] == [
        [("remove", b"2")], [("remove", b"1")], [],
    ]  # fmt: skip


def test_silent_deviations_are_answers_only() -> None:
    silent = STRAY.at((), None, "third", state="")
    silent.severity = SILENT
    assert findings([silent]) == []
    assert answers([STRAY, COUNTED], [silent, COUNTED.at(job="j", executions=Executions(0))]) == {
        "strays": ["third"],
        "counts": [{"job": "j", "live": 0}],
    }
    assert answers([STRAY], [COUNTED.at(job="j", executions=Executions(0))]) == {"strays": []}
