"""Complete a command line: commands, options, their values, topics, and bucket names, keys and views of the file.

The shells' scripts (``commands/completion.py``) call the hidden command ``__complete STYLE WORD...``, where the last
word, perhaps empty, is the one to complete. It prints one candidate a line, or the line ``:file``, which tells the
shell to complete a file name. Styles: ``plain``; ``described`` (a tab and a description after some candidates);
``bash``, whose words come unsplit (see ``shell_words.py``). After a style with ``=`` the last word begins with an extra
``=``, because PowerShell drops empty words. Any failure gives no candidates.
"""

from __future__ import annotations

import os
from itertools import chain, islice

from ..errors import BoltError
from ..ops.read.select_items import keys_with_prefix
from ..storage.snapshot import Snapshot
from ..storage.source import at_offset, open_source
from ..text.values import NOTATIONS, typed
from ..tree.bucket import find_bucket
from .command import FILES as FILE_KINDS
from .help import EXAMPLE, inside, topics
from .parse import HELP, VERSION, find_command
from .registry import find
from .values import addresses, parse_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .command import Command, Option

    Candidates = list[tuple[str, str]]  # a candidate, and its description or ""

FILE = ":file"
_LIMIT = 500  # names and keys offered
_SEARCHED = 20000  # elements searched for them


def answer(words: Sequence[str]) -> bytes:
    """Return what to print for ``__complete`` with ``words``."""
    style, *line = words or ["plain"]
    if style.endswith("=") and line:
        style, line[-1] = style[:-1], line[-1].removeprefix("=")
    if style == "bash":
        from .shell_words import split, written

        command_line, part = [*line, "", ""][:2]
        (_, *line), raw, quote = split(command_line)
        found = candidates(line)
        lines = [FILE] if found == [(FILE, "")] else written([name for name, _ in found], part, raw, quote)
    else:
        found = candidates(line)
        lines = [f"{name}\t{text}" if text and style == "described" else name for name, text in found]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


def candidates(words: Sequence[str]) -> Candidates:
    """Return the candidates for the last of ``words``, which follow the program's name."""
    *before, current = words or [""]
    name, rest = find_command(before, strict=False)
    command = find(name)
    found: Candidates = []
    if command is not None and not command.is_group:
        try:
            found = _of_command(command, rest, current)
        except (BoltError, OSError):
            pass
    elif current.startswith("-"):
        found = _described([HELP, VERSION] if command is None else [HELP])
    elif not rest:
        found = _commands(name)
    return [each for each in found if each[0] == FILE or each[0].startswith(current)]


def _of_command(command: Command, before: list[str], current: str) -> Candidates:
    given, values, waiting, ended = _given(command, before)
    place = next((place for place, argument in enumerate(command.arguments) if argument.kind == "file"), 0)
    if "offset" in values and place < len(given):
        given[place] = at_offset(given[place], parse_count(values["offset"][-1]))
    if waiting is not None:
        if waiting.kind == "bucket":
            return _stored([given[place], *values.get(waiting.name, [])], current) if place < len(given) else []
        if waiting.kind == "view":
            return _views(given[place]) if place < len(given) else []
        return _values(waiting)
    if current.startswith("-") and not ended:
        flag, equals, _ = current.partition("=")
        if not equals:
            return _described([*command.shown_options, HELP])
        option = _option(command, flag)
        return [(f"{flag}={text}", help) for text, help in _values(option) if text != FILE] if option else []
    kinds = _kinds(command, len(given))
    if kinds.intersection(FILE_KINDS):
        return [(FILE, "")]
    if kinds & {"command", "topic"}:
        found = _commands(" ".join(given))
        if "topic" in kinds and not given:
            found += [each for each in _topics() if each[0] not in dict(found)]
        return found
    if "page" in kinds:
        return _pages(given[0], current)
    if "view" in kinds:
        return _views(given[0], *values.get("app", [])[-1:])
    if kinds & {"bucket", "key"}:
        return _stored(given, current, keys="key" in kinds, in_hex=values.get("parse-format", [])[-1:] == ["hex"])
    return []


def _commands(group: str) -> Candidates:
    return [(command.name.split()[-1], command.summary) for command in inside(group) if command.name != group]


def _topics() -> Candidates:
    return [*topics().items(), ("example", f"Write {EXAMPLE}, for the examples of the help.")]


