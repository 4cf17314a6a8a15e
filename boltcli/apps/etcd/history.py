"""The revisions of etcd's store: all in order, those of a key, the keys at a revision; hashes, and two stores compared.

The hashes are those of the whole file, as ``etcdutl snapshot status`` prints it, and of the history up to a revision.
Source: etcd's ``etcdutl/snapshot/v3_snapshot.go`` (Status) and ``server/storage/mvcc/hash.go`` (kvHasher),
``key_index.go`` (keep).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import zip_longest
from typing import TypeVar

from ...errors import ArgumentError
from ..codecs.crc32c import crc32c
from ..contract import Plain, Store
from ..values import content, find
from .layout import KEY, Revision, revision, standing
from .records import KeyValue

Place = TypeVar("Place")


def revisions(db: Store, above: int = -1, until: int | None = None) -> Iterator[tuple[Revision, bytes, bytes]]:
    """Yield the revisions ``above`` one and up to ``until``, each with its pair; malformed keys are none."""
    start, stop = (above + 1).to_bytes(8, "big"), None if until is None else (until + 1).to_bytes(8, "big")
    for key, value in content(db, KEY, start=start, stop=stop):
        at = revision(key)
        if at is not None and isinstance(value, bytes):
            yield at, key, value


def asked_revision(db: Store, rev: str | None) -> int | None:
    """Return the revision of ``--rev``, None: the newest. Raises ArgumentError for none, a future, a compacted one."""
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
    return {KeyValue(value).key: (key, not at.tombstone) for at, key, value in revisions(db, until=until)}


def live(db: Store, until: int | None = None) -> Iterator[KeyValue]:
    """Yield the records of the keys that exist at revision ``until`` (None: the newest), by key."""
    store = find(db, KEY)
    for _, (key, exists) in sorted(latest(db, until).items()):
        if store is not None and exists:
            yield KeyValue(store.get(key))


def key_history(db: Store) -> Iterator[tuple[Revision, KeyValue]]:
    """Yield all revisions, those of a key together, the keys in order."""
    found: dict[bytes, list[bytes]] = {}
    for _, key, value in revisions(db):
        found.setdefault(KeyValue(value).key, []).append(key)
    store = find(db, KEY)
    for _, keys in sorted(found.items()):
        for key in keys:
            at = revision(key)
            if store is not None and at is not None:
                yield at, KeyValue(store.get(key))


@dataclass
class Usage:
    """What a key takes, or the keys at a place: bytes are those of values, live ones of those that exist."""

    count: int = 0
    live_bytes: int = 0
    revisions: int = 0
    revision_bytes: int = 0

    def add(self, record: KeyValue, at: Revision) -> None:
        size = record.value_bytes
        self.count, self.live_bytes = (0, 0) if at.tombstone else (1, size)
        self.revisions += 1
        self.revision_bytes += size


def used_by_key(db: Store) -> dict[bytes, Usage]:
    found: dict[bytes, Usage] = {}
    for at, _, value in revisions(db):
        record = KeyValue(value)
        found.setdefault(record.key, Usage()).add(record, at)
    return found


def used_at(keys: Mapping[bytes, Usage], place_of: Callable[[bytes], Place]) -> dict[Place, Usage]:
    """Return what the keys of each place take, as ``place_of`` says of a key."""
    found: dict[Place, Usage] = {}
    for key, each in keys.items():
        used = found.setdefault(place_of(key), Usage())
        used.count += each.count
        used.live_bytes += each.live_bytes
        used.revisions += each.revisions
        used.revision_bytes += each.revision_bytes
    return found


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

    That is the newest revision that both have. ``first_difference`` is the first revision above what either has
    compacted whose records differ, up to the common one, or None. Without a common one, whole in both, no options.
    """
    stands = [standing(store) for store in (old, new)]
    at, compacted = min(each.revision for each in stands), max(each.oldest for each in stands)
    facts: dict[str, Plain] = {"common_revision": at, "compacted_revision": compacted}
    if at < compacted:
        return {}, facts | {"common_revision": None, "first_difference": None}
    both = zip_longest(*(revisions(store, compacted, at) for store in (old, new)))
    odd = next(((one, other) for one, other in both if one != other), ())
    return {"rev": str(at)}, facts | {"first_difference": min((each[0].main for each in odd if each), default=None)}


def file_hash(db: Store) -> tuple[int | None, int]:
    """Return the hash of all names, keys and values (None for a malformed revision), and how many keys exist."""
    crc, sound = 0, True
    live: set[bytes] = set()
    for name, bucket in db.range():
        crc = crc32c(name, crc)
        for key, value in bucket.range() if not isinstance(bucket, bytes) else ():
            data = value if isinstance(value, bytes) else b""
            crc = crc32c(data, crc32c(key, crc))
            at = revision(key) if name == KEY else None
            if at is None:
                sound = sound and name != KEY
            elif isinstance(value, bytes):
                (live.discard if at.tombstone else live.add)(KeyValue(value).key)
    return crc if sound else None, len(live)


def history_hash(db: Store, until: int) -> tuple[int, int]:
    """Return the hash of the revisions up to ``until``, and the compacted revision that it counts from.

    Members that have compacted the same revision have the same hash, wherever their compactions stand: of what is
    compacted only the newest revision of each key counts, and no delete.
    """
    compacted = standing(db).oldest
    keep = {key for key, exists in latest(db, until).values() if exists}
    crc = crc32c(KEY)
    for at, key, value in revisions(db, until=until):
        if at.main > compacted or ((key in keep or not keep) and not (at.main == compacted and at.tombstone)):
            crc = crc32c(value, crc32c(key, crc))
    return crc, compacted or -1  # -1: nothing was compacted, as etcd says


class History:
    """The revisions of a store as digests, in order: enough to compare it with another one's when both are closed.

    What is compared is what :func:`history_hash` hashes, so it doesn't depend on where the two compactions stand.
    """

    def __init__(self) -> None:
        self._numbers = array("Q")  # four of each revision

    def add(self, at: Revision, name: bytes, key: bytes, value: bytes) -> None:
        """Add the next revision: ``name`` is the key in its record, ``key`` and ``value`` the pair in the file."""
        self._numbers.extend((at.main, at.tombstone, _mark(name), _mark(key + value)))

    def first_difference(self, other: History, compacted: int, until: int) -> int | None:
        """Return the first revision up to ``until`` whose records differ, or None; ``compacted``: what either has."""
        odd = set(self._counted(compacted, until)) ^ set(other._counted(compacted, until))
        return min((revision for _, revision in odd), default=None)

    def _counted(self, compacted: int, until: int) -> Iterator[tuple[int, int]]:
        mains, deletes, names, marks = (self._numbers[part::4] for part in range(4))
        newest = {name: number for number, (main, name) in enumerate(zip(mains, names)) if main <= until}
        keep = {number for number in newest.values() if not deletes[number]}
        for number, (main, mark) in enumerate(zip(mains, marks)):
            if main <= until and (main > compacted or number in keep):
                yield mark, main


def _mark(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big")
