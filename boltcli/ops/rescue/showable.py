"""What a copy without content may show: headers, elements and keys that are proven to be such, but no secrets.

bbolt writes the data of a page without gaps: after the table come key and value of element 0, then those of element 1.
So each position is given twice, by its own entry and by the sizes of those before it. Where both agree, an entry is an
entry and its key is a key. Where they don't, what looks like a key may be a value, and what looks like the table may be
data: a copy that must not show a value can't keep either.

A program that keeps secrets in keys is declared in :data:`KNOWN`, one line a bucket.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from ...format.constants import BUCKET_HEADER_SIZE, ELEMENT_SIZE, INLINE_HEADERS_SIZE, LEAF_PAGE, MAX_KEY_SIZE
from ...format.page import BUCKET_HEADER, HEADER
from .elements import read_elements
from .pages import Buffer, Path

PIECE = 12  # so many bytes of a value in a row are a piece of it that says something
_AHEAD = 2  # entries after the table that are read, too: the count may be too small
_WRONG = 1  # fields of an entry that may be wrong; with more of them it is no entry
# What sort of a character each byte is; texts that are keys of one bucket mostly have the same in the same places.
_CLASSES = bytes(
    0x61 if chr(byte).isalnum() and byte < 0x80 else byte if 0x20 <= byte < 0x7F else 0 for byte in range(256)
)
_DIFFER = 5  # so many bytes of two binary keys of a bucket may differ: the end of a number
_FLOORS = (0x61, 0x41, 0x30, 0x20, 0)  # a, A, 0, space: where bytes of that kind begin
_MOST = 1 << 8  # bytes of a masked key that are written
_STEP = 2  # at most so much is skipped between two bytes, by chance

_LEAST = 20  # bytes of a secret
_MIXED = 28  # characters of a random word; shorter ones are mostly ids
_CHANGES = 0.4  # of neighbours in a random word are of different sorts: 0.62 on average
_ID_LENGTHS = (27, 46)  # of letters and digits: a KSUID, an IPFS content id
_HEX_LEAST = 40  # hexadecimal digits; shorter ones are ids, and two of them
_BASE64 = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/-_"
_HEX = b"0123456789abcdef"
_SORTS = bytes(
    0x30 if 0x30 <= byte <= 0x39 else 0x61 if 0x61 <= byte <= 0x7A else 0x41 if 0x41 <= byte <= 0x5A else 0x2D
    for byte in range(256)
)
# How texts begin that are secrets whatever else they are.
_BEGINNINGS = (
    *(b"-----BEGIN ", b"$2a$", b"$2b$", b"$2y$", b"$argon2", b"$scrypt$", b"$pbkdf2", b"$6$", b"$5$", b"$1$"),
    *(b"eyJ", b"ghp_", b"gho_", b"ghs_", b"ghu_", b"github_pat_", b"glpat-", b"hvs.", b"hvb.", b"hvr.", b"xoxb-"),
    *(b"xoxp-", b"sk_live_", b"rk_live_", b"AKIA", b"AIza", b"npm_", b"pypi-", b"Bearer ", b"Basic "),
)
# Words in the names of buckets whose long hexadecimal keys name things and open nothing.
_IDS = frozenset(
    b"""
