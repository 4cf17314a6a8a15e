"""Recover a file into a new database, and report the result.

The result may have buckets that the file doesn't have: lost+found, and deleted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from ...errors import ArgumentError, BoltError, BucketNotFound, DestinationError, InvalidDatabase
from ...format.constants import LEAF_PAGE
from ...progress import portion
from ...record import Record
from ...storage.destination import Destination
from ...storage.files import write_all
from ...storage.snapshot import Snapshot
from ...storage.source import Source, open_source
from ..compare.diff import diff
from ..write.compact import PAGE_SIZES
from .emit import Emission
from .pages import Buffer, MappedFile, Path
from .search import is_mended, recover
from .text_mode import PROVED, TextMode, undone
from .tree import OLDER, PLACED, Altered, Bucket, Gap, Loss, RecoveredTree, Recovery, State

if TYPE_CHECKING:
    from ...progress import Progress
    from ...storage.source import Way

DELETED = b"deleted"
LOST_AND_FOUND = b"lost+found"
_MOST_ALTERED = 100  # differences of one kind that are listed
_PAGE_SIZE = 4096


class LostAndFound(NamedTuple):
    """What is in the bucket ``name`` for pages of which it isn't known where they belong."""

    pairs: int
    pages: int
    name: bytes


@dataclass(frozen=True, slots=True)
class Recovered(Record):
    """What was found in the file ``path`` and written to ``output``: ``size`` bytes, from so many ``pages``.

    ``exact``: it is all that bbolt reads, and nothing else. ``root`` says how the root page was found: meta, pages,
    older or None. ``lost`` is missing, ``changed`` is otherwise than bbolt reads it; ``states`` may be the newest one,
    if that isn't sure. ``placed``, ``older`` and ``stale`` count pages, ``duplicates`` second versions of keys that
    were left out. ``text_mode`` says how certain it is that a copy in text mode was undone, ``undone`` the same in
    words. ``others`` are the offsets at which other databases begin.
    """

    path: str
    output: str
    pairs: int
    buckets: int
    pages: int
    size: int
    page_size: int
    exact: bool
    root: str | None
    lost: tuple[Loss, ...]
    changed: tuple[Altered, ...]
    states: tuple[State, ...]
    notes: tuple[str, ...]
    lost_and_found: LostAndFound
    placed: int
    older: int
    stale: int
    duplicates: int
    text_mode: str | None
    undone: str
    others: tuple[int, ...]

    @property
    def is_all(self) -> bool:
        """Whether nothing is lost or changed, and no other state may be the newest one."""
        return not (self.lost or self.changed or any(state.differs for state in self.states))

    @property
    def warnings(self) -> list[str]:
        """Sentences about other databases in the file."""
        return list(map(other_database, self.others))


