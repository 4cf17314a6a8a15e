"""A plug-in as boltcli calls it: what it prints is kept from the output, and what it raises is named in a warning.

A plug-in that prints, raises or exits (``SystemExit``) must not change the output or the status of a command that
merely finds it installed. A view or an audit of its own that fails is an error, though, as there is no answer.
``os._exit``, a crash and an endless loop in a plug-in can't be caught.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import BoltError, report_fault
from .contract import Application, Audit, AuditFinding, AuditOptions, Codec, Path, Plain, Recognition, Store, View

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")
_FAULTS = (Exception, SystemExit)


@contextmanager
def _silence(name: str, deep: bool) -> Iterator[None]:
    """Drop and report what the plug-in ``name`` prints inside; ``deep``: also what C code and child processes write."""
    sink, kept = _Sink(), -1
    try:
        with redirect_stdout(sink):
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
        if kept >= 0:
            os.dup2(kept, 1)
            os.close(kept)
        if sink.used:
            report_fault(f"the plug-in {name!r} printed to standard output; its output was dropped")


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
    """Return the application of an entry point; None, after a warning, if it can't be loaded."""
    try:
        with _silence(point.name, deep=True):
            found = point.load()
            return PlugIn(point.name, found() if isinstance(found, type) else found)
    except _FAULTS as error:
        report_fault(f"the plug-in {point.name!r} can't be loaded: {_words(error)}")
        return None


class PlugIn(Application):
    """An application from an installed package; ``point`` is the name of its entry point."""

    def __init__(self, point: str, inner: Application) -> None:
        self._point, self._inner = point, inner
        self.name, self.title = str(inner.name), str(getattr(inner, "title", ""))
        self.hints, self.places, self.buckets = (
            tuple(getattr(inner, name, ())) for name in ("hints", "places", "buckets")
        )

    @property
    def views(self) -> Sequence[View]:  # type: ignore[override]
        none: list[View] = []
        return [self._view(view) for view in self._ask("views", lambda: list(getattr(self._inner, "views", ())), none)]

    @property
    def codecs(self) -> Mapping[Any, Codec]:  # type: ignore[override]
        return self._ask("codecs", lambda: getattr(self._inner, "codecs", {}), {})

    def recognise(self, db: Store) -> Recognition | None:
        return self._ask("recognition", lambda: self._inner.recognise(db), None, deep=True)

    def audit(self, db: Store, options: AuditOptions) -> Audit | None:
        return self._ask("audit", lambda: self._inner.audit(db, options), deep=True)

    def join(self, audits: Sequence[tuple[str, Audit]]) -> Iterable[tuple[str, AuditFinding]]:
        return self._ask("audit", lambda: list(self._inner.join(audits)))

    @property
    def compares(self) -> bool:
        return self._ask("audit", lambda: bool(getattr(self._inner, "compares", True)), True)

    def common(self, old: Store, new: Store) -> tuple[dict[str, str], dict[str, Plain]]:
        return self._ask("comparison", lambda: self._inner.common(old, new))

    def view(self, name: str) -> View | None:
        found = self._ask("views", lambda: self._inner.view(name), None)
        return found and self._view(found)

    def codec(self, path: Path) -> Codec | None:
        found = self._ask("codecs", lambda: self._inner.codec(path), None)
        return found and Codec(self._decoder(found.key), self._decoder(found.value))

    def _decoder(self, decode: Callable[..., Plain] | None) -> Callable[..., Plain] | None:
        return decode and (lambda *data: self._ask("codecs", lambda: decode(*data), data[-1]))

    def _view(self, view: View) -> View:
        what = f"view {view.name}"

        def rows(db: Store, **options: str) -> Iterator[tuple[Any, ...]]:
            source = self._ask(what, lambda: iter(view.rows(db, **options)))
            while (row := self._ask(what, lambda: next(source, None))) is not None:
                yield row

        return replace(view, rows=rows, count=lambda db: self._ask(what, lambda: view.count(db)))

    def _ask(self, what: str, answer: Callable[[], T], *otherwise: T, deep: bool = False) -> T:
        """Return what the plug-in answers; if it fails ``otherwise`` after a warning, without that raise an error."""
        try:
            with _silence(self._point, deep):
                return answer()
        except _FAULTS as error:
            own = isinstance(error, BoltError)  # damage above all: no fault of the plug-in
            said = f"the {what} of the plug-in {self._point!r} failed: {_words(error)}"
            if not otherwise:
                raise error if own else BoltError(said) from error
            if not own:
                report_fault(said)
            return otherwise[0]


def _words(error: BaseException) -> str:
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[0]}" if said else type(error).__name__
