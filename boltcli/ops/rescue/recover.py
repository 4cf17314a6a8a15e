"""Recover a file into a new database, and report the result.

The result may have buckets that the file doesn't have: lost+found, and deleted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from ...errors import ArgumentError, BoltError, BucketNotFound, DestinationError, InvalidDatabase
from ...format.constants import LEAF_PAGE
from ...storage.destination import Destination
from ...storage.files import write_all
from ...storage.snapshot import Snapshot
from ...storage.source import Source, open_source
from ..compare.diff import diff
from ..write.compact import PAGE_SIZES
from .emit import Emission
from .pages import MappedFile
from .search import Recovery, State, is_mended, recover
from .text_mode import PROVED, TextMode, undone
from .tree import OLDER, PLACED, Altered, Bucket, Gap, Loss, Path, RecoveredTree

if TYPE_CHECKING:
    from ...format.page import Buffer
    from ...storage.source import Way

DELETED = b"deleted"
_MOST_ALTERED = 100  # differences of one kind that are listed
_PAGE_SIZE = 4096
LOST_AND_FOUND = b"lost+found"


class Report(NamedTuple):
    """What was recovered from ``path`` into ``output``.

    ``pairs`` and ``buckets`` were written; they come from ``pages`` leaf pages, of which ``placed`` were found without
    a way to them and ``older`` are earlier versions. ``found_pairs`` and ``found_pages`` are those in the bucket
    ``lost_and_found``. ``duplicates``: second versions of keys, not written. ``size`` is that of the result, bytes.
    ``exact``: it is all that bbolt reads, and nothing else; ``notes`` say what that may not be. ``states``: all that
    may be the newest state, if that isn't sure. ``text_mode``: the copy in text mode that was undone first. ``others``:
    the offsets of other databases in the file, which are not recovered.
    """

    path: str
    output: str
    page_size: int
    page_size_from: str
    root_from: str
    exact: bool
    pairs: int
    buckets: int
    pages: int
    placed: int
    older: int
    stale: int
    size: int
    lost: list[Loss]
    lost_and_found: bytes
    found_pairs: int
    found_pages: int
    duplicates: int
    changed: list[Altered]
    states: list[State]
    notes: list[str]
    text_mode: TextMode | None
    others: list[int]

    @property
    def is_all(self) -> bool:
        """Whether nothing is lost or changed, and no other state may be the newest one."""
        return not (self.lost or self.changed or any(state.differs for state in self.states))


def recover_file(
    path: str, output: str, *, lock: Way = "wait", timeout: float = 1.0, page_size: int = 0, state: int = 0,
    bucket: Path = (), lost_and_found: bytes | None = LOST_AND_FOUND, deleted: bool = False, replace: bool = False,
    sync: bool = True, progress: Callable[[int, int], None] | None = None,
) -> Report:  # fmt: skip
    """Write what ``path`` still holds to ``output``, a sound database that appears there when it is complete.

    ``bucket``: only this one. ``lost_and_found`` names the bucket for pages of which it isn't known where they
    belong; None leaves them out. ``deleted``: old versions and deleted pairs go into a bucket of their own.
    ``page_size`` 0: it is found. ``state``: where several states may be the newest one, the one of this number in
    ``Report.states``, counted from 1; 0: the likeliest.

    Raises :class:`~boltcli.errors.InvalidDatabase` if the file holds nothing,
    :class:`~boltcli.errors.BucketNotFound`, :class:`~boltcli.errors.Locked`, what opening raises,
    :class:`~boltcli.errors.ArgumentError`, and
    :class:`~boltcli.errors.DestinationExists`, :class:`~boltcli.errors.DestinationError`,
    :class:`~boltcli.errors.DestinationIsSource`; then nothing is written.
    """
    if page_size and page_size not in PAGE_SIZES:
        raise ArgumentError(f"page size {page_size} is not a power of two from {PAGE_SIZES[0]} to {PAGE_SIZES[-1]}")
    with (
        MappedFile(path, lock, timeout) as file,
        Destination(output, mode=file.mode | 0o200, replace=replace, sync=sync) as destination,
    ):
        done, text_mode = _recovered(file.buffer, page_size, state)
        proved = text_mode is not None and text_mode.certainty == PROVED
        name = None
        if lost_and_found is not None and not bucket:
            made = add_lost_and_found(done, lost_and_found)
            name = made.name if made is not None else None
        if deleted and not bucket:
            add_deleted(done, DELETED)
        emission = Emission(done.tree, name, bucket)
        try:
            if text_mode is not None and proved and done.exact and not (bucket or deleted):
                # The file that the SHA-256 at its end proves, that too.
                emission.write(None, done.table.page_size)
                write_all(destination.fd, text_mode.content, 0)
                size = len(text_mode.content)
            else:
                # The page size of the source, if bolt can have written it anywhere.
                page_size = done.table.page_size if done.table.page_size in PAGE_SIZES else _PAGE_SIZE
                size = emission.write(destination.fd, page_size, progress)
        except OSError as error:
            file.check_unchanged()
            raise DestinationError("write", output, error) from error
        file.check_unchanged()
        if bucket and not emission.buckets:
            raise BucketNotFound
        if not (emission.pairs or emission.buckets or done.tree.top.leaves):
            reasons = ["no page of the file is one of a bolt database", *map(other_database, done.others)]
            raise InvalidDatabase(f"there is nothing to recover: {'; '.join(reasons)}")
        lost = losses(done, emission, bucket, left_out=lost_and_found is None)
        if text_mode is not None and not proved:  # a value may have got another line end
            lost.append(Loss((), reason=text_mode.sentence()))
        changed = alterations(done, emission, bucket)
        exact = proved and done.exact
        if not (proved or lost or changed or any(state.differs for state in done.states)):
            found = compared(path, destination.fd, bucket, {name, DELETED if deleted else name})
            exact, changed = done.exact and found == [], found or []
        noted = notes(done)
        destination.commit()
    return Report(
        path, output, done.table.page_size, done.page_size_from, done.root_from, exact,
        emission.pairs, emission.buckets, emission.pages, done.placed, done.older, done.stale, size, lost,
        name or lost_and_found or b"", emission.within, done.lost_pages, emission.duplicates, changed, done.states,
        noted, text_mode, done.others,
    )  # fmt: skip


def _recovered(buffer: Buffer, page_size: int, state: int) -> tuple[Recovery, TextMode | None]:
    """Find what a file holds; after a copy in text mode was undone, if that is proved or nothing is missing then."""
    text_mode = None if page_size else undone(buffer)
    if text_mode is not None:
        done = recover(text_mode.content, state=state)
        if text_mode.certainty == PROVED or done.exact:
            return done, text_mode
    return recover(buffer, page_size=page_size, state=state), None


def other_database(offset: int) -> str:
    """Say that there is another database, and what to do."""
    return f"another database begins at byte {offset}: open it with --offset {offset}"


def losses(done: Recovery, emission: Emission, bucket: Path, *, left_out: bool) -> list[Loss]:
    """Return what is known to be missing in the result."""
    found = []
    for gap in done.tree.gaps:
        path = gap.bucket.path()
        if gap.complete or path[: len(bucket)] != bucket:
            continue
        reason = _reason(gap, "that fits" if gap.filled == 1 else "that fit")
        found.append(Loss(path, gap.low or None, gap.high, gap.page, reason))
    root = done.metas[0].root if done.metas else None
    if done.torn:
        reason = "pages of later transactions lie among those of the tree: the file was written to while it was copied"
        found.append(Loss((), reason=reason))
    elif done.root_from == "older":
        found.append(Loss((), page=root, reason="the newest root page is lost: the last changes may be missing"))
    elif not done.sure:
        found.append(Loss((), reason="not all pages of the file are accounted for: a newer root page may be lost"))
    if not done.metas and not done.tree.top.leaves and not found:
        found.append(Loss((), reason="the root page was not found"))
    found += [Loss((), reason=other_database(offset)) for offset in done.others]
    found += emission.lost
    if left_out:
        reason = "it is not known where the page belongs; it was left out"
        found += [Loss((), page=page, reason=reason) for page in done.left]
    return found


def _reason(gap: Gap, which: str) -> str:
    """Return why something is missing, and how many pages, of ``which`` kind, were put in its place."""
    pages = f"; {gap.filled} page{'s' * (gap.filled > 1)} {which} put in its place"
    return gap.reason + pages * (gap.filled > 0)


def alterations(done: Recovery, emission: Emission, bucket: Path) -> list[Altered]:
    """Return what is known to be in the result otherwise than it stands in the tree of the file."""
    found = list(done.tree.changes)
    if done.tree.top.sequence and not bucket:
        reason = f"the root bucket has the sequence {done.tree.top.sequence}; bbolt never gives it one"
        found.append(Altered((), None, None, f"{reason}: it was left out"))
    found += emission.changed + emission.dropped
    for gap in done.tree.gaps:
        if gap.complete:
            found.append(Altered(gap.bucket.path(), None, gap.page, _reason(gap, "that nothing led to")))
    found = [each for each in found if each.bucket[: len(bucket)] == bucket]
    reason = "it is not known where the page belongs: it is in lost+found"
    return found + [Altered((), None, page, reason) for page in done.left if done.lost_pages]


def compared(path: str, fd: int, bucket: Path, but: set[bytes | None]) -> list[Altered] | None:
    """Read the file as bbolt does, and return how the result, which is open as ``fd``, differs from that.

    None if bbolt can't open the file. ``but``: top-level buckets that the file doesn't have.
    """
    found: list[Altered] = []
    try:
        source = Snapshot(path, open_source(path, "none"))
    except InvalidDatabase:
        return None
    with source, Snapshot(path, Source(os.dup(fd), path, is_own_copy=True)) as result:
        try:
            for change in diff(source, result, bucket):
                if change.bucket and change.bucket[0] in but:
                    continue
                found.append(Altered(change.bucket, change.key, None, "bbolt reads something else here"))
                if len(found) == _MOST_ALTERED:
                    break
        except BoltError as error:
            found.append(Altered((), None, error.page, f"bbolt reads something else, or fails: {error}"))
    return found


def notes(done: Recovery) -> list[str]:
    """Return what has to be known of the meta pages."""
    found = [
        f"meta page {meta.page}, of transaction {meta.txid}, is not valid as it stands: bbolt passes over it: one "
        "wrong bit was corrected"
        for meta in sorted(done.metas, key=lambda meta: meta.page)
        if is_mended(done.table, meta)
    ]
    if len(done.metas) == 1:
        meta = done.metas[0]
        found.append(f"meta page {1 - meta.page} is not valid: if it was that of a newer transaction than {meta.txid}, "
                     "what that one changed may be missing")  # fmt: skip
    return found


def _extra_bucket(tree: RecoveredTree, name: bytes) -> Bucket:
    """Return a new bucket ``name`` in the root bucket, or of a name like it if that is there."""
    while name in tree.names or name in tree.top.children:
        name += b"+"
    tree.top.added.add(name)
    return tree.bucket(tree.top, name, 0, 0)


def _inner_buckets(tree: RecoveredTree, outer: Bucket, pages: list[int]) -> Iterator[Bucket]:
    """Yield a new bucket in an extra one for each of these pages that the tree doesn't use yet."""
    for page in pages:
        if not tree.used[page]:
            outer.added.add(name := str(page).encode())
            yield tree.bucket(outer, name, page, 0)


def add_lost_and_found(done: Recovery, name: bytes = LOST_AND_FOUND) -> Bucket | None:
    """Put what could not be placed into a bucket ``name``, a nested bucket a page; None if there is nothing."""
    tree = done.tree
    if not done.left:
        return None
    bucket = _extra_bucket(tree, name)
    gaps = len(tree.gaps)
    for inner in _inner_buckets(tree, bucket, done.left):
        tree.walk(inner, inner.root, origin=PLACED)
        done.lost_pages += 1
    del tree.gaps[gaps:]
    return bucket


def add_deleted(done: Recovery, name: bytes) -> None:
    """Put the leaf pages that the result doesn't use into a bucket ``name``, a nested bucket a page."""
    tree, table = done.tree, done.table
    pages = [page for page in tree.unreached(None) if table.kind[page] == LEAF_PAGE and not table.is_torn(page)]
    if pages:
        for inner in _inner_buckets(tree, _extra_bucket(tree, name), pages):
            inner.add_leaf(inner.root, OLDER)
