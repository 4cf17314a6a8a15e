"""Find commands: one by name, without loading the others, or all of them."""

from __future__ import annotations

from .command import DECLARED, Argument, Command, Option, command
from .command_table import ARGUMENTS, COMMANDS, OPTIONS

_FILE = "fixtures/document.db"
_GROUPS = (
    ("surgery", "Repair", "Repair a copy of a damaged database.", f"revert-meta-page {_FILE} --output reverted.db"),
    ("surgery freelist", "Repair", "Remove the freelist, or rebuild it.", f"abandon {_FILE} --output abandoned.db"),
    ("surgery meta", "Repair", "Check the meta pages, or change their fields.", f"validate {_FILE}"),
    ("completion", "Help", "Print a shell's completion script.", "bash"),
)
GROUPS = {
    name: Command(name=name, group=group, summary=summary, is_group=True, example=f"boltcli {name} {words}")
    for name, group, summary, words in _GROUPS
}


def names() -> list[str]:
    """Return the names of all commands and groups."""
    return [*COMMANDS, *GROUPS]


def is_shared_switch(word: str) -> bool:
    """Return whether ``word`` is a switch that many commands have: it may stand before the command."""
    switches = [option for option in OPTIONS.values() if option.get("common") and option["default"] is False]
    return any(word in (f"--{option['name']}", f"-{option.get('short', '')}") for option in switches)


def declared(name: str) -> command:
    """Import the module of the command ``name``, and return what it declares."""
    if name not in DECLARED:
        __import__(f"boltcli.cli.commands.{COMMANDS[name]['module']}")
    return DECLARED[name]


def find(name: str) -> Command | None:
    """Return the command or group ``name``; None if there is none."""
    if name not in COMMANDS:
        return GROUPS.get(name)
    row = COMMANDS[name]
    arguments = tuple(Argument(**ARGUMENTS[key]) for key in row["arguments"])
    options = tuple(Option(**OPTIONS[key]) for key in row["options"])
    return Command(**row | {"name": name, "arguments": arguments, "options": options})


def all_commands() -> list[Command]:
    """Return all commands, in the table's order."""
    return [found for name in COMMANDS if (found := find(name))]
