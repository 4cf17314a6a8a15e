"""Undo a copy in text mode, which wrote CR LF for each LF, or LF for each CR LF.

The first is undone exactly. The second, and copies that left CR LF as they were, need a search for the places where a
CR was: the pages' own ids tell in which pages one is missing. Only the SHA-256 at the end of a snapshot of etcd proves
a result; without it the pages that are in their places again make it likely.
"""

import re
from hashlib import sha256
from itertools import chain, combinations, pairwise, product, starmap
from math import comb, prod
from typing import NamedTuple

from ..check.database_check import TRAILER
from .pages import Buffer, find_page_size, own_ids

PROVED, LIKELY = "proved", "likely"

_LARGEST = 1 << 30  # bytes of a file that is repaired: it is held in memory twice
_MOST_MISSING = 64  # CRs that are searched for
_MOST_HASHED = 2 << 30  # bytes hashed in a search, at most: some seconds
_ID = 8  # bytes of a page's own id
_LF = re.compile(b"\n")


class TextMode(NamedTuple):
    """What a copy in text mode did, and the ``content`` before it.

    ``added`` CRs were written before an LF, or as many removed if that is negative. ``certainty``: PROVED by the
    SHA-256 at the end, or LIKELY.
    """

    added: int
    certainty: str
    content: bytes

    def sentence(self) -> str:
        what = f"CR LF for each LF ({self.added} bytes more)"
        if self.added < 0:
            what = f"LF for CR LF ({-self.added} byte{'s' * (self.added < -1)} less)"
        proof = "the SHA-256 at its end proves that undoing this gives the original"
        if self.certainty == LIKELY:
            proof = "this is likely, because undoing it puts pages back in their places, but it is not proved"
        return f"it was copied in text mode, which wrote {what}: {proof}"


def undone(buffer: Buffer) -> TextMode | None:
    """Return what undoes a copy in text mode; None if ``buffer`` isn't one, as far as that can be told."""
    if not 2 * TRAILER < len(buffer) <= _LARGEST or _is_mixed(buffer):
        return None
    data = bytes(buffer)
    pairs = data.count(b"\r\n")
    if not pairs and not data.count(b"\n"):
        return None
    bare = data.replace(b"\r\n", b"\n")
    if pairs and is_proved(bare):
        return TextMode(pairs, PROVED, bare)
    page_size, how = find_page_size(bare)
    if how == "none":
        return None
    missing = (TRAILER - len(bare)) % page_size
    # As many as there are: the file itself, which has no other line ends.
    if 0 < missing <= _MOST_MISSING and (missing < pairs or (not pairs and len(data) % page_size)):
        found = _searched(bare, page_size, missing)
        if found is not None:
            return TextMode(pairs - missing if pairs else -missing, PROVED, found)
    is_likely = pairs and len(bare) % page_size in (0, TRAILER) and own_ids(bare, page_size) > own_ids(data, page_size)
    return TextMode(pairs, LIKELY, bare) if is_likely else None


def _is_mixed(buffer: Buffer) -> bool:
    """Say whether some LFs have a CR before them and others not, as in most databases: no text mode does it."""
    with_cr = (buffer[max(found.start() - 1, 0) : found.start()] == b"\r" for found in _LF.finditer(buffer))
    first = next(with_cr, None)
    return any(each != first for each in with_cr)


def is_proved(data: Buffer) -> bool:
    with memoryview(data) as view:
        return sha256(view[:-TRAILER]).digest() == data[-TRAILER:]


def _searched(bare: bytes, page_size: int, missing: int) -> bytes | None:
    """Return ``bare`` with ``missing`` CRs before LFs, so that the SHA-256 at the end is right; None if not found.

    Where a page says its own id tells how many CRs are missing before it, by how far it lies before its place.
    """
    anchors = [(0, 0)]  # offset, and CRs that are missing before it
    for number in range(1, (len(bare) + missing) // page_size):
        offset, before = number * page_size, anchors[-1][1]
        own_id = number.to_bytes(_ID, "little")
        found = [shift for shift in range(before, missing + 1) if bare.startswith(own_id, offset - shift)]
        if len(found) == 1:
            anchors.append((offset - found[0], found[0]))
    anchors.append((len(bare), missing))
    choices = [  # for parts of the file where LFs are, and before how many of these a CR is missing
        ([found.start() for found in _LF.finditer(bare, start, stop)], after - before)
        for (start, before), (stop, after) in pairwise(anchors)
        if after > before
    ]
    if prod(comb(len(places), count) for places, count in choices) * len(bare) > _MOST_HASHED:
        return None
    for chosen in product(*starmap(combinations, choices)):
        # With a CR before the LFs at these places.
        bounds = [0, *chain.from_iterable(chosen), len(bare)]
        content = b"\r".join(bare[start:stop] for start, stop in pairwise(bounds))
        if is_proved(content):
            return content
    return None
