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
from ..render.names import path_text, shell_quoted, typed
from ..storage.source import is_elsewhere
from .command_table import COMMANDS
from .guesses import command_meant, flag_meant, nested_path, records_of
from .meanings import nearest
from .parse import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..format.bucket import BucketRef
    from ..storage.snapshot import Snapshot
    from .command import Command, Value

_NAMES = 12  # names in a list
_LETTERS = 400  # characters in that list
_FILES_LOOKED_AT = 2000
_LOOKED_AT = 50_000  # keys compared with a missing one


def hints(error: BoltError, command: Command | None, arguments: Sequence[str], values: dict[str, Value]) -> list[str]:
    """Return lines that help with ``error``, perhaps none. Never raises, so that the error itself is shown."""
    try:
        return _hints(error, command, list(arguments), values)
    except (BoltError, OSError, ValueError, MemoryError, RecursionError):
        return []


def _hints(error: BoltError, command: Command | None, arguments: list[str], values: dict[str, Value]) -> list[str]:
    if isinstance(error, UsageError):
        return _of_usage(error)
    if command is None or not arguments:
        return []
    first = command.file_of(arguments) or arguments[0]
    path = error.path or first
    if is_elsewhere(path):
        return []  # reading it again may take long, or be impossible
    if isinstance(error, BucketNotFound):
        names = _bucket_names(command, arguments, values)
        return nested_path(path, names, command) or _of_bucket(path, names)
    if isinstance(error, KeyNotFound):
        return _of_key(path, arguments, error.key)
    if isinstance(error, SourceNotFound):
        return _of_file_name(path)
    if isinstance(error, InvalidDatabase) or (isinstance(error, OpenError) and error.operation in ("write", "read")):
        return _of_file(path, command)
    if isinstance(error, DestinationExists):
        can = any(option.help.startswith("Replace") for option in command.options if option.name == "force")
        can = can and not values.get("force")
        return ["--force replaces it"] if can and os.path.isfile(path) else []
    if isinstance(error, (Corrupted, DamagedSource, CheckFailed, UnreadablePage)):
        return _of_damage(first, command)
    if isinstance(error, Locked):
        return [f"boltcli lock {shell_quoted(path)} shows the holder; --lock auto reads without the lock"]
    if isinstance(error, ArgumentError) and command.name == "compact" and not values.get("output"):
        return [_output_hint(command, arguments)]
    return []


def _has(name: str) -> bool:
    return name in COMMANDS


def _of_usage(error: UsageError) -> list[str]:
    command, arguments = error.command, error.arguments
    if command is None:
        return command_meant(arguments) if arguments else []
    text = str(error)
    if text.startswith("unknown flag: --"):
        return flag_meant(text.removeprefix("unknown flag: --"), command)
    if text.startswith("unknown shorthand flag: '"):
        return flag_meant(text.removeprefix("unknown shorthand flag: '")[0], command)
    if text.startswith("required flag"):
        return [_output_hint(command, arguments)] if '"output"' in text else []
    if not text.startswith(("requires ", "accepts ")):
        return []
    if len(arguments) < command.least:
        return _of_missing(command, arguments)
    too_many = command.most is not None and len(arguments) > command.most
    if too_many and any(option.name == "output" and option.required for option in command.options):
        return [_output_hint(command, arguments)]
    return []


def _output_hint(command: Command, arguments: list[str]) -> str:
    option = next(option for option in command.options if option.name == "output")
    flag = "-o" if option.short else "--output"
    source = shell_quoted(arguments[0]) if arguments else command.arguments[0].name
    target = shell_quoted(arguments[1]) if len(arguments) > 1 else "DEST"
    return f"name the result with an option: boltcli {command.name} {flag} {target} {source}"


def _of_missing(command: Command, arguments: list[str]) -> list[str]:
    """Name the missing argument, and list possible values."""
    required = [argument for argument in command.arguments if argument.required]
    missing = required[len(arguments)]
    text = f"{missing.name} is missing"
    if not arguments or missing.kind not in ("bucket", "key"):
        return [text]
    with _opened(arguments[0]) as snapshot:
        from ..ops.read.key_pages import keyed_leaves
        from ..tree.bucket import find_bucket

        names = _decoded(arguments[1:])
        try:
            bucket = find_bucket(snapshot, names)
        except BucketNotFound:
            return [text, *(records_of(snapshot, arguments[0], names[-1]) or _of_bucket(arguments[0], names))]
        found: list[bytes] = []
        for _, keys in keyed_leaves(snapshot, bucket):
            found += keys
            if len(found) > _NAMES:
                break
    what = "this bucket" if names else "this file"
    return [f"{text}; {what} has: {_listed(found)}" if found else f"{text}; {what} has none: it is empty"]


def _opened(path: str) -> Snapshot:
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


def _bucket_names(command: Command, arguments: list[str], values: dict[str, Value]) -> list[bytes]:
    """Return the bucket path on the command line, outermost name first."""
    for option in command.options:
        value = values.get(option.name)
        if option.kind == "bucket" and isinstance(value, list) and value:
            return _decoded(value)
    kinds = [argument.kind for argument in command.arguments]
    last = -1 if kinds[-1:] == ["key"] else None
    return _decoded(arguments[1:last])


