"""A plug-in as boltcli calls it: what it prints is kept from the output, and what it raises is named in a warning.

A plug-in that prints, raises or exits (``SystemExit``) must not change the output or the status of a command that
merely finds it installed. A view or an audit of its own that fails is an error, though, as there is no answer.
``os._exit``, a crash and an endless loop in a plug-in can't be caught.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from typing import Any

from ..errors import BoltError, report_fault
from .contract import Application, Audit, AuditFinding, AuditOptions, Codec, Path, Plain, Recognition, Store, View

FAULTS = (Exception, SystemExit)


@contextmanager
def silence(name: str, *, deep: bool = False) -> Iterator[None]:
    """Drop what the plug-in ``name`` prints inside, and report it.

    With ``deep`` what its C code and its child processes write is dropped, too.
    """
    stdout, sink, kept = sys.stdout, _Sink(), -1
    sys.stdout = sink
    try:
        if deep:
            try:
                kept = os.dup(1)
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, 1)
                os.close(nowhere)
            except OSError:
                pass  # there is no standard output
        yield
    finally:
        sys.stdout = stdout
        if kept >= 0:
            os.dup2(kept, 1)
            os.close(kept)
        if sink.used:
            report_fault(f"the plug-in {name!r} prints to standard output; that is left out")


@contextmanager
def failing(name: str, what: str) -> Iterator[None]:
    """Raise a BoltError that names the plug-in ``name`` for what it raises inside."""
    try:
        yield
    except BoltError:
        raise
    except FAULTS as error:
        raise BoltError(f"the {what} of the plug-in {name!r} failed: {_words(error)}") from error


class _Sink(io.TextIOBase):
    """A text stream that drops everything. It lives on if the plug-in keeps it."""

    def __init__(self) -> None:
        self.used = False
        self.buffer = io.BytesIO()

    def write(self, text: str) -> int:
        self.used = True
        return len(text)

    def writable(self) -> bool:
        return True


def loaded(point: EntryPoint) -> Application | None:
    """Return the application of an entry point, or None, after a warning, if it can't be loaded."""
    try:
        with silence(point.name, deep=True):
            found = point.load()
            found = found() if isinstance(found, type) else found
            return PlugIn(point.name, found)
    except FAULTS as error:
        report_fault(f"the plug-in {point.name!r} can't be loaded: {_words(error)}")
        return None


class PlugIn(Application):
    """An application from an installed package; ``point`` is the name of its entry point."""

    def __init__(self, point: str, inner: Application) -> None:
        self._point = point
        self._inner = inner
        self.name = str(inner.name)
        self.title = str(getattr(inner, "title", ""))
        self.hints = tuple(getattr(inner, "hints", ()))
        self.places = tuple(getattr(inner, "places", ()))
        self.buckets = tuple(getattr(inner, "buckets", ()))

    @property
    def views(self) -> Sequence[View]:  # type: ignore[override]
        return [self._view(view) for view in self._asked("views", lambda: list(getattr(self._inner, "views", ())), [])]

    @property
    def codecs(self) -> Mapping[Any, Codec]:  # type: ignore[override]
        found: Mapping[Any, Codec] = self._asked("codecs", lambda: getattr(self._inner, "codecs", {}), {})
        return found

    def recognise(self, db: Store) -> Recognition | None:
        try:
            with silence(self._point, deep=True):
                found = self._inner.recognise(db)
                return found and Recognition(found.name, found.layout, found.certainty)
        except BoltError:
            return None  # the file is damaged
        except FAULTS as error:
            report_fault(f"the plug-in {self._point!r} fails to recognise files: {_words(error)}")
            return None

    def audit(self, db: Store, options: AuditOptions) -> Audit | None:
        with failing(self._point, "audit"), silence(self._point, deep=True):
            return self._inner.audit(db, options)

    def join(self, audits: Sequence[tuple[str, Audit]]) -> Iterable[tuple[str, AuditFinding]]:
        with failing(self._point, "audit"), silence(self._point):
            return list(self._inner.join(audits))

    def common(self, old: Store, new: Store) -> tuple[dict[str, str], dict[str, Plain]]:
        with failing(self._point, "comparison"), silence(self._point):
            return self._inner.common(old, new)

    def view(self, name: str) -> View | None:
        found = self._asked("views", lambda: self._inner.view(name), None)
        return None if found is None else self._view(found)

    def codec(self, path: Path) -> Codec | None:
        found = self._asked("codecs", lambda: self._inner.codec(path), None)
        if found is None:
            return None
        key, value = found.key, found.value
        return Codec(
            None if key is None else lambda data: self._decoded(data, lambda: key(data)),
            None if value is None else lambda name, data: self._decoded(data, lambda: value(name, data)),
        )

    def _decoded(self, data: bytes, decode: Callable[[], Any]) -> Any:
        return self._asked("codecs", decode, data)

    def _asked(self, what: str, answer: Callable[[], Any], default: Any) -> Any:
        try:
            with silence(self._point):
                return answer()
        except FAULTS as error:
            report_fault(f"the {what} of the plug-in {self._point!r} fail: {_words(error)}")
            return default

    def _view(self, view: View) -> View:
        def rows(db: Store, **options: str) -> Iterator[tuple[Any, ...]]:
            with failing(self._point, f"view {view.name}"), silence(self._point):
                source = iter(view.rows(db, **options))
            while True:
                with failing(self._point, f"view {view.name}"), silence(self._point):
                    row = next(source, None)
                if row is None:
                    return
                yield row

        def count(db: Store) -> int:
            with failing(self._point, f"view {view.name}"), silence(self._point):
                return view.count(db)

        return View(view.name, view.columns, rows, view.title, view.options, count=count)


def _words(error: BaseException) -> str:
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[0]}" if said else type(error).__name__
