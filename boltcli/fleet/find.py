"""Turn what was named into files: names, patterns, lists, folders as data directories or with ``--recursive``.

The places in the data directories of programs are those that the applications declare, and those of programs that none
of them is for. Sources of these: containerd plugins/snapshots, hashicorp/raft-wal, Nomad, Docker's swarm, InfluxDB.

A file in a folder whose name or place is that of a database, but which isn't recognised, is a damaged database:
leaving it out would call a folder sound in which a backup is empty or overwritten.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cache, partial
from itertools import islice

from ..errors import ArgumentError, MissingExtra, OpenError
from ..format.magic import TAR, ZIP, is_bolt, is_packed, is_unknown, kind_of
from ..storage.files import Trying
from ..storage.opened import split_member, take_stdin
from ..storage.secrets import original_url, redact_url
from ..storage.source import is_elsewhere
from .files import Files

_ARCHIVES = {ZIP: "zip", TAR: "tar"}
_ENDINGS = (".db", ".bolt", ".boltdb", ".bbolt")
_PACKED_ENDINGS = (".gz", ".xz", ".bz2", ".zst", ".zip", ".tar", ".tgz")
HEAD = 64 << 10  # bytes read to recognise a file
_OBJECT_HEAD = 20 << 10  # bytes read of an object: both meta pages, for page sizes up to 16 KiB
_OBJECTS = 64  # whose beginnings are read at once
_WILD = "*["  # in addresses; not "?", which begins a query
_LINK = "a symbolic link"
_QUOTED = 8  # databases that an error names

# Places of databases of programs that no application is for.
OTHER_PLACES = {
    "io.containerd.snapshotter.v1.*/metadata.db": "containerd's snapshotters",
    "meta.db": "any",
    "raft/wal/wal-meta.db": "raft-wal",
    "client/state.db": "nomad",
    "swarm/worker/tasks.db": "swarm",
    "influxd.bolt": "influxd",
}


def select(
    named: Iterable[str], *, recursive: bool = False, search: bool = False, twice: bool = True,
    looked: Callable[[], object] = bool,
) -> Files:  # fmt: skip
    """Return the files that ``named`` selects: this is the one rule for all commands.

    A name is a file, an address, "-", ``FILE!member``, a pattern (see :func:`matching`), or a folder. A folder stands
    for the databases at the known places in it; with ``recursive`` for all in it, also packed ones; with ``search``
    for all if none is at a known place. A folder without any is in ``paths`` itself, where opening it fails; if it
    was searched, ``failed`` says so. Each file is there once, unless it is named ``twice``. ``looked`` is called for
    each file that a search looks at. Raises OpenError.
    """
    found = _Selection(recursive, search, looked)
    for name in named:
        for path, how in found.meant(name):
            if found.is_new(path, how) or (twice and path == name):
                found.files.paths.add(path, how)
    return found.files


_Found = Iterator[tuple[str, str]]  # paths, and how each was found


class _Selection:
    """The files that were met: those that were named, and all in the folders that were searched."""

    def __init__(self, recursive: bool, search: bool, looked: Callable[[], object]) -> None:
        self.files = Files()
        self._recursive = recursive
        self._search = search
        self._looked = looked
        self._named: set[str] = set()
        self._searched: list[str] = []

    def is_new(self, path: str, how: str) -> bool:
        """Note a path, and return whether it is met for the first time."""
        if path in self._named:
            return False
        if any(map(path.startswith, self._searched)) and (how == "search" or not why_not(path)):
            return False
        if how != "search":  # a search finds each path once, and there may be millions
            self._named.add(path)
        return True

    def meant(self, name: str) -> _Found:
        """Yield what a name stands for."""
        if is_pattern(name):
            yield from ((address, "") for address in list(_matching_objects(name)) or [name])
        elif "://" in name and self._recursive:
            yield from self._all(name, _objects_below(name, partial(self.files.pass_over, name)), "")
        elif is_elsewhere(name):
            yield name, ""
        else:
            for path in matching(name) or (self._recursive and matching(name, folders=True)) or [name]:
                if not os.path.isdir(path):
                    yield path, ""
                elif not self._recursive and ((found := databases_in(path)) or not self._search):
                    yield from [(each, "place") for each in found] or [(path, "")]
                else:
                    below = databases_below(path, partial(self.files.pass_over, path), self._looked)
                    yield from self._all(path, below, "search")

    def _all(self, folder: str, found: Iterator[str], how: str) -> _Found:
        """Yield what a search finds; if that is nothing, the folder itself, and why."""
        count = 0
        try:
            for path in found:
                count += 1
                yield path, how
        except OpenError as error:
            self.files.failed[folder] = error
        else:
            if how:
                self._searched.append(os.path.join(folder, ""))
            if not count:
                self.files.failed[folder] = nothing_in(folder, self.files)
        if folder in self.files.failed:
            yield folder, ""


def nothing_in(folder: str, files: Files) -> OpenError:
    """Return the error for a ``folder`` without a database."""
    passed = f"; {files.passed_text(folder)}" if folder in files.passed else ""
    return OpenError("search", folder, f"it contains no bolt database{passed}")


def databases_in(folder: str) -> list[str]:
    """Return the databases at the places in ``folder``, and the folders in it, that programs use; sorted.

    A file of another known format at such a place is left out; one that isn't recognised, for example because its meta
    pages are zeroed, is not. Links to folders aren't followed.
    """
    known = places()
    found = []
    for here, _, names in os.walk(folder):
        place = os.path.abspath(here)  # the folder itself may be a part of a place
        for name in names:
            path = os.path.join(here, name)
            if _program(os.path.join(place, name), known) and _may_be_database(path):
                found.append(path)
    return sorted(found)


def resolved(path: str) -> str:
    """Return the database in the data directory at ``path``; any other path as it is. Raises ArgumentError."""
    found = databases_in(path) if os.path.isdir(path) else []
    if len(found) > 1:
        more = f" and {len(found) - _QUOTED} more" if len(found) > _QUOTED else ""
        raise ArgumentError(f"{path} holds several databases; name one of them: {', '.join(found[:_QUOTED])}{more}")
    return found[0] if found else path


def program_at(path: str) -> str:
    """Return the program in whose data directory a database may be at ``path``; empty if there is none."""
    return _program(os.path.abspath(path), places())


@cache
def places() -> dict[str, str]:
    """Return patterns (fnmatch, / between the parts) of the ends of paths, and the program whose database is there."""
    from ..apps.registry import applications

    found: dict[str, str] = {}
    for application in applications():
        for place in application.places:
            found.setdefault(place, application.name)
    return found | OTHER_PLACES


def _program(path: str, known: dict[str, str]) -> str:
    """Return the program of the first place that fits the end of a path; empty if none does."""
    parts = path.split(os.sep)
    for place, program in known.items():
        pattern = place.split("/")
        if len(parts) >= len(pattern) and all(map(fnmatchcase, parts[-len(pattern) :], pattern)):
            return program
    return ""


def _head(path: str, most: int) -> bytes:
    with open(path, "rb") as file:
        return file.read(most)


def _may_be_database(path: str) -> bool:
    """Return whether there is a file at ``path`` that isn't of another known format; also if it can't be read."""
    try:
        head = _head(path, 4096) if os.path.isfile(path) else None
    except OSError:
        return True  # the error is reported when it is opened
    return head is not None and (is_bolt(head) or is_packed(head) or is_unknown(kind_of(head)))


def first_databases(folder: str, most: int, looked_at: int) -> list[str]:
    """Return databases among the first ``looked_at`` files of a folder, for a hint that must not take long."""
    from glob import escape, iglob

    paths = sorted(islice(iglob(os.path.join(escape(folder), "**", "*"), recursive=True), looked_at))
    found = (path for path in paths if os.path.isfile(path) and os.access(path, os.R_OK) and is_bolt(_head(path, 4096)))
    return list(islice(found, most))


def databases_below(folder: str, passed: Callable[[str], None], looked: Callable[[], object] = bool) -> Iterator[str]:
    """Yield the databases under ``folder`` in the order of their names, also damaged ones, each once.

    ``passed`` is called with the reason for each other file, ``looked`` for each regular file. Links are not
    followed. A subfolder that can't be read is yielded: opening it fails, as reading a file may do. Raises
    :class:`~boltcli.errors.OpenError` for ``folder`` itself.
    """
    with Trying("open", folder):
        os.listdir(folder)
    unread: list[str] = []
    for here, folders, names in os.walk(folder, onerror=lambda error: unread.append(str(error.filename))):
        yield from unread
        unread.clear()
        folders.sort()
        for name in folders:
            if os.path.islink(os.path.join(here, name)):
                passed(_LINK)
        for name in sorted(names):
            path = os.path.join(here, name)
            if os.path.islink(path):
                passed(_LINK)
            elif os.path.exists(path) and not os.path.isfile(path):
                passed("not a regular file")
            else:
                looked()
                reason = why_not(path)
                if reason:
                    passed(reason)
                else:
                    yield path
    yield from unread


def why_not(path: str) -> str:
    """Return why the file at ``path`` is passed over; empty if it isn't, or can't be read."""
    try:
        return why_passed_over(path, _head(path, HEAD))
    except OSError:
        return ""  # the error is reported when it is opened


def kind(path: str) -> str | None:
    """Return how the bolt database at ``path`` is packed (bolt, gzip, zip, ...); None if it isn't a database.

    Reads only the first 64 KiB, and the table of a zip archive. Raises OSError.
    """
    head = _head(path, HEAD)
    packing = _packing(head)
    if packing:
        from ..storage.packed import BOLT, look_inside

        return packing if look_inside(path, head) == BOLT else None
    return "bolt" if is_bolt(head) else None


def _packing(head: bytes) -> str:
    """Return the short name of how a file is packed; empty if it isn't."""
    kind = kind_of(head) or ""
    return _ARCHIVES.get(kind, kind) if is_packed(head) else ""


