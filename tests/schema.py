"""Runs of commands with ``--json``, whose every object must be as ``boltcli/schema.json`` says."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from boltcli.cli.registry import names
from tests.support import ROOT, run

SCHEMA = json.loads((ROOT / "boltcli" / "schema.json").read_text())
LOOKED_AT = 100
"""Records at the beginning and the end of an output: validating takes a millisecond each."""
Record = dict[str, Any]


def validate(record: Record, name: str) -> None:
    """Raise unless ``record`` is what the schema calls ``name``."""
    _validator(name).validate(record)


@cache
def _validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(SCHEMA | {"$ref": f"#/$defs/{name}"})


def schema_of(command: str) -> str:
    """What the schema calls the output of ``command``."""
    return command if command in SCHEMA["$defs"] else command.split()[0]


def run_json(*argv: str | Path) -> tuple[int, list[Record], list[Record]]:
    """Status, and what is on stdout and stderr."""
    status, out, err = run(*argv, "--json")
    words = [str(word) for word in argv]
    name = max((name for name in names() if words[: len(name.split())] == name.split()), key=len)
    records = [json.loads(line) for line in out.splitlines()]
    failures = [json.loads(line) for line in err.splitlines()]
    for record in records[:LOOKED_AT] + records[-LOOKED_AT:]:
        validate(
            record, "file" if "error" in record and record.keys() <= {"path", "path_hex", "error"} else schema_of(name)
        )
    for failure in failures:
        validate(failure, "notice" if failure["kind"] in ("reading", "warning") else "error")
    return status, records, failures
