"""List deleted pairs, and what they mean to the program that wrote them: decoded, and by the keys of versions."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from ..apps.contract import Application
from ..apps.decode import Decoder
from ..apps.registry import recognised
from ..apps.values import find
from ..database import Database
from ..errors import ArgumentError, BoltError
from ..ops.rescue.deleted import NOWHERE, Deleted
from ..ops.rescue.deleted import deleted as pairs_of
from ..ops.rescue.pages import MappedFile
from ..storage.source import LOCK_PATIENCE
from ..text.sizes import counted
from ..tree.bucket import as_bytes, bucket_path
from ..tree.walk import bounds
from . import Stream, file_at

if TYPE_CHECKING:
    from ..storage.source import Way
    from . import Progress

Path = tuple[bytes, ...]

__all__ = ["Deleted", "Deletions", "deleted"]


class Deletions(Stream[Deleted]):
    """The deleted pairs of a file. After the last one ``notes`` are sentences about all of them."""

    def __init__(self, found: Callable[[list[str]], Generator[Deleted]]) -> None:
        self.notes: list[str] = []
        super().__init__(found(self.notes))


def deleted(
    path: str | os.PathLike[str], bucket: bytes | str | Sequence[bytes | str] = (), *, prefix: bytes | str = b"",
    start: bytes | str = b"", stop: bytes | str | None = None, wanted: Callable[[bytes, bytes], bool] | None = None,
    history: bytes | str = b"", versions: bool = False, limit: int = 0, decode: bool = True, ascending: bool = False,
    progress: Progress | None = None, lock: Way = "wait", timeout: float = LOCK_PATIENCE, offset: int = 0,
) -> Deletions:  # fmt: skip
    """Yield the pairs that the tree of the file ``path`` no longer has, but free pages still have: bbolt wipes none.

    They are in order of bucket and key. ``bucket`` (a name or a path) limits them to it and the buckets in it,
    ``prefix``, ``start``, ``stop`` and ``wanted(key, value)`` to some of the keys, ``limit`` to so many (0: all). Of
    several versions of a key it is the newest one; with ``versions`` all, the newest first; with ``history`` all of
    that key, also the one in the tree. ``decode`` says what keys and values mean where the program is known: in etcd's
    stores keys are then those that revisions belong to. ``ascending`` keeps the order in which keys are stored.
    ``progress(done, total)`` is called with pages. The other arguments are those of :func:`boltcli.recover`.

    Raises SourceNotFound, OpenError, Locked, ArgumentError, and Changed if the file is cut short meanwhile.

    >>> import boltcli
    >>> pair = next(boltcli.deleted("fixtures/many-free.db"))
    >>> pair.bucket, pair.certainty, pair.value[:4]
    ((b'dropped',), 'certain', b'eLPW')
    """
    if limit < 0:
        raise ArgumentError(f"limit {limit}: must be a number of pairs, 0 or more")
    first, last = bounds(as_bytes(prefix), as_bytes(start), None if stop is None else as_bytes(stop))
    if history:
        first, last = as_bytes(history), as_bytes(history) + b"\0"
    names, file_path = bucket_path(bucket), file_at(path, offset)

    def found(notes: list[str]) -> Generator[Deleted]:
        with MappedFile(file_path, lock, timeout) as file:
            known = meaning(file) if decode else None
            pairs = pairs_of(
                file.buffer, names, start=first, stop=last, wanted=wanted, versions=versions or bool(history),
                live=bool(history), version_of=known.version_of if known is not None else lambda *_: None,
                ascending=ascending, progress=progress,
            )  # fmt: skip
            for pair in islice(pairs, limit or None):
                file.check_unchanged()
                yield pair if known is None else known.decoded(pair)
            if known is not None:
                notes += known.summary()

    return Deletions(found)


class Meaning:
    """The program that wrote a file, and the listed keys of the buckets where it keeps versions of keys."""

    def __init__(self, file: MappedFile, application: Application) -> None:
        self._file = file
        self._application = application
        self._decoder = Decoder(application)
        self._listed: dict[Path, set[bytes]] = {}

    def version_of(self, path: Path, key: bytes, value: bytes) -> tuple[bytes, bool] | None:
        """Return the key that a pair is a version of, and whether it is a delete; None where keys are keys."""
        codec = self._application.codec(self._home(path))
        return None if codec is None or codec.version is None else codec.version(key, value)

    def decoded(self, pair: Deleted) -> Deleted:
        """Return a pair with what it means, if the program has something to say of its bucket; count it as listed."""
        path = pair.bucket if pair.version_of is None else self._home(pair.bucket)
        if pair.version_of is not None:
            self._listed.setdefault(path, set()).add(pair.version_of)
        if self._application.codec(path) is None:
            return pair
        key, value = self._decoder.key(path, pair.key), self._decoder.value(path, pair.key, pair.value)
        return replace(pair, key_decoded=key, value_decoded=value)

    def _home(self, path: Path) -> Path:
        """Return ``path``; for a page whose bucket isn't known that of the one bucket with versions."""
        if path[:1] != (NOWHERE,):
            return path
        found = [pattern for pattern, codec in self._application.codecs.items() if codec.version is not None]
        names = tuple(name for name in found[0] if isinstance(name, bytes)) if len(found) == 1 else ()
        return names if names and len(names) == len(found[0]) else path

    def summary(self) -> list[str]:
        """Return a sentence for each bucket with versions: how many keys were listed, and how many of them exist."""
        lines = []
        for path, listed in self._listed.items():
            total = counted(len(listed), "distinct key")
            name = b"/".join(path).decode("utf-8", "backslashreplace")
            try:
                there = len(listed & self._keys(path))
                which = f", {len(listed) - there} of them deleted, {there} with a newer version"
            except BoltError:
                which = "; how many of them still exist can't be read"
            lines.append(f"bucket {name}: {total}{which}")
        return lines

    def _keys(self, path: Path) -> set[bytes]:
        """Return the keys that exist: their newest version is no delete. Raises BoltError."""
        found: set[bytes] = set()
        with self._file.snapshot() as snapshot:
            store = find(Database(snapshot), *path)
            for key, value in store.range() if store is not None else ():
                version = self.version_of(path, key, value) if isinstance(value, bytes) else None
                if version is not None:
                    (found.discard if version[1] else found.add)(version[0])
        return found


def meaning(file: MappedFile) -> Meaning | None:
    """Return what is known of the program that wrote the file; None if that is nothing, or it can't be read."""
    try:
        with file.snapshot() as snapshot:
            found = recognised(snapshot)
    except BoltError:
        return None
    return None if found is None else Meaning(file, found.application)
