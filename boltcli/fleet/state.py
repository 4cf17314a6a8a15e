"""The state of a file, to recognise unchanged files in a later run: size, time, transaction."""

import os
from contextlib import suppress

from ..errors import BoltError
from ..format.meta import Meta, choose
from ..storage.files import read_at
from ..storage.secrets import has_secrets
from ..storage.snapshot import find_page_size
from ..storage.source import Source, begins_with_meta, is_elsewhere, open_for_reading

State = tuple[int | None, int | None, int | None]
UNKNOWN: State = (None, None, None)


def file_state(path: str, *, previous: bool = False) -> State:
    """Return size (bytes), mtime (ns since 1970) and txid of the file at ``path``; None if unknown.

    With ``previous`` the txid is that of the state before the last transaction. That of packed and remote files isn't
    known; of a path without a file nothing is.
    """
    with suppress(BoltError, OSError, ValueError):
        if not is_elsewhere(path) and os.path.isfile(path):
            status = os.stat(path)
            return status.st_size, status.st_mtime_ns, _txid(path, status.st_size, previous)
        if "://" in path and not has_secrets(path):  # another address may be shown in the same way
            from ..storage.remote import object_state

            return (*object_state(path.partition("!")[0]), None)
    return UNKNOWN


def _txid(path: str, size: int, previous: bool) -> int | None:
    with suppress(BoltError), Source(open_for_reading(path), path) as source:
        if begins_with_meta(source.fd):
            second = find_page_size(source.fd, size)
            metas = Meta.at(read_at(source.fd, 0, 4096), 0), Meta.at(read_at(source.fd, second, 4096), 1)
            newest = choose(*metas)
            meta = metas[1 - newest.page] if previous else newest
            return meta.txid if meta.problem() is None else None
    return None
