"""Find commands: one by name, without loading the others, or all of them."""

from __future__ import annotations

from .command import Command, Group
from .commands import COMMANDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

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


def module_of(name: str) -> Any:
    """Import and return the module of the command ``name``."""
    return __import__(f"boltcli.cli.commands.{COMMANDS[name]}", fromlist=["COMMAND"])


def find(name: str) -> Command | None:
    """Return the declaration of the command or group ``name``; None if there is none."""
    if name in _GROUPS:
        return _GROUPS[name]
    if name not in COMMANDS:
        return None
    command: Command = module_of(name).COMMAND
    return command


def all_commands() -> list[Command]:
    """Return the declarations of all commands, in the list's order."""
    return [module_of(name).COMMAND for name in COMMANDS]
