"""Write ``command_table.py``, what the parser, help and completion know of all commands: ``make table``. The functions
of the commands declare everything in typer's idiom. Reading that takes typer, which takes four times as long to import
as Python to start; so it is read here, and what comes out is a module of plain values."""

from __future__ import annotations

import builtins
import inspect
import typing
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import typer
from typer.models import ArgumentInfo, OptionInfo

from . import command, commands, options, values

Row = dict[str, Any]

INJECTED = ("db", "opener", "out")
# The shared options of a command, by what it says of opening databases.
_OPENS: dict[bool | str, tuple[type, ...]] = {
    False: (),
    "offset": (options.Inside,),
    "locked": (options.Locking, options.Inside),
    True: (options.Locking, options.Inside, options.Access),
}
_ROWS = "dict[str, dict[str, Any]]"
_HEAD = '''"""What all commands take. Written by `make table` from their functions: do not edit."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
'''


class _Names(dict[str, Any]):
    """The names in a command's annotations: its module's, those of shared options, typer's; any other is a type."""

    def __init__(self, function: Any) -> None:
        super().__init__(vars(typing) | vars(values) | vars(command) | vars(options) | function.__globals__)
        self.update(Option=typer.Option, Argument=typer.Argument)

    def __missing__(self, name: str) -> Any:
        return getattr(builtins, name, object)


def _declared(function: Callable[..., object]) -> Iterator[tuple[str, Any, Any, Any, str]]:
    """Yield the parameters of a command's function: name, default, type, what typer is told of it, and the parameter
    that it is an attribute of, if it is one of several options ``Together``.
    """
    for name, parameter in inspect.signature(function).parameters.items():
        declared = eval(parameter.annotation, {}, _Names(function))
        if typing.get_origin(declared) is typing.Annotated:
            yield name, parameter.default, *typing.get_args(declared), ""
        elif isinstance(declared, type) and issubclass(declared, command.Together):
            yield from ((*one, name) for one in _shared(declared))
        elif name not in INJECTED:
            raise TypeError(f"{function.__module__}: {name} is declared neither as an argument nor an option")


def _shared(holder: type) -> Iterator[tuple[str, Any, Any, Any]]:
    """Yield name, default, type and what typer is told of the options of a class."""
    for name, hint in typing.get_type_hints(holder, include_extras=True).items():
        yield name, getattr(holder, name), *typing.get_args(hint)


def _option(name: str, default: Any, kind: Any, info: OptionInfo, within: str = "", **more: Any) -> Row:
    # typer takes the first name for the default, until it sees that it is in an annotation.
    given: list[str] = [*([info.default] if isinstance(info.default, str) else []), *(info.param_decls or ())]
    words = [word[2:] for word in given if word.startswith("--")] or [name.replace("_", "-")]
    required = default is inspect.Parameter.empty
    if required:
        default = kind()
    row = {
        "metavar": info.metavar,
        "parser": info.parser.__name__ if info.parser else "parse_name" if isinstance(default, list) else "",
        "short": "".join(word[1:] for word in given if not word.startswith("--")),
        "choices": tuple(filter(None, typing.get_args(kind))) if typing.get_origin(kind) is typing.Literal else (),
        "required": required,
        "environment": info.envvar,
        "panel": info.rich_help_panel,
        "aliases": tuple(words[1:]),
        "check": info.callback.__name__ if info.callback else "",
        "within": within,
    }
    default = default.decode() if isinstance(default, bytes) else default
    return {"name": words[0], "parameter": name, "default": default} | _said(kind, info, **row, **more)


def _argument(name: str, default: Any, kind: Any, info: ArgumentInfo, _: str = "") -> Row:
    metavar = info.metavar or name.upper()
    many = typing.get_origin(kind) is list or metavar.endswith("...")
    row = {"name": metavar.removesuffix("..."), "parameter": name} | _said(kind, info, many=many)
    return row if default is inspect.Parameter.empty else row | {"required": False}


def _said(kind: Any, info: OptionInfo | ArgumentInfo, **more: Any) -> Row:
    """Return ``more``, and what options and arguments have in common, without what is as usual."""
    completes = info.autocompletion.__name__ if info.autocompletion else ""
    more |= {"kind": completes, "hidden": info.hidden, "is_name": kind in (bytes, list[bytes]), "help": info.help}
    return {name: value for name, value in more.items() if value}


def _command(declared: command.command, arguments: dict[str, Row], options_: dict[str, Row]) -> str:
    """Return the line of a command; what is as usual is left out. It adds its arguments and options to those known."""
    function = declared.function
    own = list(_declared(function))
    taken = tuple(name for name in inspect.signature(function).parameters if name in INJECTED)
    positionals = [_argument(*one) for one in own if isinstance(one[3], ArgumentInfo)]
    rows = [_option(*one) for one in own if isinstance(one[3], OptionInfo)]
    named = {row["name"] for row in rows}
    holders = [options.Many] * bool(declared.facts["several"]) + [options.Common] * bool(declared.json)
    for holder in (*holders, *_OPENS["db" in taken or declared.opens]):
        rows += [row for one in _shared(holder) if (row := _option(*one, common=True))["name"] not in named]
    for row in rows:
        if row["name"] == "json" and isinstance(declared.json, str):
            row["help"] = declared.json
    facts: Row = {"module": _module(declared), "summary": (function.__doc__ or "").partition("\n")[0], "takes": taken}
    facts["least"] = sum(row.get("required", True) for row in positionals)
    facts |= {name: value for name, value in declared.facts.items() if value and (name, value) != ("failure", 1)}
    facts["arguments"] = tuple(_key(arguments, row) for row in positionals)
    facts["options"] = tuple(_key(options_, row) for row in rows)
    return f"    {declared.name!r}: {facts!r},"


def _key(rows: dict[str, Row], row: Row) -> str:
    """Return the key of ``row`` in ``rows``, to which it is added if it is new: its name, with a number."""
    key, number = str(row["name"]), 1
    while rows.setdefault(key, row) != row:
        number += 1
        key = f"{row['name']} {number}"
    return key


def _module(declared: command.command) -> str:
    return declared.function.__module__.rpartition(".")[2]


def table() -> str:
    """Return the text of ``command_table.py``: arguments and options, each once, and the commands, which name them."""
    for module in commands.MODULES:
        import_module(f"{commands.__name__}.{module}")
    rows: dict[str, dict[str, Row]] = {"ARGUMENTS": {}, "OPTIONS": {}}
    known = sorted(command.DECLARED.values(), key=lambda declared: commands.MODULES.index(_module(declared)))
    lines = [_command(declared, rows["ARGUMENTS"], rows["OPTIONS"]) for declared in known]
    text = [_HEAD]
    for name, listed in rows.items():
        text += [f"{name}: {_ROWS} = {{", *(f"    {key!r}: {row!r}," for key, row in listed.items()), "}"]
    return "\n".join([*text, f"COMMANDS: {_ROWS} = {{", *lines, "}"]) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("command_table.py").write_text(table(), encoding="utf-8", newline="\n")
