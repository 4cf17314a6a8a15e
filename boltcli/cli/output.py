"""Where a command's results and messages go, in the form that was asked for.

A command says what it found, never in which form: here it becomes text or JSON, or stays what it is, for many files.
"""

from __future__ import annotations

from .streams import Progress, labelled, wants_style, write_styled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from typing import Any, BinaryIO, TypeVar

    from ..read_errors import BoltError
    from ..render.table import Table

    Part = TypeVar("Part")
    Record = dict[str, Any]
    Fields = Record | Callable[[], Record]
    Written = bytes | str | Iterable[bytes]
    Text = Written | Callable[[], Written]


class Output:
    """Where a command's results and messages go, in the form that was asked for: text or JSON.

    ``out`` and ``err`` are the streams of results and of messages. ``path`` is the file that messages name, ``quiet``
    leaves out warnings, notes and progress.
    """

    __slots__ = ("_hints", "_json", "_parts", "err", "out", "path", "quiet")

    def __init__(
        self, out: BinaryIO, err: BinaryIO, *, json: bool = False, quiet: bool = False, path: str = ""
    ) -> None:
        self.out = out
        self.err = err
        self.quiet = quiet
        self.path = path
        self._json = json
        self._parts: dict[str, list[Record]] = {}
        self._hints: list[Callable[[], Iterable[str]]] = []

    # Results

    def record(self, fields: Fields, text: Text = b"") -> None:
        """Write one result: in JSON a line of ``fields``, as text ``text``.

        Either may be a function without arguments that makes it, which is called only if its form is asked for. A
        field may be an iterator of records, which are written one by one.
        """
        if self._json:
            self._write_record(fields() if callable(fields) else fields)
        else:
            self._write(text() if callable(text) else text)

    def records(self, found: Callable[[], Iterable[Record]], text: Text = b"", *, styled: bool = False) -> None:
        """Write several results: in JSON a line for each of what ``found`` returns, as text ``text``.

        ``styled``: there are escape sequences in the text, and of names from a file only what is visible.
        """
        if self._json:
            for fields in found():
                self._write_record(fields)
        else:
            self._write(text() if callable(text) else text, styled=styled)

    def part(self, field: str, fields: Fields, text: Text) -> None:
        """Write a part of the next record: as text at once, in JSON as an element of its list ``field``."""
        if self._json:
            self._parts.setdefault(field, []).append(fields() if callable(fields) else fields)
        else:
            self._write(text() if callable(text) else text)

    def text(self, text: Text) -> None:
        """Write text that JSON doesn't have, for example a heading."""
        if not self._json:
            self._write(text() if callable(text) else text)

    def stream(
        self,
        parts: Iterable[Part],
        *,
        json: Callable[[Part], bytes | Iterable[bytes]],
        text: Callable[[Part], bytes | Iterable[bytes]],
        styled: bool = False,
    ) -> None:
        """Write results a part at a time, say a page's keys: each through the function of the form.

        ``styled``: see :meth:`records`.
        """
        make = json if self._json else text
        out = self.out
        if styled and not self._json:
            for part in parts:
                self._write(make(part), styled=True)
            return
        for part in parts:
            written = make(part)
            if isinstance(written, bytes):
                out.write(written)
            else:
                out.writelines(written)

    def rows(
        self,
        table: Table,
        *,
        records: Iterable[Record] | None = None,
        form: str = "",
        output: str = "",
        force: bool = False,
        tabs: bool = False,
        human: bool = False,
        finish: Callable[[], object] | None = None,
    ) -> None:
        """Write a table in ``form``, if not "", else in the one of this output, or to a file in that of its suffix.

        ``records``: what JSON has in place of its rows, each of which is seen at once. The other
        options are those of :func:`~boltcli.cli.row_output.write_table`.
        """
        from .row_output import row_form, write_table

        if self._json and records is not None:
            for record in records:
                self._write_record(record)
                self.flush()
            return
        form = form or row_form(output, json=self._json)
        write_table(table, self.out, form, output=output, force=force, tabs=tabs, human=human, finish=finish)

    def close_with(self, sentence: str) -> None:
        """Write a sentence about all results after them: as text a line, in JSON a message beside them."""
        if self._json:
            self.note(sentence)
        else:
            self.out.write(sentence.encode("utf-8", "backslashreplace") + b"\n")

    def raw(self, data: bytes) -> None:
        """Write bytes that are the same in every form."""
        self.out.write(data)

    def to_file(
        self, path: str, *, replace: bool = False, public: bool = False, sync: bool = True
    ) -> AbstractContextManager[Output]:
        """Context manager: an output into a file, which appears at ``path`` at the end of the block unless it raises.

        Its form is that of the suffix, if that is one of JSON. The options are those of a ``Destination``.
        """
        from contextlib import contextmanager

        from .row_output import result_file

        @contextmanager
        def opened() -> Iterator[Output]:
            with result_file(path, replace=replace, public=public, sync=sync) as (file, is_json):
                yield Output(file, self.err, json=self._json or is_json, quiet=self.quiet, path=self.path)

        return opened()

    def flush(self) -> None:
        """Let the results so far be seen."""
        self.out.flush()

    # Messages

    def warn(self, message: str) -> None:
        """Write a warning about the file."""
        self._notice("warning", message, self.path)

    def note(self, message: str, path: str = "") -> None:
        """Write what is to be known beside the results, for example which state of ``path`` was read."""
        self._notice("reading", message, path or self.path)

    def notice(self, fields: Callable[[], Record], text: str | bytes = "") -> None:
        """Write a message that also ``quiet`` doesn't leave out: in JSON a line of ``fields``, else ``text``."""
        if self._json:
            from ..render import records

            self.err.write(records.line(fields()))
        else:
            self.err.write(text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text)

    def say(self, text: bytes | str) -> None:
        """Write something for people on stderr, which JSON has in its results; nothing if ``quiet``."""
        if not (self._json or self.quiet):
            self.err.write(text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text)

    def hint(self, lines: Callable[[], Iterable[str]]) -> None:
        """Write hints after everything else, if a person sees it."""
        if self.is_terminal and not (self._json or self.quiet):
            self._hints.append(lines)

    def finish(self) -> None:
        """Let all results be seen, and write the hints."""
        self.out.flush()
        for lines in self._hints:
            self.err.writelines(f"hint: {line}\n".encode("utf-8", "surrogateescape") for line in lines())

    def complain(self, error: BoltError, path: str, fields: Callable[[], Record] | None = None) -> None:
        """Write that one of several files could not be read, when others are still answered; in JSON ``fields``."""
        self.out.flush()
        if self._json:
            from ..render import records

            self.err.write(records.line(fields() if fields else records.error(error, path)))
            return
        from ..render.errors import error_text

        text = error_text(error).decode("utf-8", "surrogateescape")
        labelled(self.err, "Error", "1;31", text if path in text else f"{path}: {text}")

    def progress(self, what: str, unit: str = "pages") -> Progress:
        """Return a context manager that shows the progress on a terminal; call it with (done, total)."""
        return Progress(what, unit, quiet=self.quiet)

    # For whom it is

    @property
    def is_terminal(self) -> bool:
        """Whether a person sees the results at once."""
        return self.out.isatty()

    @property
    def is_data(self) -> bool:
        """Whether results are JSON, which `import` may read: then their order is that of a database."""
        return self._json

    @property
    def has_colours(self) -> bool:
        """Whether text is in colours."""
        return wants_style(self.out)

    # Several outputs as one

    def about(self, path: str) -> Output:
        """Return the same output for another file."""
        return Output(self.out, self.err, json=self._json, quiet=self.quiet, path=path)

    def held(self) -> Output:
        """Return an output that holds back what is written, until it is given to :meth:`take`, or closed."""
        from io import BytesIO
        from typing import cast

        from .held_stream import HeldStream

        held = cast("BinaryIO", HeldStream(self.out))
        return Output(held, BytesIO(), json=self._json, quiet=self.quiet, path=self.path)

    def take(self, held: Output) -> None:
        """Write what an output of :meth:`held` holds."""
        self.err.write(held.err.getvalue())  # type: ignore[attr-defined]
        self.err.flush()
        held.out.hand_over()  # type: ignore[attr-defined]
        self._hints += held._hints

    def written(self) -> tuple[bytes, bytes]:
        """Return what an output of :meth:`held` holds, for both streams, and close it."""
        self.out.seek(0)
        found = self.out.read(), self.err.getvalue()  # type: ignore[attr-defined]
        self.close()
        return found

    def close(self) -> None:
        """Give up what is held back."""
        self.out.close()

    def _write(self, text: Written, *, styled: bool = False) -> None:
        if isinstance(text, str):
            text = text.encode("utf-8", "surrogateescape")
        if styled:
            for part in [text] if isinstance(text, bytes) else text:
                write_styled(self.out, part)
        elif isinstance(text, bytes):
            self.out.write(text)
        else:
            self.out.writelines(text)

    def _write_record(self, fields: Record) -> None:
        from ..render import records

        self.out.writelines(records.pieces([self._whole(fields)]))

    def _whole(self, fields: Record) -> Record:
        """Return a record with its parts."""
        parts, self._parts = self._parts, {}
        return fields | parts if parts else fields

    def _notice(self, kind: str, message: str, path: str) -> None:
        if self.quiet:
            return
        if self._json:
            from ..render import records

            self.err.write(records.line(records.notice(kind, message, path)))
            if kind == "reading":
                self.err.flush()
        elif kind == "warning":
            labelled(self.err, "warning", "33", message)
        else:
            self.err.write(f"boltcli: {message}\n".encode("utf-8", "surrogateescape"))
            self.err.flush()


