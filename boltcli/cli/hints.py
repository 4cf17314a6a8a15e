"""Hints after an error: names that exist, and commands that help.

The ``Error:`` line is bbolt's where bbolt has that error; the hints after it are boltcli's own.
"""

from __future__ import annotations

import os

from ..errors import (
    ArgumentError,
    BoltError,
    BucketNotFound,
    CheckFailed,
    Corrupted,
    DamagedSource,
    DestinationExists,
    InvalidDatabase,
    KeyNotFound,
    Locked,
    OpenError,
    SourceNotFound,
    UnreadablePage,
)
from ..storage.source import at_offset, is_elsewhere
from ..text.values import path_text, shell_quoted, shell_word, typed
from .parse import UsageError
from .words_of_other_tools import DELETE, PUT, flags_meant, nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from ..format.bucket import BucketRef
    from ..storage.snapshot import Snapshot
    from .command import Command, Value

    Values = Mapping[str, Value]

_NAMES = 12  # names in a list
_LETTERS = 400  # characters in that list
_FILES_LOOKED_AT = 2000
_LOOKED_AT = 50_000  # keys compared with a missing one


class _Call:
    """The call that failed: its command, words and options, and the file that the error is about."""

    def __init__(self, command: Command, arguments: list[str], values: Values, path: str) -> None:
        self.command = command
        self.arguments = arguments
        self.values = values
        self.path = path


def hints(
    error: BoltError, command: Command | None, arguments: Sequence[str], values: Mapping[str, Value]
) -> list[str]:
    """Return lines that help with ``error``, perhaps none. Never raises, so that the error itself is shown."""
    try:
        if isinstance(error, UsageError):
            return _usage(error)
        if command is None or not arguments:
            return []
        path = error.path or command.file_of(arguments) or arguments[0]
        if is_elsewhere(path):
            return []  # reading it again may take long, or be impossible
        call = _Call(command, list(arguments), values, path)
        for kinds, helps in _HINTS:
            if isinstance(error, kinds):
                return helps(error, call)
    except (BoltError, OSError, ValueError, MemoryError, RecursionError):
        pass
    return []


def _usage(error: UsageError) -> list[str]:
    command, arguments = error.command, error.arguments
    if command is None:
        return _command_meant(arguments) if arguments else []
    text = str(error)
    if text.startswith("unknown flag: --"):
        return _instead(flags_meant(text.removeprefix("unknown flag: --"), command))
    if text.startswith("unknown shorthand flag: '"):
        return _instead(flags_meant(text.removeprefix("unknown shorthand flag: '")[0], command))
    if text.startswith("required flag"):
        return [_output_hint(command, arguments)] if '"output"' in text else []
    if not text.startswith(("requires ", "accepts ")):
        return []
    if len(arguments) < command.least:
        return _missing(command, arguments, int(str(error.values.get("offset") or 0)))
    too_many = command.most is not None and len(arguments) > command.most
    if too_many and any(option.name == "output" and option.required for option in command.options):
        return [_output_hint(command, arguments)]
    return []


def _instead(names: Iterable[str]) -> list[str]:
    text = " or ".join(names)
    return [f"did you mean {text}?"] if text else []


def _output_hint(command: Command, arguments: list[str]) -> str:
    option = next(option for option in command.options if option.name == "output")
    flag = "-o" if option.short else "--output"
    source = shell_quoted(arguments[0]) if arguments else command.arguments[0].name
    target = shell_quoted(arguments[1]) if len(arguments) > 1 else "DEST"
    return f"name the result with an option: boltcli {command.name} {flag} {target} {source}"