def recover_file(
    path: str, output: str, *, lock: Way = "wait", timeout: float = 1.0, page_size: int = 0, state: int = 0,
    bucket: Path = (), lost_and_found: bytes | None = LOST_AND_FOUND, deleted: bool = False, replace: bool = False,
    sync: bool = True, progress: Progress | None = None,
) -> Recovered:  # fmt: skip
    """Write what ``path`` still holds to ``output``, a sound database that appears there when it is complete.

    ``bucket``: only this one. ``lost_and_found`` names the bucket for pages of which it isn't known where they
    belong; None leaves them out. ``deleted``: old versions and deleted pairs go into a bucket of their own.
    ``page_size`` 0: it is found. ``state``: where several states may be the newest one, the one of this number in
    ``states``, counted from 1; 0: the likeliest.

    Raises :class:`~boltcli.errors.InvalidDatabase` if the file holds nothing, what opening raises (as ``Locked``),
    ``ArgumentError``, ``BucketNotFound`` and the errors of a destination; then nothing is written.
    """
    if page_size and page_size not in PAGE_SIZES:
        raise ArgumentError(f"page size {page_size} is not a power of two from {PAGE_SIZES[0]} to {PAGE_SIZES[-1]}")
    with (
        MappedFile(path, lock, timeout) as file,
        Destination(output, mode=file.mode | 0o200, replace=replace, sync=sync) as destination,
    ):
        done, text_mode = recovered(file.buffer, page_size, state, portion(progress, 0, 0.4))
        proved = text_mode is not None and text_mode.certainty == PROVED
        name = None
        if lost_and_found is not None and not bucket:
            name = add_lost_and_found(done, lost_and_found)
        if deleted and not bucket:
            add_deleted(done, DELETED)
        emission = Emission(done.tree, name, bucket)
        try:
            if text_mode is not None and proved and done.exact and not (bucket or deleted):
                # The file that the SHA-256 at its end proves, that too.
                emission.write()
                write_all(destination.fd, text_mode.content, 0)
                size = len(text_mode.content)
            else:
                # The page size of the source, if bolt can have written it anywhere.
                page_size = done.table.page_size if done.table.page_size in PAGE_SIZES else _PAGE_SIZE
                done.table.watch(portion(progress, 0.4, 0.95), 2)
                size = emission.write(destination.fd, page_size)
                done.table.watch(None)
        except OSError as error:
            file.check_unchanged()
            raise DestinationError("write", output, error) from error
        file.check_unchanged()
        if bucket and not emission.buckets:
            raise BucketNotFound
        if not (emission.pairs or emission.buckets or done.tree.top.leaves):
            reasons = ["no page of the file is a bolt page", *map(other_database, done.others)]
            raise InvalidDatabase(f"there is nothing to recover: {'; '.join(reasons)}")
        lost = _losses(done, emission, bucket, left_out=lost_and_found is None)
        if text_mode is not None and not proved:  # a value may have got another line end
            lost.append(Loss((), reason=text_mode.sentence()))
        changed = _alterations(done, emission, bucket)
        exact = proved and done.exact
        if not (proved or lost or changed or any(state.differs for state in done.states)):
            found = _compared(
                path, destination.fd, bucket, {name, DELETED if deleted else name}, portion(progress, 0.95, 1)
            )
            exact, changed = done.exact and found == [], found or []
        report = Recovered(
            path, output, emission.pairs, emission.buckets, emission.pages, size, done.table.page_size, exact,
            done.root_from or None, tuple(lost), tuple(changed), tuple(done.states), tuple(_notes(done)),
            LostAndFound(emission.within, done.lost_pages, name or lost_and_found or b""), done.placed, done.older,
            done.stale, emission.duplicates, None if text_mode is None else text_mode.certainty,
            "" if text_mode is None else text_mode.sentence(), tuple(done.others),
        )  # fmt: skip
        destination.commit()
    return report


def recovered(
    buffer: Buffer, page_size: int = 0, state: int = 0, progress: Progress | None = None
) -> tuple[Recovery, TextMode | None]:
    """Return :func:`recover` of a file's content, after a copy in text mode is undone; that is returned, too."""
    text_mode = None if page_size else undone(buffer)
    if text_mode is not None:
        done = recover(text_mode.content, state=state, progress=progress)
        if text_mode.certainty == PROVED or done.exact:
            return done, text_mode
    return recover(buffer, page_size=page_size, state=state, progress=progress), None


def other_database(offset: int) -> str:
    return f"another database begins at byte {offset}; open it with --offset {offset}"


def _losses(done: Recovery, emission: Emission, bucket: Path, *, left_out: bool) -> list[Loss]:
    found = [
        Loss(path, gap.low or None, gap.high, gap.page, _reason(gap, "that fits" if gap.filled == 1 else "that fit"))
        for gap in done.tree.gaps
        if not gap.complete and (path := gap.bucket.path())[: len(bucket)] == bucket
    ]
    root = done.metas[0].root if done.metas else None
    if done.torn:
        reason = "pages of later transactions are among those of the tree: the file was copied while it was written"
        found.append(Loss((), reason=reason))
    elif done.root_from == "older":
        found.append(Loss((), page=root, reason="the newest root page is lost: the last changes may be missing"))
    elif not done.sure:
        found.append(Loss((), reason="some pages of the file are unexplained; a newer root page may be lost"))
    if not done.metas and not done.tree.top.leaves and not found:
        found.append(Loss((), reason="the root page was not found"))
    found += [Loss((), reason=other_database(offset)) for offset in done.others]
    found += emission.lost
    reason = "the place of the page is unknown; it was left out"
    return found + [Loss((), page=page, reason=reason) for page in done.left if left_out]


