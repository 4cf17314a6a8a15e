"""The audit of raft's log: one pass over its entries."""

from __future__ import annotations

from heapq import nlargest

from ..contract import ERROR, INFO, WARNING, Audit, AuditFinding
from ..words import DAY, age, time_text
from .log import COMMAND, CONF, CONFIGURATION, LOGS, conf, entries, recognise, type_name
from .views import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..contract import AuditOptions
    from ..store import Store
    from .log import Entry

_MOST = 8
_MANY = 40_000  # entries: raft keeps 10,240 after a snapshot, and makes one every 8,192, unless it is told otherwise
_LONG = 30 * DAY


class Facts:
    """What one pass found."""

    def __init__(self, db: Store) -> None:
        self.first = self.last = self.count = self.bytes = 0
        self.holes: list[tuple[int, int]] = []
        self.falling: list[int] = []
        self.mismatched: list[tuple[int, int | None]] = []
        self.unreadable: list[int] = []
        self.bad_configurations: list[int] = []
        self.servers: list[dict[str, str]] | None = None
        self.configured_at: int | None = None
        self.types: dict[str, list[int]] = {}
        self.term: int | None = None
        self.oldest: int | None = None
        self._sizes: list[tuple[int, int]] = []
        for entry in entries(db):
            self._note(entry)
        self.current, self.vote_term, self.candidate = conf(db)

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
        name = type_name(entry.type)
        if entry.type == COMMAND and entry.data:
            name += f" {shown(entry.data[0])}"
        row = self.types.setdefault(name, [0, 0])
        row[0] += 1
        row[1] += len(entry.data)

    @property
    def largest(self) -> list[tuple[int, int]]:
        return nlargest(_MOST, self._sizes)


def audit(db: Store, options: AuditOptions) -> Audit | None:
    """Audit a log; None if it isn't raft's."""
    recognition = recognise(db)
    if recognition is None:
        return None
    facts = Facts(db)
    answers: dict[str, Any] = {
        "first_index": facts.first,
        "last_index": facts.last,
        "entries": facts.count,
        "bytes": facts.bytes,
        "gaps": [list(hole) for hole in facts.holes],
        "falling_terms": facts.falling,
        "index_mismatches": [{"key": key, "index": index} for key, index in facts.mismatched],
        "unreadable_entries": facts.unreadable,
        "current_term": facts.current,
        "last_log_term": facts.term,
        "last_vote_term": facts.vote_term,
        "last_vote_candidate": facts.candidate,
        "servers": facts.servers,
        "configuration_index": facts.configured_at,
        "types": {name: {"count": row[0], "bytes": row[1]} for name, row in sorted(facts.types.items())},
        "largest_entries": [{"index": index, "bytes": size} for size, index in facts.largest],
        "oldest_entry": time_text(facts.oldest) or None,
    }
    counts = [("entries", facts.count), *((name, row[0]) for name, row in sorted(facts.types.items()))]
    return Audit(recognition.layout, answers, _findings(facts, options.now), counts=counts, facts=facts)


_RESTORE = "Stop the server, move its raft directory away, and let it join anew, or restore a snapshot."


def _findings(facts: Facts, now: int) -> Iterator[AuditFinding]:
    for first, last in facts.holes:
        span = f"Index {first} is" if first == last else f"Indexes {first} to {last} are"
        yield _entry("gaps", first, f"{span} missing: the server can't replay its log.")
    for index in facts.falling:
        yield _entry("falling_terms", index, f"The term of entry {index} is lower than that of the one before.")
    for key, index_ in facts.mismatched:
        yield _entry("index_mismatches", key, f"Entry {key} says that its index is {index_}.")
    for index in facts.unreadable:
        yield _entry("unreadable_entries", index, f"Entry {index} can't be read.")
    for index in facts.bad_configurations:
        yield _entry("configurations", index, f"The configuration in entry {index} can't be read.")
    if facts.current is not None and facts.term is not None and facts.current < facts.term:
        yield AuditFinding(
            "current_term", ERROR, f"CurrentTerm is {facts.current}, below the term {facts.term} of the last entry.",
            bucket=(CONF,), key=b"CurrentTerm", subject=str(facts.current), remedy=_RESTORE,
        )  # fmt: skip
    if facts.current is None and facts.count:
        yield AuditFinding(
            "current_term", ERROR, "There are entries, but no CurrentTerm.",
            bucket=(CONF,), key=b"CurrentTerm", remedy=_RESTORE,
        )  # fmt: skip
    if facts.servers is not None and not any(each["suffrage"] == "Voter" for each in facts.servers):
        yield AuditFinding(
            "servers", ERROR, "The newest configuration has no voter: there can be no leader.",
            bucket=(LOGS,), subject=str(facts.configured_at), remedy="Recover with a peers.json file.",
        )  # fmt: skip
    if facts.count > _MANY:
        yield AuditFinding(
            "snapshots", WARNING, f"The log holds {facts.count} entries: snapshots aren't made, or fail.",
            bucket=(LOGS,), subject=str(facts.count), remedy="Look for snapshot errors in the server's log.",
        )  # fmt: skip
    if facts.oldest is not None and now - facts.oldest > _LONG:
        yield AuditFinding(
            "oldest_entry", INFO, f"The oldest entry was appended {age(facts.oldest, now)} ago.",
            bucket=(LOGS,), subject=str(facts.first), remedy="Nothing, if the server is idle or makes snapshots.",
        )  # fmt: skip


def _entry(question: str, index: int, message: str) -> AuditFinding:
    return AuditFinding(
        question, ERROR, message, bucket=(LOGS,), key=index.to_bytes(8, "big"), subject=str(index), remedy=_RESTORE
    )