def _missing(command: Command, arguments: list[str], offset: int) -> list[str]:
    """Name the missing argument, and list possible values: those of the database at ``offset`` of the file."""
    required = [argument for argument in command.arguments if argument.required]
    missing = required[len(arguments)]
    text = f"{missing.name} is missing"
    if not arguments or missing.kind not in ("bucket", "key"):
        return [text]
    with opened(at_offset(arguments[0], offset)) as snapshot:
        from ..ops.read.key_pages import keyed_leaves
        from ..tree.bucket import find_bucket

        names = _decoded(arguments[1:])
        try:
            bucket = find_bucket(snapshot, names)
        except BucketNotFound:
            return [text, *(_records_of(snapshot, arguments[0], names[-1]) or _buckets_instead(snapshot.path, names))]
        found: list[bytes] = []
        for _, keys in keyed_leaves(snapshot, bucket):
            found += keys
            if len(found) > _NAMES:
                break
    what = "this bucket" if names else "this file"
    return [f"{text}; {what} has: {_listed(found)}" if found else f"{text}; {what} has none: it is empty"]


def opened(path: str) -> Snapshot:
    """Open a database for a look, without waiting for its lock. Raises BoltError."""
    from ..storage.snapshot import Snapshot
    from ..storage.source import open_source

    return Snapshot(path, open_source(path, "try"))


def _decoded(arguments: Sequence[str]) -> list[bytes]:
    from .key_argument import addresses

    return addresses(arguments)


def _listed(names: Sequence[bytes]) -> str:
    """Return ``names`` as they are typed, separated by commas; only the first of many or long ones."""
    shown: list[str] = []
    for name in names[:_NAMES]:
        text = typed(name)
        if sum(map(len, shown)) + len(text) > _LETTERS and shown:
            break
        shown.append(text)
    return ", ".join(shown) + (", ..." if len(shown) < len(names) else "")


def _bucket(error: BoltError, call: _Call) -> list[str]:
    names = _bucket_names(call)
    return _nested_path(call, names) or _buckets_instead(call.path, names)


def _bucket_names(call: _Call) -> list[bytes]:
    """Return the bucket path on the command line, outermost name first."""
    for option in call.command.options:
        value = call.values.get(option.name)
        if option.kind == "bucket" and isinstance(value, list) and value:
            return _decoded(value)
    kinds = [argument.kind for argument in call.command.arguments]
    last = -1 if kinds[-1:] == ["key"] else None
    return _decoded(call.arguments[1:last])


def _nested_path(call: _Call, names: Sequence[bytes]) -> list[str]:
    """Show how to name nested buckets, if ``names`` contains slashes between them."""
    from ..tree.bucket import find_bucket

    parts = [part for name in names for part in name.split(b"/") if part]
    if len(parts) == len(names):
        return []
    with opened(call.path) as snapshot:
        try:
            find_bucket(snapshot, parts)
        except BucketNotFound:
            return []
    line = f"boltcli {call.command.name} {shell_quoted(call.path)} {path_text(parts)}"
    return [f"each bucket is a separate argument: {line}"]


def _buckets_instead(path: str, names: list[bytes]) -> list[str]:
    """List the buckets in the place where one was not found."""
    from ..tree.bucket import child_bucket, root_bucket

    with opened(path) as snapshot:
        bucket: BucketRef = root_bucket(snapshot)
        depth = 0
        while depth < len(names) and (inner := child_bucket(snapshot, bucket, names[depth])) is not None:
            bucket = inner
            depth += 1
        if depth == len(names):
            return []
        name = names[depth]
        here, is_key = _buckets_of(snapshot, bucket, name)
    where = f"the bucket {path_text(names[:depth])}" if depth else "this file"
    if is_key:
        return [f"{typed(name)} is a key, not a bucket: boltcli get {_line(path, *names[: depth + 1])}"]
    if not here:
        return [f"{where} has no buckets"]
    near = nearest(typed(name), [typed(each) for each in here])
    return [*_instead(map(shell_quoted, near)), f"{where} has the buckets: {_listed(here)}"]


