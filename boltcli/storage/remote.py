"""Read remote objects (s3://, gs://, az://, sftp://, https://) in blocks with fsspec, into a sparse file.

Each block is requested once, adjacent ones together, other ranges concurrently if the protocol supports that. A walk
over a tree reads the children of a branch page ahead, more at a time the longer it goes on. fsspec's own caches of
blocks read ahead what comes next in the file, which is not what comes next in the tree. Credentials are never shown.
"""

import mmap
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from ..errors import BoltError, Changed, Corrupted, OpenError, SourceNotFound
from ..extras import need
from ..format.constants import BRANCH_PAGE, PAGE_HEADER_SIZE, PAGE_SIZE_SEARCH
from ..format.meta import Meta
from ..format.page import HEADER, Page
from . import opened
from .files import Trying, read_at, temporary_file, write_all
from .http_object import HttpObject, Store, first_bytes, is_http, settings
from .secrets import original_url, redact_text, redact_url

T = TypeVar("T")

BLOCK = 16 << 10  # bytes of the smallest request
HEAD = 64 << 10  # bytes read at the beginning, which hold both meta pages
SMALL = 512 << 10  # objects up to this size are read at once
_GAP = 64 << 10  # bytes; ranges that are closer than this are merged
_RANGE = 8 << 20  # bytes of a range when the whole object is read
_AT_ONCE = 8  # concurrent ranges of this size
_META_ROOM = 4096  # bytes read for a meta page
_FIRST_WINDOW = 8  # children of a branch page to read ahead in a walk; the number then doubles
_LAST_WINDOW = 512
_OVERFLOW = 64 << 20  # bytes; a larger page run is probably damage, and is not read ahead

# The names that back ends give to what identifies an object's state.
_TIMES = ("LastModified", "last_modified", "Last-Modified", "mtime", "updated")
_TAGS = ("ETag", "etag", *_TIMES, "md5Hash", "generation")


class _Object:
    """An object in a file system of fsspec, other than HTTP's."""

    def __init__(self, files: Any, key: str) -> None:
        self._files = files
        self._key = key

    def info(self) -> dict[str, Any]:
        self._files.invalidate_cache()
        info: dict[str, Any] = self._files.info(self._key)
        return info

    def parts(self, spans: Sequence[tuple[int, int]], _store: Store, _size: int) -> list[bytes]:
        starts, stops = map(list, zip(*spans))
        return list(self._files.cat_ranges([self._key] * len(spans), starts, stops, on_error="raise"))

    def whole(self, store: Store) -> int:
        data = self._files.cat_file(self._key)
        store(0, data)
        return len(data)


def _object(files: Any, key: str, path: str) -> _Object | HttpObject:
    return HttpObject(files, key, path) if is_http(key) else _Object(files, key)


def _ask(operation: str, path: str, call: Callable[..., T], *arguments: Any, **named: Any) -> T:
    """Call a back end for ``operation`` on ``path``; what it raises becomes an error of boltcli."""
    try:
        return call(*arguments, **named)
    except BoltError:
        raise
    except Exception as error:
        if operation == "read" and isinstance(error, FileNotFoundError):
            raise Changed("the object was removed while it was read", path=path) from None
        raise remote_error(operation, path, error) from None


