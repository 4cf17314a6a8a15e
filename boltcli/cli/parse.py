"""The small parser: from argv to a command and its values, by the rules of cobra and pflag.

boltcli has its own parser because importing typer takes four times as long as
starting Python. ``typer_app.py`` makes a typer application from the same
declarations, and a test verifies that both parsers agree.

Surprising rules: flags may stand anywhere; while the command is searched for, a
flag before it swallows the next word; the last of repeated flags counts;
``--`` ends the flags.
"""

from __future__ import annotations

import os

from ..read_errors import ArgumentError
from .registry import LEFT_OUT, find, is_group, is_known, is_shared_switch, names
from .values import go_quote, parse_bool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .command import Command, Option, Value


class Parsed:
    """A parsed argv.

    ``action`` is run, help or version. ``command`` is None for the program
    itself; ``arguments`` are the positionals, ``options`` all options by name.
    """

    __slots__ = ("action", "arguments", "command", "options")

    def __init__(self, action: str, command: Command | None, arguments: list[str], options: dict[str, Value]) -> None:
        self.action = action
        self.command = command
        self.arguments = arguments
        self.options = options


class UsageError(ArgumentError):
    """An invalid argv; ``command`` is its command, if known."""

    is_typed = True

    def __init__(
        self,
        message: str,
        command: Command | None = None,
        suggestions: tuple[str, ...] = (),
        arguments: Sequence[str] = (),
        values: dict[str, Value] | None = None,
    ) -> None:
        super().__init__(message)
        self.command = command
        self.suggestions = suggestions
        self.arguments = list(arguments)  # the positionals read so far
        self.values = values or {}  # and the options


def parse(argv: Sequence[str]) -> Parsed:
    """Parse ``argv``, the words after the program's name. Raises :class:`UsageError`."""
    if len(argv) == 1 and not is_known(argv[0]) and ("://" in argv[0] or os.path.exists(argv[0])):
        return parse(["info", "--summary", "--", *argv])
    name, rest = find_command(list(argv))
    command = find(name)
    arguments: list[str] = []
    # Required options have no default; the defaults of options with an environment variable are read when needed.
    values: dict[str, Value] = {
        option.name: option.default
        for option in (command.options if command else ())
        if not (option.required or option.environment)
    }
    try:
        return _parse_flags(command, rest, arguments, values)
    except UsageError:
        raise
    except ArgumentError as error:
        raise UsageError(str(error), command, arguments=arguments, values=values) from None


def find_command(words: list[str], *, strict: bool = True) -> tuple[str, list[str]]:
    """Return the command's full name, "" if there is none, and ``words`` without it.

    If ``strict``, raises :class:`UsageError` for an unknown command. An unknown
    command of a group is treated as an argument of the group, and reported later.
    """
    found = ""
    while True:
        name, rest = _first_name(words)
        if name is None:
            return found, words
        longer = f"{found} {name}" if found else name
        if not is_known(longer):
            if strict and not found:
                if name in LEFT_OUT:
                    raise ArgumentError(LEFT_OUT[name])
                raise UsageError(
                    f'unknown command {go_quote(name)} for "boltcli"', None, _suggestions(name), [name, *rest]
                )
            return found, words
        found, words = longer, rest
        if not is_group(found):
            return found, words


def _first_name(words: list[str]) -> tuple[str | None, list[str]]:
    """Return the first word that may be a command's name, if there is one, and ``words`` without it.

    cobra looks for it before it knows the flags, so it assumes that each flag
    without ``=`` has a value, and skips the next word. Skipped words remain in
    ``words``.
    """
    skip = False
    for index, word in enumerate(words):
        if skip:
            skip = False
        elif word == "--":
            break
        elif _swallows(word):
            if index + 2 >= len(words):
                break  # a flag before the last word: cobra stops searching
            skip = True
        elif word and not word.startswith("-"):
            return word, words[:index] + words[index + 1 :]
    return None, words


def _swallows(word: str) -> bool:
    if is_shared_switch(word):
        return False  # bbolt doesn't have these switches, and assumes that a flag has a value
    return "=" not in word and (word.startswith("--") or (word.startswith("-") and len(word) == 2))


