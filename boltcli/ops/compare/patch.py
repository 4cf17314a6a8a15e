"""Apply changes to a copy of a database, or in place."""

from __future__ import annotations

import mmap
import os
from itertools import count

from ...errors import DestinationError, DestinationExists, OpenError
from ...storage.destination import Destination
from ...storage.files import copy_sparse
from ...storage.holders import Holder, holders, openers
from ...storage.opened import strictest
from ...storage.snapshot import Snapshot
from ...storage.source import Source, open_source, wait_for_lock
from ...tree.walk import Whole
from ..read.content import Misplaced, content
from ..write.compact import PAGE_SIZES
from ..write.load import Loaded, write_content
from .overlay import Overlay


def patch(snapshot: Snapshot, overlay: Overlay, path: str, *, sync: bool = True) -> Loaded:
    """Write ``snapshot`` with the changes of ``overlay`` to ``path``, with its page size, as small as possible.

    Raises PatchMismatch, Corrupted, and the errors of a destination: then there is no file.
    """
    with Destination(path, mode=strictest(snapshot.mode), sync=sync) as destination:
        done = _write(snapshot, overlay, destination)
        snapshot.finish()
        destination.commit()
    return done


def patch_in_place(
    path: str, overlay: Overlay, *, backup: bool = True, timeout: float = 0, sync: bool = True
) -> tuple[Loaded, str | None]:
    """Replace the database at ``path``, in one step, by one with the changes of ``overlay``.

    The exclusive lock is taken first; ``timeout`` is the longest wait in seconds (0: for ever). Permissions, owner and
    extended attributes stay. With ``backup`` the old file is kept under the name that is returned. Raises as
    :func:`patch` does, and OpenError if another process has the file open, as it would continue with the old one.
    """
    source = open_source(path, "none")
    try:
        if source.is_own_copy:
            raise OpenError("lock", path, "it is no plain file: write the result elsewhere (-o)")
        _lock(source, timeout)
        with (
            Snapshot(path, source.duplicate()) as snapshot,
            Destination(path, mode=snapshot.mode, replace=True, in_place=True, sync=sync) as destination,
        ):
            done = _write(snapshot, overlay, destination)
            snapshot.finish()
            _resemble(source, destination)
            kept = _keep(source) if backup else None
            destination.commit()
        return done, kept
    finally:
        source.close()


def _write(snapshot: Snapshot, overlay: Overlay, destination: Destination) -> Loaded:
    page_size = snapshot.page_size if snapshot.page_size in PAGE_SIZES else mmap.PAGESIZE
    found = content(snapshot, is_sound=True, guard=Whole(snapshot, once=True))
    events, sequence = overlay.patched(snapshot, found)
    try:
        return write_content(events, destination, sequence, page_size)
    except Misplaced as misplaced:  # the changes are sorted
        raise snapshot.corrupted(str(misplaced), snapshot.meta.root) from None


def _lock(source: Source, timeout: float) -> None:
    """Take the exclusive lock of the file that is at the path now."""
    if not wait_for_lock(source, timeout, exclusive=True):
        if source.reason == "unasked":
            raise OpenError("lock", source.path, "this system has no lock that keeps bbolt out")
        if source.reason != "held":
            raise OpenError("lock", source.path, source.reason)
        holder = next((each for each in holders(source) if not each.waits), Holder(""))
        raise OpenError("lock", source.path, f"{holder} holds the database open; stop it first")
    if not os.path.samestat(os.fstat(source.fd), os.stat(source.path)):
        raise OpenError("lock", source.path, "another file has taken its place meanwhile; try again")
    for other in openers(source):
        raise OpenError("lock", source.path, f"{other} has the database open; stop it first")


def _resemble(source: Source, destination: Destination) -> None:
    status = os.fstat(source.fd)
    try:
        made = os.fstat(destination.fd)
        if hasattr(os, "fchown") and (made.st_uid, made.st_gid) != (status.st_uid, status.st_gid):
            os.fchown(destination.fd, status.st_uid, status.st_gid)
        os.fchmod(destination.fd, status.st_mode & 0o7777)
    except OSError as error:
        raise DestinationError("chown", destination.path, error) from error
    if hasattr(os, "listxattr"):
        try:
            for name in os.listxattr(source.fd):
                os.setxattr(destination.fd, name, os.getxattr(source.fd, name))
        except OSError:
            pass  # labels that the system sets itself, or none at all on this file system


def _keep(source: Source) -> str:
    """Keep the old file as ``.bak``, or with a number; return that name."""
    place = os.path.realpath(source.path) if os.path.islink(source.path) else source.path
    for number in count():
        name = f"{place}.bak{f'.{number}' if number else ''}"
        try:
            os.link(place, name)
        except FileExistsError:
            continue
        except OSError:  # no links on this file system
            try:
                with Destination(name, mode=os.fstat(source.fd).st_mode & 0o7777) as destination:
                    copy_sparse(source.fd, destination.fd)
                    destination.commit()
            except DestinationExists:
                continue
            except OSError as error:
                raise DestinationError("write", name, error) from error
        return name
    raise AssertionError