def kind_of_file(path: str) -> str:
    """Return how the database at ``path`` is packed, by its first bytes; bolt if it isn't, remote or "-" elsewhere."""
    if is_elsewhere(path):
        return "stdin" if path == "-" else "remote"
    file, members = split_member(path)
    try:
        return _packing(_head(file if members else path, 512)) or "bolt"
    except IsADirectoryError:
        return "directory"
    except OSError:
        return "unknown"


def is_pattern(address: str) -> bool:
    """Return whether the path in ``address`` has a wildcard."""
    path = original_url(address).partition("://")[2].partition("/")[2]
    return any(char in path.partition("?")[0].partition("!")[0] for char in _WILD)


def _matching_objects(address: str) -> Iterator[str]:
    """Yield the addresses of the objects that match a pattern, without secrets. Raises OpenError."""
    from ..storage.remote import located, remote_error

    address = original_url(address)
    path = address.index("/", address.index("://") + 3)
    at = min(at for char in _WILD if (at := address.find(char, path)) >= 0)
    base = address[: address.rindex("/", 0, at)]
    files, key = located(base, redact_url(address))
    try:
        names = sorted(files.glob(f"{key.rstrip('/')}/{address[len(base) + 1 :]}"))
    except Exception as error:
        raise remote_error("list", redact_url(address), error) from None
    yield from (_address(base, key, name) for name in names)


