"""Find the databases below an address or matching a pattern: ``s3://bucket/prefix/``, ``s3://bucket/*.db``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..format.magic import is_bolt, kind_of
from .packed import is_packed, peek
from .public_path import public, real
from .remote import heads, located, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = 20 << 10  # bytes read of an object: both meta pages, for page sizes up to 16 KiB
_AT_ONCE = 64  # objects
_WILD = "*["  # not "?", which begins a query


def is_pattern(address: str) -> bool:
    """Return whether the path in ``address`` has a wildcard."""
    path = real(address).partition("://")[2].partition("/")[2]
    return any(char in path.partition("?")[0].partition("!")[0] for char in _WILD)


def matching(address: str) -> Iterator[str]:
    """Yield the addresses of the objects that match a pattern, without secrets. Raises OpenError."""
    address = real(address)
    path = address.index("/", address.index("://") + 3)
    at = min(at for char in _WILD if (at := address.find(char, path)) >= 0)
    base = address[: address.rindex("/", 0, at)]
    files, key = located(base, public(address))
    try:
        names = sorted(files.glob(f"{key.rstrip('/')}/{address[len(base) + 1 :]}"))
    except Exception as error:
        raise refused("list", public(address), error) from None
    yield from _addresses(base, key, names)


def databases_below(address: str) -> Iterator[str]:
    """Yield the addresses of the databases below ``address``, without secrets; if it is an object, only its own.

    The beginnings of many objects are read concurrently. Raises OpenError.
    """
    address = real(address).rstrip("/")
    files, key = located(address, public(address))
    try:
        names = sorted(files.find(key))
    except Exception as error:
        raise refused("list", public(address), error) from None
    if not names or names == [key]:
        yield public(address)
        return
    for start in range(0, len(names), _AT_ONCE):
        part = names[start : start + _AT_ONCE]
        found = heads(files, part, _HEAD)
        yield from _addresses(address, key, [name for name, head in zip(part, found) if _may_be_database(head)])


def _addresses(base: str, key: str, names: list[str]) -> Iterator[str]:
    """Yield the addresses of the objects ``names``, which begin with ``key``, the name of ``base``."""
    for name in names:
        yield public(base + "/" + name[len(key) :].lstrip("/"))


def _may_be_database(head: Any) -> bool:
    """Return whether an object may be a database, packed or not; also True if it can't be read (reported later)."""
    if isinstance(head, Exception):
        return True
    if not is_packed(head):
        return is_bolt(head)
    kind = kind_of(head) or ""
    return kind == "a zip archive" or peek("", head, kind)  # the table of a zip is at its end
