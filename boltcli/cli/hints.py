"""Hints after an error: names that exist, and commands that help. The ``Error:`` line is bbolt's where bbolt has that
error; the hints after it are boltcli's own."""

from __future__ import annotations

import os
from itertools import islice

from .. import errors
from ..errors import BoltError, BucketNotFound, OpenError
from ..format.page import LeafElements
from ..ops.read.select_items import keys_with_prefix
from ..storage.snapshot import Snapshot
from ..storage.source import at_offset, is_elsewhere, open_source
from ..text.values import path_text, shell_quoted, shell_word, typed
from ..tree.bucket import child_bucket, find_bucket, get, root_bucket
from ..tree.walk import Whole, leaf_pages
from .parse import UsageError
from .values import address, addresses
from .words_of_other_tools import flags_meant, nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..format.bucket import BucketRef
    from .command import Command, Value

_NAMES = 12  # names in a list
_LETTERS = 400  # characters in that list
_FILES_LOOKED_AT = 2000
_LOOKED_AT = 50_000  # keys compared with a missing one
_OTHERS = 2000  # of these, those whose spelling is compared

_STEPS = {
    "doctor": "boltcli doctor {file} says what is damaged and what can be saved",
    "recover": "boltcli recover -o DEST {file} saves all that can still be read",
    "scan": "boltcli scan {file} looks for databases in it",
}


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
        # Reading it again may take long, or be impossible.
        return [] if is_elsewhere(path) else _of_file(error, path, command, arguments, values)
    except (BoltError, OSError, ValueError, MemoryError, RecursionError):
        return []


def _of_file(
    error: BoltError, path: str, command: Command, arguments: Sequence[str], values: Mapping[str, Value]
) -> list[str]:
    if isinstance(error, BucketNotFound):
        return _nested_path(path, error.bucket, command) or _buckets_instead(path, list(error.bucket))
    if isinstance(error, errors.KeyNotFound):
        return _key(error.key, path, addresses(arguments[1:-1]))
    if isinstance(error, errors.SourceNotFound):
        return _file_name(path)
    if isinstance(error, errors.Locked):
        return [f"boltcli lock {shell_quoted(path)} shows the holder; --lock auto reads without the lock"]
    if isinstance(error, OpenError) and error.operation not in ("write", "read"):
        return []
    if isinstance(error, (errors.InvalidDatabase, OpenError)):
        return _no_database(path, command)
    if isinstance(error, errors.DestinationExists):
        can = any(option.name == "force" and option.help.startswith("Replace") for option in command.options)
        return ["--force replaces it"] if can and not values.get("force") and os.path.isfile(path) else []
    if isinstance(error, (errors.Corrupted, errors.DamagedSource, errors.CheckFailed, errors.UnreadablePage)):
        return _damage(command.file_of(arguments) or arguments[0], command)
    return []


def opened(path: str) -> Snapshot:
    """Open a database for a look, without waiting for its lock. Raises BoltError."""
    return Snapshot(path, open_source(path, "try"))


def _usage(error: UsageError) -> list[str]:
    command, arguments, text = error.command, error.arguments, str(error)
    if command is None:
        return _command_meant(arguments) if arguments else []
    for unknown, end in (("unknown flag: --", None), ("unknown shorthand flag: '", 1)):
        if text.startswith(unknown):
            return _instead(flags_meant(text.removeprefix(unknown)[:end], command))
    if text.startswith("required flag"):
        return [_output_hint(command, arguments)] if '"output"' in text else []
    if not text.startswith(("requires ", "accepts ")):
        return []
    if len(arguments) < command.least:
        return _missing(command, arguments, int(str(error.values.get("offset") or 0)))
    is_result = any(option.name == "output" and option.required for option in command.options)
    return [_output_hint(command, arguments)] if is_result else []


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
    missing = [argument for argument in command.arguments if argument.required][len(arguments)]
    text = f"{missing.name} is missing"
    if not arguments or missing.kind not in ("bucket", "key"):
        return [text]
    from ..ops.read.key_pages import keyed_leaves

    names = addresses(arguments[1:])
    with opened(at_offset(arguments[0], offset)) as snapshot:
        try:
            bucket = find_bucket(snapshot, names)
        except BucketNotFound:
            return [text, *(_records_of(snapshot, arguments[0], names[-1]) or _buckets_instead(snapshot.path, names))]
        found = list(islice((key for _, keys in keyed_leaves(snapshot, bucket) for key in keys), _NAMES + 1))
    what = "this bucket" if names else "this file"
    return [f"{text}; {what} has: {_listed(found)}" if found else f"{text}; {what} is empty"]