def _objects_below(address: str, passed: Callable[[str], None]) -> Iterator[str]:
    """Yield the addresses of the databases below ``address``, without secrets; if it is an object, only its own.

    These are also damaged ones; ``passed`` is called with the reason for each other object. The beginnings of many
    objects are read concurrently. Raises OpenError.
    """
    from ..storage.remote import heads, located, remote_error

    address = original_url(address).rstrip("/")
    files, key = located(address, redact_url(address))
    try:
        sizes = {name: facts.get("size") for name, facts in files.find(key, detail=True).items()}
    except Exception as error:
        raise remote_error("list", redact_url(address), error) from None
    names = sorted(sizes)
    if not names or names == [key]:
        yield redact_url(address)
        return
    for start in range(0, len(names), _OBJECTS):
        part = names[start : start + _OBJECTS]
        for name, head in zip(part, heads(files, part, _OBJECT_HEAD)):
            if isinstance(head, Exception) and sizes[name] != 0:
                reason = ""  # reported when it is opened
            else:  # servers refuse to read a range of nothing
                content = b"" if isinstance(head, Exception) else bytes(head)
                reason = why_passed_over(name, content, remote=True)
            if reason:
                passed(reason)
            else:
                yield _address(address, key, name)


def _address(base: str, key: str, name: str) -> str:
    """Return the address of the object ``name``, which begins with ``key``, the name of ``base``."""
    return redact_url(base + "/" + name[len(key) :].lstrip("/"))


