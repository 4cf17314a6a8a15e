"""What can go wrong, as one tree of exceptions.

Every error that boltcli raises on purpose is a :class:`BoltError`; anything
else that escapes is a bug in boltcli.

::

    BoltError
    |-- SourceNotFound      the path leads to no file (also a FileNotFoundError)
    |-- OpenError           the system refused to open, lock or map the file
    |   |-- AccessDenied        because of its permissions (also a PermissionError)
    |   |-- Locked              because another process holds the lock (also a TimeoutError)
    |   `-- DestinationError    the system refused to write the result
    |-- DatabaseClosed      the database was read after it was closed (also a ValueError)
    |-- UnpackError         a packed file is damaged, too large, or has no database in it
    |-- DestinationExists   there is already a file at the destination
    |-- DestinationIsSource the destination is the source database, or another file that is read
    |-- DamagedSource       the database is too damaged to be copied
    |-- InvalidDatabase     the file isn't a bolt database, or no meta page of it is valid
    |   |-- VersionMismatch     a file format version other than 2
    |   `-- ChecksumError       the meta page's checksum doesn't match its content
    |-- Changed             the file changed while it was read without its lock
    |-- Corrupted           a page of a tree is damaged
    |-- UnreadablePage      a page cannot be read by its id (raw reading)
    |-- StepFailed          a step of a job failed; another error says why
    |-- BucketNotFound      (also a KeyError)
    |-- KeyNotFound         (also a KeyError)
    |-- CheckFailed         a check found errors
    |-- DamageSkipped       the result is incomplete: damaged pages were skipped
    |-- PatchMismatch       a change doesn't fit the database or the changes before it
    |-- MissingExtra        an optional library is not installed
    `-- ArgumentError       the caller passed an invalid value (also a ValueError)
        `-- PassedOver          a file that was found in a folder is not one for the command

Errors carry facts: which page, which path, which key. ``str(error)`` is a
sentence for a person. ``render/errors.py`` makes the command line's ``Error:``
line from the facts, in bbolt's exact words where bbolt has that error.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Literal

    # As in schema.json, under "error"; the guide's page exit-status has them with their statuses.
    ErrorKind = Literal[
        "argument",
        "bucket-not-found",
        "changed",
        "check-failed",
        "checksum",
        "closed",
        "corrupted",
        "damage-skipped",
        "damaged-source",
        "destination",
        "destination-exists",
        "destination-is-source",
        "error",
        "invalid-database",
        "key-not-found",
        "locked",
        "mismatch",
        "missing-extra",
        "not-found",
        "open",
        "step-failed",
        "unpack",
        "unreadable-page",
        "version-mismatch",
    ]


_NO_SUCH_FILE = 2  # errno.ENOENT, the same on every system
_LARGEST_FILE = 1 << 63  # bytes: a larger offset comes from a damaged page id, and is not shown
_SHOWN = 40  # characters shown of each end of a long name


class BoltError(Exception):
    """Base of all errors of boltcli.

    ``page`` is the page id concerned, ``offset`` the byte offset in the file,
    ``path`` the database file; each is None if unknown. ``kind`` is a stable
    name for programs. ``exit_status`` is the status of a command that fails
    with this error, ``detailed_status`` the one with ``--exit-status
    detailed``: 1 the database is damaged, 2 it could not be read, 3 another
    process prevents it, 4 the bucket or key does not exist, 64 the command
    line is invalid.
    """

    kind: ErrorKind = "error"
    exit_status = 1
    detailed_status = 1
    is_typed = False  # whether it quotes the command line as bbolt does, line ends included

    def __init__(
        self,
        message: str,
        *,
        page: int | None = None,
        offset: int | None = None,
        path: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.page = page
        self.offset = offset
        self.path = path

    def __str__(self) -> str:
        # KeyError, a base of two kinds, would put quotes around the message.
        return self.message

    def __reduce__(self) -> tuple[Callable[..., BoltError], tuple[object, ...]]:
        # Other processes send it: the arguments of each kind are its own.
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[BoltError], arguments: tuple[object, ...], facts: dict[str, object]) -> BoltError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(facts)
    return error


class SourceNotFound(BoltError, FileNotFoundError):
    kind = "not-found"
    detailed_status = 2

    def __init__(self, path: str) -> None:
        super().__init__(f"source database file {path!r} doesn't exist", path=path)
        self.errno, self.strerror, self.filename = _NO_SUCH_FILE, "No such file or directory", path


class OpenError(BoltError):
    """The system refused ``operation`` (``stat``, ``open``, ``lock``, ...) on ``path``.

    ``reason`` is the system's message; ``__cause__`` is the OSError, if there was one.
    """

    kind: ErrorKind = "open"
    detailed_status = 2

    def __init__(self, operation: str, path: str, reason: str) -> None:
        super().__init__(f"{operation} {path}: {reason}", path=path)
        self.operation = operation
        self.reason = reason


class AccessDenied(OpenError, PermissionError):
    """The file's permissions don't allow the operation."""


class Locked(OpenError, TimeoutError):
    """Another process holds the lock, and waiting for it took too long; ``holder`` says who."""

    kind = "locked"
    detailed_status = 3

    def __init__(self, path: str, holder: str) -> None:
        super().__init__("lock", path, f"{holder} holds the database open for writing")
        self.holder = holder


def os_error(operation: str, path: str, error: OSError | ValueError) -> OpenError:
    """Return the error for an ``operation`` on ``path`` that the system refused with ``error``."""
    kind = AccessDenied if isinstance(error, PermissionError) else OpenError
    return kind(operation, path, str(getattr(error, "strerror", None) or error))


def as_failure(error: BoltError | OSError, path: str) -> BoltError:
    """Return the failure of the file ``path`` among several."""
    return error if isinstance(error, BoltError) else BoltError(f"{path}: {error.strerror or error}", path=path)


class UnpackError(BoltError):
    """The packed file ``path`` can't be unpacked, or doesn't contain a database."""

    kind = "unpack"
    detailed_status = 2

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"unpack {path}: {problem}", path=path)
        self.problem = problem


class DatabaseClosed(BoltError, ValueError):
    """The database was already closed."""

    kind = "closed"
    detailed_status = 2

    def __init__(self) -> None:
        super().__init__("the database is closed")


class DestinationError(OpenError):
    """The system refused ``operation`` (``open``, ``write``, ...) on the result file ``path``."""

    kind = "destination"

    def __init__(self, operation: str, path: str, error: OSError | ValueError) -> None:
        super().__init__(operation, path, str(getattr(error, "strerror", None) or error))


class DestinationExists(BoltError):
    """There is a file at ``path``, and it must not be replaced."""

    kind = "destination-exists"
    detailed_status = 2

    def __init__(self, path: str) -> None:
        super().__init__(f"output file {path!r} already exists", path=path)


class DestinationIsSource(BoltError):
    """The destination is the source database, or (``database`` False) another file that is read."""

    kind = "destination-is-source"
    detailed_status = 2

    def __init__(self, path: str, *, database: bool = True) -> None:
        self.is_what = "the source database" if database else "one of the files that are read"
        super().__init__(f"output file {path!r} is {self.is_what}", path=path)


class DamagedSource(BoltError):
    """The database is too damaged to be copied; ``finding`` says what is wrong, in bbolt's words."""

    kind = "damaged-source"

    def __init__(self, finding: str, *, page: int, path: str) -> None:
        super().__init__(finding, page=page, path=path)
        self.finding = finding


