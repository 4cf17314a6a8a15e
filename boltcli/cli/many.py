"""Run a command on many files, here, in other processes or on a cluster, and give on each result as it comes.

A file that is missing, locked or unreadable is a result like the others, which says why. Memory does not grow with the
number of files: their paths are kept compactly, records are written as they come, and a table has a bounded number of
rows.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ..apps.contract import Column
from ..errors import ArgumentError, BoltError, CheckFailed, PassedOver, as_failure
from ..fleet import engine as engines
from ..fleet.find import database_in, databases_in
from ..fleet.state import file_state
from ..render import records
from ..render.records import text as utf_8
from ..render.table import Table
from ..storage.opened import Reading
from ..storage.secrets import original_url, redact_url
from .opener import Opener
from .output import Collected, Output
from .registry import declared, find
from .runner import prepare_command, run_command

if TYPE_CHECKING:
    from ..fleet.files import Files
    from ..fleet.state import State
    from .command import Command, Summary

    Record = dict[str, Any]
    Values = dict[str, Any]

T = TypeVar("T")

_MOST = 8  # processes, unless --jobs says more
_ROWS = 1000  # of a table; of more files it has the worst or the largest
_HOW = ("recursive", "files-from", "output", "force", "resume", "engine", "jobs")  # options that don't affect results
_SEVERAL_IN_A_FOLDER = ("doctor",)  # commands that take one file, or a folder of several
_UNKNOWN_STATE = (None, None, None)


class Task(NamedTuple):
    """A command to run on one file; ``failure``: why that isn't possible."""

    command: str
    values: Values
    path: str
    failure: BoltError | None


class Result(NamedTuple):
    """What a run on one file gave: records, messages, the exit status; and the file's state before it."""

    records: list[Record]
    notes: list[Record]
    status: int
    state: State


def work(task: Task) -> Result:
    """Run a command on one file; a failure is part of the result."""
    path, values = redact_url(task.path), task.values
    command = find(task.command)
    assert command is not None
    out = Collected(path, quiet=bool(values.get("quiet")))
    state = file_state(path) if values.get("output") else _UNKNOWN_STATE

    def failed(error: BoltError, *, kept: bool = False) -> Result:
        wrong = _wrong(error, path, command, out)
        found = out.found if kept else [records.of_file(path) | declared(task.command).unknown | {"error": wrong}]
        return Result(found, [*out.notes, wrong], Opener(values, out).status_of(error), state)

    try:
        if task.failure is not None:
            raise task.failure
        with ExitStack() as stack:
            if path != "-":
                stack.enter_context(Reading([path]))  # what is noted of each file is let go with it
            status = run_command(command, [path], values, out)
        return Result(out.found, out.notes, status, state)
    except CheckFailed as error:
        return failed(error, kept=True)
    except PassedOver as error:
        out.warn(f"not looked at: {error}")
        return Result([], out.notes, 0, state)
    except Exception as error:
        return failed(as_failure(error, path))


class _Tasks(Sequence[Task]):
    """The tasks for those ``files`` whose ``numbers`` are given; each is made when its turn comes."""

    def __init__(self, command: Command, values: Values, files: Files, numbers: Sequence[int], inner: int) -> None:
        self._command = command
        self._values = values | {"json": True, "jobs": inner}
        self._files = files
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, at: Any) -> Any:
        number = self._numbers[at]
        path = self._files.paths[number]
        values = self._values | {"found": self._files.paths.how(number)}
        return Task(self._command.name, values, original_url(path), self._files.failed.get(path))


def run_one(command: Command, path: str, values: Values, out: Output) -> int:
    """Run a command that takes several files on one, and write the object for it as for several."""
    found = work(Task(command.name, values, path, None))
    for record in found.records:
        out.record(record)
    out.flush()
    for note in found.notes:
        out.notice(lambda note=note: note)  # type: ignore[misc]
    return found.status


def run_many(command: Command, arguments: Sequence[str], values: Values, out: Output) -> int:
    """Run a command on all files that its arguments and options select.

    With -o the results are rows of that file, in JSON an object each; else a table. Returns the largest exit status.
    Raises BoltError if a process or the cluster is lost, or the options are invalid.
    """
    engine, output, resume = (str(values.get(name) or "") for name in ("engine", "output", "resume"))
    prepare_command(command, list(arguments), values)
    engines.check_engine(engine)
    if resume and not output:
        raise ArgumentError("--resume needs -o DEST, where the earlier and the new results are written")
    about = declared(command.name)
    files: Files = (about.select or Opener.files)(Opener(values, out), arguments)
    if len(files.failed) == len(files.paths) == 1:  # there is no file at all
        raise next(iter(files.failed.values()))
    if about.apart and len(files.paths) > 1:
        out.warn(about.apart)
    run = _Run(command, values, files, out)
    status = run.to_a_file(output, resume) if output else run.shown()
    out.flush()
    say_passed(files, out)
    return status