def _buckets_of(snapshot: Snapshot, bucket: BucketRef, name: bytes) -> tuple[list[bytes], bool]:
    """Return the names of the buckets in ``bucket``, and whether ``name`` is a key there."""
    from ..ops.read.select_items import keys_with_prefix

    found: list[bytes] = []
    for number, (key, is_bucket) in enumerate(keys_with_prefix(snapshot, bucket, b"")):
        if is_bucket:
            found.append(key)
        if number >= _LOOKED_AT:
            break
    is_key = any(key == name for key, _ in keys_with_prefix(snapshot, bucket, name))
    return found, is_key


def _line(path: str, *names: bytes) -> str:
    return f"{shell_quoted(path)} {path_text(names)}".rstrip()


def _key(error: KeyNotFound, call: _Call) -> list[str]:
    """Suggest existing keys and buckets that are similar to the missing one."""
    from ..tree.bucket import child_bucket, find_bucket, get

    path, key, names = call.path, error.key, _decoded(call.arguments[1:-1])
    with opened(path) as snapshot:
        bucket = find_bucket(snapshot, names)
        if child_bucket(snapshot, bucket, key) is not None:
            return [f"{typed(key)} is a bucket: boltcli keys {_line(path, *names, key)}"]
        for notation in _notations(key):
            if get(snapshot, bucket, _decoded([notation])[0]) is not None:
                return [f"{notation} exists: boltcli get {_line(path, *names)} {notation}"]
        near = _keys_like(snapshot, bucket, key)
        records = [] if near else _records_of(snapshot, path, key)
    if records:
        return records
    if near:
        return _instead(map(shell_word, near))
    return [f"boltcli keys {_line(path, *names)} lists the keys"]


def _notations(key: bytes) -> list[str]:
    """Return notations that ``key`` may stand for: hexadecimal as ``keys`` prints it, a number."""
    text = key.decode("ascii", "replace")
    found = []
    if len(text) % 2 == 0 and all(char in "0123456789abcdefABCDEF" for char in text):
        found.append(f"hex:{text}")
    if text.isdecimal() and len(text) < 20:
        found.append(f"u64:{text}")
        found += [f"u32:{text}"] * (int(text) < 1 << 32)
    return found


def _keys_like(snapshot: Snapshot, bucket: BucketRef, key: bytes) -> list[bytes]:
    """Return keys that equal ``key`` except for case, begin or end with it, or have a similar spelling."""
    from ..ops.read.select_items import keys_with_prefix

    lower = key.lower()
    alike: list[bytes] = []
    longer: list[bytes] = []
    others: dict[str, bytes] = {}
    for number, (each, _) in enumerate(keys_with_prefix(snapshot, bucket, b"")):
        if each.lower() == lower:
            alike.append(each)
        elif each.startswith(key) or each.endswith(key):
            longer.append(each)
        elif number < 2000 and abs(len(each) - len(key)) <= 3:
            others[typed(each)] = each
        if len(longer) > 2 or number >= _LOOKED_AT:
            break
    return (alike or longer)[:3] or [others[text] for text in nearest(typed(key), others)]


def _file_name(error: BoltError, call: _Call) -> list[str]:
    """Suggest files with a similar name."""
    path = call.path
    folder, name = os.path.split(path)
    try:
        there = os.listdir(folder or ".")
    except OSError:
        return [f"there is no folder {shell_quoted(folder)}"] if folder and not os.path.isdir(folder) else []
    near = nearest(name, there)
    return _instead(shell_quoted(os.path.join(folder, each)) for each in near)