def _parse_flags(command: Command | None, words: list[str], arguments: list[str], values: dict[str, Value]) -> Parsed:
    """Parse ``words``, which follow the name of ``command``, into ``arguments`` and ``values``."""
    options = command.options if command else ()
    switches = {"help": False} if command else {"help": False, "version": False}
    queue = words[::-1]
    while queue:
        word = queue.pop()
        if len(word) < 2 or word[0] != "-":
            arguments.append(word)
        elif word == "--":
            arguments.extend(reversed(queue))
            break
        elif word[1] == "-":
            _long(word, word[2:], queue, options, values, switches)
        else:
            _shorts(word[1:], queue, options, values, switches)
    if switches["help"]:
        return Parsed("help", command, arguments, values)
    if switches.get("version"):
        return Parsed("version", None, arguments, values)
    if command is None or is_group(command.name):
        if command is not None and arguments:
            raise UsageError(
                f'unknown command {go_quote(arguments[0])} for "boltcli {command.name}"', command,
                _inside(command.name, arguments[0]), arguments,
            )  # fmt: skip
        return Parsed("help", command, arguments, values)
    command.check_count(arguments, values)
    for option in options:
        if option.environment and option.name not in values:
            values[option.name] = _from_environment(option)
    missing = sorted(option.name for option in options if option.name not in values)
    if missing:
        raise ArgumentError("required flag(s) {} not set".format(", ".join(f'"{name}"' for name in missing)))
    return Parsed("run", command, arguments, values)


def _long(
    word: str,
    body: str,
    queue: list[str],
    options: Sequence[Option],
    values: dict[str, Value],
    switches: dict[str, bool],
) -> None:
    """Parse ``--name``, ``--name VALUE`` or ``--name=VALUE``."""
    if not body or body[0] in "-=":
        raise ArgumentError(f"bad flag syntax: {word}")
    name, equals, value = body.partition("=")
    if name in switches:
        switches[name] = _switch_value(name, value if equals else "true")
        return
    option = next((option for option in options if name in option.names), None)
    if option is None:
        raise ArgumentError(f"unknown flag: --{name}")
    if not equals:
        if option.switch:
            value = "true"
        elif queue:
            value = queue.pop()
        else:
            raise ArgumentError(f"flag needs an argument: {word}")
    _set(option, value, values)


def _shorts(
    cluster: str,
    queue: list[str],
    options: Sequence[Option],
    values: dict[str, Value],
    switches: dict[str, bool],
) -> None:
    """Parse ``-f VALUE``, ``-fVALUE``, ``-f=VALUE``, or switches combined in one word."""
    if cluster.startswith("test."):  # pflag ignores the flags of `go test`
        return
    # Before bbolt 1.5 long flags had one dash, and scripts still use that.
    name = cluster.partition("=")[0]
    if any(name in option.names for option in options):
        _long("-" + cluster, cluster, queue, options, values, switches)
        return
    while cluster:
        letter = cluster[0]
        switch = next((name for name in switches if name[0] == letter), None)
        option = next((option for option in options if option.short == letter), None)
        assigned = len(cluster) > 2 and cluster[1] == "="
        if switch:
            switches[switch] = _switch_value(switch, cluster[2:] if assigned else "true")
            if assigned:
                return
            cluster = cluster[1:]
            continue
        if option is None:
            from ..text.golang import quote_char

            # pflag treats a byte as a letter, and quotes the first byte of that letter's UTF-8.
            byte = chr(os.fsencode(letter)[0]).encode()[0]
            raise ArgumentError(f"unknown shorthand flag: {quote_char(chr(byte))} in -{cluster}")
        if assigned:
            value = cluster[2:]
        elif option.switch:
            _set(option, "true", values)
            cluster = cluster[1:]
            continue
        elif len(cluster) > 1:
            value = cluster[1:]
        elif queue:
            value = queue.pop()
        else:
            raise ArgumentError(f"flag needs an argument: '{letter}' in -{cluster}")
        _set(option, value, values)
        return


def _set(option: Option, value: str, values: dict[str, Value]) -> None:
    try:
        parsed = option.parse(value)
    except ArgumentError as error:
        raise ArgumentError(f'invalid argument {go_quote(value)} for "{option.label}" flag: {error}') from None
    before = values.get(option.name)
    values[option.name] = before + parsed if isinstance(before, list) and isinstance(parsed, list) else parsed


def _from_environment(option: Option) -> Value:
    value = os.environ.get(option.environment)
    if not value:
        return option.default
    try:
        return option.parse(value)
    except ArgumentError as error:
        raise ArgumentError(f"invalid {option.environment} {go_quote(value)} in the environment: {error}") from None


def _switch_value(name: str, value: str) -> bool:
    try:
        return parse_bool(value)
    except ArgumentError as error:
        raise ArgumentError(f'invalid argument {go_quote(value)} for "-{name[0]}, --{name}" flag: {error}') from None


def _suggestions(name: str) -> tuple[str, ...]:
    from .words_of_other_tools import suggestions

    return suggestions(name, [each for each in names() if is_group(each)])


def _inside(group: str, name: str) -> tuple[str, ...]:
    """Return suggestions for the unknown ``name`` in ``group``."""
    from .words_of_other_tools import nearest

    inner = [each.removeprefix(f"{group} ") for each in names() if each.startswith(f"{group} ")]
    near = nearest(name, inner) or [each for each in inner if name in each.split()]
    return tuple(f"{group} {each}" for each in near)
