"""Read an object from an HTTP server, and keep no more bytes than were asked for.

fsspec keeps whatever a server sends, and waits for it for minutes. Its session is used here, with a user's settings.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from ..errors import Changed, OpenError
from ..format.magic import is_bolt, is_packed
from ..format.meta import Meta
from . import opened
from .packed import HEAD, MAX_UNPACKED

Store = Callable[[int, bytes], None]  # takes bytes and their offset

_CHUNK = 1 << 20
_AT_ONCE = 64  # requests
_LISTING = 64 << 20  # bytes of a page that lists a folder
_STATES = ("ETag", "Last-Modified")  # the headers that tell the states of an object apart
_GROWS = 1 << 30  # bytes that bbolt lets a file grow at once, at most


def is_http(address: str) -> bool:
    """Return whether ``address`` is read by this module."""
    return address.startswith(("http://", "https://"))


def settings() -> dict[str, Any]:
    """Return the arguments for fsspec's file system: its timeouts, and a bound on the pages that list folders."""
    return {"get_client": partial(_session, patience=opened.read_timeout)}


async def _session(patience: float, **settings: Any) -> Any:
    import aiohttp

    class Response(aiohttp.ClientResponse):
        async def read(self) -> bytes:
            if self._body is None:
                self._body = await _upto(self, _LISTING + 1)
                if len(self._body) > _LISTING:
                    raise ValueError(f"a page of more than {_LISTING} bytes")
            return self._body

    wait = patience or None
    settings.setdefault("timeout", aiohttp.ClientTimeout(total=None, sock_connect=wait, sock_read=wait))
    return aiohttp.ClientSession(response_class=Response, **settings)


async def _upto(response: Any, most: int) -> bytes:
    """Return the first ``most`` bytes of the body, or all if there are fewer."""
    parts = []
    while most > 0 and (part := await response.content.read(min(most, _CHUNK))):
        parts.append(part)
        most -= len(part)
    return b"".join(parts)


def _blocking(method: Callable[..., Any]) -> Callable[..., Any]:
    """Let callers that are not asynchronous call ``method``."""

    def call(self: HttpObject, *arguments: Any) -> Any:
        from fsspec.asyn import sync

        return sync(self._files.loop, method, self, *arguments)

    return call


