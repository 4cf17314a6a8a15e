"""The errors that opening and reading a database may meet, which all commands load; ``errors.py`` has all.

They stand apart because making a class of errors takes 20 microseconds, and there are many.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LARGEST_FILE = 1 << 63  # bytes: a larger offset comes from a damaged page id, and is not shown
_SHOWN = 40  # characters shown of each end of a long name


class BoltError(Exception):
    """Base of all errors of boltcli.

    ``page`` is the page id concerned, ``offset`` the byte offset in the file, ``path`` the database file; each is None
    if unknown. ``kind`` is a stable name for programs, one of schema.json under "error". ``exit_status`` is the status
    of a command that fails with this error, ``detailed_status`` the one with ``--exit-status detailed``: 1 the database
    is damaged, 2 it could not be read, 3 another process prevents it, 4 the bucket or key does not exist, 64 the
    command line is invalid.
    """

    kind = "error"
    exit_status = 1
    detailed_status = 1
    is_typed = False  # whether it quotes the command line as bbolt does, line ends included

    def __init__(
        self, message: str, *, page: int | None = None, offset: int | None = None, path: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.page = page
        self.offset = offset
        self.path = path

    def __str__(self) -> str:
        # KeyError, a base of two kinds, would put quotes around the message.
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        # Other processes send it: the arguments of each kind are its own.
        from copyreg import __newobj__  # type: ignore[attr-defined]

        return __newobj__, (type(self), *self.args), self.__dict__


class SourceNotFound(BoltError, FileNotFoundError):
    """The path leads to no file."""

    kind = "not-found"
    detailed_status = 2

    def __init__(self, path: str) -> None:
        super().__init__(f"source database file {path!r} doesn't exist", path=path)
        self.errno, self.strerror, self.filename = 2, "No such file or directory", path  # 2 is ENOENT everywhere


class OpenError(BoltError):
    """The system refused ``operation`` (``stat``, ``open``, ``lock``, ...) on ``path``; ``reason`` is its message."""

    kind = "open"
    detailed_status = 2

    def __init__(self, operation: str, path: str, reason: str) -> None:
        super().__init__(f"{operation} {path}: {reason}", path=path)
        self.operation = operation
        self.reason = reason


class AccessDenied(OpenError, PermissionError):
    """The file's permissions don't allow the operation."""


def os_error(operation: str, path: str, error: OSError | ValueError) -> OpenError:
    """Return the error for an ``operation`` on ``path`` that the system refused with ``error``."""
    kind = AccessDenied if isinstance(error, PermissionError) else OpenError
    return kind(operation, path, str(getattr(error, "strerror", None) or error))


class DatabaseClosed(BoltError, ValueError):
    """The database was read after it was closed."""

    kind = "closed"
    detailed_status = 2

    def __init__(self) -> None:
        super().__init__("the database is closed")


class InvalidDatabase(BoltError):
    """The file isn't a bolt database, or no meta page of it is valid."""

    kind = "invalid-database"
    detailed_status = 2

    def __init__(self, message: str = "invalid database", *, page: int | None = None, path: str | None = None) -> None:
        super().__init__(message, page=page, path=path)


class Changed(BoltError):
    """The file changed during the read, from transaction ``before`` to ``after``; both are 0 if no commit did it."""

    kind = "changed"
    detailed_status = 3

    def __init__(self, message: str, *, path: str, before: int = 0, after: int = 0) -> None:
        super().__init__(message, path=path)
        self.before = before
        self.after = after


class Corrupted(BoltError):
    """A page is damaged. ``stack``: the page ids from the root to it; ``bucket``: the bucket path, () for the root."""

    kind = "corrupted"

    def __init__(
        self, problem: str, *, page: int, offset: int | None = None, stack: Sequence[int] = (),
        path: str | None = None, bucket: Sequence[bytes] = (),
    ) -> None:  # fmt: skip
        at = f" at offset {offset}" if offset is not None and offset < _LARGEST_FILE else ""
        how = [f"bucket: {bucket_text(bucket)}"] if bucket else []
        how += [f"stack: [{' '.join(map(str, stack))}]"] if stack else []
        where = f" ({', '.join(how)})" if how else ""
        super().__init__(f"page {page}{at}: {problem}{where}", page=page, offset=offset, path=path)
        self.problem = problem
        self.stack = tuple(stack)
        self.bucket = tuple(bucket)


def bucket_text(names: Sequence[bytes]) -> str:
    """Return a bucket's path in printable characters; the names may be any bytes."""
    return " ".join(map(_name, names))


def _name(name: bytes) -> str:
    shown = repr(name)[1:]
    return shown if len(shown) <= 2 * _SHOWN else f"{shown[:_SHOWN]}...{shown[-_SHOWN:]}"


class BucketNotFound(BoltError, KeyError):
    """There is no bucket at ``bucket`` (its names, outermost first) in the file ``path``."""

    kind = "bucket-not-found"
    detailed_status = 4

    def __init__(self, bucket: Sequence[bytes] = (), path: str | None = None) -> None:
        named = f": {bucket_text(bucket)}" if bucket else ""
        super().__init__(f"bucket not found{named}{f' in {path!r}' if path else ''}", path=path)
        self.bucket = tuple(bucket)


class ArgumentError(BoltError, ValueError):
    """An argument, an option or a value of one is not possible."""

    kind = "argument"
    detailed_status = 64


# What libraries say, the loader of a compiled module, or Python of a library, when there is no memory left.
_NO_MEMORY = (
    "failed to map segment", "annot allocate memory", "can't start new thread", "without setting an exception",
    "without exception set",
)  # fmt: skip


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether ``error`` means that there is no memory left, whatever its type: compiled libraries differ."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryException":  # DuckDB's
        return True
    if not isinstance(error, (ImportError, SystemError, RuntimeError)):
        return False
    return any(words in str(error) for words in _NO_MEMORY)


# What faults of plug-ins are passed to; None: they are Python's warnings. Here, as most commands load no plug-ins.
hearer: Callable[[str], None] | None = None
_reported: set[str] = set()


def report_fault(fault: str) -> None:
    """Report a fault of a plug-in that must not end the command, once in a process."""
    if fault in _reported:
        return
    _reported.add(fault)
    if hearer is not None:
        hearer(fault)
        return
    import warnings

    warnings.warn(fault, RuntimeWarning, stacklevel=2)
