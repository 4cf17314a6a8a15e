"""Changes as lines of JSON, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ..errors import ArgumentError
from ..text.json import line
from .json_rows import (
    at_line,
    bytes_of,
    has_bytes,
    is_u64,
    line_batches,
    message_of,
    path_of,
    record_of,
    refuse_unknown,
)
from .records import error, pieces, put, put_bucket, put_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..errors import BoltError
    from ..ops.compare.change import BucketChanges, Change, Op
    from .json_streams import Readable

_OPS = ("add", "remove", "change")

_FIELDS = {
    *("op", "bucket", "bucket_hex", "key", "key_hex", "old", "old_hex", "new", "new_hex", "sequence"),
    *("txid", "time"),  # of watch: they say nothing of what is to be done
    # Nor do those of --decode.
    *("key_decoded", "old_decoded", "new_decoded", "key_guess", "old_guess", "new_guess"),
}


def record(change: Change, *, values: bool = True, **more: Any) -> Iterator[bytes]:
    """Yield the line of JSON of a change; without ``values`` only what it is about. ``more`` are further fields."""
    fields: dict[str, Any] = {"op": change.op}
    put_bucket(fields, change.bucket)
    if change.key is not None:
        put(fields, "key", change.key)
    elif change.op == "change":
        fields["sequence"] = True
    for name, value in (("old", change.old), ("new", change.new)):
        if isinstance(value, int):
            fields[name] = value
        elif value is not None and values:
            put(fields, name, value)
    return pieces([fields | more])


def incomplete(failure: BoltError, path: str) -> bytes:
    """Return the last line of changes that an error ended: what came before is not all, and ``patch`` refuses it."""
    fields: dict[str, Any] = {}
    put_path(fields, failure.path or path)
    return line(fields | {"error": error(failure, path)})


def parse_changes(file: Readable) -> Iterator[tuple[int, Change]]:
    """Yield what the lines of ``file`` say, with their numbers; empty ones are passed over.

    Raises :class:`~boltcli.errors.ArgumentError` (``line 3: ...``).
    """
    for number, lines, strings in line_batches(file):
        for at, text in enumerate(lines, number):
            try:
                change = parse_change(text, strings) if text.strip() else None
            except (ArgumentError, MemoryError) as error:
                raise at_line(at, error) from None
            if change is not None:
                yield at, change


def parse_change(text: bytes, long: dict[str, bytes] | None = None) -> Change:
    """Parse a line of JSON; ``long`` has the strings that were left out of it. A pair may lack its ``old`` value.

    Raises :class:`~boltcli.errors.ArgumentError`.
    """
    from ..ops.compare.change import Change

    fields = record_of(text)
    if "error" in fields:
        raise ArgumentError(f"the changes are not complete: {message_of(fields['error'])}")
    refuse_unknown(fields, _FIELDS)
    op = fields.get("op")
    if op not in _OPS:
        raise ArgumentError("op must be add, remove or change")
    path = path_of(fields)
    strings = {field.removesuffix("_hex"): content for field, content in (long or {}).items()}

    def part(name: str) -> bytes | None:
        return strings[name] if name in strings else bytes_of(fields, name) if has_bytes(fields, name) else None

    key = part("key")
    if key is None:
        if op == "change":
            return Change("change", path, None, *_sequence(fields))
        if has_bytes(fields, "old") or has_bytes(fields, "new") or "sequence" in fields:
            raise ArgumentError("a bucket that is added or removed has no values; its sequence is a line of its own")
        return Change(cast("Op", op), path)
    if fields.get("sequence"):
        raise ArgumentError("a sequence is a bucket's, and has no key")
    old, new = part("old"), part("new")
    if op == "add" and old is not None:
        raise ArgumentError("what is added has no old value")
    if (new is None) != (op == "remove"):
        raise ArgumentError("what is removed has no new value" if op == "remove" else "there must be a new value")
    return Change(cast("Op", op), path, key, old, new)


def _sequence(fields: dict[str, Any]) -> tuple[int | None, int]:
    # Its numbers may stand in the field itself, too.
    inside = fields.get("sequence")
    numbers = inside if isinstance(inside, dict) else fields
    old, new = numbers.get("old"), numbers.get("new")
    if not all(number is None or is_u64(number) for number in (old, new)):
        raise ArgumentError("a sequence must be a number of 64 bits")
    if new is None:
        raise ArgumentError("a change without a key is of a bucket's sequence: there must be a new number")
    return old, cast("int", new)


def summary_record(row: BucketChanges) -> bytes:
    """Return what changed in a bucket and in all inside it."""
    fields: dict[str, Any] = {}
    put_bucket(fields, row.path)
    return line(
        fields | {name: getattr(row, name) for name in ("added", "removed", "changed", "bytes_before", "bytes_after")}
    )
