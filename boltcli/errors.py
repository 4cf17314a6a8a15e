"""What can go wrong, as one tree of exceptions.

Every error that boltcli raises on purpose is a :class:`BoltError`; anything else that escapes is a bug in boltcli. The
kinds that every command may meet are in ``read_errors.py``.

Errors carry facts: which page, which path, which key. ``str(error)`` is a sentence for a person. ``render/errors.py``
makes the command line's ``Error:`` line from the facts, in bbolt's exact words where bbolt has that error.
"""

from .read_errors import *  # noqa: F403
from .read_errors import ArgumentError, BoltError, InvalidDatabase, OpenError, is_out_of_memory


class Locked(OpenError, TimeoutError):
    """Another process holds the lock, and waiting for it took too long; ``holder`` says who."""

    kind = "locked"
    detailed_status = 3

    def __init__(self, path: str, holder: str) -> None:
        super().__init__("lock", path, f"{holder} holds the database open for writing")
        self.holder = holder


def as_failure(error: Exception, path: str) -> BoltError:
    """Return the failure of the file ``path`` among several; raise what is none, but a fault of the program."""
    if isinstance(error, BoltError):
        return error
    if isinstance(error, OSError):
        return BoltError(f"{path}: {error.strerror or error}", path=path)
    if not is_out_of_memory(error):
        raise error
    error.__traceback__ = error.__context__ = None  # what its frames hold is needed for the report
    return BoltError("out of memory", path=path)


class UnpackError(BoltError):
    """The packed file ``path`` can't be unpacked, or doesn't contain a database."""

    kind = "unpack"
    detailed_status = 2

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"unpack {path}: {problem}", path=path)
        self.problem = problem


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


class VersionMismatch(InvalidDatabase):
    """The meta pages have another version of the file format than 2."""

    kind = "version-mismatch"


class ChecksumError(InvalidDatabase):
    """The checksum of the meta pages is wrong."""

    kind = "checksum"


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

    def __init__(self, step: str, *paths: str) -> None:
        self._what = step, paths

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, BoltError):
            step, paths = self._what
            raise StepFailed(step, error, paths) from None


class KeyNotFound(BoltError, KeyError):
    """The bucket has no pair with the key ``key``."""

    kind = "key-not-found"
    detailed_status = 4

    def __init__(self, key: bytes) -> None:
        super().__init__(f"key not found: {key!r}")
        self.key = key


class CheckFailed(BoltError):
    """A check had ``count`` findings."""

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


class PassedOver(ArgumentError):
    """A file that a search found is not for this command (``unknown``: of no known application); no failure."""

    def __init__(self, message: str, *, unknown: bool = False) -> None:
        super().__init__(message)
        self.unknown = unknown


class PatchMismatch(BoltError):
    """The change on line ``line`` of a patch doesn't fit the database; ``problem`` says why."""

    kind = "mismatch"

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}; nothing was written (--force skips this check)")
        self.line = line
        self.problem = problem


class MissingExtra(BoltError):
    """``module`` is not installed. The message says which command installs what ``extra`` needs; "": the module."""

    kind = "missing-extra"
    detailed_status = 2

    def __init__(self, module: str, extra: str, purpose: str = "this") -> None:
        from .installation import to_install

        super().__init__(f"{purpose} needs {module}: {to_install(module, extra)}")
        self.module = module
        self.extra = extra