def _listed(names: Sequence[bytes]) -> str:
    """Return ``names`` as they are typed, separated by commas; only the first of many or long ones."""
    shown = list(map(typed, names[:_NAMES]))
    while len(shown) > 1 and sum(map(len, shown)) > _LETTERS:
        shown.pop()
    return ", ".join(shown) + (", ..." if len(shown) < len(names) else "")


def _command_meant(words: Sequence[str]) -> list[str]:
    """Suggest a command line for ``words``, the first of which is not a command; nothing if the meaning isn't clear."""
    name, *rest = words
    if os.sep in name or name.endswith(".db"):
        quoted = shell_quoted(name)
        exists = os.path.exists(name)
        return [f"{quoted} is a file: write a command before it" if exists else f"there is no file {quoted}"]
    path = next((word for word in rest if os.path.isfile(word)), None)
    if path is None:
        return []
    from ..apps.registry import recognised

    with opened(path) as snapshot:
        found = recognised(snapshot)
        views, known = (found.application.views, found.application.name) if found else ((), "")
        for word in (name, *rest):
            for view in views:
                if view.name == word or (word == name and len(word) > 3 and view.name.startswith(word)):
                    return [
                        f"boltcli view {shell_quoted(path)} {view.name} shows it: the file is a database of {known}"
                    ]
    return []


def _nested_path(path: str, names: Sequence[bytes], command: Command) -> list[str]:
    parts = [part for name in names for part in name.split(b"/") if part]
    if len(parts) == len(names):
        return []
    try:
        with opened(path) as snapshot:
            find_bucket(snapshot, parts)
    except BucketNotFound:
        return []
    return [f"each bucket is a separate argument: boltcli {command.name} {shell_quoted(path)} {path_text(parts)}"]


def _buckets_instead(path: str, names: list[bytes]) -> list[str]:
    with opened(path) as snapshot:
        bucket, depth = root_bucket(snapshot), 0
        while depth < len(names) and (inner := child_bucket(snapshot, bucket, names[depth])) is not None:
            bucket, depth = inner, depth + 1
        if depth == len(names):
            return []
        name = names[depth]
        is_key = any(key == name for key, _ in keys_with_prefix(snapshot, bucket, name))
        here = [key for key, is_bucket in _looked_at(snapshot, bucket) if is_bucket]
    if is_key:
        there = f"{shell_quoted(path)} {path_text(names[: depth + 1])}"
        return [f"{typed(name)} is a key, not a bucket: boltcli get {there}"]
    where = f"the bucket {path_text(names[:depth])}" if depth else "this file"
    if not here:
        return [f"{where} has no buckets"]
    near = nearest(typed(name), map(typed, here))
    return [*_instead(map(shell_quoted, near)), f"{where} has the buckets: {_listed(here)}"]


def _looked_at(snapshot: Snapshot, bucket: BucketRef) -> Iterable[tuple[bytes, bool]]:
    return islice(keys_with_prefix(snapshot, bucket, b""), _LOOKED_AT + 1)


def _key(key: bytes, path: str, names: list[bytes]) -> list[str]:
    file = shell_quoted(path)
    place = f"{file} {path_text(names)}".rstrip()
    with opened(path) as snapshot:
        bucket = find_bucket(snapshot, names)
        if child_bucket(snapshot, bucket, key) is not None:
            return [f"{typed(key)} is a bucket: boltcli keys {file} {path_text((*names, key))}"]
        for notation in ("hex:", "u64:", "u32:"):
            name = notation + os.fsdecode(key)
            try:
                if get(snapshot, bucket, address(name)) is not None:
                    return [f"{name} exists: boltcli get {place} {name}"]
            except errors.ArgumentError:
                pass  # the key is nothing in this notation
        near = _keys_like(snapshot, bucket, key)
        if near:
            return _instead(map(shell_word, near))
        return _records_of(snapshot, path, key) or [f"boltcli keys {place} lists the keys"]


