"""The table of Bacalhau's rules: what it says of a record is what records have."""

from __future__ import annotations

from string import Formatter

import pytest

from boltcli.apps.bacalhau import audit, events, index_audit, record_audit
from boltcli.apps.bacalhau.executions import of_orchestrator
from boltcli.apps.bacalhau.records import Reader
from boltcli.apps.bacalhau.stores import Evaluation, Job
from boltcli.apps.contract import SEVERITIES
from boltcli.apps.meter import Meter
from boltcli.apps.rules import SILENT, Rule

MODULES = (audit, events, index_audit, record_audit)
RULES = {
    f"{module.__name__.rpartition('.')[2]}.{name}": rule
    for module in MODULES
    for name, rule in vars(module).items()
    if isinstance(rule, Rule)
}
_INSIDE = (b"jobs", b"j", b"executions")


class Empty:
    """A bucket with nothing in it."""

    def get(self, key: bytes) -> None:
        return None

    def range(self) -> list[tuple[bytes, bytes]]:
        return []


EXECUTION = of_orchestrator(_INSIDE, b"e", {}, 0, None)
JOB = Job(b"j", Empty(), Reader(Meter()), lambda *of: None)  # type: ignore[arg-type]
RECORDS = (EXECUTION, Evaluation(_INSIDE, b"v", {}), JOB)
HAVE = {"record": RECORDS, "job": RECORDS[2:], "there": (EXECUTION,)}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_names_what_records_have(name: str) -> None:
    rule = RULES[name]
    assert rule.severity in (*SEVERITIES, SILENT)
    assert rule.message.endswith(".")
    assert rule.remedy.endswith(".")
    shown = [rule.answer] if isinstance(rule.answer, str) else [f"{{{fact}}}" for fact in rule.answer.values()]
    for template in (rule.code, rule.message, rule.remedy, *shown):
        for _, field, _, _ in Formatter().parse(template):
            fact, _, attribute = (field or "").partition(".")
            assert not attribute or any(hasattr(each, attribute) for each in HAVE[fact]), field


def test_no_two_rules_say_the_same() -> None:
    told = [(rule.code, rule.severity, rule.message, rule.remedy, str(rule.answer)) for rule in RULES.values()]
    assert len(set(told)) == len(told)
