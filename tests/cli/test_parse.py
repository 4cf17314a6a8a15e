"""The small parser, alone and beside typer, which is made from the same table."""

from __future__ import annotations

import inspect
import io
import re
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.main import get_command

from boltcli.cli import command_table, make_table, options, typer_app
from boltcli.cli.command import Option
from boltcli.cli.command_table import COMMANDS
from boltcli.cli.opener import Opener
from boltcli.cli.output import Output
from boltcli.cli.parse import UsageError, parse
from boltcli.cli.registry import GROUPS, all_commands, declared, find, names
from boltcli.cli.values import parse_uint64, seconds
from boltcli.errors import ArgumentError
from boltcli.storage import source as open_source
from boltcli.text import values as text_values


def _many(parsed: Any) -> set[str]:
    """The options that commands have because they take many files."""
    return (
        {name.replace("_", "-") for name in options.Many.__annotations__}
        if parsed.command and parsed.command.several
        else set()
    )


IN_USE = {
    "max-unpacked": 0,
    "read-timeout": "30s",
    "stats": False,
    "json": False,
    "quiet": False,
    "color": "auto",
    "exit-status": "bbolt",
    "timeout": "1s",
    "lock": "auto",
    "no-lock": False,
    "previous": False,
    "offset": 0,
}
"""The options that all commands have which open a database, and their defaults."""
DECODE = {"decode", "proto", "message"}
"""The options of commands that decode."""
FILTERS = {"prefix": "", "from": "", "to": "", "limit": 0, "reverse": False, "recursive": False, "grep": ""}
"""Those of ``keys`` and ``items``."""
CHECK = {"from-page": 0, "deep": False, "explain": False, "max-findings": 0, "jobs": 0, "nagios": False}
KEYS = {"skip-damaged": False, **FILTERS}


@pytest.mark.parametrize(
    ("argv", "action", "command", "arguments", "options"),
    [
        ("check f", "run", "check", ["f"], {**CHECK, "from-page": 0}),
        ("check f --from-page 0x10", "run", "check", ["f"], {**CHECK, "from-page": 16}),
        ("check --from-page=3 --from-page=4 f", "run", "check", ["f"], {**CHECK, "from-page": 4}),
        ("check -from-page 3 f", "run", "check", ["f"], {**CHECK, "from-page": 3}),
        ("check -from-page=3 f", "run", "check", ["f"], {**CHECK, "from-page": 3}),
        ("check -- --from-page", "run", "check", ["--from-page"], {**CHECK, "from-page": 0}),
        ("check f g --json", "run", "check", ["f", "g"], {**CHECK, "from-page": 0}),
        ("stats f b", "run", "stats", ["f", "b"], {"jobs": 0, "prefix": "", "human": False}),
        ("items f b --from u64:1 --reverse", "run", "items", ["f", "b"],
         {"format": "auto", "key-format": "auto", "parse": False, "values-only": False, **FILTERS, "from": "u64:1",
          "reverse": True}),
        ("keys f b c -fhex", "run", "keys", ["f", "b", "c"], {"format": "hex", "jobs": 0, **KEYS}),
        ("keys -f=hex f b", "run", "keys", ["f", "b"], {"format": "hex", "jobs": 0, **KEYS}),
        ("keys -f hex f - -", "run", "keys", ["f", "-", "-"], {"format": "hex", "jobs": 0, **KEYS}),
        ("get -parse-format hex f b 00", "run", "get", ["f", "b", "00"],
         {"format": "auto", "parse": False, "parse-format": "hex"}),
        ("check -h", "help", "check", [], {**CHECK, "from-page": 0}),
        ("check --help=false f", "run", "check", ["f"], {**CHECK, "from-page": 0}),
        ("help keys", "run", "help", ["keys"], {}),
        ("keys -format hex f b", "run", "keys", ["f", "b"], {"format": "hex", "jobs": 0, **KEYS}),
        ("page f -all", "run", "page", ["f"], {"all": True, "format-value": "auto"}),
        ("page f --all=false 3 4", "run", "page", ["f", "3", "4"], {"all": False, "format-value": "auto"}),
        ("page-item -key-only f 1 2", "run", "page-item", ["f", "1", "2"],
         {"key-only": True, "value-only": False, "format": "auto"}),
        ("surgery", "help", "surgery", [], {}),
        ("surgery meta -h", "help", "surgery meta", [], {}),
        ("surgery --output o freelist abandon f", "run", "surgery freelist abandon", ["f"], {"output": "o"}),
        ("surgery freelist abandon f --output=o", "run", "surgery freelist abandon", ["f"], {"output": "o"}),
        ("surgery meta update f --output o --fields root:1,pgid:2 --fields freelist:3", "run", "surgery meta update",
         ["f"], {"output": "o", "force": False, "fields": ["root:1", "pgid:2", "freelist:3"], "meta-page": 0}),
        ("completion bash --no-descriptions", "run", "completion bash", [], {"no-descriptions": True}),
        ("--version", "version", None, [], {}),
        ("", "help", None, [], {}),
        ("-- check f", "help", None, ["check", "f"], {}),
    ],
)  # fmt: skip
def test_parse(argv: str, action: str, command: str | None, arguments: list[str], options: dict[str, Any]) -> None:
    parsed = parse(argv.split())
    assert parsed.action == action
    assert (parsed.command.name if parsed.command else None) == command
    assert parsed.arguments == arguments
    own = {name: value for name, value in parsed.options.items() if name not in IN_USE.keys() | _many(parsed) | DECODE}
    assert own == options


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("0", 0), ("007", 7), ("0o17", 15), ("0X1f", 31), ("0b101", 5)],
        *[("1_000", 1000), ("0x_f", 15), ("0_7", 7), (str(2**64 - 1), 2**64 - 1)],
    ],
)
def test_numbers(text: str, value: int) -> None:
    assert parse_uint64(text) == value


