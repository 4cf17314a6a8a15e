"""``schema``: print the JSON schema of what commands write with ``--json``. bbolt has no such command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from ... import guide
from ...errors import ArgumentError
from ...text.json import indented, line
from ..command import command
from ..parse import find_command

if TYPE_CHECKING:
    from ..options import argument, commands
    from ..output import Output


@command("schema", example="boltcli schema info", group="Help")
def schema(
    out: Output,
    *,
    commands: Annotated[list[str], argument("COMMAND", "The name of a command; default: all.", commands)] = [],
) -> None:
    """Print the JSON schema of what one command, or all, write with --json."""
    whole = guide.schema()
    found = _of(" ".join(commands), whole) if commands else whole
    out.record(found, lambda: (indented(line(found)) or b"") + b"\n")


def _of(name: str, whole: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of one command, with all that it refers to. Raises ArgumentError."""
    command, rest = find_command(name.split(), strict=False)
    part = command if command in whole["$defs"] else command.partition(" ")[0]
    if rest or part not in whole["$defs"]:
        raise ArgumentError(f"there is no command {name!r} that writes JSON")
    needed: list[str] = []
    todo = [part, "error", "notice"]
    while todo:
        each = todo.pop()
        if each not in needed:
            needed.append(each)
            todo += _references(whole["$defs"][each])
    head = {field: whole[field] for field in ("$schema", "version")}
    return head | {
        "$id": f"{whole['$id']}:{part.replace(' ', '-')}",
        "title": f"What boltcli {command} writes with --json",
        "$ref": f"#/$defs/{part.replace(' ', '%20')}",
        "$defs": {each: whole["$defs"][each] for each in whole["$defs"] if each in needed},
    }


def _references(part: Any) -> list[str]:
    if isinstance(part, list):
        return [name for each in part for name in _references(each)]
    if not isinstance(part, dict):
        return []
    found = [name for each in part.values() for name in _references(each)]
    reference = part.get("$ref", "")
    return [*found, reference.split("/")[2]] if isinstance(reference, str) and reference else found
