"""Write ``command_table.py``, what the parser, help and completion know of all commands: ``make table``.

The functions of the commands declare everything in typer's idiom. Reading that takes typer, which takes four times as
long to import as Python to start; so it is read here, and what comes out is a module of plain values.
"""

from __future__ import annotations

import builtins
import inspect
import os
import typing
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Annotated, Any, Literal

import typer
from typer.models import ArgumentInfo, OptionInfo

from . import command, commands, options, values
from .command import DECLARED, Declared

INJECTED = ("db", "opener", "out")
_SHARED = {
    "many": options.Many,
    "common": options.Common,
    "locking": options.Locking,
    "inside": options.Inside,
    "access": options.Access,
}
# The shared options of a command, by what it says of opening databases.
_OPENS: dict[bool | str, tuple[str, ...]] = {
    False: (),
    "offset": ("inside",),
    "locked": ("locking", "inside"),
    True: ("locking", "inside", "access"),
}
_TARGET = os.path.join(os.path.dirname(__file__), "command_table.py")


class Names(dict[str, Any]):
    """The names in a command's annotations: its module's, those of shared options, typer's; any other is a type."""

    def __init__(self, function: Callable[..., object]) -> None:
        super().__init__(
            vars(typing) | vars(values) | vars(command) | vars(options) | inspect.unwrap(function).__globals__
        )
        self.update(Annotated=Annotated, Literal=Literal, Option=typer.Option, Argument=typer.Argument)

    def __missing__(self, name: str) -> Any:
        return getattr(builtins, name, object)


def parameters(
    function: Callable[..., object],
) -> Iterator[tuple[inspect.Parameter, Any, OptionInfo | ArgumentInfo, str]]:
    """Yield the arguments and options of a command's function as parameters, each with its type, what typer is told of
    it, and the parameter that it is a part of, if it is one of several options ``Together``.
    """
    names = Names(function)
    for parameter in inspect.signature(function).parameters.values():
        declared = eval(parameter.annotation, {}, names)
        if typing.get_origin(declared) is Annotated:
            yield parameter, *typing.get_args(declared), ""
        elif isinstance(declared, type) and issubclass(declared, options.Together):
            for name, annotation in declared.__annotations__.items():
                one = parameter.replace(name=name, default=getattr(declared, name))
                yield one, *typing.get_args(eval(annotation, vars(options))), parameter.name
        elif parameter.name not in INJECTED:
            raise TypeError(f"{function.__module__}: {parameter.name} is declared neither as an argument nor an option")


def shared(name: str) -> tuple[Any, OptionInfo]:
    """Return the type of the shared option ``name``, and what typer is told of it."""
    holder = next(one for one in _SHARED.values() if hasattr(one, name))
    kind, info = typing.get_args(eval(holder.__annotations__[name], vars(options)))
    return kind, info


def _shared(holder: type) -> list[dict[str, Any]]:
    """Return the rows of a class of shared options, which the runner handles."""
    return [_option(name, *shared(name), getattr(holder, name), common=True) for name in holder.__annotations__]


def _option(name: str, kind: Any, info: OptionInfo, default: Any, *, common: bool = False) -> dict[str, Any]:
    # typer takes the first name for the default, until it sees that it is in an annotation.
    given: list[str] = [*([info.default] if isinstance(info.default, str) else []), *(info.param_decls or ())]
    words = [word[2:] for word in given if word.startswith("--")] or [name.replace("_", "-")]
    short = [word[1:] for word in given if not word.startswith("--")]
    required = default is inspect.Parameter.empty
    if required:
        default = kind()
    is_name = kind in (bytes, list[bytes])
    default = default.decode() if isinstance(default, bytes) else default
    parse = info.parser.__name__ if info.parser else "parse_name" if isinstance(default, list) else ""
    row: dict[str, Any] = {"name": words[0], "help": info.help, "parameter": name, "default": default}
    more = {
        "metavar": info.metavar or "",
        "parse": parse,
        "short": "".join(short),
        "choices": tuple(filter(None, typing.get_args(kind))) if typing.get_origin(kind) is Literal else (),
        "required": required,
        "environment": info.envvar or "",
        "panel": info.rich_help_panel or "",
        "kind": _kind(info),
        "common": common,
        "aliases": tuple(words[1:]),
        "hidden": info.hidden,
        "is_name": is_name,
        "check": info.callback.__name__ if info.callback else "",
    }
    return row | {key: value for key, value in more.items() if value}


