"""Results as JSON: the names of fields, and the encoding of byte strings.

A byte string ``key`` is the field ``key`` if it is valid UTF-8, else
``key_hex``; in a format other than ``auto`` and ``bytes`` it is ``key_<format>``.
All records are described by ``boltcli/schema.json``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ..format.bucket import BucketRef
from ..format.page import type_name
from ..text.golang import percent
from ..text.json import LARGEST_JSON, embedded, line, lines
from ..text.times import time_text
from ..text.values import LARGE, auto, formatted, shown_text, text_of
from ..text.values import as_text as text
from .errors import error_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..apps.decode import Decoded
    from ..errors import BoltError
    from ..ops.check.findings import Finding
    from ..ops.space.pages import Usage
    from ..ops.stats import BucketRecord, BucketStats
    from ..storage.holders import Holder
    from ..storage.snapshot import Snapshot

    Record = dict[str, Any]

__all__ = ["line", "lines", "text"]

PARSED = "parsed"  # the form of values that are nested if they are JSON
_SHOWN = ("key", "name")  # fields that are text exactly where text output shows them as text


def put(record: Record, field: str, data: bytes, form: str = "auto") -> None:
    """Give ``record`` the byte string ``data`` as ``field``. Raises ArgumentError for an unknown format."""
    if len(data) > LARGE and field not in _SHOWN and (form not in ("json", PARSED) or len(data) > LARGEST_JSON):
        from ..text.large_values import put_sliced

        put_sliced(record, field, data, "auto" if form == PARSED else form)
        return
    if form not in ("auto", "bytes") and _put_as(record, field, data, form):
        return
    text = shown_text(data) if field in _SHOWN and form != "bytes" else text_of(data)
    if text is None:
        record[f"{field}_hex"] = data.hex()
    else:
        record[field] = text


def _put_as(record: Record, field: str, data: bytes, form: str) -> bool:
    """Return the same in one of the other formats, if that suits ``data``."""
    value: Any
    if form == "u64":
        value = int.from_bytes(data, "big") if len(data) == 8 else None
    elif form == "time":
        from ..text.times import binary_time_text

        value = binary_time_text(data)
    elif form in ("json", PARSED):
        value = embedded(data)
        if form == PARSED and value is not None:
            record[field] = value
        if form == PARSED:
            return value is not None
    else:
        value = formatted([data], form)[0].decode()
    if value is None:
        return False
    record[f"{field}_{form.replace('-', '_')}"] = value
    return True


def put_decoded(record: Record, field: str, found: Decoded) -> None:
    """Give ``record`` what a key or a value means, and of which format it seems to be if that was guessed."""
    record[f"{field}_decoded"] = found.value
    if found.guess is not None:
        record[f"{field}_guess"] = found.guess


def put_path(record: Record, path: str, field: str = "path") -> None:
    """Give ``record`` the name of a file."""
    put(record, field, os.fsencode(path))


def of_file(path: str) -> Record:
    """Return a record that begins with the name of a file."""
    record: Record = {}
    put_path(record, path)
    return record


def put_bucket(record: Record, path: Sequence[bytes]) -> None:
    """Give ``record`` the way to a bucket: a list ``bucket`` of names, or ``bucket_hex`` if not all are printable."""
    names = list(map(shown_text, path))
    if None in names:
        record["bucket_hex"] = [name.hex() for name in path]
    else:
        record["bucket"] = names


def error(failure: BoltError, path: str | None = None) -> Record:
    """Return a failure; ``path`` is the file that it is about unless it knows better."""
    record: Record = {"kind": failure.kind, "message": text(error_text(failure)), "page": failure.page}
    # A page id from a damaged file may lead beyond what a number of JSON, or a file, can be.
    record["offset"] = failure.offset if (failure.offset or 0) < 1 << 64 else None
    where = failure.path or path
    if where is None:
        record["path"] = None
    else:
        put_path(record, where)
    return record


def with_hint(record: Record, lines: list[str]) -> Record:
    """Return ``record`` with the hints ``lines``, if there are any."""
    return record | {"hint": text("\n".join(lines).encode("utf-8", "surrogateescape"))} if lines else record


def notice(kind: str, message: str, path: str) -> Record:
    """Return what is to be known beside the result: how it was read, or a warning."""
    record: Record = {"kind": kind, "message": text(message.encode("utf-8", "surrogateescape"))}
    put_path(record, path)
    return record


def bucket(name: bytes, ref: BucketRef | None) -> Record:
    """Return a top-level bucket; ``root`` 0: it is inline. What isn't a bucket has none."""
    record: Record = {}
    put(record, "name", name)
    record["root_page"] = ref.root if ref else None
    record["sequence"] = ref.sequence if ref else None
    return record


def pieces(records: list[Record]) -> Iterator[bytes]:
    """Yield a line for each record, all together; large values, which stand alone, slice by slice."""
    if len(records) != 1:
        return iter((lines(records),))
    from ..text.large_values import pieces

    return pieces(records[0])


