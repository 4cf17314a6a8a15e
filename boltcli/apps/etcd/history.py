"""The revisions of etcd's store: all in order, those of a key, the keys at a revision, those of two stores compared."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from ...errors import ArgumentError
from ..contract import Plain, Store
from ..values import find, pairs_at
from .layout import KEY, Revision, revision, standing
from .records import KeyValue


def events(db: Store, until: int | None = None) -> Iterator[tuple[bytes, Revision, KeyValue]]:
    """Yield each revision that is in the file, up to ``until``: its key, what that says, and the record."""
    for key, value in pairs_at(db, KEY):
        found = revision(key)
        if found is None:
            continue
        if until is not None and found.main > until:
            break
        yield key, found, KeyValue(value)


def asked_revision(db: Store, rev: str | None) -> int | None:
    """Return the revision that ``--rev`` asks for; None for the newest.

    Raises ArgumentError if it isn't one, is in the future or has been compacted.
    """
    if rev is None or rev in ("", "0"):
        return None
    if not rev.isascii() or not rev.isdigit():
        raise ArgumentError(f"--rev takes a revision, a number above 0, not {rev!r}")
    wanted, at = int(rev), standing(db)
    if wanted > at.revision:
        raise ArgumentError(f"revision {wanted} is in the future: the newest is {at.revision}")
    if wanted < at.oldest:
        raise ArgumentError(f"revision {wanted} has been compacted: the oldest that is whole is {at.oldest}")
    return wanted


def latest(db: Store, until: int | None = None) -> dict[bytes, tuple[bytes, bool]]:
    """Return the newest revision of each key, up to ``until`` (None: all): its key in the file, and if it exists."""
    return {record.key: (key, not at.tombstone) for key, at, record in events(db, until)}


def live(db: Store, until: int | None = None) -> Iterator[KeyValue]:
    """Yield the records of the keys that exist at revision ``until`` (None: the newest), by key."""
    store = find(db, KEY)
    for _, (key, exists) in sorted(latest(db, until).items()):
        if store is not None and exists:
            yield KeyValue(store.get(key))


def key_history(db: Store) -> Iterator[tuple[Revision, KeyValue]]:
    """Yield all revisions, those of a key together, the keys in order."""
    found: dict[bytes, list[bytes]] = {}
    for at, _, record in events(db):
        found.setdefault(record.key, []).append(at)
    store = find(db, KEY)
    for _, keys in sorted(found.items()):
        for key in keys:
            at_ = revision(key)
            if store is not None and at_ is not None:
                yield at_, KeyValue(store.get(key))


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
    stands = [standing(store) for store in (old, new)]
    at, compacted = min(each.revision for each in stands), max(each.oldest for each in stands)
    facts: dict[str, Plain] = {"common_revision": at, "compacted_revision": compacted}
    if at < compacted:
        return {}, facts | {"common_revision": None, "first_difference": None}
    both = zip_longest(*(_records(store, compacted, at) for store in (old, new)), fillvalue=None)
    odd = next(((one, other) for one, other in both if one != other), ())
    return {"rev": str(at)}, facts | {
        "first_difference": min((each[0] for each in odd if each is not None), default=None)
    }


def _records(store: Store, above: int, until: int) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield the revisions between, each with its pair."""
    bucket = find(store, KEY)
    start, stop = ((number + 1).to_bytes(8, "big") for number in (above, until))
    for key, value in bucket.range(start, stop) if bucket is not None else ():
        at = revision(key)
        if isinstance(value, bytes) and at is not None:
            yield at.main, key, value
