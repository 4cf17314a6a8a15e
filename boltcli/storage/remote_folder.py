"""Find the databases below an address or matching a pattern: ``s3://bucket/prefix/``, ``s3://bucket/*.db``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .passed_over import why_passed_over
from .remote import heads, located, refused
from .secrets import original_url, redact_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_HEAD = 20 << 10  # bytes read of an object: both meta pages, for page sizes up to 16 KiB
_AT_ONCE = 64  # objects
_WILD = "*["  # not "?", which begins a query


def is_pattern(address: str) -> bool:
    """Return whether the path in ``address`` has a wildcard."""
    path = original_url(address).partition("://")[2].partition("/")[2]
    return any(char in path.partition("?")[0].partition("!")[0] for char in _WILD)


def matching(address: str) -> Iterator[str]:
    """Yield the addresses of the objects that match a pattern, without secrets. Raises OpenError."""
    address = original_url(address)
    path = address.index("/", address.index("://") + 3)
    at = min(at for char in _WILD if (at := address.find(char, path)) >= 0)
    base = address[: address.rindex("/", 0, at)]
    files, key = located(base, redact_url(address))
    try:
        names = sorted(files.glob(f"{key.rstrip('/')}/{address[len(base) + 1 :]}"))
    except Exception as error:
        raise refused("list", redact_url(address), error) from None
    yield from _addresses(base, key, names)


def databases_below(address: str, passed: Callable[[str], None]) -> Iterator[str]:
    """Yield the addresses of the databases below ``address``, without secrets; if it is an object, only its own.

    These are also damaged ones; ``passed`` is called with the reason for each other object. The beginnings of many
    objects are read concurrently. Raises OpenError.
    """
    address = original_url(address).rstrip("/")
    files, key = located(address, redact_url(address))
    try:
        sizes = {name: facts.get("size") for name, facts in files.find(key, detail=True).items()}
    except Exception as error:
        raise refused("list", redact_url(address), error) from None
    names = sorted(sizes)
    if not names or names == [key]:
        yield redact_url(address)
        return
    for start in range(0, len(names), _AT_ONCE):
        part = names[start : start + _AT_ONCE]
        found = []
        for name, head in zip(part, heads(files, part, _HEAD)):
            if isinstance(head, Exception) and sizes[name] != 0:
                reason = ""  # reported when it is opened
            else:  # servers refuse to read a range of nothing
                content = b"" if isinstance(head, Exception) else bytes(head)
                reason = why_passed_over(name, content, remote=True)
            if reason:
                passed(reason)
            else:
                found.append(name)
        yield from _addresses(address, key, found)


def _addresses(base: str, key: str, names: list[str]) -> Iterator[str]:
    """Yield the addresses of the objects ``names``, which begin with ``key``, the name of ``base``."""
    for name in names:
        yield redact_url(base + "/" + name[len(key) :].lstrip("/"))
