"""What an application gives, so that boltcli knows its files; a plug-in needs nothing but this module.

An application is an :class:`Application`: a small one is thirty lines. Each is the entry point of an installed
package, boltcli's own among them, in the group ``boltcli.applications``, which names an instance or a subclass without
arguments::

    [project.entry-points."boltcli.applications"]
    todo = "todo_store:Todo"

What it reads is a :class:`Store`: a bucket of keys to values or to further stores, in key order and lazily. Reading a
damaged page raises :class:`~boltcli.errors.Corrupted`; an application lets that pass. Everything else it must bear: no
codec, view or audit fails because of a record that isn't what the program writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from enum import Enum
from typing import Any, Protocol

from ..ops.compare.change import Change
from ..text.columns import Column

__all__ = [
    "ANY", "CERTAIN", "ERROR", "GROUP", "GUESS", "INFO", "LIKELY", "REST", "SEVERITIES", "WARNING", "Application",
    "Audit", "AuditFinding", "AuditOptions", "Change", "Codec", "Column", "Path", "Pattern", "Plain", "Recognition",
    "Store", "View", "Wildcard", "matches",
]  # fmt: skip

GROUP = "boltcli.applications"
CERTAIN, LIKELY, GUESS = "certain", "likely", "guess"  # how sure a recognition is
SEVERITIES = ERROR, WARNING, INFO = "error", "warning", "info"


class Wildcard(Enum):
    """In a pattern of bucket names: ANY stands for one name, REST, at its end, for any number of further names."""

    ANY = "ANY"
    REST = "REST"


ANY, REST = Wildcard.ANY, Wildcard.REST

# A bucket by the names that lead to it from the root bucket; the same with wildcards.
Path = tuple[bytes, ...]
Pattern = tuple[bytes | Wildcard, ...]
# JSON's own (None, bool, int, float, str, list, dict with str keys), and bytes for what does not fit.
Plain = Any


class Store(Protocol):
    """The part of a bucket that applications use; the public library's Bucket and Database are stores."""

    @property
    def sequence(self) -> int:
        """The bucket's own counter (``NextSequence`` in bbolt)."""

    def get(self, key: bytes, /) -> bytes | Store | None:
        """Return the value or the bucket of ``key``, or None."""

    def range(
        self, start: bytes = b"", stop: bytes | None = None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes | Store]]:
        """Yield keys that are at least ``start`` and below ``stop``, each with its value or bucket, in order."""

    def prefix(self, prefix: bytes) -> Iterator[tuple[bytes, bytes | Store]]:
        """Yield the keys that begin with ``prefix``, as :meth:`range` does."""


@dataclass(frozen=True)
class Recognition:
    """Whose file it is: the application's ``name``, the ``layout`` in words, and the ``certainty`` (CERTAIN, ...)."""

    name: str
    layout: str
    certainty: str = CERTAIN


@dataclass(frozen=True)
class Codec:
    """How the pairs of a bucket are decoded. Ready ones are in :mod:`boltcli.apps.values`.

    ``key(key)`` and ``value(key, value)`` return what JSON can say, and lose nothing: what does not fit stays bytes,
    all of the argument or a part inside the result. They never raise. None leaves the bytes as they are.

    ``version(key, value)`` is for buckets whose pairs are versions of other keys, in the order in which they were
    made: it returns the key that a pair is a version of, and whether it is a delete; None for any other pair.
    """

    key: Callable[[bytes], Plain] | None = None
    value: Callable[[bytes, bytes], Plain] | None = None
    version: Callable[[bytes, bytes], tuple[bytes, bool] | None] | None = None


@dataclass
class View:
    """A table of an application's records, which ``view`` prints and ``sql`` queries.

    ``rows(db, **options)`` yields tuples, a value for each column in order, as it reads. ``options`` names the keyword
    arguments that ``rows`` takes, each with its meaning in a sentence; they come as text (``--rev 7`` as "7"), and are
    left out where they aren't given. Wrong ones raise :class:`~boltcli.errors.ArgumentError`. ``count(db)`` is the
    number of rows, where that is cheaper than reading them. :mod:`boltcli.apps.views` declares views in fewer words.
    """

    name: str
    columns: Sequence[Column]
    rows: Callable[..., Iterator[tuple[Any, ...]]]
    title: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    _: KW_ONLY
    count: Callable[[Store], int] = None  # type: ignore[assignment]  # counts the rows by default

    def __post_init__(self) -> None:
        self.columns = tuple(self.columns)
        if self.count is None:
            self.count = lambda db: sum(1 for _ in self.rows(db))


@dataclass
class AuditFinding:
    """Something that an operator should know.

    ``question`` is a short name of what was asked, ``severity`` ERROR (the program won't start, work is lost, a record
    can't be found), WARNING (will need attention) or INFO. ``bucket`` and ``key`` say where; ``subject`` is the id
    concerned, ``message`` a sentence, ``remedy`` what to do. ``changes`` mend it, in the order in which ``patch``
    applies them, where that can be done in the file.
    """

    question: str
    severity: str
    message: str
    _: KW_ONLY
    bucket: Path = ()
    key: bytes | None = None
    subject: str = ""
    remedy: str = ""
    changes: Sequence[Change] = ()