id ids index digest digests sha sha1 sha256 sha512 md5 hash hashes checksum blob blobs content block
blocks chunk chunks object objects layer layers image images manifest manifests ctr ctrs container
containers pod pods exec volume volumes vol snapshot snapshots lease leases registry netns cache
main tx txid transactions chain peer peers node nodes file files artifact artifacts ref refs commit
commits tree trees vertex parent children dependencies exit task tasks job jobs execution executions
event events network networks endpoint endpoints
""".split()
)
# Buckets whose keys are secrets: the path, and another bucket that files of that program have.
KNOWN: tuple[tuple[Path, bytes], ...] = (
    ((b"authorizationindexv1",), b"authorizationsv1"),  # InfluxDB: API tokens
    ((b"sessionsv1",), b"authorizationsv1"),  # InfluxDB: keys of sessions
)


@dataclass(slots=True)
class Element:
    """An element, and where its parts stand in the file.

    ``sound``: the whole key is proven to be one. ``entry``: its place in the table is an entry, and not data. ``said``:
    where the value begins by the entry, which may be after the page. ``child``: the page that a branch's element or a
    bucket leads to; 0 if it is none. ``key``: what may be shown of the key.
    """

    bucket: bool
    start: int
    middle: int
    stop: int
    said: int
    child: int
    sound: bool
    entry: bool
    key: bytes


class ElementReader:
    """Reads the elements of a page or an inline page whose header is at ``start`` of the buffer.

    ``end``: where the page ends by its header. ``exact``: the last element must end right there (of an inline bucket).
    ``highest``: page ids of children are below. ``first_key``: what the branch above says of the page.
    """

    def __init__(
        self, buffer: Buffer, start: int, kind: int, count: int, end: int, *, highest: int, exact: bool = False,
        first_key: bytes | None = None,
    ) -> None:  # fmt: skip
        self._buffer = buffer
        self._limit = min(end, len(buffer))
        self._end = end
        self._exact = exact
        self._first_key = first_key
        self._highest = highest
        # What the table should have, and a little more.
        self._found = found = read_elements(buffer, start, kind, count + _AHEAD, self._limit, is_sound=True)
        self._told = found.table.start + ELEMENT_SIZE * count  # where the header says that the table ends
        # Whether the next one begins where an element's data, which lie after its entry, end.
        self._links = [
            there == end and position >= ELEMENT_SIZE
            for position, end, there in zip(found.table.positions, found.ends, [*found.starts[1:], -1])
        ]
        # Entries end before the first data that are proven.
        data = [at for at, link in zip(found.starts, self._links) if link]
        data = data or [at for at in found.starts[:1] if found.table.start < at]
        entries = (min([self._told, *data]) - found.table.start) // ELEMENT_SIZE
        self._count = min(count, len(found.starts), entries)

    def elements(self) -> list[Element]:
        """Return the elements of which the header says so, as far as their entries lie in the page, before all data."""
        found, limit = self._found, self._limit
        made: list[Element] = []
        for i in range(self._count):
            said = found.mids[i]
            start, middle, stop = min(found.starts[i], limit), min(said, limit), min(found.ends[i], limit)
            sound = middle - start <= MAX_KEY_SIZE and self._is_proven(i)
            entry = (sound and said > found.starts[i]) or self._wrong(i) <= _WRONG
            key = self._buffer[start : min(middle, start + MAX_KEY_SIZE)]
            if not sound:
                key = masked(key, made[-1].key if made else b"")
            bucket = found.leaf and bool(found.flags[i] & 1)
            root = int.from_bytes(self._buffer[said : said + 8], "little") if bucket and entry else 0
            is_root = root < self._highest and said + BUCKET_HEADER_SIZE <= len(self._buffer)
            child = root * is_root if found.leaf else found.pgids[i]
            made.append(Element(bucket, start, middle, stop, said, child, sound, entry, key))
        return made

    def _wrong(self, i: int) -> int:
        found = self._found
        sizes = found.table.positions[i], found.mids[i] - found.starts[i], found.ends[i] - found.mids[i]
        wrong = sum(size > self._end - found.table.start for size in sizes)
        return wrong + (found.flags[i] > 1 if found.leaf else found.pgids[i] >= self._highest)

    def _is_at_its_place(self, i: int) -> bool:
        starts, ends = self._found.starts, self._found.ends
        if not i:
            return starts[0] == self._told
        # The one before may have a wrong position, but the right sizes.
        before = ends[i - 2] if i > 1 else self._told
        return self._links[i - 1] or before + ends[i - 1] - starts[i - 1] == starts[i]

    def _is_proven(self, i: int) -> bool:
        starts, end = self._found.starts, self._found.ends[i]
        key = self._buffer[starts[i] : self._found.mids[i]]
        if self._is_right(i) or (i == 0 and key == self._first_key):
            return True
        if not self._is_at_its_place(i):
            return False
        if i + 1 < self._count:
            end += self._found.ends[i + 1] - starts[i + 1]
            if i + 2 < self._count:  # the next one has a wrong position, or this one a wrong size
                return end == starts[i + 2]
            if self._is_right(i + 1):
                return False
        places = zip(self._links[:i], starts, self._found.mids)
        if any(link and len(key) == to - at and alike(self._buffer[at:to], key) for link, at, to in places):
            return True  # a proven key looks the same
        # If the size is too large, so is the end: it lies in the slack, which is zeros, as the end of a value may be.
        tail = self._buffer[max(starts[i], end - PIECE) : end]
        return end <= self._limit and (len(tail) < PIECE or any(tail))

    def _is_right(self, i: int) -> bool:
        """Return whether an element's position and sizes are proven by what comes after it."""
        if self._links[i] or self._is_bucket_there(i):
            return True
        end = self._found.ends[i]
        if self._exact or i + 1 < self._count or end >= self._end or self._limit < self._end:
            return self._exact and i + 1 == self._count and end == self._end
        return self._buffer[end - 1] != 0 and not any(self._buffer[end : self._end])  # slack is zeros

    def _is_bucket_there(self, i: int) -> bool:
        found, at = self._found, self._found.mids[i]
        value = found.ends[i] - at
        outside = found.ends[i] > self._end or at + INLINE_HEADERS_SIZE > len(self._buffer)
        if not found.leaf or found.flags[i] != 1 or outside:
            return False
        root, _ = BUCKET_HEADER.unpack_from(self._buffer, at)
        if value == BUCKET_HEADER_SIZE:
            return bool(1 < root < self._highest)
        pgid, kind, count, overflow = HEADER.unpack_from(self._buffer, at + BUCKET_HEADER_SIZE)
        right: bool = (root, pgid, kind, overflow) == (0, 0, LEAF_PAGE, 0)
        return right and value >= INLINE_HEADERS_SIZE + ELEMENT_SIZE * count


