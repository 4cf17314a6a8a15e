"""Changes as lines of JSON, and back."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from ..errors import ArgumentError, BoltError
from ..ops.compare.change import BucketChanges, Change
from ..text.json import line
from .json_rows import bytes_of, has_bytes, is_u64, message_of, parsed_lines, path_of, record_of, refuse_unknown
from .records import Record, error, field, fields_of, of_bucket, of_file, pieces

_FIELDS = {
    *("op", "bucket", "bucket_hex", "key", "key_hex", "old", "old_hex", "new", "new_hex", "sequence"),
    *("txid", "time"),  # of watch: they say nothing of what is to be done
    # Nor do those of --decode.
    *("key_decoded", "old_decoded", "new_decoded", "key_guess", "old_guess", "new_guess"),
}


def record(change: Change, *, values: bool = True, **more: Any) -> Iterator[bytes]:
    """Return the line of JSON of a change; without ``values`` only what it is about. ``more`` are further fields."""
    fields = {"op": change.op, **of_bucket(change.bucket)}
    if change.key is not None:
        fields |= field("key", change.key)
    elif change.op == "change":
        fields["sequence"] = True
    for name, value in (("old", change.old), ("new", change.new)):
        if isinstance(value, int):
            fields[name] = value
        elif value is not None and values:
            fields |= field(name, value)
    return pieces([fields | more])


def incomplete(failure: BoltError, path: str) -> bytes:
    """Return the last line of changes that an error ended: what came before is not all, and ``patch`` refuses it."""
    return line({**of_file(failure.path or path), "error": error(failure, path)})


def parse_changes(file: BinaryIO) -> Iterator[tuple[int, Change]]:
    """Yield what the lines of ``file`` say, with their numbers. Raises ArgumentError (``line 3: ...``)."""
    return ((number, change) for number, _, change in parsed_lines(file, parse_change))


def parse_change(text: bytes, strings: dict[str, bytes]) -> Change:
    """Parse a line of JSON. A pair may lack its ``old`` value. Raises ArgumentError."""
    fields = record_of(text)
    if "error" in fields:
        raise ArgumentError(f"the changes are not complete: {message_of(fields['error'])}")
    refuse_unknown(fields, _FIELDS)
    op = fields.get("op")
    if op not in ("add", "remove", "change"):
        raise ArgumentError("op must be add, remove or change")
    path = path_of(fields)

    def part(name: str) -> bytes | None:
        return bytes_of(fields, name, strings) if has_bytes(fields, name) else None

    key = part("key")
    if key is None:
        if op == "change":
            return Change("change", path, None, *_sequence(fields))
        if has_bytes(fields, "old") or has_bytes(fields, "new") or "sequence" in fields:
            raise ArgumentError("an added or removed bucket has no values; its sequence has a line of its own")
        return Change(op, path)
    if fields.get("sequence"):
        raise ArgumentError("a sequence belongs to a bucket and has no key")
    old, new = part("old"), part("new")
    if op == "add" and old is not None:
        raise ArgumentError("an addition has no old value")
    if (new is None) != (op == "remove"):
        raise ArgumentError("a removal has no new value" if op == "remove" else "there must be a new value")
    return Change(op, path, key, old, new)


def _sequence(fields: Record) -> tuple[int | None, int]:
    inside = fields.get("sequence")
    numbers = inside if isinstance(inside, dict) else fields  # they may stand in the field itself, too
    old, new = numbers.get("old"), numbers.get("new")
    if not all(number is None or is_u64(number) for number in (old, new)):
        raise ArgumentError("a sequence must be a number of 64 bits")
    if new is None:
        raise ArgumentError("a change without a key changes a bucket's sequence: a new number is missing")
    return old, new


def summary_record(row: BucketChanges) -> bytes:
    """Return what changed in a bucket and in all inside it."""
    return line(of_bucket(row.bucket) | fields_of(row, "added", "removed", "changed", "bytes_before", "bytes_after"))