def _of_bucket(path: str, names: list[bytes]) -> list[str]:
    """List the buckets in the place where one was not found."""
    from ..tree.bucket import child_bucket, root_bucket

    with _opened(path) as snapshot:
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
    lines = [f"did you mean {' or '.join(map(shell_quoted, near))}?"] if near else []
    return [*lines, f"{where} has the buckets: {_listed(here)}"]


def _buckets_of(snapshot: Snapshot, bucket: BucketRef, name: bytes) -> tuple[list[bytes], bool]:
    """Return the names of the buckets in ``bucket``, and whether ``name`` is a key there."""
    from ..tree.walk import keys_with_prefix

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


def _of_key(path: str, arguments: list[str], key: bytes) -> list[str]:
    """Suggest existing keys and buckets that are similar to the missing ``key``."""
    from ..tree.bucket import child_bucket, find_bucket, get

    names = _decoded(arguments[1:-1])
    with _opened(path) as snapshot:
        bucket = find_bucket(snapshot, names)
        if child_bucket(snapshot, bucket, key) is not None:
            return [f"{typed(key)} is a bucket: boltcli keys {_line(path, *names, key)}"]
        for notation in _notations(key):
            if get(snapshot, bucket, _decoded([notation])[0]) is not None:
                return [f"{notation} exists: boltcli get {_line(path, *names)} {notation}"]
        near = _keys_like(snapshot, bucket, key)
        records = [] if near else records_of(snapshot, path, key)
    if records:
        return records
    if near:
        return [f"did you mean {' or '.join(shell_quoted(typed(each)) for each in near)}?"]
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
    from ..tree.walk import keys_with_prefix

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


def _of_file_name(path: str) -> list[str]:
    """Suggest files with a similar name."""
    folder, name = os.path.split(path)
    try:
        there = os.listdir(folder or ".")
    except OSError:
        return [f"there is no folder {shell_quoted(folder)}"] if folder and not os.path.isdir(folder) else []
    near = nearest(name, there)
    return [f"did you mean {' or '.join(shell_quoted(os.path.join(folder, each)) for each in near)}?"] if near else []


def _of_file(path: str, command: Command) -> list[str]:
    """Say what kind of file it is that isn't a database, and what to do with it."""
    from ..format.magic import HEAD, is_packed, kind_of

    if os.path.isdir(path):
        lines = _of_folder(path)
        recursive = command.several or command.name == "grep"
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
    return lines + _next_steps(path, ("scan", "recover", "doctor"))


def _of_folder(path: str) -> list[str]:
    """Name databases among the first files of a folder; a hint must not take long."""
    from ..format.constants import MAGIC

    found: list[str] = []
    looked = 0
    for folder, folders, files in os.walk(path):
        folders.sort()
        for name in sorted(files):
            file_path = os.path.join(folder, name)
            looked += 1
            try:
                if not os.path.isfile(file_path):  # opening a FIFO would wait for ever
                    continue
                with open(file_path, "rb") as file:
                    head = file.read(20)
            except OSError:
                continue
            if int.from_bytes(head[16:20], "little") == MAGIC:
                found.append(file_path)
        if len(found) >= 3 or looked > _FILES_LOOKED_AT or folder.count(os.sep) - path.count(os.sep) > 4:
            break
    if not found:
        return ["this is a folder, and no bolt database was found in it"]
    return [f"this is a folder; in it is {', '.join(map(shell_quoted, found[:3]))}"]


_STEPS = {
    "doctor": "boltcli doctor {file} says what is damaged and what can be saved",
    "recover": "boltcli recover -o DEST {file} saves all that can still be read",
    "scan": "boltcli scan {file} looks for databases in it",
}


def _next_steps(path: str, names: Sequence[str]) -> list[str]:
    return [_STEPS[name].format(file=shell_quoted(path)) for name in names if _has(name)]


def _of_damage(path: str, command: Command) -> list[str]:
    """Suggest commands for a damaged file."""
    lines = _next_steps(path, ("doctor", "recover"))
    if command.name == "keys":
        lines.append("--skip-damaged lists the keys that can be read")
    if command.opens and _has_previous(path):
        lines.append("--previous reads the state before the last transaction, which may be sound")
    if not lines and command.name != "compact":
        lines.append(f"boltcli compact -o DEST {shell_quoted(path)} copies it if all of it can be read")
    return lines


def _has_previous(path: str) -> bool:
    with _opened(path) as snapshot:
        return all(meta.problem() is None for meta in snapshot.metas)


def after_check(path: str) -> list[str]:
    """Suggest commands for a sound file: those that show the records of the application that wrote it."""
    from .next_steps import application

    if not _has("view"):
        return []
    try:
        with _opened(path) as snapshot:
            known, has_audit = application(snapshot)
    except (BoltError, OSError, ValueError):
        return []
    if not known:
        return []
    audit = [f"boltcli audit {shell_quoted(path)} checks them"] if has_audit else []
    return [f"this is a database of {known}: boltcli view {shell_quoted(path)} shows its records", *audit]
