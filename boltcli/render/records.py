"""Results as JSON: the names of fields, and the encoding of byte strings.

A byte string ``key`` is the field ``key`` if it is valid UTF-8, else ``key_hex``; in a format other than ``auto`` and
``bytes`` it is ``key_<format>``. All records are described by ``boltcli/schema.json``.
"""

from __future__ import annotations

import os
from datetime import datetime

from ..format.bucket import BucketRef
from ..format.page import type_name
from ..text.golang import percent
from ..text.json import LARGEST_JSON, embedded, line, lines
from ..text.times import moment_text
from ..text.values import LARGE, auto, converter, shown_text, text_of
from ..text.values import as_text as text
from .errors import error_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from typing import Any

    from ..apps.decode import Decoded
    from ..errors import BoltError
    from ..ops.check.findings import Finding
    from ..ops.space.pages import Usage
    from ..ops.stats import BucketRecord, BucketStats
    from ..record import Record as Results
    from ..storage.holders import Holder
    from ..storage.snapshot import Snapshot

Record = dict[str, "Any"]

__all__ = ["line", "lines", "text"]

PARSED = "parsed"  # the form of values that are nested if they are JSON
_SHOWN = ("key", "name")  # fields that are text exactly where text output shows them as text


def field(name: str, data: bytes, form: str = "auto") -> Record:
    """Return the byte string ``data`` as a field. Raises ArgumentError for an unknown format."""
    if len(data) > LARGE and name not in _SHOWN and (form not in ("json", PARSED) or len(data) > LARGEST_JSON):
        from ..text.large_values import sliced

        return sliced(name, data, "auto" if form == PARSED else form)
    if form not in ("auto", "bytes"):
        value: Any = embedded(data) if form in ("json", PARSED) else converter(form)(data)
        if isinstance(value, bytes):
            value = int(value) if form == "u64" else value.decode()
        if value is not None:
            return {name if form == PARSED else f"{name}_{form.replace('-', '_')}": value}
    text = shown_text(data) if name in _SHOWN and form != "bytes" else text_of(data)
    return {f"{name}_hex": data.hex()} if text is None else {name: text}


def decoded(name: str, found: Decoded) -> Record:
    """Return what a key or a value means, and of which format it seems to be if that was guessed."""
    guess = {} if found.guess is None else {f"{name}_guess": found.guess}
    return {f"{name}_decoded": found.value, **guess}


def of_file(path: str, name: str = "path") -> Record:
    """Return the name of a file as a field."""
    return field(name, os.fsencode(path))


def file_of(record: Record) -> str:
    """Return the name of the file that a record is about."""
    return os.fsdecode(bytes.fromhex(record["path_hex"])) if record.get("path_hex") else str(record.get("path", ""))


def of_bucket(path: Sequence[bytes] | None) -> Record:
    """Return the way to a bucket: a list ``bucket`` of names, or ``bucket_hex`` if not all are printable."""
    if path is None:
        return {"bucket": None}
    names = list(map(shown_text, path))
    return {"bucket_hex": [name.hex() for name in path]} if None in names else {"bucket": names}


def fields_of(found: object, *names: str) -> Record:
    """Return attributes as fields."""
    return {name: getattr(found, name) for name in names}


def error(failure: BoltError, path: str | None = None) -> Record:
    """Return a failure; ``path`` is the file that it is about unless it knows better."""
    where = failure.path or path
    return {
        "kind": failure.kind,
        "message": text(error_text(failure)),
        "page": failure.page,
        # A page id from a damaged file may lead beyond what a number of JSON, or a file, can be.
        "offset": failure.offset if (failure.offset or 0) < 1 << 64 else None,
        **({"path": None} if where is None else of_file(where)),
    }


def _utf_8(message: str) -> str:
    """Return a message, in which a path may be."""
    return text(message.encode("utf-8", "surrogateescape"))


def with_hint(record: Record, lines: list[str]) -> Record:
    """Return ``record`` with the hints ``lines``, if there are any."""
    return record | {"hint": _utf_8("\n".join(lines))} if lines else record


def notice(kind: str, message: str, path: str) -> Record:
    """Return what is to be known beside the result: how it was read, or a warning."""
    return {"kind": kind, "message": _utf_8(message), **of_file(path)}


def bucket(name: bytes, ref: BucketRef | None) -> Record:
    """Return a top-level bucket; ``root`` 0: it is inline. What isn't a bucket has none."""
    facts = {"root_page": ref.root if ref else None, "sequence": ref.sequence if ref else None}
    return field("name", name) | facts


