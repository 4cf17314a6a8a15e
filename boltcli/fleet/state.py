"""The state of a file, to recognise unchanged files in a later run: size, time, transaction."""

import os

from ..errors import BoltError
from ..format.meta import Meta, choose
from ..storage.files import read_at
from ..storage.remote import object_state
from ..storage.secrets import has_secrets
from ..storage.snapshot import find_page_size
from ..storage.source import begins_with_meta, is_elsewhere, open_for_reading

State = tuple[int | None, int | None, int | None]
UNKNOWN: State = (None, None, None)


def file_state(path: str) -> State:
    """Return size (bytes), mtime (ns since 1970) and txid of the file at ``path``; None if unknown.

    The txid of packed and remote files isn't known; of a path without a file nothing is.
    """
    try:
        if not is_elsewhere(path):
            status = os.stat(path)
            is_file = os.path.isfile(path)
            return (status.st_size, status.st_mtime_ns, _txid(path, status.st_size)) if is_file else UNKNOWN
        if path != "-" and not has_secrets(path):  # another address may be shown in the same way
            return (*object_state(path.partition("!")[0]), None)
    except (BoltError, OSError, ValueError):
        pass
    return UNKNOWN


def _txid(path: str, size: int) -> int | None:
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