def is_named_as_database(path: str) -> bool:
    """Return whether a file's name, without the suffixes of packed files, or its place is that of a database."""
    name = path
    while ending := next(filter(name.lower().endswith, _PACKED_ENDINGS), ""):
        name = name[: -len(ending)]
    last = name.rpartition("/")[2].lower()
    # etcd's file has no suffix, wherever it was copied to.
    return last.endswith(_ENDINGS) or last == "db" or bool(program_at(name))


def why_passed_over(path: str, head: bytes, *, remote: bool = False) -> str:
    """Return why the file at ``path`` that begins with ``head`` is no database; empty if it is one, or a damaged one.

    Of a packed file only ``head`` is unpacked; of a zip archive that is not ``remote`` the first members. Raises
    OSError.
    """
    from ..storage.packed import BOLT, look_inside

    if is_bolt(head):
        return ""
    kind = kind_of(head)
    if not is_packed(head) or kind is None:
        return "" if is_unknown(kind) and is_named_as_database(path) else kind or "unknown content"
    if remote and kind == ZIP:
        return ""  # its table is at its end
    try:
        inner = look_inside(path, head)
    except MissingExtra:
        return ""  # reported when it is opened
    if inner == BOLT:
        return ""
    if is_unknown(inner) or inner in _ARCHIVES:
        return "" if is_named_as_database(path) else f"{kind} without a database at its beginning"
    return f"{kind} with {inner} in it"


def matching(pattern: str, *, folders: bool = False) -> list[str]:
    """Return the files (or the ``folders``) that match ``pattern``, sorted; none if it is a file name.

    A pattern has ``*``, ``?`` or ``[``; in it ``**`` matches any number of folders. Links to folders are not followed.
    """
    parts = pattern.split(os.sep)
    first = next((index for index, part in enumerate(parts) if any(char in part for char in "*?[")), -1)
    if first < 0 or os.path.lexists(pattern):
        return []
    from pathlib import Path

    base = Path(os.sep.join(parts[:first]) + os.sep if first else os.curdir)
    try:
        found = base.glob(os.sep.join(parts[first:]))
        return sorted(str(path) for path in found if (path.is_dir() if folders else path.is_file()))
    except (OSError, ValueError, NotImplementedError):
        return []


def listed(path: str) -> list[str]:
    """Return the names in the file ``path`` ("-": standard input), one a line, or separated by NUL.

    Raises :class:`~boltcli.errors.OpenError`.
    """
    with Trying("read", path):
        if path == "-":
            take_stdin("a list of files")
        with open(0 if path == "-" else path, "rb", closefd=path != "-") as file:
            content = file.read()
    names = content.split(b"\0") if b"\0" in content else content.splitlines()
    return [os.fsdecode(name) for name in names if name]
