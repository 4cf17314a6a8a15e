"""Options and positional arguments, as ``command_table.py`` describes them."""

from __future__ import annotations

from ..errors import ArgumentError
from .values import one_of, parse_bool, parse_choice, parse_string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Value = bool | int | str | list[str]


class Option:
    """A flag: ``--name VALUE`` or ``-short VALUE``.

    The default is a bool, an int, a str or a list of str; ``parse`` converts text to a value of that type and
    raises :class:`~boltcli.errors.ArgumentError`. A flag whose default is False is a switch: it takes no value,
    except as ``--name=false``. A flag whose default is a list collects the values of all its occurrences; for
    other flags the last occurrence counts. ``kind`` (text, file, bucket) and ``choices`` are for completing the
    value. ``environment`` is the name of a variable with the default. ``panel`` is its heading in the help.
    ``required`` flags have no default. ``aliases`` are other names. The help lists
    neither these nor options that are ``hidden``. ``is_name``: the function gets the bytes that the value stands for,
    see ``key_argument.py``. ``check`` raises :class:`~boltcli.errors.ArgumentError` for a value that the command
    refuses.
    """

    __slots__ = (
        "check", "choices", "common", "default", "environment", "gathers", "help", "hidden", "is_name", "kind",
        "metavar", "name", "names", "panel", "parameter", "parse", "required", "short", "switch",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        help: str,
        *,
        parameter: str,
        default: bool | int | str | list[str],
        metavar: str = "",
        parse: Callable[[str], Value] = parse_string,
        short: str = "",
        choices: tuple[str, ...] = (),
        required: bool = False,
        environment: str = "",
        panel: str = "",
        kind: str = "text",
        common: bool = False,
        aliases: tuple[str, ...] = (),
        hidden: bool = False,
        is_name: bool = False,
        check: Callable[[Option, Any], None] | None = None,
    ) -> None:
        self.is_name = is_name
        self.check = check
        self.names = (name, *aliases)
        self.hidden = hidden
        self.common = common  # to most commands: handled by the runner, not listed in the usage line
        self.name = name
        self.parameter = parameter  # of the command's function
        self.short = short
        self.help = help
        self.default = default
        self.metavar = metavar
        self.switch = default is False
        self.parse: Callable[[str], Value] = (
            parse_bool if self.switch else one_of(choices) if parse is parse_choice else parse
        )
        self.environment = environment
        self.panel = panel
        self.required = required  # reported before other errors, as by cobra
        self.gathers = isinstance(default, list)
        self.kind = kind
        self.choices = choices  # without parse_choice or check other values fail later, as in bbolt

    @property
    def label(self) -> str:
        """The flag's name in pflag's errors."""
        return f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"


class Argument:
    """A positional argument.

    ``kind`` is for completing it: file, bucket, key, page, command or text. ``many``: any number of them.
    ``hidden``: accepted silently, as by bbolt. ``is_name``: see :class:`Option`.
    """

    __slots__ = ("help", "hidden", "is_name", "kind", "many", "name", "parameter", "required")

    def __init__(
        self,
        name: str,
        kind: str,
        help: str,
        *,
        parameter: str,
        many: bool = False,
        required: bool = True,
        hidden: bool = False,
        is_name: bool = False,
    ) -> None:
        self.is_name = is_name
        self.name = name
        self.parameter = parameter  # of the command's function
        self.kind = kind
        self.help = help
        self.many = many
        self.required = required
        self.hidden = hidden


def check_choice(option: Option, value: str) -> None:
    """Raise ArgumentError if ``value`` is none of the option's choices."""
    if value not in option.choices and value != option.default:
        raise ArgumentError(f"--{option.name} {value}: must be one of {', '.join(option.choices)}")


def check_output(option: Option, value: str) -> None:
    """Raise ArgumentError if the option names no file."""
    if not value:
        raise ArgumentError("output file required")
