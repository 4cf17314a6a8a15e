"""Show addresses without the passwords and signatures in them."""

_HIDDEN = "***"
_SHORTEST = 3  # letters of the shortest secret that is removed from messages

_REAL: dict[str, str] = {}  # real addresses by the way they are shown, for those that contain secrets


def redact_url(path: str) -> str:
    """Return ``path`` without password and query values, if it is an address; :func:`original_url` reverses it.

    >>> redact_url("sftp://me:secret@host/db?X-Amz-Signature=0123&part!member/snap/db")
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
        number += 1  # another address is already shown like this one
        hidden = f"{_HIDDEN}{number}"


def original_url(path: str) -> str:
    """Return the real address that is shown as ``path``."""
    return _REAL.get(path, path)


def has_secrets(path: str) -> bool:
    """Return whether the address ``path`` contains secrets."""
    return redact_url(path) in _REAL


def redact_text(words: str, address: str) -> str:
    """Return a library's message ``words`` without the secrets of ``address``."""
    from urllib.parse import quote, unquote

    found: set[str] = set()
    for secret in _split(address, _HIDDEN)[1]:
        found |= {secret, unquote(secret), quote(secret, safe="", errors="ignore")}
    for secret in sorted(found, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            words = words.replace(secret, _HIDDEN)
        elif secret:
            words = words.replace(f":{secret}@", f":{_HIDDEN}@").replace(f"={secret}", f"={_HIDDEN}")
    return words


def _is_login(host: str, way: str) -> bool:
    """Return whether ``host`` is a user and a part of a password, rather: ``host:9000/key@1`` is an object."""
    name, colon, port = host.partition(":")
    if not colon:
        return False
    return not port.isdigit() or "/" in way.rpartition("@")[2] or not ("." in name or name in ("localhost", "["))


def _split(path: str, hidden: str) -> tuple[str, list[str]]:
    """Return ``path`` with its secrets replaced by ``hidden``, and the secrets."""
    scheme, mark, rest = path.partition("://")
    if not mark:
        return path, []
    secrets = []
    host, slash, way = rest.partition("/")
    if "@" not in host and "@" in way and _is_login(host, way):
        login, _, rest = rest.rpartition("@")  # the password contains a slash
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