def pieces(records: Collection[Record]) -> Iterator[bytes]:
    """Yield a line for each record, all together; large values, which stand alone, slice by slice."""
    if len(records) != 1:
        return iter((lines(records),))
    from ..text.large_values import pieces

    return pieces(*records)


def finding(found: Finding, path: str) -> Record:
    """Return what is wrong with a file, one thing of it."""
    return {"kind": found.kind, "page": found.page, "message": text(found.line(auto)), **of_file(path)}


def verdict(path: str, errors: int, findings: list[Record], warnings: list[str], *, at_least: bool = False) -> Record:
    """Return what a check found in a file; ``at_least``: there are more errors than were counted."""
    count: Record = {"ok": not errors, "errors": errors} | ({"at_least": True} if at_least else {})
    return count | of_file(path) | {"findings": findings, "warnings": list(map(_utf_8, warnings))}


def stats(path: str, count: int, total: BucketStats) -> Record:
    """Return the numbers of ``stats``; ``*_percent`` are as bbolt rounds them."""
    return {
        **of_file(path),
        "top_buckets": count,
        **fields_of(total, *sorted(total.__slots__)),
        "branch_inuse_percent": percent(total.branch_inuse, total.branch_alloc),
        "leaf_inuse_percent": percent(total.leaf_inuse, total.leaf_alloc),
        "inline_buckets_percent": percent(total.inline_buckets, total.buckets),
        "inline_bucket_inuse_percent": percent(total.inline_bucket_inuse, total.leaf_inuse),
    }


def info(snapshot: Snapshot) -> Record:
    """Return the page size, and what else the ruling meta page says. ``size`` is the file's, in bytes."""
    meta = snapshot.meta
    return {
        **of_file(snapshot.path),
        **fields_of(snapshot, "page_size", "size"),
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
        record = field("name", bucket.name if bucket.parent else b"root") | {"keyN": bucket.pairs}
        yield b"]}" * (level + 1 - bucket.level) + comma + line(record)[:-2] + b',"buckets":['
        level = bucket.level
    yield b"]}" * (level + 1) + b"\n"


def bucket_usages(buckets: Iterable[BucketRecord], size: int) -> Iterator[Record]:
    """Yield the records of buckets: bytes including nested buckets, and their share of a file of ``size`` bytes."""
    for found in buckets:
        counts = fields_of(found, "pairs", "keys", "bytes") | {"file_share": found.bytes / size}
        yield of_bucket(found.path) | counts | fields_of(found, "depth", "inline", "sequence")


def usage(path: str, found: Usage, buckets: Iterable[BucketRecord], dense: int) -> Record:
    """Return where the bytes of a file are; ``buckets`` is an iterator, one of each bucket."""
    parts = ("root", "meta", "freelist", "free", "lost", "unused")
    return {
        **of_file(path),
        "size": found.size,
        **{f"{name}_bytes": getattr(found, name) for name in parts},
        "dense_size": dense,
        "freed_bytes": found.size - dense,
        "buckets": bucket_usages(buckets, found.size),
    }


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
        "pid": found.pid,
        "command": text(os.fsencode(found.command)) if found.command else None,
        "since": None if found.since is None else moment_text(found.since),
        "writes": found.writes,
    }


def of_record(found: Results, path: str | None = None) -> Record:
    """Return a result of an operation: its fields in their order, times as text, and ``path`` as the file's name."""
    fields: Record = {}
    for name in found.__slots__:
        value = getattr(found, name)
        if name in ("path", "output") and value is not None:
            fields |= of_file(path if path is not None and name == "path" else value, name)
        elif isinstance(value, tuple):
            fields[name] = list(value)
        elif isinstance(value, datetime):
            fields[name] = moment_text(value)
        elif isinstance(value, Exception):
            fields[name] = error(value, path or getattr(found, "path", None))  # type: ignore[arg-type]
        else:
            fields[name] = value
    return fields


def traffic(requests: int, read: int, total: int, path: str) -> Record:
    """Return a record about it."""
    return {"kind": "traffic", "round_trips": requests, "read": read, "size": total, **of_file(path)}


def result(path: str, output: str, **facts: Any) -> Record:
    """Return what was written where, from the database at ``path``."""
    return of_file(path) | of_file(output, "output") | facts