@pytest.mark.parametrize(
    "text", ["", "x", "-1", "+1", "1.5", " 1", "0x", "0b2", "08", "1__0", "_1", "1_", "0x1_", "٣", "0_x1"]
)
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(ArgumentError, match=r"invalid syntax$"):
        parse_uint64(text)


def test_a_number_out_of_range() -> None:
    with pytest.raises(
        ArgumentError, match=r'^strconv\.ParseUint: parsing "18446744073709551616": value out of range$'
    ):
        parse_uint64(str(2**64))


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("+0", 0), ("5s", 5), ("500ms", 0.5), ("1m30s", 90), ("1.5h", 5400), (".5s", 0.5), ("-1us", -1e-6)],
)
def test_durations(text: str, value: float) -> None:
    assert seconds(text) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        *[(text, f'time: invalid duration "{text}"') for text in ("", "-", "s", ".s", "--1s")],
        ("1.2.3s", 'time: missing unit in duration "1.2.3s"'),
        ("1s x", 'time: unknown unit "s x" in duration "1s x"'),
        ("5", 'time: missing unit in duration "5"'),
        ("1s5", 'time: missing unit in duration "1s5"'),
        ("5 s", 'time: unknown unit " s" in duration "5 s"'),
        ("5S", 'time: unknown unit "S" in duration "5S"'),
    ],
)
def test_what_is_no_duration(text: str, words: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        seconds(text)
    assert str(caught.value) == words


def test_options_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse(["check", "f"]).options.items() >= IN_USE.items()
    monkeypatch.setenv("BOLTCLI_TIMEOUT", "2m")
    monkeypatch.setenv("BOLTCLI_LOCK", "try")
    assert parse(["check", "f"]).options.items() >= {"timeout": "2m", "lock": "try"}.items()
    assert (
        parse(["check", "f", "--timeout=3s", "--lock=wait"]).options.items()
        >= {"timeout": "3s", "lock": "wait"}.items()
    )
    monkeypatch.setenv("BOLTCLI_TIMEOUT", "-1s")
    with pytest.raises(
        UsageError, match=r'^invalid BOLTCLI_TIMEOUT "-1s" in the environment: negative duration "-1s"$'
    ):
        parse(["check", "f"])
    assert parse(["check", "-h"]).action == "help"


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6).filter(
    lambda word: not word.startswith("-")
)


def _values(option: Option, numbers: list[str], *, bad: bool) -> st.SearchStrategy[str]:
    if option.parser == "parse_string" and not option.switch:
        return WORDS
    if option.parser == "parse_timeout":
        return st.sampled_from(["0", "1s", "1.5h2m", *(["x", "1", ""] if bad else [])])
    if option.name == "max-unpacked":
        return st.sampled_from(["0", "1000", "2G", *(["x", "-1"] if bad else [])])
    if option.name in ("lock", "exit-status", "color"):
        return st.sampled_from([*option.choices, *(["x"] if bad else [])])
    return st.sampled_from(numbers)


