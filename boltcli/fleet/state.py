"""By what a file is known not to have changed since an earlier run: its size, its time, its transaction."""

from __future__ import annotations

import os

from ..errors import BoltError
from ..storage.source import is_elsewhere

TYPE_CHECKING = False
if TYPE_CHECKING:
    State = tuple[int | None, int | None, int | None]


def file_state(path: str) -> State:
    """Return size (bytes), mtime (ns since 1970) and txid of the file at ``path``; None for what isn't known.

    Of a packed file and of an object elsewhere the txid isn't known; of what is neither nothing is.
    """
    if is_elsewhere(path):
        if path == "-":
            return None, None, None
        from ..storage.public_path import has_secrets
        from ..storage.remote import object_state

        if has_secrets(path):  # what is shown of it may be shown of another, too
            return None, None, None
        try:
            return (*object_state(path.partition("!")[0]), None)
        except BoltError:
            return None, None, None
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None, None, None
    if not os.path.isfile(path):
        return None, None, None
    return status.st_size, status.st_mtime_ns, _txid(path, status.st_size)


def _txid(path: str, size: int) -> int | None:
    from ..format.meta import Meta, choose
    from ..storage.snapshot import find_page_size
    from ..storage.source import begins_with_meta, open_for_reading, read_at

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
