"""Names that scripts rely on stay: options, fields of JSON, columns, metrics. New ones are added to the list by
``python -m tests.house.names``."""

from __future__ import annotations

import pytest

from tests.house.names import Names, committed, present

NOW = present()


def _gone(listed: Names, found: Names) -> list[str]:
    """The names of the list that aren't found, each with what had it."""
    return [f"{owner}: {name}" for owner, names in listed.items() for name in names - found.get(owner, set())]


def test_no_name_goes_away() -> None:
    assert _gone(committed(), NOW) == []


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        ("options of check", "--deep"),
        ("options of keys", "-f"),
        ("options of surgery clear-page", "--page-id"),
        ("JSON of check", "(verdict)"),
        ("JSON of finding", "message"),
        ("JSON of audit", "findings.severity"),
        ("columns of pairs", "key_text"),
        ("columns of etcd leases", "granted_ttl"),
        ("metrics", "boltcli_up"),
        ("commands", "surgery_meta_update"),
        ("environment", "BOLTCLI_LOCK"),
    ],
)
def test_the_list_has_all_kinds_of_names(owner: str, name: str) -> None:
    assert name in committed()[owner]
    without = NOW | {owner: NOW[owner] - {name}}
    assert _gone(committed(), without) == [f"{owner}: {name}"]
