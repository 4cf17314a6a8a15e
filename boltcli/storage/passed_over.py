"""Decide which files in a folder are databases, and why the others are passed over.

A file whose name or place is that of a database, but which isn't recognised, is a damaged database: leaving it out
would call a folder sound in which a backup is empty or overwritten.
"""

from __future__ import annotations

from ..errors import MissingExtra
from ..format.magic import is_bolt, is_unknown, kind_of

HEAD = 64 << 10  # bytes read to recognise a file
_ENDINGS = (".db", ".bolt", ".boltdb", ".bbolt")
_PACKED_ENDINGS = (".gz", ".xz", ".bz2", ".zst", ".zip", ".tar", ".tgz")
_ARCHIVES = ("a zip archive", "a tar archive")
_UNKNOWN = "unknown content"


def is_named_as_database(path: str) -> bool:
    """Return whether a file's name, without the suffixes of packed files, or its place is that of a database."""
    name = path
    while (shorter := _without_packing(name)) != name:
        name = shorter
    last = name.rpartition("/")[2].lower()
    if last.endswith(_ENDINGS) or last == "db":  # etcd's file has no suffix, wherever it was copied to
        return True
    from .data_directory import program_at

    return bool(program_at(name))


def _without_packing(name: str) -> str:
    return next((name[: -len(ending)] for ending in _PACKED_ENDINGS if name.lower().endswith(ending)), name)


def why_passed_over(path: str, head: bytes, *, remote: bool = False) -> str:
    """Return why the file at ``path`` that begins with ``head`` is no database; empty if it is one, or a damaged one.

    Of a packed file only ``head`` is unpacked; of a zip archive that is not ``remote`` the first members. Raises
    OSError.
    """
    from .packed import inner_kind, is_packed, peek

    if is_bolt(head):
        return ""
    kind = kind_of(head)
    if not is_packed(head) or kind is None:
        return "" if is_unknown(kind) and is_named_as_database(path) else kind or _UNKNOWN
    if remote and kind == _ARCHIVES[0]:
        return ""  # its table is at its end
    try:
        if peek(path, head, kind):
            return ""
        inner = inner_kind(head)
    except MissingExtra:
        return ""  # reported when it is opened
    if is_unknown(inner) or inner in _ARCHIVES:
        return "" if is_named_as_database(path) else f"{kind} without a database at its beginning"
    return f"{kind} with {inner} in it"