class _Run:
    """A run of a command on ``files``."""

    def __init__(self, command: Command, values: Values, files: Files, out: Output) -> None:
        self.command = command
        self.values = values
        self.files = files
        self.out = out
        self.status = 0
        self.tally = Tally(declared(command.name).summary)

    def shown(self) -> int:
        """Write an object for each file, or a table."""
        turn = InTurn()
        for at, found in self._results(range(len(self.files.paths))):
            if found.records:
                self.tally.add(found.records[-1])
            whole = found if self.out.is_data else found._replace(records=[])
            for each in [whole] if self.values.get("engine") else turn.after(at, whole):
                for record in each.records:
                    self.out.record(record)
                self.out.flush()
                tell(each.notes, self.out)
        if not self.out.is_data:
            self.tally.show(self.out, human=bool(self.values.get("human")))
        return self.status

    def to_a_file(self, output: str, resume: str) -> int:
        """Write a row for each file to the results file; with ``resume`` take over those of unchanged files."""
        from .results_file import PARTIAL, Earlier, ResultsFile, is_as_before

        values, paths, out = self.values, self.files.paths, self.out
        force = bool(values.get("force"))
        same = bool(resume) and os.path.abspath(output) == os.path.abspath(resume)
        options = {"replace": force or same, "force": force, "resume": bool(resume)}
        taken = 0
        with ResultsFile(output, len(paths), public=self.command.name == "metrics", **options) as results:
            todo = array("L")
            words = self._words()
            earlier = Earlier([resume, output + PARTIAL], words) if resume else None
            for number, path in enumerate(paths):
                before = earlier.get(path) if earlier is not None else None
                if before is None or not is_as_before(before[0], file_state(path)):
                    todo.append(number)
                    continue
                row, place = before
                results.keep(number, place) if place >= 0 else results.add(number, row)
                self.status = max(self.status, int(row["status"]))
                self.tally.add(row)
                taken += 1
            if earlier is not None:
                earlier.close()
            turn = InTurn()  # messages are in the order of the files, however many processes there are
            try:
                for at, found in self._results(todo):
                    if found.records:
                        self.tally.add(found.records[-1])
                        results.add(todo[at], self._row(paths[todo[at]], words, found))
                    for notes in turn.after(at, found.notes):
                        tell(notes, out)
            except BoltError:
                for notes in turn.rest():
                    tell(notes, out)
                out.warn(f"the {self.tally.total} results so far are kept: --resume {output} continues from there")
                raise
            results.commit()
        out.record(lambda: self._facts(output, taken), lambda: f"{self.tally.summary(taken)} -> {output}\n")
        return self.status

    def _facts(self, output: str, taken: int) -> Record:
        facts = records.of_file(output, "output")
        passed = {"passed_over": self.files.passed} if self.files.passed else {}
        return facts | {"files": self.tally.total, **self.tally.counts(), "taken": taken} | passed

    def _results(self, numbers: Sequence[int]) -> Iterator[tuple[int, Result]]:
        """Run the command on the files of these numbers; yield places in ``numbers`` and results as they are done."""
        values, paths = self.values, self.files.paths
        engine, asked = str(values.get("engine") or ""), int(values.get("jobs") or 0)
        jobs = processes(asked, len(numbers))
        inner = 1 if jobs > 1 or engine else asked  # a file gets several processes only if files aren't run in parallel
        tasks = _Tasks(self.command, values, self.files, numbers, inner)
        if jobs > 1 and not engine:
            _load(paths, int(values.get("max-unpacked") or 0))
        with self.out.progress(f"{self.command.name}:", "files") as progress:
            for count, (at, found) in enumerate(engines.run(work, tasks, jobs=jobs, engine=engine), 1):
                if isinstance(found, BoltError):
                    found = work(tasks[at]._replace(failure=found))
                self.status = max(self.status, found.status)
                progress.clear()
                yield at, found
                progress(count, len(numbers))

    def _words(self) -> str:
        """Return the command and the options that affect its results, as text."""
        words = [self.command.name]
        for option in self.command.options:
            value = self.values.get(option.name, "")
            if not option.common and option.name not in _HOW and value != option.default:
                words.append(f"--{option.name}" if option.switch else f"--{option.name}={value}")
        return " ".join(words)

    def _row(self, path: str, words: str, found: Result) -> Record:
        """Return a result as a row of results, with the columns that ``--resume`` compares: ``words`` too."""
        record, (size, mtime, txid) = found.records[-1], found.state
        row: Record = {"path": os.fsencode(path).decode("utf-8", "replace"), "command": words}
        row |= {"status": found.status, "size": size if size is not None else record.get("size")}
        row |= {"mtime": mtime, "txid": txid}
        rest = {name: value for name, value in record.items() if name not in row}
        return row | rest | {"error": record.get("error")}