class Remote:
    """A remote object: the file ``fd`` has what was read of it, in ``requests`` round trips: ``read`` bytes."""

    def __init__(self, files: Any, key: str, path: str) -> None:
        self.path = path
        self.requests = 0
        self.read = 0
        self._object = _object(files, key, path)
        info = self._ask("open", self._object.info)
        size = info.get("size")
        if info.get("type") == "directory":
            raise OpenError("open", path, "it is a folder")
        self._tag = _tag(info)
        self.fd = temporary_file(path)
        try:
            self.size: int = self._ask("read", self._object.whole, self._put) if size is None else int(size)
            with Trying("open", path):
                os.truncate(self.fd, self.size)
            self._there = bytearray((size is None,)) * -(-self.size // BLOCK)
        except BaseException:
            os.close(self.fd)
            raise

    def _ask(self, operation: str, call: Callable[..., T], *arguments: Any) -> T:
        self.requests += 1
        return _ask(operation, self.path, call, *arguments)

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
        self._fetch([(start, min(stop, self.size)) for start, stop in runs])

    def fetch_all(self) -> None:
        ranges = [(first, min(first + _RANGE, self.size)) for first in range(0, self.size, _RANGE)]
        for number in range(0, len(ranges), _AT_ONCE):
            part = ranges[number : number + _AT_ONCE]
            self._fetch([span for span in part if 0 in self._there[span[0] // BLOCK : -(-span[1] // BLOCK)]])
        if 0 in self._there:
            raise Changed("parts of it are missing", path=self.path)

    def _fetch(self, spans: Sequence[tuple[int, int]]) -> None:
        if not spans:
            return
        for (start, stop), data in zip(spans, self._ask("read", self._object.parts, spans, self._take, self.size)):
            if len(data) == self.size and stop - start < self.size:
                start = 0  # a back end without ranges returns the whole object
            elif len(data) != stop - start:
                raise Changed(f"{len(data)} bytes arrived of {stop - start} requested", path=self.path)
            self._put(start, data)
            for block in range(-(-start // BLOCK), -(-(start + len(data)) // BLOCK)):
                self._there[block] = 1

    def _put(self, start: int, data: bytes) -> None:
        self.read += len(data)
        with Trying("copy", self.path):
            write_all(self.fd, data, start)

    def _take(self, start: int, data: bytes) -> None:
        """Store a piece of the whole object, which a server sends instead of ranges."""
        self._put(start, data)
        if start + len(data) == self.size:
            self._there[:] = b"\1" * len(self._there)

    def verify(self) -> None:
        """Raise Changed unless the object is the one that was opened."""
        if _tag(self._ask("open", self._object.info)) != self._tag:
            raise Changed("the object was replaced while it was read", path=self.path)


@dataclass(eq=False)
class _Family:
    """The children of a branch page, which of them were requested, and whether in order (``walked``)."""

    children: list[int]
    walked: bool
    there: bytearray
    last: int = -2


class RemotePages:
    """The pages of a remote object, which are put at their places in a sparse file, and that is mapped."""

    def __init__(self, remote: Remote, fd: int, size: int, page_size: int) -> None:
        self._remote = remote
        self._fd = fd
        self._size = size
        self._page_size = page_size
        self._families: dict[int, tuple[_Family, int]] = {}
        self._mapping: mmap.mmap | None = None
        self._window = _FIRST_WINDOW

    def whole(self) -> mmap.mmap:
        self._remote.fetch_all()
        return self._mapped()

    def alone(self, _pgid: int) -> None:
        """Return None: no page is read apart from the others."""

    def holding(self, pgid: int) -> mmap.mmap:
        """Read the page run ``pgid``, if it isn't there yet; return the bytes of the object that has it."""
        buffer = self._mapped()
        page_size = self._page_size
        start = pgid * page_size
        if start < self._size:
            self._remote.fetch([(page * page_size, (page + 1) * page_size) for page in self._wanted(pgid)])
            head = buffer[start : start + PAGE_HEADER_SIZE].ljust(PAGE_HEADER_SIZE, b"\0")
            header: tuple[int, int, int, int] = HEADER.unpack(head)
            bears, flags, _, overflow = header
            if overflow and bears == pgid and overflow * page_size <= _OVERFLOW:
                self._remote.fetch([(start, start + (overflow + 1) * page_size)])
            if flags == BRANCH_PAGE and bears == pgid:
                end = min(start + (overflow + 1) * page_size, self._size)
                try:
                    self._remember(pgid, Page(header, buffer, start, end, start).children())
                except Corrupted:
                    pass  # the reader says so
        return buffer

    def check_unchanged(self) -> None:
        self._remote.verify()

    def close(self) -> None:
        mapping, self._mapping = self._mapping, None
        if mapping is not None:
            mapping.close()

    def _mapped(self) -> mmap.mmap:
        if self._mapping is None:
            try:
                self._mapping = mmap.mmap(self._fd, self._size, access=mmap.ACCESS_READ)
            except (OSError, ValueError) as error:
                raise OpenError("mmap", self._remote.path, str(error)) from error
        return self._mapping

    def _remember(self, pgid: int, children: list[int]) -> None:
        if children[0] in self._families:
            return
        above = self._families.get(pgid)
        family = _Family(children, above is not None and above[0].walked, bytearray(len(children)))
        for index, child in enumerate(children):
            self._families[child] = family, index

    def _wanted(self, pgid: int) -> list[int]:
        """Return the pages to request together: this one and, in a walk, the next ones."""
        known = self._families.get(pgid)
        if known is None:
            return [pgid]
        family, index = known
        backwards = index == family.last - 1 or (family.last < 0 and index == len(family.children) - 1 > 0)
        family.walked = family.walked or abs(index - family.last) == 1
        family.last = index
        if family.there[index] or not family.walked:
            family.there[index] = 1
            return [pgid]
        self._window = min(self._window * 2, _LAST_WINDOW)
        first = max(index + 1 - self._window, 0) if backwards else index
        found = family.children[first : index + 1 if backwards else index + self._window]
        family.there[first : first + len(found)] = b"\1" * len(found)
        last = self._size // self._page_size
        return [pgid, *[child for child in found if child <= last]]


def fetch_metas(remote: Remote) -> None:
    """Read what may be a meta page of a remote object."""
    meta = Meta.at(read_at(remote.fd, 0, _META_ROOM).ljust(_META_ROOM, b"\0"), 0)
    where: Sequence[int] = (meta.page_size,) if meta.problem() is None else PAGE_SIZE_SEARCH
    remote.fetch([(at, at + _META_ROOM) for at in where])


def remote_error(operation: str, path: str, error: Exception) -> BoltError:
    """Return the error for a back end's exception, with the first line of its message, without secrets."""
    if isinstance(error, FileNotFoundError):
        cause = error.__cause__
        if not isinstance(cause, Exception) or getattr(cause, "status", 0) in (404, 410):
            return SourceNotFound(path)
        error = cause  # fsspec's HTTP back end reports every failure as "not found"; the cause is more exact
    if isinstance(error, TimeoutError) and is_http(original_url(path)):
        words = f"nothing arrived for {opened.read_timeout:g} s (--read-timeout sets the limit)"
        return OpenError(operation, path, words)
    words = str(error) or type(error).__name__
    if words.startswith("[Errno"):
        words = words.partition("] ")[2]
    return OpenError(operation, path, redact_text(words.splitlines()[0], original_url(path)).partition("?")[0][:200])


def open_remote(address: str, path: str) -> Remote:
    """Open ``address``; ``path`` names it in errors. The caller closes ``fd``. Raises SourceNotFound, as located."""
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
    """Return the object's size in bytes and its time in ns since 1970, if known. Raises as :func:`open_remote`."""
    path = redact_url(address)
    info = _ask("open", path, _object(*located(address, path), path).info)
    size = info.get("size")
    when = next((_nanoseconds(info[name]) for name in _TIMES if info.get(name) is not None), None)
    return (None, None) if size is None or when is None else (int(size), when)


def _nanoseconds(when: Any) -> int | None:
    if isinstance(when, (int, float)):
        return int(when * 1_000_000_000)
    try:
        if isinstance(when, str):
            when = datetime.fromisoformat(when) if when[:4].isdigit() else parsedate_to_datetime(when)
        return int(when.timestamp() * 1_000_000) * 1000
    except (AttributeError, OverflowError, OSError, ValueError):
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
    found: tuple[Any, str] = _ask("open", path, core.url_to_fs, address, **settings() if is_http(address) else {})
    return found


def _tag(info: dict[str, Any]) -> tuple[Any, ...]:
    return (info.get("size"), *[str(info[name]) for name in _TAGS if info.get(name) is not None])