class InvalidDatabase(BoltError):
    kind: ErrorKind = "invalid-database"
    detailed_status = 2

    def __init__(self, message: str = "invalid database", **where: int | str | None) -> None:
        super().__init__(message, **where)  # type: ignore[arg-type]


class VersionMismatch(InvalidDatabase):
    kind = "version-mismatch"


class ChecksumError(InvalidDatabase):
    kind = "checksum"


class Changed(BoltError):
    """The file changed while it was read, so what was read is not the state of one transaction.

    ``before`` and ``after`` are the newest transaction ids at the beginning
    and at the end of the reading; both are 0 if the cause was not a commit.
    """

    kind = "changed"
    detailed_status = 3

    def __init__(self, message: str, *, path: str, before: int = 0, after: int = 0) -> None:
        super().__init__(message, path=path)
        self.before = before
        self.after = after


class Corrupted(BoltError):
    """A page is damaged.

    ``stack`` is the page ids from the root of the tree to the page, ``bucket``
    the path of the bucket whose tree it is (empty: the root bucket).
    """

    kind = "corrupted"

    def __init__(
        self,
        problem: str,
        *,
        page: int,
        offset: int | None = None,
        stack: Sequence[int] = (),
        path: str | None = None,
        bucket: Sequence[bytes] = (),
    ) -> None:
        super().__init__("", page=page, offset=offset, path=path)
        self.problem = problem
        self.stack = tuple(stack)
        self.bucket = tuple(bucket)
        self.message = self._describe()

    def _describe(self) -> str:
        at = f" at offset {self.offset}" if self.offset is not None and self.offset < _LARGEST_FILE else ""
        how = []
        if self.bucket:
            how.append(f"bucket: {bucket_text(self.bucket)}")
        if self.stack:
            how.append(f"stack: [{' '.join(map(str, self.stack))}]")
        where = f"page {self.page}{at}: {self.problem}"
        return f"{where} ({', '.join(how)})" if how else where


