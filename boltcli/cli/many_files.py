"""Run one command on many files; print a table, the worst first, or a JSON object for each; or write a results file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError, BoltError
from ..fleet import engine as engines
from ..storage.secrets import original_url
from .file_tables import counts, path_of, summary, table
from .file_work import failure, work
from .meant_files import meant_files
from .registry import declared
from .streams import labelled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from ..fleet.find import Files
    from .file_work import Done
    from .job import Job

    Record = dict[str, Any]

_MOST = 8  # processes, unless --jobs says more
_HOW = ("recursive", "files-from", "output", "force", "resume", "engine", "jobs")  # options that don't affect results


def run_many(job: Job, out: BinaryIO, err: BinaryIO) -> int:
    """Run the command of ``job`` on all files that its arguments and options select.

    Returns the largest exit status. Raises BoltError if a process or
    the cluster is lost, or the options are invalid.
    """
    engines.check_engine(str(job.value("engine")))
    if job.value("resume") and not job.value("output"):
        raise ArgumentError("--resume needs -o DEST, where the earlier and the new results are written")
    files: Files = (declared(job.command.name).select or meant_files)(job)
    if files.failed and len(files.failed) == len(files.paths) == 1:  # there is no file at all
        raise next(iter(files.failed.values()))
    apart = declared(job.command.name).apart
    if apart and len(files.paths) > 1:
        job.warn(apart)
    if job.value("output"):
        status = _to_a_file(job, files, out, err)
        out.flush()
        job.say_passed(files)
        return status
    status = 0
    records: list[Record] = []
    for _, (shown, said, failed, _) in _done(job, files, files.paths, in_order=True):
        status = max(status, failed)
        if job.json:
            out.write(shown)
            out.flush()
        elif shown:
            records.append(_parsed(shown))
        _say(said, job, err)
    if not job.json:
        _show(job, records, out)
    out.flush()
    job.say_passed(files)
    return status


def _to_a_file(job: Job, files: Files, out: BinaryIO, err: BinaryIO) -> int:
    """Write a row for each file to the results file; with ``--resume`` copy the rows of unchanged files."""
    from .results_file import PARTIAL, ResultsFile

    output, resume, force = str(job.value("output")), str(job.value("resume")), bool(job.value("force"))
    same = bool(resume) and os.path.abspath(output) == os.path.abspath(resume)
    public = job.command.name == "metrics"
    with ResultsFile(output, replace=force or same, force=force, resume=bool(resume), public=public) as results:
        before = _unchanged(job, [resume, output + PARTIAL], files.paths) if resume else {}
        status = 0
        for row in before.values():
            status = max(status, int(row["status"]))
            results.take_over(row)
        todo = [path for path in files.paths if path not in before]
        records: list[Record] = [_earlier(row) for row in before.values()]
        messages: dict[str, bytes] = {}  # written in the order of the files, however many processes there are
        try:
            for path, (shown, said, failed, state) in _done(job, files, todo):
                status = max(status, failed)
                if shown:
                    record = _parsed(shown)
                    records.append(record)
                    results.add(_row(job, path, record, failed, state))
                messages[path] = said
        except BoltError:
            job.warn(f"the {len(records)} results so far are kept: --resume {output} continues from there")
            raise
        finally:
            for path in todo:
                _say(messages.get(path, b""), job, err)
        results.commit()
    name, taken = job.command.name, len(before)
    if job.json:
        from ..render.records import line, put_path

        facts: Record = {}
        put_path(facts, output, "output")
        passed = {"passed_over": files.passed} if files.passed else {}
        out.write(line(facts | {"files": len(records), **counts(name, records), "taken": taken} | passed))
    else:
        out.write(f"{summary(name, records, taken)} -> {output}\n".encode("utf-8", "surrogateescape"))
    return status


def _done(job: Job, files: Files, paths: list[str], *, in_order: bool = False) -> Iterator[tuple[str, Done]]:
    """Run the command on ``paths`` of ``files`` and yield each with its result as it is done, or ``in_order``.

    Shows the progress.
    """
    for path in files.failed:
        if path in paths:
            yield path, _failed(job, path, files.failed[path])
    paths = [path for path in paths if path not in files.failed]
    engine = str(job.value("engine"))
    asked: int = getattr(job.options, "jobs", 0)
    jobs = _processes(asked, len(paths))
    inner = 1 if jobs > 1 or engine else asked  # a file gets several processes only if files aren't run in parallel
    items = [(job.command.name, job.values | {"found": files.found(path)}, original_url(path), inner) for path in paths]
    if jobs > 1 and not engine and any("://" in path for path in paths):
        from ..storage.remote import load_libraries

        load_libraries(paths)
    if "-" in paths and jobs > 1:
        _keep_stdin(job)
    waiting: dict[int, Done] = {}
    count = 0
    with job.progress(f"{job.command.name}:", "files") as progress:
        for number, done in engines.run(work, items, jobs=jobs, engine=engine):
            waiting[number] = _failed(job, paths[number], done) if isinstance(done, BoltError) else done
            for ready in [number] if engine or not in_order else range(count, len(paths)):
                if ready not in waiting:
                    break
                progress.clear()
                yield paths[ready], waiting.pop(ready)
                count += 1
            progress(count, len(items))


def _keep_stdin(job: Job) -> None:
    """Read standard input here, as the other processes have none; they open what this keeps."""
    from ..storage.source import open_source

    try:
        open_source("-", "none", max_unpacked=int(str(job.value("max-unpacked") or 0))).close()
    except BoltError:
        pass  # found again, and reported, by the one whose turn it is


def _failed(job: Job, path: str, error: BoltError) -> Done:
    return (*failure(job.again(path=path, err=job.err), error), job.status_of(error), (None, None, None))


def _unchanged(job: Job, results: list[str], paths: list[str]) -> dict[str, Record]:
    """Return the rows in the earlier ``results`` whose files are unchanged."""
    from ..fleet.results import is_as_before, read_results
    from ..fleet.state import file_state

    found: dict[str, Record] = {}
    for name in results:
        found |= read_results(name, _command(job))
    return {path: found[path] for path in paths if path in found and is_as_before(found[path], file_state(path))}


def _command(job: Job) -> str:
    """Return the command and the options that affect its results, as text."""
    words = [job.command.name]
    for option in job.command.options:
        value = job.value(option.name)
        if not option.common and option.name not in _HOW and value != option.default:
            words.append(f"--{option.name}" if option.switch else f"--{option.name}={value}")
    return " ".join(words)


def _parsed(shown: bytes) -> Record:
    from ..text.json import parsed

    record: Record = parsed(shown.splitlines()[-1])
    return record


def _row(job: Job, path: str, record: Record, status: int, state: tuple[int | None, int | None, int | None]) -> Record:
    """Return a record as a row of results, with the columns that ``--resume`` compares."""
    size, mtime, txid = state
    row: Record = {"path": os.fsencode(path).decode("utf-8", "replace"), "command": _command(job), "status": status}
    row |= {"size": size if size is not None else record.get("size"), "mtime": mtime, "txid": txid}
    return row | {name: value for name, value in record.items() if name not in row} | {"error": record.get("error")}


def _earlier(row: Record) -> Record:
    """Return a record from a row of an earlier run, whose values may have been stored as text."""
    record = {name: value for name, value in row.items() if name not in ("command", "status", "mtime")}
    for name, value in record.items():
        if isinstance(value, str) and name != "path":
            record[name] = _value(value)
    return record


def _value(text: str) -> Any:
    if text in ("", "true", "false"):
        return {"": None, "true": True, "false": False}[text]
    if text.isdigit():
        return int(text)
    if text[:1] in "[{":
        from ..text.json import parsed

        try:
            return parsed(text.encode())
        except ValueError:
            return text
    return text


def _show(job: Job, records: list[Record], out: BinaryIO) -> None:
    from .row_output import write_table

    if records:
        write_table(table(job.command.name, records), out, "", human=bool(job.value("human")))
    out.write(summary(job.command.name, records, 0).encode() + b"\n")


def _say(said: bytes, job: Job, err: BinaryIO) -> None:
    """Write the messages about a file: unchanged with ``--json``, else as lines that name the file."""
    if job.json:
        err.write(said)
        err.flush()
        return
    from ..text.json import parsed

    for line in said.splitlines():
        record = parsed(line)
        kind = record["kind"]
        if kind in ("reading", "warning") and not job.quiet:
            word = "warning: " if kind == "warning" else "boltcli: "
            err.write(f"{word}{path_of(record)}: {record['message']}\n".encode("utf-8", "surrogateescape"))
        elif "hint" in record and not job.quiet and os.path.isdir(path_of(record)):
            for hint in record["hint"].splitlines():
                labelled(err, "hint", "36", f"{path_of(record)}: {hint}")
        elif kind == "traffic":
            err.write(f"{path_of(record)}: read {record['read']} of {record['size']} bytes\n".encode())
    err.flush()


def _processes(asked: int, files: int) -> int:
    if not hasattr(os, "fork"):
        return 1
    return max(1, min(asked or min(os.cpu_count() or 1, _MOST), files))
