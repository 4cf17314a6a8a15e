"""What is in a bucket, as text, as JSON, as numbers: small helps of views, codecs and audits."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from ..database import Database
from ..errors import ArgumentError
from ..text.json import load
from ..text.values import as_text, text_or_bytes
from .codecs.integers import u64
from .contract import Codec, Plain, Store


def as_plain(found: Plain) -> Plain:
    """Return bytes as text where they are UTF-8, anything else as it is."""
    return text_or_bytes(found) if isinstance(found, bytes) else found


def json_or_text(data: bytes) -> Plain:
    """Return what a JSON object or list says; other bytes as text if they are UTF-8, else as they are."""
    return load(data) if data[:1] in (b"{", b"[") else text_or_bytes(data)


def or_else(found: Plain, otherwise: Plain) -> Plain:
    """Return ``found``, or ``otherwise`` where that is None."""
    return otherwise if found is None else found


def decoded_by(data: bytes, *decoders: Callable[[bytes], Plain]) -> Plain:
    """Return what the first of ``decoders`` makes of ``data`` that takes it; the bytes themselves if none does."""
    for decode in decoders:
        try:
            found = decode(data)
        except ValueError:
            continue
        if found is not data:
            return found
    return data


Entry = tuple[bytes, bytes | Store]

# Keys that are text, to text, to JSON, to objects and lists of JSON or to text; keys of 8 bytes, big-endian.
TEXT = Codec(text_or_bytes, lambda key, value: text_or_bytes(value))
JSON = Codec(text_or_bytes, lambda key, value: load(value))
JSON_OR_TEXT = Codec(text_or_bytes, lambda key, value: json_or_text(value))
NUMBER = Codec(lambda key: u64(key) if len(key) == 8 else key)


def find(store: Store | None, *path: bytes) -> Store | None:
    """Return the bucket at ``path`` below ``store``, or None if there is none."""
    for name in path:
        child = None if store is None else store.get(name)
        store = None if isinstance(child, bytes) else child
    return store


def content(store: Store | None, *path: bytes, start: bytes = b"", stop: bytes | None = None) -> Iterator[Entry]:
    """Yield what is in the bucket at ``path``, nothing if there is none."""
    found = find(store, *path)
    return iter(()) if found is None else found.range(start, stop)


def first(store: Store | None) -> tuple[bytes, bytes | Store | None]:
    """Return the first key of ``store`` with its value or bucket; b"" and None if there is none."""
    return next(content(store), (b"", None))


def names(store: Store, limit: int = 256) -> list[bytes]:
    """Return the first ``limit`` keys of a store, of pairs and of buckets: enough to recognise one by."""
    return [key for key, _ in islice(store.range(), limit)]


def space(db: Store) -> tuple[int, int] | None:
    """Return :meth:`Database.space` of ``db``; None for a store that isn't in a file."""
    return db.space() if isinstance(db, Database) else None


def value_of(store: Store | None, *path: bytes) -> bytes | None:
    """Return the value at ``path``, which ends in its key; None if there is none."""
    *outer, key = path
    found = find(store, *outer)
    value = None if found is None else found.get(key)
    return value if isinstance(value, bytes) else None


def text_of(store: Store | None, *path: bytes) -> str | None:
    """Return the value at ``path`` as text; None if there is none."""
    value = value_of(store, *path)
    return None if value is None else as_text(value)


def buckets(store: Store | None, *path: bytes) -> Iterator[tuple[bytes, Store]]:
    return ((key, value) for key, value in content(store, *path) if not isinstance(value, bytes))


def pairs(store: Store | None, *path: bytes) -> Iterator[tuple[bytes, bytes]]:
    return ((key, value) for key, value in content(store, *path) if isinstance(value, bytes))


def key_parts(text: str, what: str) -> int:
    """Return how many parts of a key make a prefix, as an option says. Raises ArgumentError."""
    if not text.isascii() or not text.isdigit() or not int(text):
        raise ArgumentError(f"depth must be a number of {what} parts, at least 1, not {text!r}")
    return int(text)


def prefix_of(key: bytes, parts: int) -> bytes:
    """Return the first parts of a key, with the / after them: no key that has just these parts; or all of the key."""
    rest = key.split(b"/", parts)[parts:]
    return key[: len(key) - len(rest[0])] if rest else key


def named(names: Sequence[str], number: object) -> Plain:
    """Return the name of a number in a list of names; what has none there as it is."""
    return names[number] if isinstance(number, int) and 0 <= number < len(names) else number


def names_at(store: Store, *path: bytes) -> list[str]:
    """Return the keys of the pairs of the bucket at ``path`` as text."""
    return [as_text(key) for key, _ in pairs(store, *path)]


def text_map(store: Store, *path: bytes) -> dict[str, str]:
    """Return the pairs of the bucket at ``path`` as text."""
    return {as_text(key): as_text(value) for key, value in pairs(store, *path)}