def each(
    files: Files, work: Callable[[int, Output], T], opener: Opener, out: Output, *, what: str, jobs: int = 1,
    direct: bool = False, raises: bool = True,
) -> Iterator[tuple[str, T | BoltError]]:  # fmt: skip
    """Call ``work`` for each file, for commands that make one result of all; yield its path and what that returns.

    A BoltError instead says why there is nothing. It is raised for one of many files, on which the command runs alone,
    and, if it ``raises``, for the only file. ``work`` gets the number of the file, and an output about it for
    messages; with ``direct`` also for results. ``jobs`` processes work on the files, unless ``direct``.
    """
    paths = files.paths
    if opener.alone is not None or (raises and len(paths) == 1):
        for number, path in enumerate(paths):
            try:
                if path in files.failed:
                    raise files.failed[path]
                yield path, work(number, out.about(path))
            except PassedOver as error:
                if opener.alone is not None:
                    raise
                yield path, error
            except BoltError as error:
                error.path = error.path or path
                raise
        return

    def attempt(number: int) -> tuple[T | BoltError, list[Record]]:
        path = paths[number]
        one = Collected(path, quiet=out.quiet)
        try:
            if path in files.failed:
                raise files.failed[path]
            with Reading([path]) if path != "-" else ExitStack():
                return work(number, out.about(path) if direct else one), one.notes
        except Exception as error:
            return as_failure(error, path), one.notes

    turn = InTurn()
    jobs = 1 if direct else processes(jobs, len(paths))
    if jobs > 1:
        _load(paths, opener.max_unpacked)
    with out.progress(what, "files") as progress:
        for number, result in engines.run(attempt, range(len(paths)), jobs=jobs):
            progress.clear()
            first = turn.done
            for at, (found, notes) in enumerate(turn.after(number, result), first):
                tell(notes, out)
                yield paths[at], found
            progress(turn.done, len(paths))


def _wrong(error: BoltError, path: str, command: Command | None, out: Output) -> Record:
    """Return the object of an error, with hints."""
    from .hints import hints

    wrong = records.error(error, path)
    return wrong if out.quiet else records.with_hint(wrong, hints(error, command, [path], {}))


def complain(path: str, error: BoltError, unknown: Record, opener: Opener, out: Output) -> None:
    """Write that a file of several could not be read: in JSON an object with ``unknown`` too, as of the other files."""
    if not out.is_data:
        out.complain(error, path)
        return
    wrong = _wrong(error, path, opener.command, out)
    out.record(records.of_file(path) | unknown | {"error": wrong})
    out.flush()
    out.notice(lambda: wrong)


def tell(notes: Sequence[Record], out: Output) -> None:
    """Write the messages about a file: unchanged in JSON, else as lines that name the file."""
    for note in notes:
        out.notice(lambda note=note: note, _line(note, out.quiet))  # type: ignore[misc]
    if notes:
        out.err.flush()


def _line(note: Record, quiet: bool) -> str:
    path, kind = path_of(note), note["kind"]
    if kind == "traffic":
        return f"{path}: read {note['read']} of {note['size']} bytes\n"
    if quiet:
        return ""
    if kind in ("reading", "warning"):
        return f"{'warning: ' if kind == 'warning' else 'boltcli: '}{path}: {note['message']}\n"
    # The table says what is wrong; of a folder also what to do.
    hints = note.get("hint", "").splitlines() if os.path.isdir(path) else []
    return "".join(f"hint: {path}: {hint}\n" for hint in hints)


def say_passed(files: Files, out: Output) -> None:
    """Say which files in folders were passed over: what was not looked at must not seem to be sound."""
    for folder, counts in files.passed.items():
        text = f"{folder}: {files.passed_text(folder)}"
        if not out.quiet:
            note = records.notice("warning", text, folder) | {"passed_over": counts}
            out.notice(lambda note=note: note, f"warning: {utf_8(os.fsencode(text))}\n")  # type: ignore[misc]


def path_of(record: Record) -> str:
    """Return the path in a record, as text."""
    if "path" in record:
        return str(record["path"])
    return bytes.fromhex(record.get("path_hex", "")).decode("utf-8", "surrogateescape")


