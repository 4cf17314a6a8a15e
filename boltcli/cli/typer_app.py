"""boltcli as a typer application, for programs that combine typer applications.

The functions of the commands are declared as typer wants them, so their parameters are passed on to it; the shared
options are added, and what the runner passes is left out.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from copy import copy
from itertools import chain
from typing import Annotated, Any, Literal, get_origin

import typer
from typer.models import OptionInfo

from ..errors import ArgumentError
from .app import main
from .command import Argument, Command, Option
from .commands.version import one_line
from .help import SUMMARY
from .make_table import parameters, shared
from .registry import GROUPS, all_commands, declared
from .values import parse_name

# What a typer command does with its values: run the command, or, in tests, record them.
Action = Callable[[Command, list[str], dict[str, Any]], None]

_SETTINGS = {"help_option_names": ["-h", "--help"]}


def build(action: Action, *, rich: bool = True) -> typer.Typer:
    """Return the typer application, which passes a command's values to ``action``. ``rich``: rich formats its help."""
    app = _typer(SUMMARY, rich)

    @app.callback()
    def program(
        version: Annotated[
            bool, typer.Option("--version", "-v", help="Print the version and exit.", callback=_version, is_eager=True)
        ] = False,
    ) -> None:
        """Declares the program's own options."""

    groups = {"": app}
    for group in GROUPS:
        parent, _, name = group.name.rpartition(" ")
        groups[group.name] = inner = _typer(group.summary, rich)
        groups[parent].add_typer(inner, name=name, short_help=group.summary, rich_help_panel=group.group)
    for command in all_commands():
        parent, _, name = command.name.rpartition(" ")
        status = f"\n\nExit status: {command.statuses_text()}." if command.statuses else ""
        groups[parent].command(
            name,
            help=f"{command.summary}{status}\n\nExample: {command.example}",
            short_help=command.summary,
            rich_help_panel=command.group if not parent else None,
            context_settings=_SETTINGS,
        )(_function(command, action))
    return app


def _typer(help: str, rich: bool) -> typer.Typer:
    return typer.Typer(
        help=help,
        no_args_is_help=True,
        context_settings=_SETTINGS,
        add_completion=False,  # boltcli's own completion is faster, and completes names from the file
        pretty_exceptions_enable=False,
        rich_markup_mode="rich" if rich else None,
    )


def application() -> typer.Typer:
    """Return boltcli as a typer application to include in another one; commands exit with their exit status."""

    def run(command: Command, arguments: list[str], options: dict[str, Any]) -> None:
        words = [f"--{name}={_word(value)}" for name, value in _given(command, options)]
        raise typer.Exit(main([*command.name.split(), *words, "--", *arguments]))

    return build(run)


def _given(command: Command, options: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the options whose values differ from the default; an option with a list comes once for each value."""
    for option in command.options:
        value = options[option.name]
        if isinstance(value, list):
            yield from ((option.name, each) for each in value)
        elif option.required or value != option.default:
            yield option.name, value


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _function(command: Command, action: Action) -> Callable[..., None]:
    """Return a function with the command's arguments and options as parameters."""

    def call(**values: Any) -> None:
        positionals: list[str] = []
        for argument in arguments:
            given = values[argument.parameter]
            positionals += given if isinstance(given, list) else [given] if isinstance(given, str) else []
        options = {option.name: values[option.parameter] for option in command.options}
        # For a flag with a list, typer makes a list of what the parser returns, which is already a list.
        for option in command.options:
            if option.gathers and option.parse is not parse_name:
                options[option.name] = [*chain.from_iterable(options[option.name])]
        try:
            command.check_count(positionals, options)
        except ArgumentError as error:
            raise typer.BadParameter(str(error)) from None
        action(command, positionals, options)

    # If the first argument may be several files, or one file and other arguments, the command decides later.
    arguments = command.arguments[: 1 if command.several else None]
    own: dict[str, Any] = {one.name: (kind, info) for one, kind, info, _ in parameters(declared(command.name).function)}
    found = [_argument(argument, argument.many or command.several) for argument in arguments]
    for option in command.options:
        kind, info = own[option.parameter] if option.parameter in own else shared(option.parameter)
        found.append(_option(option, kind, info))
    call.__name__ = command.name.replace(" ", "_").replace("-", "_")
    call.__signature__ = inspect.Signature(found)  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in found}
    return call


def _argument(argument: Argument, many: bool) -> inspect.Parameter:
    info = typer.Argument(metavar=argument.name, help=argument.help, show_default=False, hidden=argument.hidden)
    kind: Any = list[str] if many else str
    default: Any = inspect.Parameter.empty
    if not argument.required:
        kind, default = kind | None, None
    return _keyword(argument.parameter, Annotated[kind, info], default)


def _option(option: Option, kind: Any, info: OptionInfo) -> inspect.Parameter:
    info = copy(info)
    if option.switch and not (info.param_decls or isinstance(info.default, str)):
        info.param_decls = (f"--{option.name}",)  # without the other one, --no-NAME
    if info.parser is not None:
        info.parser = _reader(option.parse)
    info.callback = None  # the runner calls it
    default = inspect.Parameter.empty if option.required else option.default
    # Choices are checked, and names parsed, later, so that all errors are those of this project.
    text = str if get_origin(kind) is Literal or kind is bytes else list[str] if kind == list[bytes] else kind
    return _keyword(option.parameter, Annotated[text, info], default)


def _reader(parse: Callable[[str], Any]) -> Callable[[Any], Any]:
    # typer also passes the default to the parser, although it is already a value.
    return lambda given: parse(given) if isinstance(given, str) else given


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(one_line(), nl=False)
        raise typer.Exit