def _views(path: str, application: str = "auto") -> Candidates:
    """Return the views of the file's application, or of the one that is named."""
    from ..apps import registry
    from ..database import Database

    with Snapshot(path, open_source(path, "try")) as snapshot:
        known = registry.recognised(snapshot)
        if application != "auto":
            known = registry.named(Database(snapshot), application)
        return [(view.name, view.title) for view in known.application.views] if known else []


def _described(options: Iterable[Option]) -> Candidates:
    return [(f"--{option.name}", option.help) for option in options]


def _option(command: Command, flag: str) -> Option | None:
    options = [option for option in command.options if flag in (f"--{option.name}", f"-{option.short}")]
    return options[0] if options and flag != "-" else None


def _values(option: Option) -> Candidates:
    return [(FILE, "")] if option.kind in FILE_KINDS else [(choice, "") for choice in option.choices]


def _pages(path: str, current: str) -> Candidates:
    from ..format.page import type_name
    from ..ops.space.pages import FREE, page_rows
    from ..tree.page_map import free_pages

    with Snapshot(path, open_source(path, "try")) as snapshot:
        pages = chain.from_iterable(page_rows(snapshot, free_pages(snapshot)))
        found = ((str(page), "free" if head == FREE else type_name(head & 0xFFFF)) for page, head in pages)
        return list(islice((each for each in found if each[0].startswith(current)), _LIMIT))


def _given(command: Command, words: Iterable[str]) -> tuple[list[str], dict[str, list[str]], Option | None, bool]:
    """Return positionals, the values of each option, the option whose value comes next, and whether ``--`` came. Unlike
    the parser this accepts everything, as the command line is incomplete."""
    given: list[str] = []
    values: dict[str, list[str]] = {}
    waiting: Option | None = None
    ended = False
    for word in words:
        if waiting is not None:
            values.setdefault(waiting.name, []).append(word)
            waiting = None
        elif ended or len(word) < 2 or word[0] != "-":
            given.append(word)
        elif word == "--":
            ended = True
        else:
            flag, equals, value = word.partition("=")
            option = _option(command, flag)
            if option is not None and equals:
                values.setdefault(option.name, []).append(value)
            elif option is not None and not option.switch:
                waiting = option
    return given, values, waiting, ended


def _kinds(command: Command, index: int) -> set[str]:
    kinds = [argument.kind for argument in command.arguments]
    many = next((place for place, argument in enumerate(command.arguments) if argument.many), len(kinds))
    return set(kinds[index : index + 1] if index < many else kinds[many:])


def _stored(given: list[str], current: str, *, keys: bool = False, in_hex: bool = False) -> Candidates:
    """Return the buckets, and with ``keys`` the keys, in the bucket ``given`` (the file, then the bucket path)."""
    path, *names = given
    prefix = os.fsencode(current)
    if keys and in_hex:
        prefix = _from_hex(current)
    elif current.startswith("hex:"):
        prefix = _from_hex(current[4:])
    elif current.startswith("str:"):
        prefix = prefix[4:]
    elif any(notation.startswith(current) for notation in NOTATIONS) or FILE.startswith(current):
        prefix = b""  # any name may be written in this notation
    found: list[str] = []
    with Snapshot(path, open_source(path, "try")) as snapshot:
        bucket = find_bucket(snapshot, addresses(names))
        for key, is_bucket in islice(keys_with_prefix(snapshot, bucket, prefix), _SEARCHED):
            if is_bucket or keys:
                found.append(_typed(key, in_hex and not is_bucket, current))
                if len(found) >= _LIMIT:
                    # The shell completes the common prefix of all candidates, so the last one must be included.
                    last, _ = next(keys_with_prefix(snapshot, bucket, prefix, reverse=True))
                    found.append(_typed(last, in_hex, current))
                    break
    return [(text, "") for text in dict.fromkeys(found)]


def _typed(key: bytes, in_hex: bool, current: str) -> str:
    """Return the notation in which a key is typed: that of ``current``, if there is a choice."""
    if in_hex:
        return key.hex()
    name = "hex:" + key.hex() if current.startswith("hex:") else typed(key)
    # fish expands a "~" at the beginning, quoted or not.
    return f"str:{name}" if name == FILE or (name[0] == "~" and not current.startswith("~")) else name


def _from_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text[: len(text) // 2 * 2])
    except ValueError:
        return b""
