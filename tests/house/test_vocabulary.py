"""Every field has its name in one vocabulary, the page `fields` of the manual, under what it holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest

from boltcli import guide
from boltcli.apps.registry import applications
from boltcli.cli.command_table import COMMANDS
from boltcli.tables import relations
from tests.schema import SCHEMA, run_json
from tests.support import ROOT, error_line, run

ENCODINGS = re.compile(r"_(hex|base64|u64|time|repr|json|ascii_encoded|redacted|decoded|guess|text)$")
TABLES = (relations.PAIRS, relations.BUCKETS, relations.PAGES, relations.FINDINGS, relations.FILES)
OF_BBOLT = {"keyN"}  # in its own output


def _vocabulary() -> dict[str, str]:
    """The names, each with the heading that it stands under."""
    found: dict[str, str] = {}
    for section in guide.text("fields").split("\n## ")[1:]:
        heading, *paragraphs = section.strip().split("\n\n")
        for name in re.findall(r"`(\w+)`", paragraphs[-1]):
            assert name not in found, name
            found[name] = heading
    return found


VOCABULARY = _vocabulary()


def _properties(part: Any) -> Iterator[tuple[str, Any]]:
    """Yield the fields that a part of the schema names."""
    if isinstance(part, list):
        for each in part:
            yield from _properties(each)
    elif isinstance(part, dict):
        fields = part.get("properties", {})
        yield from fields.items()
        for name, each in part.items():
            yield from _properties(list(fields.values()) if name == "properties" else each)


SCHEMA_FIELDS = list(_properties(list(SCHEMA["$defs"].values())))
COLUMNS = [column for one in applications() for view in one.views for column in view.columns]
COLUMNS += [column for table in TABLES for column in table.columns]
USED = {name for name, _ in SCHEMA_FIELDS} | {column.name for column in COLUMNS}


def _word(name: str) -> str:
    """The name without what says how its bytes are written."""
    word = ENCODINGS.sub("", name)
    return word if name not in VOCABULARY and word in VOCABULARY else name


def test_all_fields_are_in_the_vocabulary() -> None:
    assert len(COLUMNS) > 300
    assert {_word(name) for name in USED} == VOCABULARY.keys()


def test_names_are_words_with_underscores() -> None:
    for name in VOCABULARY.keys() - OF_BBOLT:
        assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name), name


def test_names_say_what_they_hold() -> None:
    endings = {"_page": "Page ids", "_bytes": "Sizes", "_size": "Sizes", "_share": "Shares", "_at": "Times"}
    for name, heading in VOCABULARY.items():
        for ending, expected in endings.items():
            if name.endswith(ending):
                assert heading == expected, name
    for name, kind in SCHEMA_FIELDS:
        heading = VOCABULARY.get(name, "")
        kinds = kind.get("type", [])
        if heading in ("Page ids", "Sizes"):
            assert "integer" in kinds, name
        if heading == "Shares":
            assert (kinds, kind["minimum"], kind["maximum"]) == ("number", 0, 1), name
        if heading == "Times" and "string" in kinds and name != "time":
            assert kind["format"] == "date-time", name
    for column in COLUMNS:
        if column.type == "time":
            assert VOCABULARY[column.name] == "Times", column.name
        if VOCABULARY.get(column.name) in ("Page ids", "Sizes"):
            assert column.type == "integer", column.name


@pytest.mark.slow
def test_the_schema_is_one_and_has_a_version() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"] == "urn:boltcli:schema"
    assert re.fullmatch(r"\d+\.\d+", SCHEMA["version"])
    # A reference is a URI; not every validator looks.
    assert not re.search(r"#/\$defs/[^\"']* ", (ROOT / "boltcli" / "schema.json").read_text())
    assert b"#/$defs/surgery%20meta%20validate" in run("schema", "surgery", "meta", "validate")[1]
    assert run_json("schema")[1] == [SCHEMA]


@pytest.mark.slow
@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("help", "browse", "completion")])
def test_the_schema_of_a_command_stands_alone(command: str) -> None:
    if command.startswith("completion "):
        return
    _, (found,), _ = run_json("schema", *command.split())
    assert found["version"] == SCHEMA["version"]
    jsonschema.Draft202012Validator.check_schema(found)
    text = str(found)
    for name in re.findall(r"#/\$defs/([^/']+)", text):
        assert unquote(name) in found["$defs"]
    assert len(found["$defs"]) < len(SCHEMA["$defs"]) / 2
    _, (lock,), _ = run_json("schema", "lock")
    record = {"mode": "shared", "waits": False, "pid": 1, "command": "x", "since": None, "writes": None}
    jsonschema.Draft202012Validator(lock).validate(record)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(lock).validate(record | {"pid": "1"})


def test_no_schema_of_what_is_no_command() -> None:
    for words in (["nosuch"], ["help"], ["lock", "more"]):
        status, out, err = run("schema", *words)
        assert (status, out) == (1, b"")
        assert error_line(err) == f"there is no command {' '.join(words)!r} that writes JSON".encode()