def finding(found: Finding, path: str) -> Record:
    """Return what is wrong with a file, one thing of it."""
    record: Record = {"kind": found.kind, "page": found.page, "message": text(found.line(auto))}
    put_path(record, path)
    return record


def verdict(path: str, errors: int, findings: list[Record], warnings: list[str], *, at_least: bool = False) -> Record:
    """Return what a check found in a file; ``at_least``: there are more errors than were counted."""
    record: Record = {"ok": not errors, "errors": errors}
    if at_least:
        record["at_least"] = True
    put_path(record, path)
    shown = [text(each.encode("utf-8", "surrogateescape")) for each in warnings]
    return record | {"findings": findings, "warnings": shown}


def stats(path: str, count: int, total: BucketStats) -> Record:
    """Return the numbers of ``stats``; ``*_percent`` are as bbolt rounds them."""
    record = of_file(path)
    record["top_buckets"] = count
    record |= {name: getattr(total, name) for name in sorted(total.__slots__)}
    record["branch_inuse_percent"] = percent(total.branch_inuse, total.branch_alloc)
    record["leaf_inuse_percent"] = percent(total.leaf_inuse, total.leaf_alloc)
    record["inline_buckets_percent"] = percent(total.inline_buckets, total.buckets)
    record["inline_bucket_inuse_percent"] = percent(total.inline_bucket_inuse, total.leaf_inuse)
    return record


def info(snapshot: Snapshot) -> Record:
    """Return the page size, and what else the ruling meta page says. ``size`` is the file's, in bytes."""
    meta = snapshot.meta
    record = of_file(snapshot.path)
    return record | {
        "page_size": snapshot.page_size,
        "size": snapshot.size,
        "txid": meta.txid,
        "root_page": meta.root,
        "freelist_page": meta.freelist if meta.has_freelist else None,
        "hwm": meta.hwm,
    }


def tree(buckets: list[BucketRecord]) -> Iterator[bytes]:
    """Yield the tree of ``inspect`` as one document, in pieces. orjson would go no deeper than 254 buckets."""
    level = -1
    for bucket in buckets:
        comma = b"," if bucket.level <= level else b""
        record: Record = {}
        put(record, "name", bucket.name if bucket.parent else b"root")
        record["keyN"] = bucket.pairs
        yield b"]}" * (level + 1 - bucket.level) + comma + line(record)[:-2] + b',"buckets":['
        level = bucket.level
    yield b"]}" * (level + 1) + b"\n"


def bucket_usages(buckets: Iterable[BucketRecord], size: int) -> Iterator[Record]:
    """Yield the records of buckets: bytes including nested buckets, and their share of a file of ``size`` bytes."""
    for found in buckets:
        record: Record = {}
        put_bucket(record, found.path)
        share = found.bytes / size
        record |= {"pairs": found.pairs, "keys": found.keys, "bytes": found.bytes, "file_share": share}
        yield record | {"depth": found.depth, "inline": found.inline, "sequence": found.sequence}


def usage(path: str, found: Usage, buckets: Iterable[BucketRecord], dense: int) -> Record:
    """Return where the bytes of a file are; ``buckets`` is an iterator, one of each bucket."""
    record = of_file(path)
    record["size"] = found.size
    for name in ("root", "meta", "freelist", "free", "lost", "unused"):
        record[f"{name}_bytes"] = getattr(found, name)
    record |= {"dense_size": dense, "freed_bytes": found.size - dense}
    return record | {"buckets": bucket_usages(buckets, found.size)}


def pages(rows: Iterable[tuple[int, int]], free: int) -> bytes:
    """Return rows as :func:`~boltcli.ops.space.pages.page_rows` has them, a line each."""
    return lines(
        [
            {"page": pgid, "type": "free", "count": None, "overflow": None}
            if head == free
            else {"page": pgid, "type": type_name(head & 0xFFFF), "count": head >> 16 & 0xFFFF, "overflow": head >> 32}
            for pgid, head in rows
        ]
    )


def holder(found: Holder) -> Record:
    """Return the record of a process that holds the lock or waits for it; null is unknown."""
    return {
        "mode": found.mode,
        "waits": found.waits,
        "pid": found.pid or None,
        "command": text(os.fsencode(found.command)) if found.command else None,
        "since": None if found.since is None else time_text(int(found.since * 1000) * 1_000_000),
        "writes": found.writes,
    }


def traffic(requests: int, read: int, total: int, path: str) -> Record:
    """Return a record about it."""
    record: Record = {"kind": "traffic", "round_trips": requests, "read": read, "size": total}
    put_path(record, path)
    return record


def result(path: str, output: str, **facts: Any) -> Record:
    """Return what was written where, from the database at ``path``."""
    record = of_file(path)
    put_path(record, output, "output")
    return record | facts
