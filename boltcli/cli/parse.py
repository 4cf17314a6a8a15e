"""The small parser: from argv to a command and its values, by the rules of cobra and pflag.

boltcli has its own parser because importing typer takes four times as long as starting Python. ``typer_app.py`` makes a
typer application from the same declarations, and a test verifies that both parsers agree.

Surprising rules: flags may stand anywhere; while the command is searched for, a flag before it swallows the next word;
the last of repeated flags counts; ``--`` ends the flags.
"""

from __future__ import annotations

import os

from ..read_errors import ArgumentError
from .command import Option
from .registry import GROUPS, find, is_shared_switch, names
from .values import go_quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .command import Command, Value

# The switches of all commands, and of the program alone.
HELP = Option(name="help", short="h", default=False, help="Show this help.")
VERSION = Option(name="version", short="v", default=False, help="Print the version.")

# Commands of bbolt that boltcli doesn't have, and why.
_LEFT_OUT = {"bench": "boltcli has no bench: it measures how fast bbolt itself writes and reads; run bbolt bench"}


class UsageError(ArgumentError):
    """An invalid argv; ``command`` is its command, if known. ``arguments`` and ``values`` were read so far."""

    is_typed = True

    def __init__(
        self,
        message: str,
        command: Command | None = None,
        suggestions: Sequence[str] = (),
        arguments: Sequence[str] = (),
        values: dict[str, Value] | None = None,
    ) -> None:
        super().__init__(message)
        self.command = command
        self.suggestions = suggestions
        self.arguments = list(arguments)
        self.values = values or {}


def parse(argv: Sequence[str]) -> Parsed:
    """Parse ``argv``, the words after the program's name. Raises :class:`UsageError`."""
    if len(argv) == 1 and argv[0] not in names() and ("://" in argv[0] or os.path.exists(argv[0])):
        return parse(["info", "--summary", "--", *argv])
    name, rest = find_command(list(argv))
    parsed = Parsed(find(name))
    try:
        parsed.read(rest)
    except UsageError:
        raise
    except ArgumentError as error:
        raise UsageError(str(error), parsed.command, (), parsed.arguments, parsed.options) from None
    return parsed


def find_command(words: list[str], *, strict: bool = True) -> tuple[str, list[str]]:
    """Return the command's full name, "" if there is none, and ``words`` without it. If ``strict``, raises
    :class:`UsageError` for an unknown command; one in a group is an argument of that at first."""
    found = ""
    while not found or found in GROUPS:
        name, rest = _first_name(words)
        if name is None:
            break
        longer = f"{found} {name}".lstrip()
        if longer not in names():
            if strict and not found:
                if name in _LEFT_OUT:
                    raise ArgumentError(_LEFT_OUT[name])
                from .words_of_other_tools import suggestions

                problem = f'unknown command {go_quote(name)} for "boltcli"'
                raise UsageError(problem, None, suggestions(name), [name, *rest])
            break
        found, words = longer, rest
    return found, words


def _first_name(words: list[str]) -> tuple[str | None, list[str]]:
    """Return the first word that may be a command's name, if there is one, and ``words`` without it. cobra looks for it
    before it knows the flags: it assumes that each without ``=`` has a value, and skips that."""
    skip = False
    for index, word in enumerate(words):
        if skip:
            skip = False
        elif word == "--":
            break
        elif word and word[0] != "-":
            return word, words[:index] + words[index + 1 :]
        # bbolt doesn't have the switches of all commands, and assumes that a flag has a value.
        elif (len(word) == 2 or word[1:2] == "-") and "=" not in word and not is_shared_switch(word):
            if index + 2 >= len(words):
                break  # a flag before the last word: cobra stops searching
            skip = True
    return None, words


