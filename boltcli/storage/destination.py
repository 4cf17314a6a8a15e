"""A result file that appears only when it is complete. No file that is read can be replaced (``opened.py``).

It is written to an unnamed file (or a temporary one beside the destination), synced, and moved into place in one step:
after a crash, a full disk or a signal the earlier file is still there.
"""

import errno
import os
from stat import S_ISREG

from ..errors import DestinationError, DestinationExists
from .files import Closing, with_mode
from .opened import refuse, strictest

_RANDOM = 6  # bytes of randomness in a temporary name
_USUAL = 0o666  # the permission bits of a new file, less the umask
_OWN = 0o600  # a result can be read and replaced by who made it
_OTHERS = 0o077
_DESCRIPTORS = "/proc/self/fd"  # an unnamed file is given a name through it

# The temporary names in use; a signal handler deletes them before it ends the process.
UNFINISHED: set[str] = set()


def usual_mode(*, public: bool = False) -> int:
    """Return the permission bits of a new result, less the umask: those that all files have that are read."""
    return _USUAL if public else strictest(_USUAL) | _OWN


def check_destination(path: str, *, replace: bool = False) -> None:
    """Raise what :class:`Destination` would raise for ``path``, before work that takes long."""
    Destination(path, replace=replace).close()


class Destination(Closing):
    """A file that is written through ``fd`` and moved to ``path`` by :meth:`commit`; else nothing is left behind.

    ``mode`` is the permission bits, less the umask; by default those that all files have that are read. ``public``: it
    holds none of their keys and values, and has the bits of the file that it replaces, or the usual ones. ``replace``
    replaces a regular file; without it an existing file is an error (DestinationExists), now and at the end. A file
    that is read is always one (DestinationIsSource), except with ``in_place``. Without ``sync`` nothing is synced to
    the disk. A symbolic link is followed. Raises DestinationError if the system refuses.
    """

    def __init__(
        self, path: str, *, mode: int | None = None, public: bool = False, replace: bool = False,
        in_place: bool = False, sync: bool = True,
    ) -> None:  # fmt: skip
        self.path = path
        self._replace = replace
        self._in_place = in_place
        self._derived = mode is None and not public
        self._sync = sync
        self._temporary: str | None = None
        self.fd = -1
        try:
            # Resolve links: the link stays, and the temporary file is on the target's file system.
            self.place = os.path.realpath(path)
            found = self._refuse_existing()
            self._folder = os.path.dirname(self.place)
            kept = found.st_mode if mode is None and public and found is not None else None  # of the file replaced
            if mode is None:
                mode = usual_mode(public=public) if kept is None else kept
            self.fd = self._open(mode & 0o7777)
            if kept is not None or not mode & _OTHERS:
                with_mode(self.fd, mode)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            self.close()
            raise DestinationError("open", path, error) from error

    def _refuse_existing(self) -> os.stat_result | None:
        """Raise an error if what is at the place now must stay; return its status, None if there is nothing."""
        try:
            found = os.stat(self.place)
        except FileNotFoundError:
            return None
        if not self._in_place:
            refuse(self.path, found)
        # --force must not replace a folder or a device.
        if not self._replace or not S_ISREG(found.st_mode):
            raise DestinationExists(self.path)
        return found

    def _open(self, mode: int) -> int:
        flags = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        if hasattr(os, "O_TMPFILE") and os.path.isdir(_DESCRIPTORS):
            try:
                return os.open(self._folder, flags | os.O_TMPFILE, mode)
            except OSError:
                pass  # not supported on this file system; a real problem recurs below
        self._temporary = self._temporary_name()
        return os.open(self._temporary, flags | os.O_CREAT | os.O_EXCL, mode)

    def _temporary_name(self) -> str:
        name = os.path.join(self._folder, f".boltcli-{os.urandom(_RANDOM).hex()}.tmp")
        UNFINISHED.add(name)
        return name

    def commit(self) -> None:
        """Sync the file and move it into place."""
        try:
            if self._derived:  # others may have been opened meanwhile
                mode = os.fstat(self.fd).st_mode & 0o7777
                if mode & ~usual_mode():
                    with_mode(self.fd, mode & usual_mode())
            if self._sync:
                os.fsync(self.fd)
            self._name()
            self.close()
            if self._sync and os.name != "nt":
                self._sync_folder()
        except OSError as error:
            raise DestinationError("write", self.path, error) from error

    def _sync_folder(self) -> None:
        try:
            folder = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            # The folder can't be read, or the file system doesn't sync folders.
            if error.errno not in (errno.EACCES, errno.EPERM, errno.EINVAL, errno.EBADF):
                raise

    def _name(self) -> None:
        if self._temporary is None:
            # linkat(2) gives an unnamed file a name, and never replaces a file.
            name = self._temporary_name() if self._replace else self.place
            descriptors = os.open(_DESCRIPTORS, os.O_RDONLY)
            try:
                # Python calls linkat with AT_SYMLINK_FOLLOW only if it is given a folder's descriptor.
                os.link(str(self.fd), name, src_dir_fd=descriptors, follow_symlinks=True)
            except FileExistsError:
                raise DestinationExists(self.path) from None
            finally:
                os.close(descriptors)
            if not self._replace:
                return
            self._temporary = name
        self._refuse_existing()
        if os.name == "nt":  # Windows can't move an open file
            os.close(self.fd)
            self.fd = -1
        os.replace(self._temporary, self.place)
        UNFINISHED.discard(self._temporary)
        self._temporary = None

    def close(self) -> None:
        """Close the file, and delete it unless :meth:`commit` was called."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
        if self._temporary is not None:
            try:
                os.unlink(self._temporary)
            except OSError:
                pass  # the error that led here is more important
            UNFINISHED.discard(self._temporary)
            self._temporary = None
