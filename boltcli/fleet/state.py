"""The state of a file, to recognise unchanged files in a later run: size, time, transaction."""

from __future__ import annotations

import os

from ..errors import BoltError
from ..storage.source import is_elsewhere

State = tuple[int | None, int | None, int | None]
UNKNOWN: State = (None, None, None)


def file_state(path: str) -> State:
    """Return size (bytes), mtime (ns since 1970) and txid of the file at ``path``; None if unknown.

    The txid of packed and remote files isn't known; of a path without a file nothing is.
    """
    if is_elsewhere(path):
        if path == "-":
            return UNKNOWN
        from ..storage.remote import object_state
        from ..storage.secrets import has_secrets

        if has_secrets(path):  # another address may be shown in the same way
            return UNKNOWN
        try:
            return (*object_state(path.partition("!")[0]), None)
        except BoltError:
            return UNKNOWN
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return UNKNOWN
    if not os.path.isfile(path):
        return UNKNOWN
    return status.st_size, status.st_mtime_ns, _txid(path, status.st_size)


def _txid(path: str, size: int) -> int | None:
    from ..format.meta import Meta, choose
    from ..storage.files import read_at
    from ..storage.snapshot import find_page_size
    from ..storage.source import begins_with_meta, open_for_reading

    try:
        fd = open_for_reading(path)
    except BoltError:
        return None
    try:
        if not begins_with_meta(fd):
            return None
        page_size = find_page_size(fd, size)
        return choose(Meta.at(read_at(fd, 0, 4096), 0), Meta.at(read_at(fd, page_size, 4096), 1)).txid
    except BoltError:
        return None
    finally:
        os.close(fd)