def _argument(parameter: inspect.Parameter, kind: Any, info: ArgumentInfo) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": (info.metavar or parameter.name.upper()).removesuffix("..."),
        "kind": _kind(info) or "text",
        "help": info.help,
        "parameter": parameter.name,
    }
    more = {"many": typing.get_origin(kind) is list or (info.metavar or "").endswith("..."), "hidden": info.hidden}
    more["is_name"] = kind in (bytes, list[bytes])
    optional = {} if parameter.default is inspect.Parameter.empty else {"required": False}
    return row | {key: value for key, value in more.items() if value} | optional


def _kind(info: OptionInfo | ArgumentInfo) -> str:
    """Return what completes a value: file, bucket, key, page or command."""
    return info.autocompletion.__name__.removesuffix("s") if info.autocompletion else ""


def table() -> str:
    """Return the text of ``command_table.py``."""
    for module in commands.MODULES:
        import_module(f"{commands.__name__}.{module}")
    lines = [
        '"""What all commands take. Written by `make table` from their functions: do not edit."""',
        "",
        "SHARED = {",
    ]
    for name, holder in _SHARED.items():
        lines += _listed(name, _shared(holder))
    lines += ["}", "COMMANDS = {"]
    for name, declared in sorted(DECLARED.items(), key=lambda item: commands.MODULES.index(_module(item[1]))):
        facts = _command(declared)
        lists = {key: facts.pop(key) for key in ("arguments", "options")}
        lines.append(f"    {name!r}: {{{', '.join(f'{key!r}: {value!r}' for key, value in facts.items())},")
        for key, rows in lists.items():
            lines += ["    " + line for line in _listed(key, rows)] if rows else [f"        {key!r}: (),"]
        lines.append("    },")
    lines.append("}")
    return "\n".join(lines) + "\n"


def _listed(name: str, rows: list[dict[str, Any]]) -> list[str]:
    return [f"    {name!r}: (", *(f"        {row!r}," for row in rows), "    ),"]


def _module(declared: Declared) -> str:
    return declared.function.__module__.rpartition(".")[2]


def _command(declared: Declared) -> dict[str, Any]:
    """Return the row of a command; what is as usual is left out."""
    facts = dict(declared.facts)
    opens, json = facts.pop("opens"), facts.pop("json")
    function = declared.function
    taken = tuple(name for name in inspect.signature(function).parameters if name in INJECTED)
    own = list(parameters(function))
    arguments = [_argument(parameter, kind, info) for parameter, kind, info, _ in own if isinstance(info, ArgumentInfo)]
    row: dict[str, Any] = {
        "module": _module(declared),
        "summary": (function.__doc__ or "").partition("\n")[0],
        "takes": taken,
        "arguments": arguments,
        "least": sum(one.get("required", True) for one in arguments),
        "options": [
            _option(parameter.name, kind, info, parameter.default) | ({"within": within} if within else {})
            for parameter, kind, info, within in own
            if isinstance(info, OptionInfo)
        ],
        "shared": ("many",) * facts["several"] + ("common",) * bool(json) + _OPENS["db" in taken or opens],
    }
    row |= {"json": json} if isinstance(json, str) else {}
    return row | {name: value for name, value in facts.items() if value and (name, value) != ("failure", 1)}


if __name__ == "__main__":
    text = table()
    with open(_TARGET, "w", encoding="utf-8") as file:
        file.write(text)