class Collected(Output):
    """Results and messages as they are, for one of many files: records and notes are lists of dicts."""

    __slots__ = ("found", "notes")

    def __init__(self, path: str, *, quiet: bool = False) -> None:
        from io import BytesIO

        super().__init__(BytesIO(), BytesIO(), json=True, quiet=quiet, path=path)
        self.found: list[Record] = []
        self.notes: list[Any] = []

    def notice(self, fields: Callable[[], Record], text: str | bytes = "") -> None:
        self.notes.append(fields())

    def complain(self, error: BoltError, path: str, fields: Callable[[], Record] | None = None) -> None:
        from ..render import records

        self.notes.append(fields() if fields else records.error(error, path))

    def about(self, path: str) -> Collected:
        return Collected(path, quiet=self.quiet)

    def held(self) -> Collected:
        return Collected(self.path, quiet=self.quiet)

    def take(self, held: Output) -> None:
        assert isinstance(held, Collected)
        self.found += held.found
        self.notes += held.notes

    def _write_record(self, fields: Record) -> None:
        whole = self._whole(fields)
        self.found.append({name: list(each) if hasattr(each, "__next__") else each for name, each in whole.items()})

    def _notice(self, kind: str, message: str, path: str) -> None:
        if not self.quiet:
            from ..render import records

            self.notes.append(records.notice(kind, message, path))