def _file(error: BoltError, call: _Call) -> list[str]:
    """Say what kind of file it is that isn't a database, and what to do with it."""
    from ..format.magic import HEAD, is_packed, kind_of

    if isinstance(error, OpenError) and error.operation not in ("write", "read"):
        return []
    path = call.path
    if os.path.isdir(path):
        lines = _folder(path)
        recursive = call.command.several or call.command.name == "grep"
        return [*lines, "--recursive takes all databases in it"] if recursive else lines
    with open(path, "rb") as file:
        head = file.read(HEAD)
        size = os.fstat(file.fileno()).st_size
    kind = kind_of(head)
    if kind is not None and kind != "a file that begins with zeros only":
        return [f"this is {kind}, not a bolt database{', nor is what is packed in it' * is_packed(head)}"]
    found = "the file begins with zeros only; " if kind else ""
    lines = [
        f"{found}no valid meta page (magic ed0cdaed, version 2, checksum) at offset 0, nor a second one at 1024, "
        f"2048, 4096 and so on up to 16777216; the file has {size} bytes"
    ]
    return lines + _steps(path, "scan", "recover", "doctor")


def _folder(path: str) -> list[str]:
    """Name databases among the first files of a folder; a hint must not take long."""
    from ..fleet.find import first_databases

    found = first_databases(path, 3, _FILES_LOOKED_AT)
    if not found:
        return ["this is a folder, and no bolt database was found in it"]
    return [f"this is a folder; in it is {', '.join(map(shell_quoted, found))}"]


_STEPS = {
    "doctor": "boltcli doctor {file} says what is damaged and what can be saved",
    "recover": "boltcli recover -o DEST {file} saves all that can still be read",
    "scan": "boltcli scan {file} looks for databases in it",
}


def _steps(path: str, *names: str) -> list[str]:
    return [_STEPS[name].format(file=shell_quoted(path)) for name in names]


def _destination(error: BoltError, call: _Call) -> list[str]:
    can = any(option.help.startswith("Replace") for option in call.command.options if option.name == "force")
    can = can and not call.values.get("force")
    return ["--force replaces it"] if can and os.path.isfile(call.path) else []


def _damage(error: BoltError, call: _Call) -> list[str]:
    """Suggest commands for a damaged file."""
    path = call.command.file_of(call.arguments) or call.arguments[0]
    lines = _steps(path, "doctor", "recover")
    if call.command.name == "keys":
        lines.append("--skip-damaged lists the keys that can be read")
    if call.command.opens:
        with opened(path) as snapshot:
            if all(meta.problem() is None for meta in snapshot.metas):
                lines.append("--previous reads the state before the last transaction, which may be sound")
    return lines


def _locked(error: BoltError, call: _Call) -> list[str]:
    return [f"boltcli lock {shell_quoted(call.path)} shows the holder; --lock auto reads without the lock"]


def _argument(error: BoltError, call: _Call) -> list[str]:
    is_without = call.command.name == "compact" and not call.values.get("output")
    return [_output_hint(call.command, call.arguments)] if is_without else []


# What helps with an error: the first row whose kind it is.
_HINTS: tuple[tuple[Any, Callable[[Any, _Call], list[str]]], ...] = (
    (BucketNotFound, _bucket),
    (KeyNotFound, _key),
    (SourceNotFound, _file_name),
    (Locked, _locked),
    ((InvalidDatabase, OpenError), _file),
    (DestinationExists, _destination),
    ((Corrupted, DamagedSource, CheckFailed, UnreadablePage), _damage),
    (ArgumentError, _argument),
)


def _command_meant(words: Sequence[str]) -> list[str]:
    """Suggest a command line for ``words``, the first of which is not a command; nothing if the meaning isn't clear."""
    from ..apps.registry import recognised

    name, *rest = words
    if os.sep in name or name.endswith(".db"):
        return (
            [f"there is no file {shell_quoted(name)}"]
            if not os.path.exists(name)
            else [f"{shell_quoted(name)} is not a command: write it after one"]
        )
    path = next((word for word in rest if os.path.isfile(word)), None)
    if path is None:
        return []
    names = [word for word in rest[rest.index(path) + 1 :] if word[:1] != "-"]
    if name in DELETE and len(names) > 1:
        return _change(path, names[:-1], names[-1], None)
    if name in PUT and len(names) > 2:
        return _change(path, names[:-2], names[-2], names[-1])
    with opened(path) as snapshot:
        found = recognised(snapshot)
        if found is None:
            return []
        known = found.application
        for word in (name, *rest):
            for view in known.views:
                if view.name == word or (word == name and len(word) > 3 and view.name.startswith(word)):
                    return [f"boltcli view {shell_quoted(path)} {view.name} shows this of {known.name}'s files"]
    return []


