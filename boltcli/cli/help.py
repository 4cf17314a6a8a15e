"""Help: plain text made from the declarations, or, on a terminal, typer's and rich's view of the same."""

from __future__ import annotations

from .commands import COMMANDS
from .registry import find, is_group
from .streams import wants_style, write_styled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from .command import Command, Option

    Rows = list[tuple[str, str]]

SUMMARY = "Inspect, check and repair bolt (bbolt) database files, with the output of bbolt."
_HELP = ("-h, --help", "Show this help.")
_WIDTH = 100


def write_help(command: Command | None, out: BinaryIO) -> None:
    """Write the help of ``command``, or of the program, to ``out``: by rich on a terminal, else plain."""
    if wants_style(out):
        from .typer_app import show_help

        out.flush()
        show_help(command)
    else:
        out.write(("\n".join(_plain(command)) + "\n").encode())


def write_topic(topic: str, out: BinaryIO) -> None:
    """Write a page of the manual: rendered on a terminal, else as it is. Raises KeyError if there is no such page."""
    from ..guide import text

    page = text(topic)
    if wants_style(out):
        from ..render.rich_markdown import rendered

        write_styled(out, rendered(page))
    else:
        out.write(page.encode())


def inside(group: str) -> list[Command]:
    """The commands and groups right below ``group`` ("" for the program), in the list's order."""
    depth = len(group.split())
    found: dict[str, None] = {}
    for name in COMMANDS:
        words = name.split()
        if words[:depth] == group.split():
            found[" ".join(words[: depth + 1])] = None
    return [command for command in map(find, found) if command is not None]


def _plain(command: Command | None) -> Iterator[str]:
    if command is None:
        yield from ("Usage: boltcli COMMAND [ARGUMENTS]", "", SUMMARY)
        outer = inside("")
        for title in dict.fromkeys(command.group for command in outer):
            yield from _section(title, [(each.name, each.summary) for each in outer if each.group == title])
        from ..guide import topics

        yield from _section("Options", [("-v, --version", "Print the version."), _HELP])
        yield from _section("Topics (boltcli help TOPIC)", list(topics().items()))
        yield from ("", "Try 'boltcli COMMAND --help' for what a command takes, and an example.")
        return
    yield from (f"Usage: {command.usage()}", "", command.summary)
    if is_group(command.name):
        yield from _section("Commands", [(each.name, each.summary) for each in inside(command.name)])
    yield from _section("Arguments", [(each.name, each.help) for each in command.arguments if not each.hidden])
    for panel in dict.fromkeys(["", *(option.panel for option in command.options)]):
        rows = [_option_row(option) for option in command.options if option.panel == panel]
        yield from _section(panel or "Options", rows if panel else [*rows, _HELP])
    yield from ("", "Example:", f"  {command.example}")


def _option_row(option: Option) -> tuple[str, str]:
    name = f"    --{option.name} {option.metavar}".rstrip()
    notes = [f"env: {option.environment}"] * bool(option.environment)
    notes += ["required"] if option.required else [f"default: {option.default}"] * bool(option.default)
    note = f" [{'; '.join(notes)}]" if notes else ""
    return f"-{option.short}, {name.lstrip()}" if option.short else name, option.help + note


def _section(title: str, rows: Rows) -> Iterator[str]:
    if not rows:
        return
    yield from ("", f"{title}:")
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        margin = f"  {name:<{width}}  "
        for line in _wrapped(text, _WIDTH - len(margin)):
            yield (margin + line).rstrip()
            margin = " " * len(margin)


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".lstrip()
    return lines
