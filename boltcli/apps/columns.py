"""Small helps of views: columns in a line, names as text, buckets and pairs in a bucket."""

from __future__ import annotations

from .contract import Column
from .store import find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .store import Store


def columns(text: str) -> list[Column]:
    """Return columns of ``name`` or ``name:type``, with spaces between them."""
    return [Column(name, type or "text") for name, _, type in (part.partition(":") for part in text.split())]


def as_text(data: bytes) -> str:
    """Return bytes as text; what isn't UTF-8 is escaped."""
    return data.decode("utf-8", "backslashreplace")


def text_or_bytes(data: bytes) -> str | bytes:
    """Return bytes as text if they are UTF-8, else as they are."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def value_of(store: Store, key: bytes) -> bytes | None:
    """Return the value of ``key``; None for a bucket, or if there is none."""
    value = store.get(key)
    return value if isinstance(value, bytes) else None


def text_of(store: Store, key: bytes) -> str | None:
    """Return the value of ``key`` as text; None if there is none."""
    value = value_of(store, key)
    return None if value is None else as_text(value)


def buckets(store: Store | None) -> Iterator[tuple[bytes, Store]]:
    """Yield the buckets in ``store``."""
    for key, value in store.range() if store is not None else ():
        if not isinstance(value, bytes):
            yield key, value


def buckets_at(store: Store, *path: bytes) -> Iterator[tuple[bytes, Store]]:
    """Yield the buckets in the bucket at ``path``."""
    return buckets(find(store, *path))


def pairs(store: Store | None) -> Iterator[tuple[bytes, bytes]]:
    """Yield the pairs in ``store``."""
    for key, value in store.range() if store is not None else ():
        if isinstance(value, bytes):
            yield key, value


def pairs_at(store: Store, *path: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the pairs in the bucket at ``path``."""
    return pairs(find(store, *path))


def text_map(store: Store, *path: bytes) -> dict[str, str]:
    """Return the pairs of the bucket at ``path`` as text."""
    return {as_text(key): as_text(value) for key, value in pairs_at(store, *path)}
