"""Make the man page from the declarations: ``python -m boltcli.cli.man > boltcli.1``."""

import sys

from .. import __version__
from .command import Command, Option
from .help import EXAMPLE, SUMMARY, common_options, shown_example, topics
from .registry import all_commands

_EXAMPLES = ("check", "keys", "get", "view", "diff", "compact", "recover", "doctor")
_VARIABLES = {
    "BOLTCLI_PAGER, PAGER": "The pager for long pages of help on a terminal; default: less -FRX. cat: none.",
    "BOLTCLI_KERNEL": "0: walk all pages in Python, without the compiled kernel.",
    "NO_COLOR, FORCE_COLOR": "No colours on a terminal; colours also elsewhere. --color overrides both.",
    "COLUMNS": "The width of the terminal.",
    "TMPDIR": "The folder for unpacked files and private copies, which have no name and end with the command.",
}
_FILES = {
    EXAMPLE: "A small database, which boltcli help example writes into the current folder.",
    "FILE.bak, FILE.bak.1, ...": "The file as it was before patch --in-place.",
    "RESULTS.partial": "The results so far of a run over many files with -o RESULTS; --resume RESULTS continues it.",
    "/proc/locks": "Where lock finds which process holds a file (Linux).",
}


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
    lines += [".SH OPTIONS OF MOST COMMANDS", *(line for each in common_options().values() for line in _option(each))]
    lines += [".SH EXIT STATUS", "0 on success, 1 on failure; see \\fBboltcli help exit\\-status\\fR."]
    variables = {option.environment: option for command in commands for option in command.options if option.environment}
    lines.append(".SH ENVIRONMENT")
    for name, option in sorted(variables.items()):
        lines += _described(name, f"The default of --{option.name}.")
    for names, text in _VARIABLES.items():
        lines += _described(names, text)
    lines.append(".SH FILES")
    for names, text in _FILES.items():
        lines += _described(names, text)
    lines += [".SH EXAMPLES", f"\\fBboltcli help example\\fR writes {EXAMPLE}."]
    for command in commands:
        if command.name in _EXAMPLES:
            lines += _described(shown_example(command.example), command.summary)
    lines.append(".SH SEE ALSO")
    lines += ["The manual: " + ", ".join(f"\\fBboltcli help {_escaped(topic)}\\fR" for topic in topics()) + "."]
    return "\n".join(lines) + "\n"


def _described(term: str, text: str) -> list[str]:
    return [".TP", f"\\fB{_escaped(term)}\\fR", _escaped(text)]


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
