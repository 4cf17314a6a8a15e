"""What an application gives, so that boltcli knows its files; a plug-in needs nothing but this module.

An application is an :class:`Application`: a small one is thirty lines. Built-in
ones are in the table of ``registry.py``; others come from installed packages
with an entry point of the group ``boltcli.applications``, which names an
instance or a subclass without arguments::

    [project.entry-points."boltcli.applications"]
    todo = "todo_store:Todo"

What it reads is a :class:`~boltcli.apps.store.Store`: a bucket of keys to values
or to further stores, in key order and lazily. The database is one; so is every
bucket of the public library.

Reading a damaged page raises :class:`~boltcli.errors.Corrupted`; an application
lets that pass. Everything else it must bear: no codec, view or audit fails
because of a record that isn't what the program writes.

This module is imported by hot commands: no ``typing``, no ``dataclasses``.
"""

from __future__ import annotations

from ..ops.compare.change import Change

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from .store import Store

    # A bucket by the names that lead to it from the root bucket.
    Path = tuple[bytes, ...]
    # The same, where ANY stands for one name and, last, REST for any number of further names.
    Pattern = tuple["bytes | Wildcard", ...]
    # JSON's own (None, bool, int, float, str, list, dict with str keys), and bytes for what does not fit.
    Plain = Any

__all__ = [
    "ANY", "CERTAIN", "ERROR", "GROUP", "GUESS", "INFO", "LIKELY", "REST", "SEVERITIES", "WARNING", "Application",
    "Audit", "AuditFinding", "AuditOptions", "Change", "Codec", "Column", "Recognition", "View", "Wildcard", "matches",
]  # fmt: skip

GROUP = "boltcli.applications"

# How sure a recognition is.
CERTAIN, LIKELY, GUESS = "certain", "likely", "guess"

# Severities of findings.
ERROR, WARNING, INFO = "error", "warning", "info"
SEVERITIES = (ERROR, WARNING, INFO)


class Wildcard:
    """ANY or REST in a pattern of bucket names."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


ANY, REST = Wildcard("ANY"), Wildcard("REST")


class Recognition:
    """Whose file it is: the application's ``name``, the ``layout`` in words, and the ``certainty`` (CERTAIN, ...)."""

    __slots__ = ("certainty", "layout", "name")

    def __init__(self, name: str, layout: str, certainty: str = CERTAIN) -> None:
        self.name = name
        self.layout = layout
        self.certainty = certainty


class Codec:
    """How the pairs of a bucket are decoded.

    ``key(key)`` and ``value(key, value)`` return what JSON can say. They lose
    nothing: what does not fit is returned as bytes, the argument itself or a
    part of it inside the result. They never raise. None leaves the bytes as
    they are.

    ``version(key, value)`` is for buckets whose pairs are versions of other keys,
    in the order in which they were made: it returns the key that a pair is a
    version of, and whether it is a delete; None for any other pair.
    """

    __slots__ = ("key", "value", "version")

    def __init__(
        self,
        key: Callable[[bytes], Plain] | None = None,
        value: Callable[[bytes, bytes], Plain] | None = None,
        version: Callable[[bytes, bytes], tuple[bytes, bool] | None] | None = None,
    ) -> None:
        self.key = key
        self.value = value
        self.version = version


class Column:
    """A column of a view: its name, and the type of its values; each may be None where a record has none.

    ``text`` str, ``integer`` int, ``number`` float, ``boolean`` bool, ``bytes``
    bytes, ``time`` int (nanoseconds since 1970, UTC), ``json`` a list or dict
    of what JSON can say.
    """

    __slots__ = ("name", "type")

    def __init__(self, name: str, type: str = "text") -> None:
        self.name = name
        self.type = type

    def __repr__(self) -> str:
        return f"{self.name}: {self.type}"


class View:
    """A table of an application's records, which ``view`` prints and ``sql`` queries.

    ``rows(db, **options)`` yields tuples, a value for each column in order, as
    it reads. ``options`` names the keyword arguments that ``rows`` takes, each
    with its meaning in a sentence; they come as text (``--rev 7`` as "7"), and
    are left out where they aren't given. Wrong ones raise
    :class:`~boltcli.errors.ArgumentError`. ``count(db)`` is the number of rows,
    where that is cheaper than reading them.
    """

    __slots__ = ("_count", "columns", "name", "options", "rows", "title")

    def __init__(
        self,
        name: str,
        columns: Sequence[Column],
        rows: Callable[..., Iterator[tuple[Any, ...]]],
        title: str = "",
        options: Mapping[str, str] | None = None,
        *,
        count: Callable[[Store], int] | None = None,
    ) -> None:
        self._count = count
        self.name = name
        self.columns = tuple(columns)
        self.rows = rows
        self.title = title
        self.options = dict(options or {})

    def count(self, db: Store) -> int:
        """Return how many rows there are."""
        return sum(1 for _ in self.rows(db)) if self._count is None else self._count(db)


