"""Shared parts of the surgery commands: the changed copy and its check."""

from __future__ import annotations

from ..errors import ArgumentError, BoltError, Step
from ..format.meta import Meta
from ..ops.write.page_surgery import nonsense
from ..render.names import shell_quoted
from ..storage.raw import begin_copy
from .command import Command, Option
from .option import Argument
from .values import parse_int64, parse_uint64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO, TypeVar

    from ..ops.write.page_surgery import Patch
    from ..storage.destination import Destination
    from ..storage.raw import RawFile
    from .job import Job

    T = TypeVar("T", bound="Output")
    F = TypeVar("F", bound="Forced")

FREELIST_HINT = b"Please consider executing `./bbolt surgery freelist abandon ...`\n"
PAGES_LOST = (
    b"WARNING: The clearing has abandoned some pages that are not yet referenced from free list.\n" + FREELIST_HINT
)  # fmt: skip


OUTPUT = Option(
    "output", "Write the changed copy to this file, which must not exist.", default="", metavar="DEST",
    short="o", required=True, kind="file",
)  # fmt: skip


class Output:
    """The value of ``OUTPUT``, a base of ``Options``."""

    output: str


def number_option(
    name: str, help: str, *, metavar: str = "PGID", signed: bool = False, aliases: tuple[str, ...] = ()
) -> Option:
    """Return a required option that takes a number."""
    parse = parse_int64 if signed else parse_uint64
    return Option(name, help, default=0, metavar=metavar, parse=parse, required=True, aliases=aliases)


def declare(name: str, summary: str, example: str, *options: Option) -> Command:
    """Return the declaration of ``surgery NAME``; ``example`` is the rest of the example."""
    return Command(
        f"surgery {name}",
        summary,
        arguments=(Argument("FILE", "file", "The bolt database file; it is not changed."),),
        least=1,
        most=1,
        options=options,
        example=f"boltcli surgery {name} {example}",
        group="Repair",
    )


FORCE = Option("force", "Write the meta page even if its values are impossible.", default=False)


class Forced(Output):
    """The values of ``OUTPUT`` and ``FORCE``."""

    force: bool


def refuse_nonsense(job: Job[F], file: RawFile, patches: Sequence[Patch], *, far: bool = False) -> None:
    """Raise :class:`~boltcli.errors.ArgumentError` for a meta page with impossible values, unless --force is given.

    ``far``: a page that is not in the file may be meant to come into it by the next command, so it is only warned of.
    """
    if job.options.force:
        return
    for offset, data in patches:
        meta = Meta.at(data, 1 if offset else 0)
        problem = meta.problem()
        beyond = far and problem is None and nonsense(file, meta, only_beyond=True)
        if beyond:
            job.warn(f"meta page {meta.page} leads to {beyond}: a program that opens the file needs it there")
            continue
        why = nonsense(file, meta) if problem is None else f"it would not be valid ({problem})"
        if why:
            raise ArgumentError(f"meta page {meta.page} would lead to {why}: --force writes it" if problem is None
                                else f"meta page {meta.page}: {why}: --force writes it")  # fmt: skip


def output_of(job: Job[T]) -> str:
    """Return the value of ``--output``. Raises :class:`~boltcli.errors.ArgumentError` if it is empty.

    Warns if another process has the file open for writing: the copy may then mix several states.
    """
    _warn_of_writer(job)
    output = job.options.output
    if not output:
        raise ArgumentError(
            "output database path wasn't given, specify output database file path with --output option"
        )  # fmt: skip
    return output


def _warn_of_writer(job: Job[T]) -> None:
    from ..storage.holders import writer
    from ..storage.source import open_source

    try:
        source = open_source(job.path, "none")
    except BoltError:
        return  # reported later
    try:
        holder = writer(source)
    finally:
        source.close()
    if holder is not None:
        job.warn(f"{holder} has the file open for writing: the copy may mix several states; stop it first")


def check_page(pgid: int) -> None:
    """Raise :class:`~boltcli.errors.ArgumentError` if ``pgid``, the value of ``--pageId``, is a meta page."""
    if pgid < 2:
        raise ArgumentError(f"the pageId must be at least 2, but got {pgid}")


def say(out: BinaryIO, job: Job[T], message: str, warning: bytes = b"") -> None:
    """Write ``message`` and ``warning`` to ``out``, then check the copy and report the result."""
    count, verdict = _verdict(job.options.output)
    if not job.json:
        out.write(warning + message.encode())
        out.flush()
        if not job.quiet:
            name = shell_quoted(job.options.output)
            lines = [f"boltcli: check of {name}: {verdict}"]
            if FREELIST_HINT in warning:
                lines.append(f"hint: boltcli surgery freelist abandon {name} --output DEST")
            job.err.writelines(f"{line}\n".encode("utf-8", "surrogateescape") for line in lines)
    if job.json:
        from ..render import records

        facts: dict[str, object] = {"message": message.strip(), "warning": records.text(warning).strip() or None}
        facts |= {"ok": verdict == "OK", "errors": count, "verdict": verdict}
        out.write(records.line(records.result(job.path, job.options.output, **facts)))


def _verdict(path: str) -> tuple[int, str]:
    """Return the number of errors that a check finds in the copy, and a sentence about them."""
    from ..ops.check.database_check import check
    from ..storage.snapshot import Snapshot
    from ..storage.source import open_source

    count, first = 0, ""
    try:
        with Snapshot(path, open_source(path, "try")) as snapshot:
            for finding in check(snapshot):
                count += 1
                first = first or finding.message
    except BoltError as error:
        return count + 1, f"it can't be opened: {error}"
    return count, f"{count} errors found, the first: {first}" if count else "OK"


def begin(name: str, file: RawFile, output: str) -> Destination:
    """Return a copy of ``file`` for the command ``name`` to change; committing it moves it to ``output``."""
    with Step(f"[{name}] copy file failed"):
        copy = begin_copy(file, output)
    file.path = output  # later errors name the copy, as in bbolt
    return copy