@st.composite
def argvs(draw: st.DrawFn) -> list[str]:
    """Calls in the grammar that both parsers share: cobra's oddities (``-f=v``, ``-from-page``) left out."""
    command = draw(st.sampled_from(all_commands()))
    words: list[list[str]] = [[draw(WORDS.filter(bool))] for _ in range(draw(st.integers(0, 5)))]
    repeats = draw(st.integers(0, 3))
    # pflag reads every value, click the last one only: what it would refuse comes alone.
    numbers = ["0", "0x1f", "7", "1_0", *(["x", "-1", ""] if repeats == 1 else [])]
    chosen = [draw(st.sampled_from(command.options)) for _ in range(repeats if command.options else 0)]
    if draw(st.integers(0, 4)):
        chosen += [option for option in command.options if option.required and option not in chosen]
    for option in chosen:
        if option.switch:
            # typer's switches take no value, pflag's may: --force=false.
            words.append([draw(st.sampled_from([f"--{option.name}"] + [f"-{option.short}"] * bool(option.short)))])
            continue
        value = draw(_values(option, numbers, bad=repeats == 1))
        forms = [[f"--{option.name}={value}"]]
        if not value.startswith("-"):
            forms.append([f"--{option.name}", value])
            if option.short and value and value[0] != "=":
                forms += [[f"-{option.short}", value], [f"-{option.short}{value}"]]
        words.append(draw(st.sampled_from(forms)))
    words = draw(st.permutations(words))
    argv = [word for group in words for word in group]
    if draw(st.booleans()):
        argv += ["--", *draw(st.lists(st.sampled_from(["a", "-x", "--format", "--"]), max_size=2))]
    return [*command.name.split(), *argv]


@cache
def typer_command() -> Any:
    """The typer application, which takes a tenth of a second to build."""
    return get_command(typer_app.application(rich=False))


def by_typer(argv: list[str]) -> tuple[str, list[str], dict[str, Any]] | None:
    """What typer makes of ``argv``; None if it refuses."""
    lines: list[list[str]] = []

    def note(argv: list[str]) -> int:
        lines.append(argv)
        return 0

    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(typer_app, "main", note)
            typer_command().main(argv, prog_name="boltcli", standalone_mode=False)
    except Exception as error:
        # By name: typer brings its own copy of click's exceptions, and where that is has changed.
        if "UsageError" not in {kind.__name__ for kind in type(error).__mro__}:
            raise
        return None
    return by_us(lines[0])


def by_us(argv: list[str]) -> tuple[str, list[str], dict[str, Any]] | None:
    try:
        parsed = parse(argv)
    except UsageError:
        return None
    assert parsed.command is not None
    return parsed.command.name, parsed.arguments, parsed.options


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(argvs())
def test_both_parsers_agree(argv: list[str]) -> None:
    if argv[0] in ("version", "completion") and len(argv) > 1:
        return  # bbolt's version takes any argument and looks at none; typer's takes none
    if any(word.startswith("--files-from") for word in argv):
        return  # it stands for FILE, which typer requires
    ours = by_us(argv)
    if ours is not None and ours[0] == "get" and len(ours[1]) < 3:
        return  # a pair of the root bucket, which get looks for in the file
    assert ours == by_typer(argv)


def test_the_list_is_consistent() -> None:
    for name in names():
        command = find(name)
        assert command is not None
        assert command.name == name
        group = name.rpartition(" ")[0]
        assert not group or group in GROUPS
        assert command.is_group == (name in GROUPS)
    for command in all_commands():
        required = sum(argument.required for argument in command.arguments)
        assert command.least == required, command.name
        parsed = parse(re.split(r" (?:\||&&) ", command.example)[-1].split()[1:])
        assert parsed.action == "run"
        assert parsed.command is not None
        assert parsed.command.name == command.name


def test_the_table_is_that_of_the_functions() -> None:
    with open(command_table.__file__, encoding="utf-8") as file:
        assert file.read() == make_table.table(), "run `make table`"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_function_gets_the_parameters_that_it_declares(name: str) -> None:
    command = find(name)
    assert command is not None
    parsed = parse(re.split(r" (?:\||&&) ", command.example)[-1].split()[1:])
    given = command.parameters(parsed.arguments, parsed.options)
    inspect.signature(declared(name).function).bind(**dict.fromkeys(command.takes), **given)


def test_common_options_say_how_files_are_opened() -> None:
    parsed = parse(["check", "f", "--timeout", "2s", "--lock", "try", "--previous", "--max-unpacked", "1k"])
    opener = Opener(parsed.options, Output(io.BytesIO(), io.BytesIO()))
    assert (opener.timeout, opener.lock, opener.previous, opener.max_unpacked) == (2.0, "try", True, 1024)
    assert Opener(parsed.options | {"no-lock": True}, opener.out).lock == "none"


def test_as_a_part_of_another_typer_application(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    from tests.support import fixture, run

    path = str(fixture("document"))
    program = get_command(typer_app.application())
    for words in (["check", path], ["keys", "-f", "hex", path, "execution"], ["keys", path, "nosuch"], ["version"]):
        status = program.main(words, standalone_mode=False)
        assert (status or 0, *capfdbinary.readouterr()) == run(*words)


def test_choices_are_those_of_who_takes_them() -> None:
    choices = {option.name: option.choices for name in ("keys", "check") for option in all_options(name)}
    assert choices["format"] == text_values.FORMATS
    assert choices["lock"] == open_source.LOCK_WAYS


def all_options(name: str) -> tuple[Option, ...]:
    command = find(name)
    assert command is not None
    return command.options