def bucket_text(names: Sequence[bytes]) -> str:
    """Return a bucket's path in printable characters; the names may be any bytes."""
    return " ".join(map(_name, names))


def _name(name: bytes) -> str:
    shown = repr(name)[1:]
    return shown if len(shown) <= 2 * _SHOWN else f"{shown[:_SHOWN]}...{shown[-_SHOWN:]}"


class UnreadablePage(BoltError):
    """A raw page is missing, or contradicts its header; the message is bbolt's."""

    kind = "unreadable-page"


class StepFailed(BoltError):
    """A ``step`` of a job failed because of ``reason``. Each ``{}`` in ``step`` stands for one of ``paths``."""

    kind = "step-failed"

    def __init__(self, step: str, reason: BoltError, paths: tuple[str, ...] = ()) -> None:
        words = step.format(*map(repr, paths))
        super().__init__(f"{words}: {reason}", page=reason.page, offset=reason.offset, path=reason.path)
        self.step = step
        self.reason = reason
        self.paths = paths


class Step:
    """Context manager: an error inside ``with Step("read page 3 failed")`` becomes a :class:`StepFailed`."""

    __slots__ = ("paths", "step")

    def __init__(self, step: str, *paths: str) -> None:
        self.step = step
        self.paths = paths

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, BoltError):
            raise StepFailed(self.step, error, self.paths) from None


class BucketNotFound(BoltError, KeyError):
    """There is no bucket at ``bucket`` (its names, outermost first) in the file ``path``."""

    kind = "bucket-not-found"
    detailed_status = 4

    def __init__(self, bucket: Sequence[bytes] = (), path: str | None = None) -> None:
        named = f": {bucket_text(bucket)}" if bucket else ""
        super().__init__(f"bucket not found{named}{f' in {path!r}' if path else ''}", path=path)
        self.bucket = tuple(bucket)


class KeyNotFound(BoltError, KeyError):
    kind = "key-not-found"
    detailed_status = 4

    def __init__(self, key: bytes) -> None:
        super().__init__(f"key not found: {key!r}")
        self.key = key


class CheckFailed(BoltError):
    kind = "check-failed"

    def __init__(self, count: int) -> None:
        super().__init__("invalid value")  # bbolt's words
        self.count = count


class DamageSkipped(BoltError):
    """``count`` damaged places were skipped, as requested."""

    kind = "damage-skipped"

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} damaged place{'s were' if count > 1 else ' was'} skipped: keys may be missing")
        self.count = count


class ArgumentError(BoltError, ValueError):
    kind = "argument"
    detailed_status = 64


class PassedOver(ArgumentError):
    """A file was found in a folder, not named, and is not one for the command: no failure, but it is said.

    ``unknown``: no application recognises it.
    """

    def __init__(self, message: str, *, unknown: bool = False) -> None:
        super().__init__(message)
        self.unknown = unknown


class PatchMismatch(BoltError):
    """The change on line ``line`` of a patch doesn't fit the database; ``problem`` says why."""

    kind = "mismatch"

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}; nothing was written (--force does not check)")
        self.line = line
        self.problem = problem


class MissingExtra(BoltError):
    """``module`` is not installed; ``boltcli[extra]`` installs it, or ``pip install module`` if ``extra`` is ""."""

    kind = "missing-extra"
    detailed_status = 2

    def __init__(self, module: str, extra: str, purpose: str = "this") -> None:
        super().__init__(f"{purpose} needs {module}: pip install " + (f"'boltcli[{extra}]'" if extra else module))
        self.module = module
        self.extra = extra


# What libraries say, or Python of a library, when there is no memory left.
_NO_MEMORY = (
    "failed to map segment",  # the loader, of a compiled module
    "annot allocate memory",
    "can't start new thread",
    "without setting an exception",
    "without exception set",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether ``error`` means that there is no memory left, whatever its type: compiled libraries differ."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryException":  # DuckDB's
        return True
    if not isinstance(error, (ImportError, SystemError, RuntimeError)):
        return False
    return any(words in str(error) for words in _NO_MEMORY)


# The running command, which reports faults; without one they are Python's warnings. Here, because most commands load
# nothing that can report one.
_hearer: Callable[[str], None] | None = None
_reported: set[str] = set()


def hear_faults(hearer: Callable[[str], None] | None) -> None:
    """Pass the faults of plug-ins to ``hearer`` from now on; None: make them Python's warnings."""
    global _hearer
    _hearer = hearer


def report_fault(fault: str) -> None:
    """Report a fault of a plug-in that must not end the command, once in a process."""
    if fault in _reported:
        return
    _reported.add(fault)
    if _hearer is not None:
        _hearer(fault)
    else:
        import warnings

        warnings.warn(fault, RuntimeWarning, stacklevel=2)
