"""boltcli as a typer application, for programs that combine typer applications. It is made of the table of commands,
which was read from functions that are declared as typer wants them."""

import inspect
from collections.abc import Callable
from itertools import chain
from typing import Annotated, Any

import typer

from ..errors import ArgumentError
from .app import main
from .command import Argument, Command, Option
from .commands.version import one_line
from .help import SUMMARY
from .registry import GROUPS, all_commands

_SETTINGS = {"help_option_names": ["-h", "--help"]}


def application(*, rich: bool = True) -> typer.Typer:
    """Return boltcli as a typer application to include in another one; commands exit with their exit status. ``rich``:
    rich formats its help."""
    app = _typer(SUMMARY, rich)

    @app.callback()
    def program(
        version: Annotated[
            bool, typer.Option("--version", "-v", help="Print the version and exit.", callback=_version, is_eager=True)
        ] = False,
    ) -> None:
        """Declares the program's own options."""

    groups = {"": app}
    for group in GROUPS.values():
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
        )(_function(command))
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


def _function(command: Command) -> Callable[..., None]:
    def call(**values: Any) -> None:
        positionals: list[str] = []
        for argument in arguments:
            given = values[argument.parameter]
            positionals += given if isinstance(given, list) else [given] if isinstance(given, str) else []
        options = {option.name: values[option.parameter] for option in command.options}
        # For a flag with a list, typer makes a list of what the parser returns, which is already a list.
        for option in command.options:
            if isinstance(option.default, list) and option.parser != "parse_name":
                options[option.name] = [*chain.from_iterable(options[option.name])]
        try:
            command.check_count(positionals, options)
        except ArgumentError as error:
            raise typer.BadParameter(str(error)) from None
        words = command.name.split()
        for option in command.options:
            value = options[option.name]
            if option.required or value != option.default:
                for one in value if isinstance(value, list) else [value]:
                    words.append(f"--{option.name}={str(one).lower() if isinstance(one, bool) else one}")
        raise typer.Exit(main([*words, "--", *positionals]))

    # If the first argument may be several files, or one file and other arguments, the command decides later.
    arguments = command.arguments[: 1 if command.several else None]
    found = [_argument(argument, argument.many or command.several) for argument in arguments]
    found += map(_option, command.options)
    call.__name__ = command.name.replace(" ", "_").replace("-", "_")
    call.__signature__ = inspect.Signature(found)  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in found}
    return call


def _argument(argument: Argument, many: bool) -> inspect.Parameter:
    info = typer.Argument(metavar=argument.name, help=argument.help, show_default=False, hidden=argument.hidden)
    kind: Any = list[str] if many else str
    if argument.required:
        return _keyword(argument.parameter, Annotated[kind, info])
    return _keyword(argument.parameter, Annotated[kind | None, info], None)


def _option(option: Option) -> inspect.Parameter:
    names = [f"--{name}" for name in (option.name, *option.aliases)] + [f"-{option.short}"] * bool(option.short)

    def parsed(given: Any) -> Any:
        # typer also passes the default to the parser, although it is already a value.
        return option.parse(given) if isinstance(given, str) else given

    info = typer.Option(
        *names,
        help=option.help,
        metavar=option.metavar or None,
        envvar=option.environment or None,
        rich_help_panel=option.panel or None,
        hidden=option.hidden,
        # Names are parsed later, so that all errors are those of this project.
        parser=None if option.switch or option.parser in ("parse_string", "parse_name") else parsed,
    )
    kind: Any = bool if option.switch else list[str] if isinstance(option.default, list) else str
    default = inspect.Parameter.empty if option.required else option.default
    return _keyword(option.parameter, Annotated[kind, info], default)


def _keyword(name: str, annotation: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(one_line(), nl=False)
        raise typer.Exit