@dataclass
class AuditOptions:
    """What an audit is asked: ``now`` (nanoseconds since 1970) for ages, ``older_than`` (nanoseconds, or None).

    With ``older_than`` the audit also reports what could be deleted because it was finished longer ago than that, and
    with ``deletions`` the changes that delete it. ``snapshot`` says what the newest snapshot beside a log holds, ""
    where the operator said nothing.
    """

    now: int
    older_than: int | None = None
    _: KW_ONLY
    deletions: bool = False
    snapshot: str = ""


@dataclass
class Audit:
    """What an audit found out.

    ``answers`` are by name, in the form that JSON prints, and so is ``more``, which stands beside the answers.
    ``findings`` may be in any order. ``counts`` are pairs of words and numbers for the table at the end of the text.
    ``facts`` is the application's own, for :meth:`Application.join`. ``retention`` answers ``older_than``,
    ``deletions`` are its changes. ``path`` and ``application``, its name, are filled in by boltcli.
    """

    layout: str
    answers: dict[str, Plain]
    findings: Iterable[AuditFinding] = ()
    _: KW_ONLY
    counts: Sequence[tuple[str, int]] = ()
    more: dict[str, Plain] = field(default_factory=dict)
    facts: Any = field(default=None, compare=False, repr=False)
    retention: Mapping[str, Plain] | None = None
    deletions: Iterable[Change] = ()
    path: str = ""
    application: str = ""

    @property
    def ok(self) -> bool:
        """Whether no finding is an error."""
        return all(finding.severity != ERROR for finding in self.findings)

    def __post_init__(self) -> None:
        self.findings, self.counts = list(self.findings), list(self.counts)

    def _repr_html_(self) -> str:
        from ..results.notebook import page, table

        columns = [Column(name) for name in ("severity", "question", "subject", "message", "remedy")]
        found = ([getattr(each, column.name) for column in columns] for each in self.findings)
        answers = table((Column("answer"), Column("value", "json")), self.answers.items())
        return page(f"Audit: {self.layout}", answers, table(columns, found))


class Application:
    """A program whose files boltcli knows. Subclass it, and set or override what the program has.

    ``name`` is one word in lower case, ``title`` a line for people. ``hints`` are example commands without the leading
    ``boltcli``, with FILE for the file. ``places`` are patterns (``fnmatch``, / between the parts) of the paths at
    which a data directory holds such files. ``buckets`` are patterns (``fnmatch``) of top-level names: only a file that
    has one of them is shown to :meth:`recognise` (none: every file is). ``views`` and ``codecs`` may be properties, so
    that their modules are imported only in use.
    """

    name: str = ""
    title: str = ""
    views: Sequence[View] = ()
    codecs: Mapping[Pattern, Codec] = {}
    hints: Sequence[str] = ()
    places: Sequence[str] = ()
    buckets: Sequence[str] = ()

    def recognise(self, db: Store) -> Recognition | None:
        """Say whether ``db`` is a file of this program: from bucket names and key shapes alone, so that it is cheap."""
        return None

    def audit(self, db: Store, options: AuditOptions) -> Audit | None:
        """Answer what an operator asks of ``db``; None if there is no audit. Each bucket is read once at most."""
        return None

    def has_audit(self, db: Store) -> bool:
        """Say whether there is an audit of ``db``, a file of this program: its layouts may have none."""
        return getattr(self.audit, "__func__", None) is not Application.audit

    def join(self, audits: Sequence[tuple[str, Audit]]) -> Iterable[tuple[str, AuditFinding]]:
        """Compare several files of this program, given as paths and audits; yield findings with the path concerned."""
        return ()

    @property
    def compares(self) -> bool:
        """Whether :meth:`join` may find anything: then the results of an audit wait for those of all files."""
        return getattr(self.join, "__func__", None) is not Application.join

    def common(self, old: Store, new: Store) -> tuple[dict[str, str], dict[str, Plain]]:
        """Return the options of views at which two files can be compared, and facts to report about both."""
        return {}, {}

    def view(self, name: str) -> View | None:
        """Return the view called ``name`` (- and _ are the same), or None."""
        return next((view for view in self.views if view.name == name.replace("-", "_")), None)

    def codec(self, path: Path) -> Codec | None:
        """Return the codec of the pairs of the bucket at ``path``, or None; the first pattern that fits counts."""
        return next((codec for pattern, codec in self.codecs.items() if matches(pattern, path)), None)

    def codec_in(self, db: Store, path: Path) -> Codec | None:
        """Return the codec of the bucket at ``path`` of ``db``, where the file itself says which; else as ``codec``."""
        return self.codec(path)


def matches(pattern: Pattern, path: Path) -> bool:
    """Say whether ``pattern`` fits the bucket at ``path``.

    >>> matches((b"jobs", ANY, b"executions"), (b"jobs", b"j-1", b"executions"))
    True
    >>> matches((b"idx_tags", REST), (b"idx_tags",)), matches((b"jobs", ANY), (b"jobs",))
    (True, False)
    """
    if pattern and pattern[-1] is REST:
        pattern = pattern[:-1]
        path = path[: len(pattern)]
    return len(pattern) == len(path) and all(want is ANY or want == name for want, name in zip(pattern, path))