def _change(path: str, buckets: list[str], key: str, value: str | None) -> list[str]:
    """Show how ``patch`` deletes or writes a pair."""
    from ..ops.compare.change import Change
    from ..render.changes import record
    from ..tree.bucket import find_bucket, get

    names, (key_bytes,) = _decoded(buckets), _decoded([key])
    with opened(path) as snapshot:
        old = get(snapshot, find_bucket(snapshot, names), key_bytes)
    if value is None:
        if old is None:
            return []
        change = Change("remove", tuple(names), key_bytes, None, None)
    else:
        change = Change("add" if old is None else "change", tuple(names), key_bytes, None, os.fsencode(value))
    line = b"".join(record(change)).decode("utf-8", "surrogateescape").rstrip("\n")
    patch = f"boltcli patch --force --in-place {shell_quoted(path)} -  (a backup is kept)"
    return [f"printf '%s\\n' {shell_quoted(line)} | {patch}"]


def _records_of(snapshot: Snapshot, path: str, key: bytes) -> list[str]:
    """Show how to look up a key of etcd, which stores its keys inside values."""
    if key[:1] != b"/":
        return []
    from ..apps.registry import recognised

    found = recognised(snapshot)
    if found is None or found.application.name != "etcd":
        return []
    where = shell_quoted(f"key={os.fsdecode(key)}")
    return [f"etcd keeps its keys by revision: boltcli view {shell_quoted(path)} keys --where {where}"]


def _application(snapshot: Snapshot) -> tuple[str, bool]:
    """Return the program that wrote the database, its layout ("" if unknown), and whether boltcli can audit it."""
    from ..apps.registry import recognised
    from ..database import Database

    try:
        found = recognised(snapshot)
        return ("", False) if found is None else (str(found), found.application.has_audit(Database(snapshot)))
    except BoltError:
        return "", False


def next_steps(path: str, snapshot: Snapshot) -> bytes:
    """Return suggestions for the next commands, depending on the state of the file and its application."""
    from ..format.page import LeafElements
    from ..tree.bucket import root_bucket
    from ..tree.walk import Whole, leaf_pages

    file = shell_quoted(path)
    known, has_audit = _application(snapshot)
    steps = [("tree", file, "its buckets and what is in them"), ("check", file, "whether it is sound")]
    try:
        for page in leaf_pages(snapshot, root_bucket(snapshot), guard=Whole(snapshot)):
            LeafElements(page).keys()
    except BoltError:
        steps = [("doctor", file, "what is damaged and what can be saved"),
                 ("recover", f"-o DEST {file}", "saves all that can still be read")]  # fmt: skip
    if known:
        steps.append(("view", file, "its records"))
        steps += [("audit", file, "whether its records are consistent, and what is stuck")] * has_audit
    elif len(steps) < 3:
        steps.append(("du", file, "where its bytes are"))
    lines = [f"  boltcli {name:<{max(len(step[0]) for step in steps)}} {rest}  {what}" for name, rest, what in steps]
    return ("\n".join(["", "Next:", *lines]) + "\n").encode("utf-8", "surrogateescape")


def after_check(path: str) -> list[str]:
    """Suggest commands for a sound file: those that show the records of the application that wrote it."""
    try:
        with opened(path) as snapshot:
            known, has_audit = _application(snapshot)
    except (BoltError, OSError, ValueError):
        return []
    if not known:
        return []
    audit = [f"boltcli audit {shell_quoted(path)} checks them"] if has_audit else []
    return [f"this is a database of {known}: boltcli view {shell_quoted(path)} shows its records", *audit]
