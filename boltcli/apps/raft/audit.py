"""The audit of raft's log: one pass over its entries."""

from collections.abc import Iterator
from typing import Any

from ...text.times import DAY, age, time_text
from ..contract import ERROR, INFO, WARNING, Audit, AuditOptions, Store
from ..rules import Deviation, Rule, findings
from .commands import type_text
from .log import CONF, LOGS, Log, recognise, type_name
from .snapshots import Applied, applied

_MANY = 40_000  # entries: raft keeps 10,240 after a snapshot, and makes one every 8,192, unless it is told otherwise

# fmt: off
_RESTORE = "Stop the server, move its raft directory away, and let it join again, or restore a snapshot."
HOLE = Rule("gaps", ERROR, "{span} missing, and {after}: the server can't replay its log.", _RESTORE)
HOLE_OR_NOT = Rule("gaps", WARNING, "{span} missing. That is normal if the newest snapshot has index {last} or"
                   " a later one; otherwise the server can't start. No snapshot is known here.",
                   "Audit the server's whole directory (raft/raft.db with raft/snapshots), or give the Index in the"
                   " newest snapshot's meta.json by --snapshot.")
MALFORMED = Rule("malformed_keys", ERROR, "{subject} key{s} of the bucket logs {are} no index, 0x{first} first.",
                 _RESTORE)
FALLING = Rule("falling_terms", ERROR, "The term of entry {subject} is lower than that of the one before.", _RESTORE)
MISMATCHED = Rule("index_mismatches", ERROR, "Entry {subject} has the index {wrong} in its record.", _RESTORE)
UNREADABLE = Rule("unreadable_entries", ERROR, "Entry {subject} can't be read.", _RESTORE)
BAD_CONFIGURATION = Rule("configurations", ERROR, "The configuration in entry {subject} can't be read.", _RESTORE)
TERM_BELOW = Rule("current_term", ERROR, "CurrentTerm is {subject}, below the term {term} of the last entry.", _RESTORE)
NO_TERM = Rule("current_term", ERROR, "There are entries, but no CurrentTerm.", _RESTORE)
NO_VOTER = Rule("servers", ERROR, "The newest configuration has no voter: there can be no leader.",
                "Recover with a peers.json file.")
NO_SNAPSHOTS = Rule("snapshots", WARNING, "The log holds {subject} entries: snapshots are not made, or fail.",
                    "Check the server's log for snapshot errors.")
OLD = Rule("oldest_entry", INFO, "The oldest entry was appended {age} ago.",
           "Nothing, if the server is idle or makes snapshots.")
# fmt: on


def audit(db: Store, options: AuditOptions) -> Audit | None:
    recognition = recognise(db)
    if recognition is None:
        return None
    snapshot, log = applied(db, options.snapshot), Log(db)
    types, missing = _types(log), _missing(log, snapshot)
    answers: dict[str, Any] = {
        "first_index": log.first,
        "last_index": log.last,
        "entries": log.count,
        "bytes": log.bytes,
        "gaps": [list(hole) for hole in log.holes],
        "snapshot": snapshot and {"index": snapshot.index, "term": snapshot.term, "source": snapshot.source},
        "gaps_above_snapshot": snapshot and [list(hole) for hole in missing],
        "malformed_keys": [f"0x{key.hex()}" for key in log.malformed],
        "falling_terms": log.falling,
        "index_mismatches": [{"key": key, "index": index} for key, index in log.mismatched],
        "unreadable_entries": log.unreadable,
        "current_term": log.current,
        "last_log_term": log.term,
        "last_vote_term": log.vote_term,
        "last_vote_candidate": log.candidate,
        "servers": log.servers,
        "configuration_index": log.configured_at,
        "types": {name: {"count": count, "bytes": size} for name, count, size in types},
        "largest_entries": [{"index": index, "bytes": size} for size, index in log.largest],
        "oldest_entry": time_text(log.oldest) or None,
    }
    counts = [("entries", log.count), *((name, count) for name, count, _ in types)]
    told = findings(_deviations(log, snapshot, missing, options.now))
    return Audit(recognition.layout, answers, told, counts=counts)


def _types(log: Log) -> list[tuple[str, int, int]]:
    """Return the names of the types of entries, with their number and bytes; those that can't be read have none."""
    found = []
    for (kind, first), (count, size, _) in log.types.items():
        count -= len(log.unreadable) if kind is None else 0
        if count:
            command = "" if first is None else f" {type_text(first, log.names.get(first, (0, None))[1])}"
            found.append((type_name(kind) + command, count, size))
    return sorted(found)


def _missing(log: Log, snapshot: Applied | None) -> list[tuple[int, int]]:
    """Return the first and the last index of what the newest snapshot doesn't hold and the log lacks."""
    if snapshot is None or not log.count:
        return []
    start = snapshot.index + 1
    return [(max(first, start), last) for first, last in ((1, log.first - 1), *log.holes) if last >= start]


def _deviations(log: Log, snapshot: Applied | None, missing: list[tuple[int, int]], now: int) -> Iterator[Deviation]:
    ends_at = snapshot.index if snapshot is not None else 0
    after = f"the newest snapshot ends at {ends_at}" if ends_at else "there is no snapshot"
    for first, last in missing:
        yield _at(HOLE, first, span=_span(first, last), after=after)
    for first, last in log.holes if snapshot is None else ():
        yield _at(HOLE_OR_NOT, first, span=_span(first, last), last=last)
    if log.malformed:
        odd, one = log.malformed[0], len(log.malformed) == 1
        words = {"s": "" if one else "s", "are": "is" if one else "are", "first": odd[:20].hex()}
        yield MALFORMED.at((LOGS,), odd, str(len(log.malformed)), **words)
    for index in log.falling:
        yield _at(FALLING, index)
    for key, wrong in log.mismatched:
        yield _at(MISMATCHED, key, wrong=wrong)
    for index in log.unreadable:
        yield _at(UNREADABLE, index)
    for index in log.bad_configurations:
        yield _at(BAD_CONFIGURATION, index)
    if log.current is not None and log.term is not None and log.current < log.term:
        yield TERM_BELOW.at((CONF,), b"CurrentTerm", str(log.current), term=log.term)
    if log.current is None and log.count:
        yield NO_TERM.at((CONF,), b"CurrentTerm")
    if log.servers is not None and not any(each["suffrage"] == "Voter" for each in log.servers):
        yield NO_VOTER.at((LOGS,), None, str(log.configured_at))
    if log.count > _MANY:
        yield NO_SNAPSHOTS.at((LOGS,), None, str(log.count))
    if log.oldest is not None and now - log.oldest > 30 * DAY:
        yield OLD.at((LOGS,), None, str(log.first), age=age(log.oldest, now))


def _span(first: int, last: int) -> str:
    return f"Index {first} is" if first == last else f"Indexes {first} to {last} are"


def _at(rule: Rule, index: int, **facts: Any) -> Deviation:
    return rule.at((LOGS,), index.to_bytes(8, "big"), str(index), **facts)
