"""Make the man page from the declarations: ``python -m boltcli.cli.man > boltcli.1``."""

import sys

from .. import __version__
from ..guide import topics
from .command import Command, Option
from .help import SUMMARY
from .registry import all_commands


def manual() -> str:
    lines = [
        f'.TH BOLTCLI 1 "" "boltcli {__version__}" "User Commands"',
        ".SH NAME",
        f"boltcli \\- {_escaped(SUMMARY[0].lower() + SUMMARY[1:].rstrip('.'))}",
        *(".SH SYNOPSIS", ".B boltcli", ".I COMMAND", "[\\fIARGUMENTS\\fR]", ".SH COMMANDS"),
    ]
    commands = all_commands()
    for group in dict.fromkeys(command.group for command in commands):
        lines.append(f".SS {group}")
        for command in commands:
            if command.group == group:
                lines += _command(command)
    common = {option.name: option for command in commands for option in command.options if option.common}
    lines += [".SH OPTIONS OF MOST COMMANDS", *(line for option in common.values() for line in _option(option))]
    variables = {option.environment: option for command in commands for option in command.options if option.environment}
    lines.append(".SH ENVIRONMENT")
    for name, option in sorted(variables.items()):
        lines += [".TP", f".B {name}", f"The default of \\fB\\-\\-{_escaped(option.name)}\\fR."]
    lines += [".SH EXIT STATUS", "0 on success, 1 on failure; see \\fBboltcli help exit\\-status\\fR.", ".SH SEE ALSO"]
    lines += ["The manual: " + ", ".join(f"\\fBboltcli help {_escaped(topic)}\\fR" for topic in topics()) + "."]
    return "\n".join(lines) + "\n"


def _command(command: Command) -> list[str]:
    lines = [".TP", f"\\fB{_escaped(command.usage())}\\fR", _escaped(command.summary)]
    own = [option for option in command.shown_options if not option.common]
    if own or command.arguments:
        lines.append(".RS")
        for argument in command.shown_arguments:
            lines += [".TP", f"\\fI{_escaped(argument.name)}\\fR", _escaped(argument.help)]
        for option in own:
            lines += _option(option)
        lines.append(".RE")
    if command.statuses:
        lines += [".IP", f"Exit status: {_escaped(command.statuses_text())}."]
    return lines


def _option(option: Option) -> list[str]:
    names = f"\\-{option.short}, " * bool(option.short) + f"\\-\\-{_escaped(option.name)}"
    value = f" \\fI{_escaped(option.metavar)}\\fR" if option.metavar else ""
    return [".TP", f"\\fB{names}\\fR{value}", _escaped(option.help)]


def _escaped(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    sys.stdout.write(manual())
