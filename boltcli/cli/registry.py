"""Find commands: one by name, without loading the others, or all of them."""

from __future__ import annotations

from . import command as checks
from . import values
from .command import DECLARED, Argument, Command, Group, Option
from .command_table import COMMANDS, SHARED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .command import Declared

GROUPS = (
    Group(
        "surgery",
        "Repair a copy of a damaged database.",
        example="boltcli surgery revert-meta-page fixtures/document.db --output reverted.db",
        group="Repair",
    ),
    Group(
        "surgery freelist",
        "Remove the freelist, or rebuild it.",
        example="boltcli surgery freelist abandon fixtures/document.db --output abandoned.db",
        group="Repair",
    ),
    Group(
        "surgery meta",
        "Check the meta pages, or change their fields.",
        example="boltcli surgery meta validate fixtures/document.db",
        group="Repair",
    ),
    Group("completion", "Print a shell's completion script.", example="boltcli completion bash", group="Help"),
)
_GROUPS = {group.name: group for group in GROUPS}

# Commands of bbolt that boltcli doesn't have, and why.
LEFT_OUT = {
    "bench": "boltcli has no bench: it measures how fast bbolt itself writes and reads; run bbolt bench",
}


def names() -> list[str]:
    """Return the names of all commands and groups."""
    return [*COMMANDS, *_GROUPS]


def is_known(name: str) -> bool:
    """Return whether there is a command or a group of this name."""
    return name in COMMANDS or name in _GROUPS


def is_group(name: str) -> bool:
    """Return whether ``name`` is a group of commands."""
    return name in _GROUPS


def is_shared_switch(word: str) -> bool:
    """Return whether ``word`` is a switch that many commands have: it may stand before the command."""
    return any(
        option["default"] is False and word in (f"--{option['name']}", f"-{option.get('short', '')}")
        for options in SHARED.values()
        for option in options
    )


def declared(name: str) -> Declared:
    """Import the module of the command ``name``, and return what it declares."""
    if name not in DECLARED:
        __import__(f"boltcli.cli.commands.{COMMANDS[name]['module']}")
    return DECLARED[name]


def find(name: str) -> Command | None:
    """Return the command or group ``name``; None if there is none."""
    if name in _GROUPS:
        return _GROUPS[name]
    return _made(name) if name in COMMANDS else None


def all_commands() -> list[Command]:
    """Return all commands, in the table's order."""
    return list(map(_made, COMMANDS))


def _made(name: str) -> Command:
    row: dict[str, Any] = dict(COMMANDS[name])
    own = {option["name"] for option in row["options"]}
    options = list(row["options"])
    json = row.pop("json", None)
    for shared in row.pop("shared"):
        options += [option for option in SHARED[shared] if option["name"] not in own]
    row["options"] = tuple(
        _option(option | {"help": json} if json and option["name"] == "json" else option) for option in options
    )
    row["arguments"] = tuple(Argument(**argument) for argument in row["arguments"])
    return Command(name, **row)


def _option(row: dict[str, Any]) -> Option:
    rooms = (("parse", values), ("check", checks))
    return Option(**row | {name: getattr(room, row[name]) for name, room in rooms if name in row})
