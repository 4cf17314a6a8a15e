"""Keys that are secrets: where programs are known to keep some, and what looks like one.

A program that keeps secrets in keys is declared in :data:`KNOWN`, one line a bucket.
"""

from __future__ import annotations

from typing import NamedTuple

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
_ID_WORDS = """
id ids index digest digests sha sha1 sha256 sha512 md5 hash hashes checksum blob blobs content block
blocks chunk chunks object objects layer layers image images manifest manifests ctr ctrs container
containers pod pods exec volume volumes vol snapshot snapshots lease leases registry netns cache
main tx txid transactions chain peer peers node nodes file files artifact artifacts ref refs commit
commits tree trees vertex parent children dependencies exit task tasks job jobs execution executions
event events network networks endpoint endpoints
"""
_IDS = frozenset(_ID_WORDS.split())


class SecretKeys(NamedTuple):
    """A bucket ``path`` whose keys are secrets, of a ``program`` whose files have the bucket ``beside``, too."""

    program: str
    path: tuple[bytes, ...]
    beside: bytes


KNOWN = (
    SecretKeys("InfluxDB", (b"authorizationindexv1",), b"authorizationsv1"),  # API tokens
    SecretKeys("InfluxDB", (b"sessionsv1",), b"authorizationsv1"),  # keys of sessions
)


def looks_secret(key: bytes, path: tuple[bytes, ...] = ()) -> bool:
    """Return whether ``key`` of the bucket ``path`` looks like a token, a hash of a password or a private key."""
    if len(key) < _LEAST:
        return False
    if key.startswith(_BEGINNINGS):
        return True
    if not key.translate(None, _HEX):
        return len(key) >= _HEX_LEAST and not _names_things(path)
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


def _names_things(path: tuple[bytes, ...]) -> bool:
    """Return whether a word in the names of a bucket says that its keys are ids."""
    for name in path:
        text = name.decode("utf-8", "replace")
        spaced = "".join(
            f" {char}" if char.isupper() and not before.isupper() else char if char.isalnum() else " "
            for before, char in zip(" " + text, text)
        )
        if not _IDS.isdisjoint(spaced.lower().split()):
            return True
    return False