class Parsed:
    """A parsed argv. ``action`` is run, help or version; ``command`` is None for the program itself. ``arguments`` are
    the positionals, ``options`` the values of all options by name."""

    def __init__(self, command: Command | None) -> None:
        self.action = "help"
        self.command = command
        self.arguments: list[str] = []
        self._own = command.options if command else ()
        # Required options have no default; the defaults of options with an environment variable are read when needed.
        self.options: dict[str, Value] = {
            option.name: option.default for option in self._own if not (option.required or option.environment)
        }
        self._switches: dict[str, Value] = {}  # HELP and VERSION
        self._queue: list[str] = []

    def read(self, words: list[str]) -> None:
        """Parse ``words``, which follow the name of the command. Raises :class:`ArgumentError`."""
        command, arguments, queue = self.command, self.arguments, self._queue
        queue += words[::-1]
        while queue:
            word = queue.pop()
            if len(word) < 2 or word[0] != "-":
                arguments.append(word)
            elif word == "--":
                arguments += queue[::-1]
                break
            elif word[1] == "-":
                self._long(word, word[2:])
            else:
                self._shorts(word[1:])
        if self._switches.get("help"):
            return
        if self._switches.get("version"):
            self.action = "version"
        elif command is not None and command.is_group and arguments:
            problem = f'unknown command {go_quote(arguments[0])} for "boltcli {command.name}"'
            raise UsageError(problem, command, _inside(command.name, arguments[0]), arguments)
        elif command is not None and not command.is_group:
            self.action = "run"
            self._complete(command)

    def _complete(self, command: Command) -> None:
        """Verify that nothing is missing, and take from the environment what isn't given."""
        command.check_count(self.arguments, self.options)
        for option in self._own:
            if option.environment and option.name not in self.options:
                self.options[option.name] = _from_environment(option)
        missing = sorted(option.name for option in self._own if option.name not in self.options)
        if missing:
            raise ArgumentError("required flag(s) {} not set".format(", ".join(f'"{name}"' for name in missing)))

    def _known(self) -> tuple[Option, ...]:
        return (HELP, *self._own) if self.command else (HELP, VERSION)

    def _long(self, word: str, body: str) -> None:
        """Parse ``--name``, ``--name VALUE`` or ``--name=VALUE``."""
        if not body or body[0] in "-=":
            raise ArgumentError(f"bad flag syntax: {word}")
        name, equals, value = body.partition("=")
        option = next((option for option in self._known() if name in (option.name, *option.aliases)), None)
        if option is None:
            raise ArgumentError(f"unknown flag: --{name}")
        if not equals:
            value = self._value(option, word)
        self._set(option, value)

    def _shorts(self, cluster: str) -> None:
        """Parse ``-f VALUE``, ``-fVALUE``, ``-f=VALUE``, or switches combined in one word."""
        if cluster.startswith("test."):  # pflag ignores the flags of `go test`
            return
        # Before bbolt 1.5 long flags had one dash, and scripts still use that.
        if any(cluster.partition("=")[0] in (option.name, *option.aliases) for option in self._own):
            self._long("-" + cluster, cluster)
            return
        while cluster:
            letter, more = cluster[0], cluster[1:]
            option = next((option for option in self._known() if option.short == letter), None)
            if option is None:
                from ..text.golang import quote_char

                # pflag treats a byte as a letter, and quotes the first byte of that letter's UTF-8.
                byte = chr(os.fsencode(letter)[0]).encode()[0]
                raise ArgumentError(f"unknown shorthand flag: {quote_char(chr(byte))} in -{cluster}")
            if len(more) > 1 and more[0] == "=":
                value, cluster = more[1:], ""
            elif option.switch:
                value, cluster = "true", more
            else:
                value, cluster = more or self._value(option, f"'{letter}' in -{cluster}"), ""
            self._set(option, value)

    def _value(self, option: Option, flag: str) -> str:
        if option.switch:
            return "true"
        if not self._queue:
            raise ArgumentError(f"flag needs an argument: {flag}")
        return self._queue.pop()

    def _set(self, option: Option, value: str) -> None:
        try:
            parsed = option.parse(value)
        except ArgumentError as error:
            flag = f"-{option.short}, --{option.name}" if option.short else f"--{option.name}"
            raise ArgumentError(f'invalid argument {go_quote(value)} for "{flag}" flag: {error}') from None
        values = self._switches if option in (HELP, VERSION) else self.options
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


def _inside(group: str, name: str) -> list[str]:
    from .words_of_other_tools import nearest

    inner = [each.removeprefix(f"{group} ") for each in names() if each.startswith(f"{group} ")]
    near = nearest(name, inner) or [each for each in inner if name in each.split()]
    return [f"{group} {each}" for each in near]
