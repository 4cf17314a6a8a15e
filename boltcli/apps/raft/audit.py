"""The audit of raft's log: one pass over its entries."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import nlargest
from typing import Any

from ...text.times import DAY, age, time_text
from ..contract import ERROR, INFO, WARNING, Audit, AuditOptions, Store
from ..rules import Deviation, Rule, findings
from .commands import names_of, type_text
from .log import COMMAND, CONF, CONFIGURATION, LOGS, Entry, conf, entries, malformed_keys, recognise, type_name
from .snapshots import applied

_MOST = 8
_MANY = 40_000  # entries: raft keeps 10,240 after a snapshot, and makes one every 8,192, unless it is told otherwise
_LONG = 30 * DAY


class Facts:
    """What one pass found."""

    def __init__(self, db: Store, snapshot: str = "") -> None:
        self.applied = applied(db, snapshot)
        self.first = self.last = self.count = self.bytes = 0
        self.holes: list[tuple[int, int]] = []
        self.falling: list[int] = []
        self.mismatched: list[tuple[int, int | None]] = []
        self.unreadable: list[int] = []
        self.bad_configurations: list[int] = []
        self.servers: list[dict[str, str]] | None = None
        self.configured_at: int | None = None
        self._types: dict[tuple[int | None, int | None], list[int]] = {}
        self._samples: dict[int, bytes] = {}
        self.term: int | None = None
        self.oldest: int | None = None
        self._sizes: list[tuple[int, int]] = []
        for entry in entries(db):
            self._note(entry)
        self.current, self.vote_term, self.candidate = conf(db)
        self.malformed = malformed_keys(db)
        self.types = self._named()

    def _note(self, entry: Entry) -> None:
        if not self.count:
            self.first = entry.key
        elif entry.key != self.last + 1:
            self.holes.append((self.last + 1, entry.key - 1))
        self.count += 1
        self.bytes += entry.size
        self.last = entry.key
        self._sizes.append((entry.size, entry.key))
        if len(self._sizes) > 256:
            self._sizes = nlargest(_MOST, self._sizes)
        if not entry.sound:
            self.unreadable.append(entry.key)
            return
        if entry.index != entry.key:
            self.mismatched.append((entry.key, entry.index))
        if entry.term is not None:
            if self.term is not None and entry.term < self.term:
                self.falling.append(entry.key)
            self.term = entry.term
        if entry.appended_at is not None and entry.appended_at > 0 and self.oldest is None:
            self.oldest = entry.appended_at
        if entry.type == CONFIGURATION:
            if entry.servers is None:
                self.bad_configurations.append(entry.key)
            else:
                self.servers, self.configured_at = entry.servers, entry.key
        first = entry.data[0] if entry.type == COMMAND and entry.data else None
        if first is not None:
            self._samples.setdefault(first, entry.data)
        row = self._types.setdefault((entry.type, first), [0, 0])
        row[0] += 1
        row[1] += len(entry.data)

    def _named(self) -> dict[str, list[int]]:
        names = names_of(self._samples)
        return {
            type_name(kind) + ("" if first is None else f" {type_text(first, names.get(first, (0, None))[1])}"): row
            for (kind, first), row in self._types.items()
        }

    @property
    def missing(self) -> list[tuple[int, int]]:
        """The first and the last index of what the newest snapshot doesn't hold and the log lacks."""
        if self.applied is None or not self.count:
            return []
        start = self.applied.index + 1
        holes = [(1, self.first - 1), *self.holes]
        return [(max(first, start), last) for first, last in holes if last >= start]

    @property
    def largest(self) -> list[tuple[int, int]]:
        return nlargest(_MOST, self._sizes)


def audit(db: Store, options: AuditOptions) -> Audit | None:
    """Audit a log; None if it isn't raft's."""
    recognition = recognise(db)
    if recognition is None:
        return None
    facts = Facts(db, options.snapshot)
    snapshot = facts.applied
    types = sorted(facts.types.items())
    answers: dict[str, Any] = {
        "first_index": facts.first,
        "last_index": facts.last,
        "entries": facts.count,
        "bytes": facts.bytes,
        "gaps": [list(hole) for hole in facts.holes],
        "snapshot": None if snapshot is None else {
            "index": snapshot.index, "term": snapshot.term, "source": snapshot.source,
        },
        "gaps_above_snapshot": None if snapshot is None else [list(hole) for hole in facts.missing],
        "malformed_keys": [f"0x{key.hex()}" for key in facts.malformed],
        "falling_terms": facts.falling,
        "index_mismatches": [{"key": key, "index": index} for key, index in facts.mismatched],
        "unreadable_entries": facts.unreadable,
        "current_term": facts.current,
        "last_log_term": facts.term,
        "last_vote_term": facts.vote_term,
        "last_vote_candidate": facts.candidate,
        "servers": facts.servers,
        "configuration_index": facts.configured_at,
        "types": {name: {"count": row[0], "bytes": row[1]} for name, row in types},
        "largest_entries": [{"index": index, "bytes": size} for size, index in facts.largest],
        "oldest_entry": time_text(facts.oldest) or None,
    }  # fmt: skip
    counts = [("entries", facts.count), *((name, row[0]) for name, row in types)]
    return Audit(recognition.layout, answers, findings(_deviations(facts, options.now)), counts=counts, facts=facts)


