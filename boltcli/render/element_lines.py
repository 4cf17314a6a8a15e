"""Elements of buckets as lines of JSON: ``keys``, ``items`` and ``get`` with ``--json``, and exports."""

from __future__ import annotations

from ..format.bucket import BucketRef
from ..text.golang import PLAIN_IN_JSON
from ..text.values import LARGE, formatted
from .records import Record, decoded, field, lines, of_bucket, pieces

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from ..apps.decode import Decoder

Path = tuple[bytes, ...]

_AT_ONCE = 500  # elements of which there are records together


def element_lines(
    path: Path, keys: Sequence[bytes], values: Sequence[Any] | None, *, with_path: bool = True,
    with_key: bool = True, with_value: bool = True, key_form: str = "auto", form: str = "auto",
    decoder: Decoder | None = None,
) -> Iterable[bytes]:  # fmt: skip
    """Return a line for each element of the bucket at ``path``, in pieces; a nested bucket has a sequence and no value.

    Without ``values`` all elements are pairs, whose keys alone are shown. ``decoder`` adds what keys and values mean. A
    large value stands alone, and comes slice by slice.
    """
    if values is None:
        values, with_value = keys, False
    is_large = len(keys) == 1 and not isinstance(values[0], BucketRef) and len(values[0]) > LARGE
    is_auto = decoder is None and key_form == form == "auto"
    if is_auto and with_key and not is_large and BucketRef not in set(map(type, values)):
        if not (with_path or with_value or b"".join(keys).translate(None, PLAIN_IN_JSON)):
            return (b'{"key":"', b'"}\n{"key":"'.join(keys), b'"}\n') if keys else ()
        bucket = of_bucket(path) if with_path else {}
        parts = (slice(at, at + _AT_ONCE) for at in range(0, len(keys), _AT_ONCE))
        return (lines(_pairs(bucket, keys[part], values[part] if with_value else ())) for part in parts)

    def record(key: bytes, value: Any) -> Record:
        found = of_bucket(path) if with_path else {}
        if with_key:
            found |= field("key", key, key_form)
        if isinstance(value, BucketRef):
            return found | {"sequence": value.sequence}
        if with_value:
            found |= field("value", value, form)
        if decoder is not None and with_key:
            found |= decoded("key", decoder.key(path, key))
        if decoder is not None and with_value:
            found |= decoded("value", decoder.value(path, key, value))
        return found

    return pieces(list(map(record, keys, values)))


def _pairs(bucket: Record, keys: Sequence[bytes], values: Sequence[bytes]) -> list[Record]:
    """Return the records of small pairs, after a look at all keys together."""
    shown = formatted(list(keys), "auto")
    records = [{**bucket, "key" if text is key else "key_hex": text.decode()} for key, text in zip(keys, shown)]
    for record, value in zip(records, values):
        try:
            record["value"] = value.decode()
        except UnicodeDecodeError:
            record["value_hex"] = value.hex()
    return records