class HttpObject:
    """An object of an HTTP server. What is read after :meth:`info` must have the same entity tag. Raises Changed."""

    def __init__(self, files: Any, url: str, path: str) -> None:
        self._files = files
        self._url = url
        self._path = path
        self._etag: str | None = None

    @asynccontextmanager
    async def _answer(self, method: str = "GET", span: tuple[int, int] | None = None) -> AsyncIterator[Any]:
        session = await self._files.set_session()
        settings = dict(self._files.kwargs)
        headers = dict(settings.pop("headers", None) or {}) | {"Accept-Encoding": "identity"}
        if span is not None:
            headers["Range"] = f"bytes={span[0]}-{span[1] - 1}"
        url = self._files.encode_url(self._url)
        async with session.request(method, url, headers=headers, **{"allow_redirects": True} | settings) as response:
            if response.status in (404, 410):
                raise FileNotFoundError(self._url)
            response.raise_for_status()
            tag = response.headers.get("ETag")
            if None not in (tag, self._etag) and tag != self._etag:
                raise Changed("the object was replaced while it was read", path=self._path)
            yield response

    @_blocking
    async def info(self) -> dict[str, Any]:
        """Return the size (None if the server doesn't say it), and what tells the object's states apart."""
        import aiohttp

        info: dict[str, Any] = {"size": None, "type": "file"}
        for method in ("HEAD", "GET"):  # some servers, and signed addresses, know only GET
            try:
                async with self._answer(method) as response:
                    info |= {name: response.headers[name] for name in _STATES if response.headers.get(name)}
                    plain = response.headers.get("Content-Encoding", "identity") in ("identity", "")
                    length = response.headers.get("Content-Length", "")
                    if plain and length.isdecimal():
                        info["size"] = int(length)
                        break
            except (aiohttp.ClientResponseError, FileNotFoundError):
                if method == "GET":
                    raise
        self._etag = info.get("ETag")
        return info

    @_blocking
    async def parts(self, spans: Sequence[tuple[int, int]], store: Store, size: int) -> list[bytes]:
        """Return the bytes of ``spans`` (first, after the last); none if the server sent all of it, to ``store``."""
        found = await _together([partial(self._part, span, store, size) for span in spans])
        return [] if None in found else found

    async def _part(self, span: tuple[int, int], store: Store, size: int) -> bytes | None:
        start, stop = span
        async with self._answer(span=span) as response:
            if response.status == 206:
                self._compare_range(response.headers.get("Content-Range", ""), start, size)
                data = await _upto(response, stop - start + 1)
                if len(data) != stop - start:
                    raise self._wrong_length(len(data), stop - start)
                return data
            # The server has no ranges: it sends the object from its beginning.
            if response.content_length not in (None, size):
                raise self._wrong_length(response.content_length, size)
            got = await self._stream(response, store, size)
            if got != size:
                raise self._wrong_length(got, size)
        return None

    @_blocking
    async def whole(self, store: Store) -> int:
        """Pass the object, whose size isn't known, to ``store`` piece by piece, and return its size."""
        async with self._answer() as response:
            return await self._stream(response, store, MAX_UNPACKED)

    async def _stream(self, response: Any, store: Store, size: int) -> int:
        """Store the body, of at most ``size`` bytes; return its length."""
        head = await _upto(response, min(HEAD, size))
        store(0, head)
        at, most = len(head), size
        if response.content_length != size or size > _GROWS:  # what a server says of itself isn't enough
            most = min(size, at if at < HEAD else _largest(head))
        while part := await response.content.read(min(_CHUNK, most - at + 1)):
            if at + len(part) > most:
                what = f"the server keeps sending after {most} bytes, more than were requested or the database has"
                raise OpenError("read", self._path, what)
            store(at, part)
            at += len(part)
        return at

    def _compare_range(self, said: str, start: int, size: int) -> None:
        """Raise Changed if the header Content-Range is of another part, or of an object of another size."""
        span, _, total = said.removeprefix("bytes").strip().partition("/")
        first = span.partition("-")[0]
        if total.isdecimal() and int(total) != size:
            raise Changed(f"the object now has {total} bytes; it had {size}", path=self._path)
        if first.isdecimal() and int(first) != start:
            what = f"the server sent bytes from offset {first}, not from {start} as requested"
            raise Changed(what, path=self._path)

    def _wrong_length(self, found: int, wanted: int) -> Changed:
        there = f"{found} bytes" if found <= wanted else f"more than {wanted} bytes"
        return Changed(f"{there} arrived of {wanted} requested", path=self._path)

    async def head(self, size: int) -> bytes:
        async with self._answer(span=(0, size)) as response:
            return await _upto(response, size)


def first_bytes(files: Any, urls: Sequence[str], size: int) -> list[bytes | Exception]:
    """Return the first ``size`` bytes of each object, or why it can't be read."""
    from fsspec.asyn import sync

    calls = [partial(HttpObject(files, url, url).head, size) for url in urls]
    found: list[bytes | Exception] = sync(files.loop, _together, calls, keep_errors=True)
    return found


async def _together(calls: Sequence[Callable[[], Any]], *, keep_errors: bool = False) -> list[Any]:
    """Await ``calls``, some at once; return their results, and with ``keep_errors`` what they raise."""
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(call: Callable[[], Any]) -> Any:
        async with turn:
            return await call()

    tasks = [asyncio.ensure_future(one(call)) for call in calls]
    try:
        return await asyncio.gather(*tasks, return_exceptions=keep_errors)
    finally:
        for task in tasks:
            task.cancel()


def _largest(head: bytes) -> int:
    """Return how large a file that begins with ``head`` can be, in bytes, if its server says nothing of it."""
    if is_packed(head):
        return MAX_UNPACKED
    places = [0, *(1024 << shift for shift in range(6))]
    metas = [Meta.at(head, place) for place in places if place + 4096 <= len(head)]
    known = [meta.hwm * meta.page_size for meta in metas if meta.problem() is None]
    if known:
        return min(2 * max(known) + _GROWS, MAX_UNPACKED)
    return MAX_UNPACKED if is_bolt(head) else len(head)
