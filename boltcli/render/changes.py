"""Changes as lines of JSON, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ..errors import ArgumentError
from ..text.json import line, parsed
from .long_lines import LongLine, line_blocks
from .ndjson import refuse_twice
from .records import error, pieces, put, put_bucket, put_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from ..errors import BoltError
    from ..ops.compare.change import BucketChanges, Change, Op, Path

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


def parse_changes(file: BinaryIO) -> Iterator[tuple[int, Change]]:
    """Yield what the lines of ``file`` say, with their numbers; empty ones are passed over.

    Raises :class:`~boltcli.errors.ArgumentError` (``line 3: ...``).
    """
    number = 1
    try:
        for block in line_blocks(file):
            for line in [block] if isinstance(block, LongLine) else block:
                if isinstance(line, LongLine):
                    yield number, parse_change(line.text, line.strings)
                elif line.strip():
                    yield number, parse_change(line)
                number += 1
    except (ArgumentError, MemoryError) as error:
        raise ArgumentError(f"line {number}: {error if str(error) else 'not enough memory for it'}") from None


def parse_change(text: bytes, long: dict[str, bytes] | None = None) -> Change:
    """Parse a line of JSON; ``long`` has the strings that were left out of it. A pair may lack its ``old`` value.

    Raises :class:`~boltcli.errors.ArgumentError`.
    """
    from ..ops.compare.change import Change

    try:
        fields = parsed(text)
    except ValueError as problem:
        raise ArgumentError(f"not JSON: {problem}") from None
    if not isinstance(fields, dict):
        raise ArgumentError("not an object")
    # As in parse_row: each of these ends the name of a field, unless there are blanks before its colon.
    if text.count(b'":') != len(fields) or any(space in text for space in (b'" ', b'"\t', b'"\r')):
        refuse_twice(text)
    if "error" in fields:
        failure = fields["error"]
        message = failure.get("message") if isinstance(failure, dict) else failure
        raise ArgumentError(f"the changes are not complete: {message}")
    unknown = sorted(fields.keys() - _FIELDS)
    if unknown:
        raise ArgumentError(f"unknown field {unknown[0]!r}")
    op = fields.get("op")
    if op not in _OPS:
        raise ArgumentError("op must be add, remove or change")
    path = _path(fields)
    long = {field.removesuffix("_hex"): content for field, content in (long or {}).items()}
    key = long.get("key", _bytes(fields, "key"))
    if key is None:
        if op == "change":
            return Change("change", path, None, *_sequence(fields))
        if fields.keys() & {"old", "old_hex", "new", "new_hex", "sequence"}:
            raise ArgumentError("a bucket that is added or removed has no values; its sequence is a line of its own")
        return Change(cast("Op", op), path)
    if fields.get("sequence"):
        raise ArgumentError("a sequence is a bucket's, and has no key")
    old, new = long.get("old", _bytes(fields, "old")), long.get("new", _bytes(fields, "new"))
    if op == "add" and old is not None:
        raise ArgumentError("what is added has no old value")
    if (new is None) != (op == "remove"):
        raise ArgumentError("what is removed has no new value" if op == "remove" else "there must be a new value")
    return Change(cast("Op", op), path, key, old, new)


def _path(fields: dict[str, Any]) -> Path:
    names = [fields[name] for name in ("bucket", "bucket_hex") if name in fields]
    if len(names) != 1 or not isinstance(names[0], list):
        raise ArgumentError("there must be a list bucket or bucket_hex, and one of them only")
    read = _hex_name if "bucket_hex" in fields else _name
    return cast("tuple[bytes, ...]", tuple(map(read, names[0])))


def _name(name: Any) -> bytes | None:
    return _bytes({"name": name}, "name")


def _hex_name(name: Any) -> bytes | None:
    return _bytes({"name_hex": name}, "name")


def _bytes(fields: dict[str, Any], name: str) -> bytes | None:
    """Return the value of a field or of the same in hexadecimal; None if there is neither."""
    found = [field for field in (name, f"{name}_hex") if field in fields]
    if not found:
        return None
    text = fields[found[0]]
    if len(found) > 1 or not isinstance(text, str):
        raise ArgumentError(f"there must be a string {name} or {name}_hex, and one of them only")
    if found[0] == name:
        return text.encode()
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ArgumentError(f"{text[:40]!r} is not hexadecimal") from None


def _sequence(fields: dict[str, Any]) -> tuple[int | None, int]:
    # Its numbers may stand in the field itself, too.
    inside = fields.get("sequence")
    old, new = (inside if isinstance(inside, dict) else fields).get("old"), None
    new = (inside if isinstance(inside, dict) else fields).get("new")
    for number in (old, new):
        if number is not None and (
            not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 1 << 64
        ):
            raise ArgumentError("a sequence must be a number of 64 bits")
    if new is None:
        raise ArgumentError("a change without a key is of a bucket's sequence: there must be a new number")
    return old, new


def summary_record(row: BucketChanges) -> bytes:
    """Return what changed in a bucket and in all inside it."""
    fields: dict[str, Any] = {}
    put_bucket(fields, row.path)
    return line(
        fields | {name: getattr(row, name) for name in ("added", "removed", "changed", "bytes_before", "bytes_after")}
    )