def alike(key: bytes, other: bytes) -> bool:
    """Return whether two keys of the same size look as if they were of one bucket."""
    classes = key.translate(_CLASSES)
    if 0 not in classes:
        return classes == other.translate(_CLASSES)
    return sum(map(int.__ne__, key, other)) <= _DIFFER


def renamer(chance: Random) -> Callable[[bytes], bytes]:
    """Return what replaces the keys of one bucket, given in ascending order, by others of the same length and order.

    Common prefixes stay common. Where two neighbours differ the greater key gets a greater byte; no byte is above the
    original, so a greater one is always available.
    """
    last = renamed = b""

    def name(key: bytes) -> bytes:
        nonlocal last, renamed
        if key == last:
            return renamed
        same = _common(last, key)
        made = bytearray(renamed[:same])
        for at, byte in enumerate(key[same:], same):
            differs = at == same < len(last)
            least = renamed[same] + 1 if differs else next(floor for floor in _FLOORS if floor <= byte)
            made.append(min(byte, least + chance.randrange(_STEP + 1)))
        last, renamed = key, bytes(made)
        return renamed

    return name


def _common(one: bytes, other: bytes) -> int:
    return next((i for i, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))


def masked(key: bytes, before: bytes) -> bytes:
    """Return what stands for a key that may not be shown: zeros after the bytes that the key ``before`` it has too.

    It stays above that one, which is shown, if it was, and never rises. Of a long one it is the beginning.
    """
    before = before[:_MOST]
    same = _common(key, before)
    shown = key[:same]
    if same < min(len(key), len(before)) and key > before:
        shown += bytes([before[same] + 1])
    return shown.ljust(min(len(key), _MOST), b"\0")


def looks_secret(key: bytes, path: Path = ()) -> bool:
    """Return whether ``key`` of the bucket ``path`` looks like a token, a hash of a password or a private key."""
    if len(key) < _LEAST or key.startswith(_BEGINNINGS):
        return len(key) >= _LEAST
    if not key.translate(None, _HEX):
        spaced = re.sub(rb"(?<![A-Z])(?=[A-Z])", b" ", b" ".join(path)).lower()
        return len(key) >= _HEX_LEAST and _IDS.isdisjoint(re.findall(rb"[a-z0-9]+", spaced))
    return is_random(key)


def is_random(key: bytes) -> bool:
    """Return whether a key is of base64's characters and has no words in it: their sorts change too often."""
    bare = key.rstrip(b"=")
    if len(bare) < _MIXED or len(bare) in _ID_LENGTHS or bare.translate(None, _BASE64):
        return False
    sorts = bare.translate(_SORTS)
    # In base64 two of 64 characters are signs; in paths and names there are more.
    if not all(sort in sorts for sort in b"0aA") or sorts.count(b"-") * 8 > len(sorts):
        return False
    return sum(map(int.__ne__, sorts, sorts[1:])) >= _CHANGES * (len(sorts) - 1)
