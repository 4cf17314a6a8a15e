"""The revisions of etcd's store: all in order, those of a key, the keys at a revision, those of two stores compared."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from ...errors import ArgumentError
from ..contract import Plain, Store
from ..values import find, pairs_at
from .layout import KEY, Revision, compaction, current_revision, revision
from .records import KeyValue


def events(db: Store) -> Iterator[tuple[bytes, Revision, KeyValue]]:
    """Yield each revision that is in the file: its key, what that says, and the record; a tombstone is a delete."""
    for key, value in pairs_at(db, KEY):
        found = revision(key)
        if found is not None:
            yield key, found, KeyValue(value)


def asked_revision(db: Store, rev: str | None) -> int | None:
    """Return the revision that ``--rev`` asks for; None for the newest.

    Raises ArgumentError if it isn't one, is in the future or has been compacted.
    """
    if rev is None or rev in ("", "0"):
        return None
    if not rev.isascii() or not rev.isdigit():
        raise ArgumentError(f"--rev takes a revision, a number above 0, not {rev!r}")
    wanted, newest = int(rev), current_revision(db)
    oldest = max(each or 0 for each in compaction(db))
    if wanted > newest:
        raise ArgumentError(f"revision {wanted} is in the future: the newest is {newest}")
    if wanted < oldest:
        raise ArgumentError(f"revision {wanted} has been compacted: the oldest that is whole is {oldest}")
    return wanted


def latest(db: Store, until: int | None = None) -> dict[bytes, bytes]:
    """Return the key of the newest revision of each key, up to revision ``until`` (None: all), deleted ones too."""
    found: dict[bytes, bytes] = {}
    for key, value in pairs_at(db, KEY):
        at = revision(key)
        if at is None:
            continue
        if until is not None and at.main > until:
            break
        found[KeyValue(value).key] = key
    return found


def live(db: Store, until: int | None = None) -> Iterator[tuple[bytes, KeyValue]]:
    """Yield the keys that exist at revision ``until`` (None: the newest), in order, each with its record."""
    store = find(db, KEY)
    newest = latest(db, until)
    for key in sorted(newest):
        at = revision(newest[key])
        if store is None or at is None or at.tombstone:
            continue
        yield key, KeyValue(store.get(newest[key]))


def key_history(db: Store) -> Iterator[tuple[Revision, KeyValue]]:
    """Yield all revisions, those of a key together, the keys in order."""
    found: dict[bytes, list[bytes]] = {}
    for at, _, record in events(db):
        found.setdefault(record.key, []).append(at)
    store = find(db, KEY)
    for key in sorted(found):
        for each in found[key]:
            at_ = revision(each)
            if store is not None and at_ is not None:
                yield at_, KeyValue(store.get(each))


def asked_key(key: str) -> bytes:
    """Return the key that ``--key`` asks for: as it is written, or ``hex:`` and hex digits. Raises ArgumentError."""
    if not key.startswith("hex:"):
        return key.removeprefix("str:").encode("utf-8", "surrogateescape")
    try:
        return bytes.fromhex(key[4:])
    except ValueError:
        raise ArgumentError(f"--key {key}: not hex digits") from None


def common(old: Store, new: Store) -> tuple[dict[str, str], dict[str, Plain]]:
    """Return the options at which views of both say the same thing, and what is to be known.

    That is the newest revision that both have. ``first_difference`` is the
    first revision above what either has compacted whose records differ, None
    if there is none up to the common one. Without a common revision that both
    hold whole there are no options.
    """
    at = min(current_revision(old), current_revision(new))
    compacted = max(each or 0 for store in (old, new) for each in compaction(store))
    facts: dict[str, Plain] = {"common_revision": at, "compacted_revision": compacted}
    if at < compacted:
        return {}, facts | {"common_revision": None, "first_difference": None}
    return {"rev": str(at)}, facts | {"first_difference": _first_difference(old, new, compacted, at)}


def _first_difference(old: Store, new: Store, compacted: int, until: int) -> int | None:
    for one, other in zip_longest(_records(old, compacted, until), _records(new, compacted, until)):
        if one != other:
            found = [at.main for each in (one, other) if each is not None and (at := revision(each[0])) is not None]
            return min(found)
    return None


def _records(store: Store, above: int, until: int) -> Iterator[tuple[bytes, bytes]]:
    bucket = find(store, KEY)
    start, stop = ((number + 1).to_bytes(8, "big") for number in (above, until))
    for key, value in bucket.range(start, stop) if bucket is not None else ():
        if isinstance(value, bytes) and revision(key) is not None:
            yield key, value