def _keys_like(snapshot: Snapshot, bucket: BucketRef, key: bytes) -> list[bytes]:
    """Return keys that equal ``key`` except for case, begin or end with it, or have a similar spelling."""
    lower = key.lower()
    alike: list[bytes] = []
    longer: list[bytes] = []
    others: dict[str, bytes] = {}
    for number, (each, _) in enumerate(_looked_at(snapshot, bucket)):
        if each.lower() == lower:
            alike.append(each)
        elif each.startswith(key) or each.endswith(key):
            longer.append(each)
        elif number < _OTHERS and abs(len(each) - len(key)) <= 3:
            others[typed(each)] = each
        if len(longer) > 2:
            break
    return (alike or longer)[:3] or [others[text] for text in nearest(typed(key), others)]


def _file_name(path: str) -> list[str]:
    folder, name = os.path.split(path)
    try:
        there = os.listdir(folder or ".")
    except OSError:
        return [f"there is no folder {shell_quoted(folder)}"] if folder and not os.path.isdir(folder) else []
    return _instead(shell_quoted(os.path.join(folder, each)) for each in nearest(name, there))


def _no_database(path: str, command: Command) -> list[str]:
    """Say what kind of file it is that isn't a database, and what to do with it."""
    from ..format.magic import HEAD, is_packed, kind_of

    if os.path.isdir(path):
        from ..fleet.find import first_databases

        found = first_databases(path, 3, _FILES_LOOKED_AT)  # a hint must not take long
        inside = f"; it contains {', '.join(map(shell_quoted, found))}"
        return [
            f"this is a folder{inside if found else ', and no bolt database was found in it'}",
            *["--recursive reads all databases in it"] * (command.several or command.name == "grep"),
        ]
    with open(path, "rb") as file:
        head = file.read(HEAD)
        size = os.fstat(file.fileno()).st_size
    kind = kind_of(head)
    if kind not in (None, "a file that begins with zeros only"):
        return [f"this is {kind}, not a bolt database{', nor is its content' * is_packed(head)}"]
    return [
        f"{'the file begins with zeros only; ' if kind else ''}no valid meta page (magic ed0cdaed, version 2, checksum)"
        f" at offset 0, nor a second one at 1024, 2048, 4096 and so on up to 16777216; the file has {size} bytes",
        *_steps(path, "scan", "recover", "doctor"),
    ]


def _damage(path: str, command: Command) -> list[str]:
    lines = _steps(path, "doctor", "recover")
    if command.name == "keys":
        lines.append("--skip-damaged lists the keys that can be read")
    if command.opens:
        with opened(path) as snapshot:
            if all(meta.problem() is None for meta in snapshot.metas):
                lines.append("--previous reads the state before the last transaction, which may be sound")
    return lines


def _steps(path: str, *names: str) -> list[str]:
    return [_STEPS[name].format(file=shell_quoted(path)) for name in names]


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
    file = shell_quoted(path)
    known, has_audit = _application(snapshot)
    steps = [("tree", file, "its buckets and what is in them"), ("check", file, "whether it is sound")]
    try:
        for page in leaf_pages(snapshot, root_bucket(snapshot), guard=Whole(snapshot)):
            LeafElements(page).keys()
        steps += [("du", file, "what takes the space")] * (not known)
    except BoltError:
        steps = [("doctor", file, "what is damaged and what can be saved"),
                 ("recover", f"-o DEST {file}", "saves all that can still be read")]  # fmt: skip
    if known:
        steps.append(("view", file, "its records"))
        steps += [("audit", file, "whether its records are consistent, and what is stuck")] * has_audit
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
    audit = [f"boltcli audit {shell_quoted(path)} checks them"] * has_audit
    return [f"this is a database of {known}: boltcli view {shell_quoted(path)} shows its records", *audit]
