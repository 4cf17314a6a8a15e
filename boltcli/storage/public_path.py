"""Addresses as they may be shown: passwords and signatures in them are left out."""

from __future__ import annotations

_HIDDEN = "***"
_SHORTEST = 3  # letters of a secret that is looked for in what others say

_REAL: dict[str, str] = {}  # addresses by how they are shown, of those that have secrets


def public(path: str) -> str:
    """Return ``path``; of an address without its password, and of its query the names only. :func:`real` knows better.

    >>> public("sftp://me:secret@host/db?X-Amz-Signature=0123&part!member/snap/db")
    'sftp://me:***@host/db?X-Amz-Signature=***&part!member/snap/db'
    """
    if path in _REAL:
        return path
    hidden, number = _HIDDEN, 1
    while True:
        shown, secrets = _split(path, hidden)
        if not any(secrets):
            return path
        if _REAL.setdefault(shown, path) == path:
            return shown
        number += 1  # another address that is shown like this one
        hidden = f"{_HIDDEN}{number}"


def real(path: str) -> str:
    """Return the address that is shown as ``path``."""
    return _REAL.get(path, path)


def has_secrets(path: str) -> bool:
    """Whether something of the address ``path`` is not shown."""
    return public(path) in _REAL


def scrubbed(words: str, address: str) -> str:
    """Return ``words``, which a library said of an address, without the secrets in that."""
    for secret in sorted(_split(address, _HIDDEN)[1], key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            words = words.replace(secret, _HIDDEN)
    return words


def _split(path: str, hidden: str) -> tuple[str, list[str]]:
    """Return ``path`` with ``hidden`` in place of its secrets, and these."""
    scheme, mark, rest = path.partition("://")
    if not mark:
        return path, []
    secrets = []
    host, slash, way = rest.partition("/")
    if "@" not in host and "@" in way and ":" in host and not host.rpartition(":")[2].isdigit():
        login, _, rest = rest.rpartition("@")  # the password has a slash
        host, slash, way = rest.partition("/")
        host = f"{login}@{host}"
    login, at_sign, host = host.rpartition("@")
    user, colon, password = login.partition(":")
    if colon:
        secrets.append(password)
        user += colon + hidden
    way, question, query = way.partition("?")
    query, bang, members = query.partition("!")
    names = []
    for parameter in query.split("&"):
        name, equals, value = parameter.partition("=")
        names.append(name + equals + hidden * bool(equals))
        secrets.append(value)
    return f"{scheme}{mark}{user}{at_sign}{host}{slash}{way}{question}{'&'.join(names)}{bang}{members}", secrets
