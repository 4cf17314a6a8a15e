"""Optional libraries: each belongs to an extra, and is imported only when it is used."""

from typing import Any

from .errors import MissingExtra


def need(module: str, extra: str, purpose: str = "this") -> Any:
    """Import ``module``, which ``boltcli[extra]`` installs, and return it; ``purpose`` needs it.

    Raises :class:`~boltcli.errors.MissingExtra` if it is not installed.
    """
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise
        raise MissingExtra(module, extra, purpose) from None