def processes(asked: int, files: int) -> int:
    """Return how many processes work on so many files; ``asked`` 0: as many as there are processors."""
    if not hasattr(os, "fork"):
        return 1
    return max(1, min(asked or min(os.cpu_count() or 1, _MOST), files))


def _load(paths: Sequence[str], max_unpacked: int) -> None:
    """Load what the other processes share: libraries for addresses, and standard input, as they have none."""
    from ..storage.remote import load_libraries
    from ..storage.source import open_source

    remote = {path.partition("://")[0] for path in paths if "://" in path}
    if remote:
        load_libraries([f"{scheme}://" for scheme in remote])
    if any(path == "-" for path in paths):
        try:
            open_source("-", "none", max_unpacked=max_unpacked).close()
        except BoltError:
            pass  # found again, and reported, by the one whose turn it is


class InTurn:
    """Holds results until those before them are there; ``done`` counts those that were let go."""

    def __init__(self) -> None:
        self.done = 0
        self._waiting: dict[int, Any] = {}

    def after(self, number: int, result: T) -> list[T]:
        """Take a result, and return those whose turn it is."""
        self._waiting[number] = result
        found: list[T] = []
        while self.done + len(found) in self._waiting:
            found.append(self._waiting.pop(self.done + len(found)))
        self.done += len(found)
        return found

    def rest(self) -> list[Any]:
        """Return what still waits."""
        return [self._waiting[number] for number in sorted(self._waiting)]


class Tally:
    """The verdicts on many files, counted, and the rows of a table: all, or the worst and the largest."""

    def __init__(self, summary: Summary) -> None:
        self._summary = summary
        self._words = ("unreadable", summary.faulty, "ok")
        self._counts = [0, 0, 0]
        self._rows: list[tuple[tuple[int, float, str], list[Any]]] = []

    @property
    def total(self) -> int:
        """The number of files."""
        return sum(self._counts)

    def add(self, record: Record) -> None:
        """Count a file."""
        rank = 0 if record.get("error") else 2 if record.get("ok", True) else 1
        self._counts[rank] += 1
        size = record.get(self._summary.order) or 0
        path, problem = path_of(record), _problem(record)
        cells = [make(record) if callable(make) else record.get(make) for _, make, _ in self._summary.columns]
        row = [self._words[rank], *cells, f"{path}: {problem}" if problem else path]
        self._rows.append(((rank, -size, path), row))
        if len(self._rows) >= 2 * _ROWS:
            self._rows.sort(key=lambda each: each[0])
            del self._rows[_ROWS:]

    def counts(self) -> dict[str, int]:
        """Return the number of files by verdict, the best first."""
        return dict(zip(reversed(self._words), reversed(self._counts)))

    def summary(self, taken: int = 0) -> str:
        """Return a line: the numbers of files by verdict; ``taken`` of them are from earlier results."""
        shown = [f"{count} {word}" for word, count in self.counts().items() if count or word == "ok"]
        again = f" ({taken} as in the earlier results)" if taken else ""
        return f"{self.total} file{'s' * (self.total != 1)}: {', '.join(shown)}{again}"

    def show(self, out: Output, *, human: bool) -> None:
        """Write the table, the worst file first, and the summary."""
        rows = [row for _, row in sorted(self._rows, key=lambda each: each[0])[:_ROWS]]
        if self.total > _ROWS and not self._summary.is_measure:
            rows = [row for row in rows if row[0] != self._words[2]]
        if rows:
            columns = [Column("verdict"), *(Column(name, type) for name, _, type in self._summary.columns)]
            out.rows(Table([*columns, Column("file")], rows), human=human)
        left = self.total - len(rows)
        more = f"; {left:,} are not in the table: --json or -o has all" if left and rows else ""
        out.text(f"{self.summary()}{more}\n")


def _problem(record: Record) -> str:
    error = record.get("error")
    if error:
        return str(error["message"] if isinstance(error, dict) else error)
    if record.get("ok", True):
        return ""
    problems = record.get("problems") or [finding["message"] for finding in record.get("findings") or []]
    return str(problems[0]) if problems else ""


def without_folders(command: Command, arguments: list[str], values: Values) -> list[str]:
    """Return ``arguments`` with the database in each folder in place of the folder.

    A folder of several databases stays if the command takes several; else this raises ArgumentError.
    """
    found = []
    for word, argument in zip(arguments, command.arguments_of(arguments, values)):
        if argument.kind == "file" and not argument.many and os.path.isdir(word):
            if command.several or command.name in _SEVERAL_IN_A_FOLDER:
                inside = databases_in(word)
                word = inside[0] if len(inside) == 1 else word
            else:
                word = database_in(word) or word
        found.append(word)
    return found
