"""Read remote objects (s3://, gs://, az://, sftp://, https://) in blocks with fsspec, into a sparse file.

Each block is requested once. Adjacent blocks are requested together, other ranges concurrently if the protocol
supports that. fsspec and its back ends find the credentials; they are never shown.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

from ..errors import BoltError, Changed, OpenError, SourceNotFound
from ..extras import need
from .files import temporary_file, write_all
from .http_object import HttpObject, first_bytes, is_http, settings
from .patience import read_timeout
from .secrets import original_url, redact_text, redact_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BLOCK = 16 << 10  # bytes of the smallest request
HEAD = 64 << 10  # bytes read at the beginning, which hold both meta pages
SMALL = 512 << 10  # objects up to this size are read at once
_GAP = 64 << 10  # bytes; ranges that are closer than this are merged
_RANGE = 8 << 20  # bytes of a range when the whole object is read
_AT_ONCE = 8  # concurrent ranges of this size

# The names that back ends give to what identifies an object's state.
_TAGS = ("ETag", "etag", "LastModified", "last_modified", "Last-Modified", "mtime", "updated", "md5Hash", "generation")
_TIMES = ("LastModified", "last_modified", "Last-Modified", "mtime", "updated")


class Remote:
    """A remote object of ``size`` bytes; the file ``fd`` has the blocks that were read, at their offsets.

    ``requests`` counts round trips (concurrent ranges are one), ``read`` the bytes received.
    """

    def __init__(self, files: Any, key: str, path: str) -> None:
        self.path = path
        self.requests = 0
        self.read = 0
        self._files = files
        self._key = key
        self._http = HttpObject(files, key, path) if is_http(key) else None
        info = self._info()
        size = info.get("size")
        if info.get("type") == "directory":
            raise OpenError("open", path, "it is a folder")
        self._tag = _tag(info)
        self.fd = temporary_file(path)
        try:
            self.size: int = self._whole() if size is None else int(size)
            os.truncate(self.fd, self.size)
            self._there = bytearray((1 if size is None else 0,)) * -(-self.size // BLOCK)
        except OSError as error:
            raise OpenError("open", path, error.strerror or str(error)) from error
        except BaseException:
            os.close(self.fd)
            raise

    def fetch(self, spans: Iterable[tuple[int, int]]) -> None:
        """Read the bytes of ``spans`` (first, after the last) that ``fd`` doesn't have. Raises OpenError, Changed."""
        there = self._there
        runs: list[list[int]] = []
        for start, stop in sorted(spans):
            for block in range(max(start, 0) // BLOCK, min(-(-stop // BLOCK), len(there))):
                if there[block]:
                    continue
                if runs and block * BLOCK - runs[-1][1] <= _GAP:
                    runs[-1][1] = max(runs[-1][1], (block + 1) * BLOCK)
                else:
                    runs.append([block * BLOCK, (block + 1) * BLOCK])
        wanted = [(start, min(stop, self.size)) for start, stop in runs]
        if not wanted:
            return
        self._fetch(wanted)

    def _fetch(self, spans: Sequence[tuple[int, int]]) -> None:
        for (start, stop), data in zip(spans, self._ask(spans)):
            if len(data) == self.size and stop - start < self.size:
                start = 0  # a back end without ranges returns the whole object
            elif len(data) != stop - start:
                raise Changed(f"{len(data)} bytes arrived, {stop - start} were requested", path=self.path)
            self._store(start, data)

    def fetch_all(self) -> None:
        """Read the whole object."""
        if 0 not in self._there:
            return
        step = _RANGE * _AT_ONCE
        for start in range(0, self.size, step):
            stop = min(start + step, self.size)
            missing = [
                (first, min(first + _RANGE, stop))
                for first in range(start, stop, _RANGE)
                if 0 in self._there[first // BLOCK : -(-min(first + _RANGE, stop) // BLOCK)]
            ]
            if missing:
                self._fetch(missing)
        if 0 in self._there:
            raise Changed("parts of it are missing", path=self.path)

    def verify(self) -> None:
        """Raise :class:`~boltcli.errors.Changed` unless the object is the one that was opened."""
        if _tag(self._info()) != self._tag:
            raise Changed("the object was replaced while it was read", path=self.path)

    def _info(self) -> dict[str, Any]:
        self.requests += 1
        try:
            if self._http is not None:
                return self._http.info()
            self._files.invalidate_cache()
            info: dict[str, Any] = self._files.info(self._key)
        except BoltError:
            raise
        except Exception as error:
            raise self._refused("open", error) from None
        return info

    def _whole(self) -> int:
        """Store the whole object, whose size isn't known, and return its size."""
        if self._http is None:
            data = self._ask([(0, None)])[0]
            self._put(0, data)
            return len(data)
        self.requests += 1
        try:
            size = self._http.whole(self._put)
        except BoltError:
            raise
        except Exception as error:
            raise self._refused("read", error) from None
        self.read += size
        return size

    def _ask(self, spans: Sequence[tuple[int, int | None]]) -> list[bytes]:
        self.requests += 1
        starts = [start for start, _ in spans]
        stops = [stop for _, stop in spans]
        try:
            if self._http is not None:
                found = self._http.parts(cast("Sequence[tuple[int, int]]", spans), self._take, self.size)
            elif len(spans) == 1:
                found = [self._files.cat_file(self._key, start=starts[0], end=stops[0])]
            else:
                found = self._files.cat_ranges([self._key] * len(spans), starts, stops, on_error="raise")
        except BoltError:
            raise
        except FileNotFoundError:
            raise Changed("the object was removed while it was read", path=self.path) from None
        except Exception as error:
            raise self._refused("read", error) from None
        parts = [bytes(part) for part in found]
        self.read += sum(map(len, parts))
        return parts

    def _take(self, start: int, data: bytes) -> None:
        """Store a piece that comes without being asked for."""
        self.read += len(data)
        self._put(start, data)
        if start + len(data) == self.size:
            self._there[:] = b"\1" * len(self._there)

    def _store(self, start: int, data: bytes) -> None:
        self._put(start, data)
        for block in range(-(-start // BLOCK), -(-(start + len(data)) // BLOCK)):
            self._there[block] = 1

    def _put(self, start: int, data: bytes) -> None:
        try:
            write_all(self.fd, data, start)
        except OSError as error:
            raise OpenError("copy", self.path, error.strerror or str(error)) from error

    def _refused(self, operation: str, error: Exception) -> BoltError:
        return refused(operation, self.path, error)


def refused(operation: str, path: str, error: Exception) -> BoltError:
    """Return the error for a back end's exception, with the first line of its message, without secrets."""
    if isinstance(error, FileNotFoundError):
        cause = error.__cause__
        if not isinstance(cause, Exception) or getattr(cause, "status", 0) in (404, 410):
            return SourceNotFound(path)
        error = cause  # fsspec's HTTP back end reports every failure as "not found"; the cause is more exact
    if isinstance(error, TimeoutError) and is_http(original_url(path)):
        return OpenError(operation, path, f"nothing arrived for {read_timeout():g} s (--read-timeout sets the limit)")
    words = str(error) or type(error).__name__
    if words.startswith("[Errno"):
        words = words.partition("] ")[2]
    return OpenError(operation, path, redact_text(words.splitlines()[0], original_url(path)).partition("?")[0][:200])


def open_remote(address: str, path: str) -> Remote:
    """Open the object at ``address``; ``path`` is its name in errors. The caller closes its ``fd``.

    Raises :class:`~boltcli.errors.MissingExtra` without fsspec or the protocol's
    library, :class:`~boltcli.errors.SourceNotFound`, and
    :class:`~boltcli.errors.OpenError` if the object can't be read.
    """
    files, key = located(address, path)
    remote = Remote(files, key, path)
    remote.fetch([(0, remote.size if remote.size <= SMALL else HEAD)])
    return remote


def load_libraries(addresses: Iterable[str]) -> None:
    """Import the libraries for ``addresses`` once, before processes are forked. Raises nothing."""
    for protocol in {address.partition("://")[0] for address in addresses if "://" in address}:
        try:
            need("fsspec", "remote").get_filesystem_class(protocol)
        except Exception:
            continue  # opening the address reports what is wrong


def object_state(address: str) -> tuple[int | None, int | None]:
    """Return the object's size in bytes and its modification time in ns since 1970; None if unknown.

    Raises as :func:`open_remote` does.
    """
    files, key = located(address, redact_url(address))
    try:
        info = HttpObject(files, key, redact_url(address)).info() if is_http(key) else files.info(key)
    except Exception as error:
        raise refused("open", redact_url(address), error) from None
    size = info.get("size")
    when = next((_nanoseconds(info[name]) for name in _TIMES if info.get(name) is not None), None)
    return (None, None) if size is None or when is None else (int(size), when)


def _nanoseconds(when: Any) -> int | None:
    if isinstance(when, (int, float)):
        return int(when * 1_000_000_000)
    if isinstance(when, str):
        from datetime import datetime
        from email.utils import parsedate_to_datetime

        try:
            when = datetime.fromisoformat(when)
        except ValueError:
            try:
                when = parsedate_to_datetime(when)
            except ValueError:
                return None
    try:
        return int(when.timestamp() * 1_000_000) * 1000
    except (AttributeError, OverflowError, OSError):
        return None


def heads(files: Any, names: Sequence[str], size: int) -> list[bytes | Exception]:
    """Return the first ``size`` bytes of each of the objects ``names``, or why it can't be read."""
    if not names or not is_http(names[0]):
        found = files.cat_ranges(list(names), [0] * len(names), [size] * len(names), on_error="return")
        return [part if isinstance(part, Exception) else bytes(part) for part in found]
    return first_bytes(files, names, size)


def located(address: str, path: str) -> tuple[Any, str]:
    """Return fsspec's file system for ``address``, and the object's name in it. Raises OpenError, MissingExtra."""
    core = need("fsspec.core", "remote", "an address")
    try:
        files, key = core.url_to_fs(address, **settings() if is_http(address) else {})
    except Exception as error:
        raise refused("open", path, error) from None
    return files, key


def _tag(info: dict[str, Any]) -> tuple[Any, ...]:
    return (info.get("size"), *[str(info[name]) for name in _TAGS if info.get(name) is not None])
