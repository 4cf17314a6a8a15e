"""The names that scripts rely on: ``python -m tests.house.names`` adds new ones to ``names.txt``, and removes none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from boltcli.apps.registry import applications
from boltcli.cli.registry import all_commands
from boltcli.render.openmetrics import HELP
from boltcli.tables import relations
from tests.schema import SCHEMA

LIST = Path(__file__).with_name("names.txt")
_WIDTH = 120
_TABLES = (relations.PAIRS, relations.BUCKETS, relations.PAGES, relations.FINDINGS, relations.FILES)

Names = dict[str, set[str]]  # by what has them: "options of check", "JSON of check", ...


def present() -> Names:
    """Return the names of options, of fields in JSON, of columns and metrics."""
    found: Names = {"metrics": set(HELP), "commands": set(), "environment": set()}
    for command in all_commands():
        found["commands"].add(command.name.replace(" ", "_"))
        found[f"options of {command.name}"] = {
            *(f"--{name}" for option in command.options for name in (option.name, *option.aliases)),
            *(f"-{option.short}" for option in command.options if option.short),
        }
        found["environment"] |= {option.environment for option in command.options if option.environment}
    for name, part in SCHEMA["$defs"].items():
        found[f"JSON of {name}"] = set(_fields(part))
    for table in _TABLES:
        found[f"columns of {table.name}"] = {column.name for column in table.columns}
    for application in applications():
        for view in application.views:
            found[f"columns of {application.name} {view.name}"] = {column.name for column in view.columns}
    return found


def _fields(part: Any, above: str = "") -> Iterator[str]:
    """Yield the fields that a part of the schema names, those of inner objects after a dot, and the other parts that it
    refers to, in parentheses."""
    if isinstance(part, list):
        for each in part:
            yield from _fields(each, above)
    elif isinstance(part, dict):
        for name, each in part.get("properties", {}).items():
            yield above + name
            yield from _fields(each, f"{above}{name}.")
        if "$ref" in part:
            yield f"{above}({part['$ref'].rpartition('/')[2].replace(' ', '_')})"
        for name, each in part.items():
            if name != "properties":
                yield from _fields(each, above)


def committed() -> Names:
    """Return the names of the list."""
    found: Names = {}
    for line in LIST.read_text(encoding="utf-8").splitlines():
        owner, _, names = line.partition(": ")
        found.setdefault(owner, set()).update(names.split())
    return found


def _lines(owner: str, names: set[str]) -> Iterator[str]:
    line = f"{owner}:"
    for name in sorted(names):
        if len(line) + 1 + len(name) > _WIDTH:
            yield line
            line = f"{owner}:"
        line += f" {name}"
    yield line


if __name__ == "__main__":
    now, before = present(), committed() if LIST.exists() else {}
    owners = {owner: now.get(owner, set()) | before.get(owner, set()) for owner in sorted(now.keys() | before.keys())}
    LIST.write_text("".join(f"{line}\n" for owner, names in owners.items() if names for line in _lines(owner, names)))
