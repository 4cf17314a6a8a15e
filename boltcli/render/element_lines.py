"""Elements of buckets as lines of JSON, many at once: ``keys``, ``items`` and ``get`` with ``--json``, and exports."""

from __future__ import annotations

from binascii import hexlify
from functools import lru_cache
from operator import is_
from typing import TYPE_CHECKING, Any

from ..format.bucket import BucketRef
from ..text.json import line
from ..text.values import LARGE, formatted
from .records import pieces, put, put_bucket, put_decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ..apps.decode import Decoder

    Path = tuple[bytes, ...]
    Record = dict[str, Any]

_PLAIN = bytes(set(range(0x20, 0x7F)) - set(b'"\\'))  # bytes that a string of JSON has as they are
_END = b'"}\n'  # of a line
_MARK = b"\x1e"  # between strings that are written together
_ESCAPED_MARK = b"\\u001e"


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
    is_auto = decoder is None and (key_form == "auto" or not with_key) and (form == "auto" or not with_value)
    is_large = with_value and len(keys) == 1 and isinstance(values[0], bytes) and len(values[0]) > LARGE
    if is_auto and not is_large and BucketRef not in set(map(type, values)):
        columns = [*[(keys, formatted(list(keys), "auto"))] * with_key, *[(values, _text_or_hex(values))] * with_value]
        return _alike(columns, _beginnings(path if with_path else None, with_key, with_value))
    records = []
    for key, value in zip(keys, values):
        records.append(element_record(
            path, key, value, with_path=with_path, with_key=with_key, with_value=with_value, key_form=key_form,
            form=form, decoder=decoder,
        ))  # fmt: skip
    return pieces(records)


def element_record(
    path: Path, key: bytes, value: bytes | BucketRef, *, with_path: bool = True, with_key: bool = True,
    with_value: bool = True, key_form: str = "auto", form: str = "auto", decoder: Decoder | None = None,
) -> Record:  # fmt: skip
    """Return the object of an element, as in :func:`element_lines`."""
    record: Record = {}
    if with_path:
        put_bucket(record, path)
    if with_key:
        put(record, "key", key, key_form)
    if isinstance(value, BucketRef):
        return record | {"sequence": value.sequence}
    if with_value:
        put(record, "value", value, form)
    if decoder is not None and with_key:
        put_decoded(record, "key", decoder.key(path, key))
    if decoder is not None and with_value:
        put_decoded(record, "value", decoder.value(path, key, value))
    return record


def _alike(
    columns: list[tuple[Sequence[bytes], list[bytes]]], beginnings: list[tuple[bytes, bytes]]
) -> Iterable[bytes]:
    """Return lines of the same fields: each field of all of them at once."""
    width = 2 * len(columns)
    parts = [b""] * (width * len(columns[0][0]))
    if not parts:
        return ()
    for at, ((items, shown), (text, other)) in enumerate(zip(columns, beginnings)):
        parts[2 * at :: width], parts[2 * at + 1 :: width] = _strings(items, shown, text, other)
    if width == 2 and parts[0::2].count(parts[0]) == len(parts) // 2:  # all are text, or none
        return (parts[0].removeprefix(_END), parts[0].join(parts[1::2]), _END)
    parts[0] = parts[0].removeprefix(_END)
    return (b"".join(parts), _END)


@lru_cache(maxsize=4)
def _beginnings(path: Path | None, with_key: bool, with_value: bool) -> list[tuple[bytes, bytes]]:
    """Return how each field begins, if it is text or if it is not; the first one after the end of a line.

    ``path`` is the bucket that a line shows first, if it shows one.
    """
    record: dict[str, Any] = {}
    if path is not None:
        put_bucket(record, path)
    before = _END + line(record)[:-2] + b"," * bool(record)
    found = []
    for name in (*[b"key"] * with_key, *[b"value"] * with_value):
        found.append((b'%b"%b":"' % (before, name), b'%b"%b_hex":"' % (before, name)))
        before = b'",'
    return found


def _text_or_hex(values: Sequence[bytes]) -> list[bytes]:
    """Return the same for what is UTF-8, and hex for the others."""
    try:
        _MARK.join(values).decode()
    except UnicodeDecodeError:
        is_utf8 = _utf8()
        return [value if is_utf8(value) else hexlify(value) for value in values]
    return list(values)


@lru_cache(maxsize=1)
def _utf8() -> Callable[[bytes], object]:
    """Return what says whether bytes are UTF-8: at once, where decoding random bytes raises an error for each value."""
    import re

    return re.compile(
        rb"(?:[\x00-\x7f]++|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}"
        rb"|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})*+"
    ).fullmatch


def _strings(items: Sequence[bytes], shown: list[bytes], text: bytes, other: bytes) -> tuple[list[bytes], list[bytes]]:
    """Return what begins each field, and its string of JSON: ``text`` and an item, or ``other`` and it in hex."""
    are_text = list(map(is_, items, shown))
    if all(are_text):
        return [text] * len(items), _escaped(items)
    if not any(are_text):
        return [other] * len(items), shown
    texts = iter(_escaped([item for item, is_text in zip(items, are_text) if is_text]))
    strings = [next(texts) if is_text else string for is_text, string in zip(are_text, shown)]
    return [text if is_text else other for is_text in are_text], strings


def _escaped(items: Sequence[bytes]) -> list[bytes]:
    """Return each of ``items``, which are UTF-8, as a string of JSON has it: all are escaped together."""
    whole = _MARK.join(items)
    if len(whole.translate(None, _PLAIN)) == len(items) - 1:
        return list(items)
    parts = line(whole.decode())[1:-2].split(_ESCAPED_MARK)
    return parts if len(parts) == len(items) else [line(item.decode())[1:-2] for item in items]


def bucket_row(path: Path, sequence: int) -> dict[str, Any]:
    """Return the object of a bucket."""
    record: dict[str, Any] = {}
    put_bucket(record, path)
    record["sequence"] = sequence
    return record


def end_row(pairs: int, buckets: int) -> dict[str, Any]:
    """Return the last object of an export: how many pairs and buckets came before it, the root bucket not counted."""
    return {"end": True, "pairs": pairs, "buckets": buckets}