def _reason(gap: Gap, which: str) -> str:
    pages = f"; {gap.filled} page{'s' * (gap.filled > 1)} {which} put in its place"
    return gap.reason + pages * (gap.filled > 0)


def _alterations(done: Recovery, emission: Emission, bucket: Path) -> list[Altered]:
    found = list(done.tree.changes)
    if done.tree.top.sequence and not bucket:
        reason = f"the root bucket has the sequence {done.tree.top.sequence}; bbolt never gives it one"
        found.append(Altered((), None, None, f"{reason}; it was left out"))
    found += emission.changed + emission.dropped
    complete = (gap for gap in done.tree.gaps if gap.complete)
    found += [Altered(gap.bucket.path(), None, gap.page, _reason(gap, "that nothing led to")) for gap in complete]
    found = [each for each in found if each.bucket[: len(bucket)] == bucket]
    reason = "the place of the page is unknown; it is in lost+found"
    return found + [Altered((), None, page, reason) for page in done.left if done.lost_pages]


def _compared(
    path: str, fd: int, bucket: Path, but: set[bytes | None], progress: Progress | None
) -> list[Altered] | None:
    """Read the file as bbolt does, and return how the result, which is open as ``fd``, differs from that.

    None if bbolt can't open the file. ``but``: top-level buckets that the file doesn't have.
    """
    try:
        source = Snapshot(path, open_source(path, "none"))
    except InvalidDatabase:
        return None
    found: list[Altered] = []
    with source, Snapshot(path, Source(os.dup(fd), path, is_own_copy=True)) as result:
        try:
            changes = diff(source, result, bucket, progress=progress)
            changes = (change for change in changes if not but.intersection(change.bucket[:1]))
            for change in islice(changes, _MOST_ALTERED):
                found.append(Altered(change.bucket, change.key, None, "bbolt reads something else here"))
        except BoltError as error:
            found.append(Altered((), None, error.page, f"bbolt reads something else, or fails: {error}"))
    return found


def _notes(done: Recovery) -> list[str]:
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


def _new_buckets(tree: RecoveredTree, name: bytes, pages: list[int]) -> Iterator[Bucket]:
    """Yield a bucket for each of these pages that the tree doesn't use by then; all are in a new one of such a name."""
    if not pages:
        return
    while name in tree.names or name in tree.top.children:
        name += b"+"
    tree.top.added.add(name)
    outer = tree.bucket(tree.top, name, 0, 0)
    for page in pages:
        if not tree.used[page]:
            outer.added.add(inner := str(page).encode())
            yield tree.bucket(outer, inner, page, 0)


def add_lost_and_found(done: Recovery, name: bytes = LOST_AND_FOUND) -> bytes | None:
    """Put what could not be placed into a bucket, a nested bucket a page; its name, or None if there is nothing."""
    made = None
    gaps = len(done.tree.gaps)
    for inner in _new_buckets(done.tree, name, done.left):
        done.tree.walk(inner, inner.root, origin=PLACED)
        done.lost_pages += 1
        made = inner.path()[0]
    del done.tree.gaps[gaps:]
    return made


def add_deleted(done: Recovery, name: bytes) -> None:
    table = done.table
    unused = done.tree.unreached(None)
    pages = [page for page in unused if table.kind[page] == LEAF_PAGE and not table.is_torn(page)]
    for inner in _new_buckets(done.tree, name, pages):
        inner.add_leaf(inner.root, OLDER)
