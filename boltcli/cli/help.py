"""Help: text made from the declarations of the commands, with colours on a terminal."""

from __future__ import annotations

from .command import Option
from .command_table import COMMANDS, OPTIONS
from .parse import HELP, VERSION
from .registry import all_commands, find
from .streams import terminal_width, wants_style, write_styled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from .command import Command

    Rows = list[tuple[str, str]]

SUMMARY = "Inspect, check and repair bolt (bbolt) database files, with the output of bbolt."
_WIDTH, _NARROW = 100, 60  # columns
_BOLD, _CYAN, _END = "\x1b[1m", "\x1b[36m", "\x1b[0m"
EXAMPLE = "example.db"
_MADE = {"commands": "All commands, a line each", "options": "Common options"}  # topics that are made of declarations


def topics() -> dict[str, str]:
    """Return the title of each topic, by name and in the order of the names."""
    from ..guide import topics as written

    return dict(sorted((written() | _MADE).items()))


def write_help(command: Command | None, out: BinaryIO) -> None:
    """Write the help of ``command``, or of the program, to ``out``."""
    write_styled(out, help_text(command, out))


def help_text(command: Command | None, out: BinaryIO) -> bytes:
    """Return the help of ``command``, or of the program, as ``out`` takes it."""
    return _styled(_of_program if command is None else lambda width: _of_command(command, width), out)


def _styled(lines: Callable[[int], Iterator[str]], out: BinaryIO) -> bytes:
    width = min(max(terminal_width(out), _NARROW), _WIDTH) if out.isatty() else _WIDTH
    text = "".join(f"{line}\n" for line in lines(width))
    for style in (_BOLD, _CYAN, _END) if not wants_style(out) else ():
        text = text.replace(style, "")
    return text.encode()


def write_example(out: BinaryIO) -> None:
    """Write a small database to example.db in the current folder, for the examples of the help."""
    from ..errors import DestinationExists
    from ..guide import example
    from ..render.row_files import complete

    try:
        with complete(EXAMPLE) as file:
            file.write(example())
        out.write(f"wrote {EXAMPLE}, a small database of Bacalhau\n".encode())
    except DestinationExists:
        out.write(f"{EXAMPLE} already exists\n".encode())


def topic_text(topic: str, out: BinaryIO) -> bytes:
    """Return a page of the manual as ``out`` takes it: rendered for a terminal."""
    if topic in _MADE:
        return _styled(_of_commands if topic == "commands" else _of_options, out)
    from ..guide import text

    page = text(topic)
    if topic == "apps":
        from ..apps.registry import plug_ins

        found = [f"- `{plug_in.name}`: {plug_in.title}\n" for plug_in in plug_ins()]
        page += "\nInstalled as plug-ins:\n\n" * bool(found) + "".join(found)
    if not wants_style(out):
        return page.encode("utf-8", "surrogateescape")
    from io import StringIO

    from rich.console import Console
    from rich.markdown import Markdown

    rendered = StringIO()
    Console(file=rendered, force_terminal=True, width=min(terminal_width(out), 110)).print(Markdown(page))
    return rendered.getvalue().encode("utf-8", "surrogateescape")


def inside(group: str) -> list[Command]:
    """Return the commands and groups right below ``group`` ("" for the program), in the list's order."""
    above = group.split()
    depth = len(above)
    found = dict.fromkeys(" ".join(name.split()[: depth + 1]) for name in COMMANDS if name.split()[:depth] == above)
    return [command for command in map(find, found) if command is not None]


def common_options() -> dict[str, Option]:
    """Return the options that many commands have, by name: each has one meaning everywhere."""
    found: dict[str, Option] = {}
    for row in OPTIONS.values():
        if row.get("common"):
            found.setdefault(row["name"], Option(**row))  # a later one has a help text of its own
    return found