class AuditFinding:
    """Something that an operator should know.

    ``question`` is a short name of what was asked, ``severity`` ERROR (the
    program won't start, work is lost, a record can't be found), WARNING (will
    need attention) or INFO. ``bucket`` and ``key`` say where; ``subject`` is
    the id concerned, ``message`` a sentence, ``remedy`` what to do. ``changes``
    mend it, in the order in which ``patch`` applies them, where that can be
    done in the file.
    """

    __slots__ = ("bucket", "changes", "key", "message", "question", "remedy", "severity", "subject")

    def __init__(
        self,
        question: str,
        severity: str,
        message: str,
        *,
        bucket: Path = (),
        key: bytes | None = None,
        subject: str = "",
        remedy: str = "",
        changes: Sequence[Change] = (),
    ) -> None:
        self.question = question
        self.severity = severity
        self.message = message
        self.bucket = bucket
        self.key = key
        self.subject = subject
        self.remedy = remedy
        self.changes = tuple(changes)


class AuditOptions:
    """What an audit is asked: ``now`` (nanoseconds since 1970) for ages, ``older_than`` (nanoseconds, or None).

    With ``older_than`` the audit also reports what could be deleted because it
    was finished longer ago than that, and with ``deletions`` the changes that
    delete it. ``snapshot`` says what the newest snapshot beside a log holds, "" where the operator said nothing.
    """

    __slots__ = ("deletions", "now", "older_than", "snapshot")

    def __init__(self, now: int, older_than: int | None = None, *, deletions: bool = False, snapshot: str = "") -> None:
        self.now = now
        self.older_than = older_than
        self.snapshot = snapshot
        self.deletions = deletions


class Audit:
    """What an audit found out.

    ``answers`` are by name, in the form that JSON prints, and so is ``more``,
    which stands beside the answers. ``findings`` may be in any order. ``counts``
    are pairs of words and numbers for the table at the end of the text.
    ``facts`` is the application's own, for :meth:`Application.join`.
    ``retention`` answers ``older_than``, ``deletions`` are its changes.
    """

    __slots__ = ("answers", "counts", "deletions", "facts", "findings", "layout", "more", "retention")

    def __init__(
        self,
        layout: str,
        answers: Mapping[str, Plain],
        findings: Iterable[AuditFinding] = (),
        *,
        counts: Iterable[tuple[str, int]] = (),
        more: Mapping[str, Plain] | None = None,
        facts: Any = None,
        retention: Mapping[str, Plain] | None = None,
        deletions: Iterable[Change] = (),
    ) -> None:
        self.layout = layout
        self.answers = dict(answers)
        self.findings = list(findings)
        self.counts = list(counts)
        self.more = dict(more or {})
        self.facts = facts
        self.retention = None if retention is None else dict(retention)
        self.deletions = deletions


class Application:
    """A program whose files boltcli knows. Subclass it, and set or override what the program has.

    ``name`` is one word in lower case, ``title`` a line for people. ``hints``
    are example commands without the leading ``boltcli``, with FILE for the
    file. ``places`` are patterns (``fnmatch``, / between the parts) of the
    paths at which a data directory holds such files. ``views`` and ``codecs``
    may be properties, so that their modules are imported only in use.
    """

    name: str = ""
    title: str = ""
    views: Sequence[View] = ()
    codecs: Mapping[Pattern, Codec] = {}
    hints: Sequence[str] = ()
    places: Sequence[str] = ()

    def recognise(self, db: Store) -> Recognition | None:
        """Say whether ``db`` is a file of this program: from bucket names and key shapes alone, so that it is cheap."""
        return None

    def audit(self, db: Store, options: AuditOptions) -> Audit | None:
        """Answer what an operator asks of ``db``; None if there is no audit. Each bucket is read once at most."""
        return None

    def has_audit(self, db: Store) -> bool:
        """Say whether there is an audit of ``db``, a file of this program: its layouts may have none."""
        return type(self).audit is not Application.audit

    def join(self, audits: Sequence[tuple[str, Audit]]) -> Iterable[tuple[str, AuditFinding]]:
        """Compare several files of this program, given as paths and audits; yield findings with the path concerned."""
        return ()

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
