"""Names of buckets and keys as arguments of a command: what is printed so can be typed so.

The other direction is ``cli/key_argument.py``.
"""

from __future__ import annotations

from .golang import is_print

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

NOTATIONS = ("hex:", "u64:", "u32:", "str:")
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_")


def typed(name: bytes) -> str:
    """Return ``name`` as an argument, without shell quotes: literal, or in a notation."""
    try:
        text = name.decode()
    except UnicodeDecodeError:
        text = ""
    if not text or not is_print(text):
        return "hex:" + name.hex()
    return f"str:{text}" if text.startswith((*NOTATIONS, "-")) else text


def shell_quoted(argument: str) -> str:
    """Return ``argument`` quoted for a shell, in one line: for bash and zsh if it can't be printed."""
    if argument and (_SAFE.issuperset(argument) or argument.isalnum()):
        return argument
    if not argument.isprintable():
        return "$'" + "".join(map(_ansi_c, argument)) + "'"
    return "'" + argument.replace("'", "'\\''") + "'"


def _ansi_c(char: str) -> str:
    if char in "\\'":
        return "\\" + char
    if char.isprintable():
        return char
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))


def path_text(names: Iterable[bytes]) -> str:
    """Return the names that lead to a bucket, as words of a shell's line."""
    return " ".join([shell_quoted(typed(name)) for name in names])
