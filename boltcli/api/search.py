"""Search databases for a pattern."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Unpack

from ..errors import ArgumentError, BoltError, Corrupted
from ..ops.read.grep import Hit, dead_hits, live_hits
from ..progress import portion
from ..tree.bucket import bucket_path
from . import Stream, for_path, stream
from .sources import Sources

if TYPE_CHECKING:
    from re import Pattern

    from ..storage.snapshot import Snapshot
    from . import Given, Opening, Progress, Skipped

    Names = bytes | str | Sequence[bytes | str]
    Search = Callable[[Progress | None, Snapshot], Iterator[Hit | Corrupted]]

__all__ = ["Hit", "compiled", "grep"]


def compiled(
    pattern: str | bytes | Pattern[bytes], *, hex: bool = False, fixed: bool = False, ignore_case: bool = False
) -> Pattern[bytes]:
    """Return a pattern as a regular expression on bytes; of ``hex`` or ``fixed`` text. Raises ArgumentError."""
    if isinstance(pattern, re.Pattern):
        return pattern
    text = os.fsencode(pattern)
    if hex:
        try:
            text = re.escape(bytes.fromhex(os.fsdecode(pattern)))
        except ValueError:
            raise ArgumentError(f"--hex: {pattern!r} is not hexadecimal") from None
    elif fixed:
        text = re.escape(text)
    if not text:
        raise ArgumentError("PATTERN is empty and would match everywhere")
    try:
        return re.compile(text, re.DOTALL | (re.IGNORECASE if ignore_case else 0))
    except (re.error, OverflowError, RecursionError) as error:
        raise ArgumentError(f"PATTERN {os.fsdecode(pattern)}: {error}") from None


def grep(
    pattern: str | bytes | Pattern[bytes], sources: Given | Iterable[Given], *, hex: bool = False, fixed: bool = False,
    ignore_case: bool = False, keys: bool = False, values: bool = False, bucket: Names = (),
    deleted: bool = False, recursive: bool = False, skipped: Skipped | None = None, progress: Progress | None = None,
    **opening: Unpack[Opening],
) -> Stream[Hit]:  # fmt: skip
    """Yield the first match of ``pattern`` in each bucket name, key and value of databases, nested buckets included.

    ``pattern`` is a regular expression on bytes, with ``fixed`` literal text, with ``hex`` hexadecimal. ``sources`` are
    paths or open databases, one or several; a folder stands for the databases in it at the places of known programs,
    with ``recursive`` for all. ``keys`` searches only names and keys, ``values`` only values, ``bucket`` (a name or a
    path) only that bucket and those in it. ``deleted`` also searches bytes that are no longer in use.
    ``progress(done, total)`` is called with pages, of several files with shares. The other arguments are those of
    :func:`boltcli.open`.

    Damage, and a file that can't be read, doesn't end the search: ``skipped`` is called with the error; without it the
    first one is raised after the last hit. Raises ArgumentError, and BucketNotFound for a single source.

    >>> import boltcli
    >>> [(hit.bucket, hit.part, hit.match) for hit in boltcli.grep("(?i)timeout", "fixtures/document.db")][:1]
    [((b'execution',), 'value', b'Timeout')]
    """
    wanted = compiled(pattern, hex=hex, fixed=fixed, ignore_case=ignore_case)
    path = bucket_path(bucket)
    if keys and values:
        raise ArgumentError("keys searches only keys, values only values: they can't be combined")
    if path and deleted:
        raise ArgumentError("deleted bytes belong to no bucket: bucket and deleted can't be combined")
    search = partial(_hits, wanted, path, keys, values, deleted)
    return Stream(_search(sources, search, recursive, skipped, progress, opening))


def _search(
    sources: Given | Iterable[Given], search: Search, recursive: bool, skipped: Skipped | None,
    progress: Progress | None, opening: Opening,
) -> Generator[Hit]:  # fmt: skip
    errors: list[BoltError] = []
    say = skipped or errors.append
    chosen = Sources(sources, progress, recursive=recursive)
    for source, file in chosen:
        try:
            if file.failure is not None:
                raise file.failure
            for hit in stream(source, partial(search, chosen.portion), for_path(source, opening)):
                if isinstance(hit, Corrupted):
                    say(hit)
                else:
                    yield hit
        except BoltError as error:
            if len(chosen) == 1:
                raise
            error.path = error.path or file.path
            say(error)
        chosen.seen()
    if errors:
        raise errors[0]


def _hits(
    pattern: Pattern[bytes], path: tuple[bytes, ...], keys: bool, values: bool, deleted: bool,
    progress: Progress | None, snapshot: Snapshot,
) -> Iterator[Hit | Corrupted]:  # fmt: skip
    damaged = False
    live, dead = (portion(progress, 0, 0.5), portion(progress, 0.5, 1)) if deleted else (progress, None)
    for hit in live_hits(snapshot, pattern, path, names=not values, values=not keys, progress=live):
        damaged = damaged or isinstance(hit, Corrupted)
        yield hit
    if deleted or (damaged and not path):
        for hit in dead_hits(snapshot, pattern, damaged_only=not deleted, progress=dead):
            if hit.part != ("value" if keys else "key" if values else ""):
                yield hit
