"""Guess what an invalid command line was meant to do, and suggest one that does it."""

from __future__ import annotations

import os

from ..render.names import shell_quoted
from .meanings import nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..apps.contract import Application
    from ..storage.snapshot import Snapshot
    from .command import Command

_PUT = ("put", "set", "write", "insert", "update", "edit", "add", "hset")
_DELETE = ("delete", "del", "rm", "remove", "drop", "unset", "hdel")
# Flags of other tools, and the options that have their meaning here.
_FLAGS = {
    **dict.fromkeys(("r", "R", "recurse", "all-files"), ("recursive",)),
    **dict.fromkeys(("format", "output-format", "pretty", "to-json"), ("json",)),
    **dict.fromkeys(("strict", "full", "thorough", "paranoid", "all"), ("deep",)),
    **dict.fromkeys(("v", "verbose", "why", "details", "describe"), ("verbose", "explain")),
    **dict.fromkeys(("silent", "s", "no-warnings"), ("quiet",)),
    **dict.fromkeys(("out", "dst", "dest", "destination", "to-file", "outfile"), ("output",)),
    **dict.fromkeys(("overwrite", "y", "yes", "clobber"), ("force",)),
    **dict.fromkeys(("head", "max", "count", "n", "top"), ("limit", "max-findings", "top")),
    **dict.fromkeys(("pattern", "match", "filter", "regex", "e"), ("grep", "where", "prefix")),
    **dict.fromkeys(("readonly", "read-only", "nolock", "ro"), ("no-lock",)),
    **dict.fromkeys(("wait", "lock-timeout"), ("timeout",)),
    **dict.fromkeys(("threads", "workers", "parallel", "p"), ("jobs",)),
    **dict.fromkeys(("human-readable",), ("human",)),
}


def flag_meant(flag: str, command: Command) -> list[str]:
    """Suggest options of ``command`` for the unknown ``flag`` (without dashes): by meaning, else by spelling."""
    names = [option.name for option in command.shown_options]
    meant = [name for name in _FLAGS.get(flag, ()) if name in names]
    found = meant or (nearest(flag, [*names, "help"]) if len(flag) > 1 else [])
    return [f"did you mean {' or '.join(f'--{name}' for name in found)}?"] if found else []


def command_meant(words: Sequence[str]) -> list[str]:
    """Suggest a command line for ``words``, the first of which is not a command; nothing if the meaning isn't clear."""
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
    if name in _DELETE and len(names) > 1:
        return _change(path, names[:-1], names[-1], None)
    if name in _PUT and len(names) > 2:
        return _change(path, names[:-2], names[-2], names[-1])
    with opened(path) as snapshot:
        known = _application(snapshot)
        if known is None:
            return []
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
    from .key_argument import addresses

    names, (key_bytes,) = addresses(buckets), addresses([key])
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


def records_of(snapshot: Snapshot, path: str, key: bytes) -> list[str]:
    """Show how to look up a key of etcd, which stores its keys inside values."""
    known = _application(snapshot) if key[:1] == b"/" else None
    if known is None or known.name != "etcd":
        return []
    where = shell_quoted(f"key={os.fsdecode(key)}")
    return [f"{known.name} keeps its keys by revision: boltcli view {shell_quoted(path)} keys --where {where}"]


def nested_path(path: str, names: Sequence[bytes], command: Command) -> list[str]:
    """Show how to name nested buckets, if ``names`` contains slashes between them."""
    from ..errors import BucketNotFound
    from ..render.names import path_text
    from ..tree.bucket import find_bucket

    parts = [part for name in names for part in name.split(b"/") if part]
    if len(parts) == len(names):
        return []
    with opened(path) as snapshot:
        try:
            find_bucket(snapshot, parts)
        except BucketNotFound:
            return []
    return [f"each bucket is a separate argument: boltcli {command.name} {shell_quoted(path)} {path_text(parts)}"]


def _application(snapshot: Snapshot) -> Application | None:
    from ..apps.registry import recognised

    found = recognised(snapshot)
    return None if found is None else found.application


def opened(path: str) -> Snapshot:
    """Open a database for a look, without waiting for its lock. Raises BoltError."""
    from ..storage.snapshot import Snapshot
    from ..storage.source import open_source

    return Snapshot(path, open_source(path, "try"))