def _of_commands(width: int) -> Iterator[str]:
    commands = all_commands()
    yield f"{_BOLD}All commands{_END} (boltcli COMMAND --help)"
    for group in dict.fromkeys(command.group for command in commands):
        yield from _section(group, [(each.name, each.summary) for each in commands if each.group == group], width)


def _of_options(width: int) -> Iterator[str]:
    options = sorted(common_options().values(), key=lambda option: option.panel != "")
    text = "These mean the same in every command that takes them; boltcli COMMAND --help names those of a command."
    yield from (f"{_BOLD}Common options{_END}", "", *_wrapped(text, width))
    for panel in dict.fromkeys(option.panel for option in options):
        yield from _section(panel or "Output", [_option_row(each) for each in options if each.panel == panel], width)


def _of_program(width: int) -> Iterator[str]:
    yield from (f"{_BOLD}Usage:{_END} boltcli COMMAND [ARGUMENTS]", "", SUMMARY)
    outer = inside("")
    for title in dict.fromkeys(command.group for command in outer):
        yield from _section(title, [(each.name, each.summary) for each in outer if each.group == title], width)
    yield from _section("Options", [_option_row(VERSION), _option_row(HELP)], width)
    yield from _section("Topics (boltcli help TOPIC)", list(topics().items()), width)
    yield from ("", "Try 'boltcli COMMAND --help' for a command's arguments, options and an example.")


def _of_command(command: Command, width: int) -> Iterator[str]:
    first, *more = _wrapped(f"Usage: {command.usage()}", width - 4)
    yield from (first.replace("Usage:", f"{_BOLD}Usage:{_END}", 1), *(f"    {line}" for line in more))
    yield from ("", *_wrapped(command.summary, width))
    if command.is_group:
        yield from _section("Commands", [(each.name, each.summary) for each in inside(command.name)], width)
    yield from _section("Arguments", [(each.name, each.help) for each in command.shown_arguments], width)
    known = common_options()
    # An option with a help text of its own is shown with it.
    common = [each for each in command.shown_options if each.common and each.help == known[each.name].help]
    own = [each for each in command.shown_options if each not in common]
    for panel in dict.fromkeys(["", *(option.panel for option in own)]):
        rows = [_option_row(option) for option in own if option.panel == panel]
        yield from _section(panel or "Options", rows if panel else [*rows, _option_row(HELP)], width)
    if common:
        names = ", ".join(f"--{option.name}" for option in common)
        yield from ("", *_wrapped(f"And the common options: boltcli help options ({names})", width))
    yield from _section("Exit status", [(str(status), words) for status, words in command.statuses.items()], width)
    example = shown_example(command.example)
    yield from ("", f"{_BOLD}Example:{_END}", f"  {_CYAN}{example}{_END}")
    if EXAMPLE in example:
        yield f"  ({_CYAN}boltcli help example{_END} writes {EXAMPLE})"


def shown_example(example: str) -> str:
    """Return an example that uses the file written by ``boltcli help example``."""
    return " ".join(EXAMPLE if word.startswith("fixtures/") else word for word in example.split(" "))


def _option_row(option: Option) -> tuple[str, str]:
    name = f"--{option.name} {option.metavar}".rstrip()
    notes = [f"env: {option.environment}"] * bool(option.environment)
    notes += ["required"] if option.required else [f"default: {option.default}"] * bool(option.default)
    note = f" [{'; '.join(notes)}]" if notes else ""
    return f"-{option.short}, {name}" if option.short else f"    {name}", option.help + note


def _section(title: str, rows: Rows, width: int) -> Iterator[str]:
    if not rows:
        return
    yield from ("", f"{_BOLD}{title}:{_END}")
    column = min(max(len(name) for name, _ in rows), width // 2)
    for name, text in rows:
        lines = _wrapped(text, width - column - 4)
        beside = f"{' ' * (column - len(name))}  {lines.pop(0)}" if len(name) <= column else ""
        yield f"  {_CYAN}{name}{_END}{beside}"
        yield from (" " * (column + 4) + line for line in lines)


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".lstrip()
    return lines