_RESTORE = "Stop the server, move its raft directory away, and let it join anew, or restore a snapshot."
RULES = (
    HOLE := Rule("gaps", ERROR, "{span} missing, and {after}: the server can't replay its log.", _RESTORE),
    HOLE_OR_NOT := Rule(
        "gaps", WARNING,
        "{span} missing. That is normal if the newest snapshot is of index {last} or later, else the server can't"
        " start; no snapshot is known here, so this can't be told.",
        "Audit the server's whole directory (raft/raft.db with raft/snapshots), or give the Index in the newest"
        " snapshot's meta.json by --snapshot.",
    ),
    MALFORMED := Rule(
        "malformed_keys", ERROR, "{subject} key{s} of the bucket logs {are} no index, 0x{first} first.", _RESTORE
    ),
    FALLING := Rule(
        "falling_terms", ERROR, "The term of entry {subject} is lower than that of the one before.", _RESTORE,
    ),
    MISMATCHED := Rule("index_mismatches", ERROR, "Entry {subject} says that its index is {wrong}.", _RESTORE),
    UNREADABLE := Rule("unreadable_entries", ERROR, "Entry {subject} can't be read.", _RESTORE),
    BAD_CONFIGURATION := Rule("configurations", ERROR, "The configuration in entry {subject} can't be read.", _RESTORE),
    TERM_BELOW := Rule(
        "current_term", ERROR, "CurrentTerm is {subject}, below the term {term} of the last entry.", _RESTORE,
    ),
    NO_TERM := Rule("current_term", ERROR, "There are entries, but no CurrentTerm.", _RESTORE),
    NO_VOTER := Rule(
        "servers", ERROR, "The newest configuration has no voter: there can be no leader.",
        "Recover with a peers.json file.",
    ),
    NO_SNAPSHOTS := Rule(
        "snapshots", WARNING, "The log holds {subject} entries: snapshots aren't made, or fail.",
        "Look for snapshot errors in the server's log.",
    ),
    OLD := Rule(
        "oldest_entry", INFO, "The oldest entry was appended {age} ago.",
        "Nothing, if the server is idle or makes snapshots.",
    ),
)  # fmt: skip


def _deviations(facts: Facts, now: int) -> Iterator[Deviation]:
    for first, last in facts.missing:
        index = facts.applied.index if facts.applied is not None else 0
        after = f"the newest snapshot ends at {index}" if index else "there is no snapshot"
        yield _at(HOLE, first, span=_span(first, last), after=after)
    for first, last in facts.holes if facts.applied is None else ():
        yield _at(HOLE_OR_NOT, first, span=_span(first, last), last=last)
    if facts.malformed:
        odd, one = facts.malformed[0], len(facts.malformed) == 1
        words = {"s": "" if one else "s", "are": "is" if one else "are", "first": odd[:20].hex()}
        yield MALFORMED.at((LOGS,), odd, str(len(facts.malformed)), **words)
    for index in facts.falling:
        yield _at(FALLING, index)
    for key, wrong in facts.mismatched:
        yield _at(MISMATCHED, key, wrong=wrong)
    for index in facts.unreadable:
        yield _at(UNREADABLE, index)
    for index in facts.bad_configurations:
        yield _at(BAD_CONFIGURATION, index)
    if facts.current is not None and facts.term is not None and facts.current < facts.term:
        yield TERM_BELOW.at((CONF,), b"CurrentTerm", str(facts.current), term=facts.term)
    if facts.current is None and facts.count:
        yield NO_TERM.at((CONF,), b"CurrentTerm")
    if facts.servers is not None and not any(each["suffrage"] == "Voter" for each in facts.servers):
        yield NO_VOTER.at((LOGS,), None, str(facts.configured_at))
    if facts.count > _MANY:
        yield NO_SNAPSHOTS.at((LOGS,), None, str(facts.count))
    if facts.oldest is not None and now - facts.oldest > _LONG:
        yield OLD.at((LOGS,), None, str(facts.first), age=age(facts.oldest, now))


def _span(first: int, last: int) -> str:
    return f"Index {first} is" if first == last else f"Indexes {first} to {last} are"


def _at(rule: Rule, index: int, **facts: Any) -> Deviation:
    """Return a deviation of the entry at ``index``."""
    return rule.at((LOGS,), index.to_bytes(8, "big"), str(index), **facts)
