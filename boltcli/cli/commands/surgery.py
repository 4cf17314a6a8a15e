"""``surgery``: write a changed copy of a database, and check it."""

from __future__ import annotations

from ... import render
from ...errors import ArgumentError, BoltError, InvalidDatabase, Step
from ...format.meta import Meta
from ...ops.check.database_check import check
from ...ops.write import page_surgery
from ...storage.holders import writer
from ...storage.raw import RawFile, begin_copy, write_patches
from ...storage.snapshot import Snapshot
from ...storage.source import open_source
from ...text.values import shell_quoted
from ..command import command
from ..values import go_quote, parse_decimal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Annotated

    from ...ops.write.page_surgery import Patch
    from ...storage.destination import Destination
    from ..options import ChangedCopy, PageToClear, UnchangedPath, WriteAnyway, number
    from ..output import Output, Record
    from ..values import parse_int64, parse_string_slice, parse_uint32, parse_uint64

_FIELDS = "Fields to change, as name:number, separated by commas; the names are pageSize, root, freelist and pgid."
_FREELIST_HINT = "Please consider executing `./bbolt surgery freelist abandon ...`\n"
_ABANDONED = (
    "The freelist was abandoned in both meta pages.\n"
    "It may cause some delay on next startup because bbolt needs to scan the whole db to reconstruct the free list.\n"
)
_PAGES_LOST = (
    f"WARNING: The clearing has abandoned some pages that are not yet referenced from free list.\n{_FREELIST_HINT}"
)


@command(
    "surgery revert-meta-page",
    example="boltcli surgery revert-meta-page fixtures/document.db --output reverted.db",
    group="Repair",
)
def revert_meta_page(out: Output, *, path: UnchangedPath, output: ChangedCopy, force: WriteAnyway = False) -> None:
    """Undo the newest transaction: replace its meta page by the other one."""
    _check_call(out, path, output)
    with RawFile(path) as file, _copy("revert-meta-page", file, output) as copy:
        with Step("revert-meta-page command failed"):
            patches = page_surgery.revert_meta(file)
        if not force:
            _refuse_nonsense(out, file, patches)
        with Step("revert-meta-page command failed"):
            write_patches(copy, patches)
        copy.commit()
    _report(out, output, "The meta page is reverted.\n")


@command(
    "surgery copy-page",
    example="boltcli surgery copy-page fixtures/document.db --output copied.db --from-page 5 --to-page 7",
    group="Repair",
)
def copy_page(
    out: Output,
    *,
    path: UnchangedPath,
    output: ChangedCopy,
    from_page: Annotated[int, number("The page to copy.", "PGID", parse_uint64)],
    to_page: Annotated[int, number("The page to overwrite.", "PGID", parse_uint64)],
) -> None:
    """Copy a page over another one."""
    _check_call(out, path, output)
    if from_page == to_page:
        raise ArgumentError(f"'--from-page' and '--to-page' have the same value: {from_page}")
    with RawFile(path) as file, _copy("copy-page", file, output) as copy:
        with Step("copy-page command failed"):
            write_patches(copy, page_surgery.copy_page(file, from_page, to_page))
        has_freelist = page_surgery.newest_meta(file).has_freelist
        copy.commit()
    warning = "WARNING: the free list might have changed.\n" + _FREELIST_HINT if has_freelist else ""
    _report(out, output, f"The page {from_page} was successfully copied to page {to_page}\n", warning)


@command(
    "surgery clear-page",
    example="boltcli surgery clear-page fixtures/document.db --output cleared.db --pageId 5",
    group="Repair",
)
def clear_page(out: Output, *, path: UnchangedPath, output: ChangedCopy, page_id: PageToClear) -> None:
    """Remove all elements of a branch or leaf page."""
    _clear(out, path, output, "clear-page", f"The page ({page_id}) was cleared\n", page_id)


@command(
    "surgery clear-page-elements",
    example=(
        "boltcli surgery clear-page-elements fixtures/document.db --output elements.db --pageId 5"
        " --from-index 0 --to-index 2"
    ),
    group="Repair",
)
def clear_page_elements(
    out: Output,
    *,
    path: UnchangedPath,
    output: ChangedCopy,
    page_id: PageToClear,
    from_index: Annotated[int, number("The first element to remove, counted from 0.", "INDEX", parse_int64)],
    to_index: Annotated[
        int, number("The first element to keep again, counted from 0; -1: remove to the end.", "INDEX", parse_int64)
    ],
) -> None:
    """Remove some elements of a branch or leaf page."""
    # bbolt's messages say "element" where its command's name says "elements".
    cleared = f"All elements in [{from_index}, {to_index}) in page {page_id} were cleared\n"
    _clear(out, path, output, "clear-page-element", cleared, page_id, from_index, to_index)


def _clear(
    out: Output, path: str, output: str, name: str, cleared: str, pgid: int, start: int = 0, end: int = -1
) -> None:
    """Remove elements of page ``pgid`` for the command ``name``."""
    _check_call(out, path, output)
    if pgid < 2:
        raise ArgumentError(f"the pageId must be at least 2, but got {pgid}")
    with RawFile(path) as file, _copy(name, file, output) as copy:
        with Step(f"{name} command failed"):
            patches, lost = page_surgery.clear_elements(file, pgid, start, end)
            write_patches(copy, patches)
        copy.commit()
    _report(out, output, cleared, _PAGES_LOST if lost else "")


@command(
    "surgery freelist abandon",
    example="boltcli surgery freelist abandon fixtures/document.db --output abandoned.db",
    group="Repair",
)
def freelist_abandon(out: Output, *, path: UnchangedPath, output: ChangedCopy) -> None:
    """Remove the freelist from both meta pages; bbolt then finds the free pages by a full walk."""
    _check_call(out, path, output)
    with RawFile(path) as file, _copy("freelist abandon", file, output) as copy:
        with Step("abandom-freelist command failed"):  # bbolt's spelling
            write_patches(copy, page_surgery.abandon_freelist(file))
        copy.commit()
    _report(out, output, _ABANDONED)


@command(
    "surgery freelist rebuild",
    example=(
        "boltcli surgery freelist abandon fixtures/document.db --output none.db &&"
        " boltcli surgery freelist rebuild none.db --output rebuilt.db"
    ),
    group="Repair",
)
def freelist_rebuild(out: Output, *, path: UnchangedPath, output: ChangedCopy) -> None:
    """Store a freelist in a database that has none."""
    _check_call(out, path, output)
    with RawFile(path) as file:
        if page_surgery.newest_meta(file).has_freelist:
            raise ArgumentError(
                "the file already has freelist, please consider to abandon the freelist to forcibly rebuild it"
            )
        with _copy("freelist rebuild", file, output) as copy:
            # The copy is opened instead of the source, so a lock on the source doesn't matter.
            with Step("[freelist rebuild] open db file failed"):
                write_patches(copy, *page_surgery.rebuild_freelist(output, copy.fd))
            copy.commit()
    _report(out, output, "The freelist was successfully rebuilt.\n")


@command("surgery meta validate", example="boltcli surgery meta validate fixtures/document.db", group="Repair")
def meta_validate(out: Output, *, path: UnchangedPath) -> None:
    """Show whether each of the two meta pages is valid."""
    page_size = valid = 0
    with RawFile(path) as file:
        for slot in (0, 1):
            meta, _ = page_surgery.meta_at(file, slot, page_size)
            problem = str(meta.problem() or "") or None
            page_size = meta.page_size
            valid += problem is None
            words = f"isn't valid: {problem.partition(':')[0]}" if problem else "is valid"  # shorter, as bbolt's
            text = f"{'WARNING: ' * bool(problem)}The meta page {slot} {words}!\n"
            out.record({"page": slot, "valid": problem is None, "problem": problem}, text)
    if not valid:
        raise InvalidDatabase("neither meta page is valid")


@command(
    "surgery meta update",
    example=(
        "boltcli surgery meta update fixtures/document.db --output updated.db --meta-page 1 --fields root:6,freelist:9"
    ),
    group="Repair",
)
def meta_update(
    out: Output,
    *,
    path: UnchangedPath,
    output: ChangedCopy,
    force: WriteAnyway = False,
    fields: Annotated[list[str], number(_FIELDS, "FIELDS", parse_string_slice)] = [],
    meta_page: Annotated[int, number("The meta page to change: 0 or 1.", "PAGE", parse_uint32)] = 0,
) -> None:
    """Change fields of a meta page, and update its checksum."""
    _check_call(out, path, output)
    if meta_page > 1:
        raise ArgumentError(f"invalid meta page id: {meta_page}")
    wanted = _fields(fields)
    with RawFile(path) as file, _copy("meta update", file, output) as copy:
        patches, warning = page_surgery.update_meta(file, meta_page, wanted)
        was = page_surgery.meta_at(file, meta_page, patches[0][0])[0] if patches else None  # page 1 is one page size on
        if was is not None and was.problem() is not None and not (wanted or force):
            raise ArgumentError(
                f"meta page {meta_page} is not valid; without --fields it would become valid with impossible values; "
                "--force writes it anyway"
            )
        if not force:
            _refuse_nonsense(out, file, patches, far=bool(wanted))
        write_patches(copy, patches)
        copy.commit()
    done = f"The meta page {meta_page} has been updated!\n" if patches else "Nothing changed!\n"
    _report(out, output, done, warning)


def _fields(pairs: list[str]) -> dict[str, int]:
    fields = {}
    for pair in pairs:
        name, *values = pair.split(":")
        if len(values) != 1:
            raise ArgumentError(f"invalid key-value pair: {pair}")
        if name not in ("pageSize", "root", "freelist", "pgid"):
            raise ArgumentError(f"field {go_quote(name)} isn't allowed to be updated")
        try:
            fields[name] = parse_decimal(values[0])
        except ArgumentError:
            raise ArgumentError(f"invalid value {go_quote(values[0])} for field {go_quote(name)}") from None
    return fields


def _check_call(out: Output, path: str, output: str) -> None:
    """Warn if another process has the file open for writing; raise ArgumentError if no output is given."""
    try:
        with open_source(path, "none") as source:
            holder = writer(source)
    except BoltError:
        holder = None  # reported later
    if holder is not None:
        out.warn(f"{holder} has the file open for writing, so the copy may mix several states; stop it first")
    if not output:
        raise ArgumentError("output database path wasn't given, specify output database file path with --output option")


def _copy(name: str, file: RawFile, output: str) -> Destination:
    """Return a copy of ``file`` for the command ``name`` to change; committing it moves it to ``output``."""
    with Step(f"[{name}] copy file failed"):
        copy = begin_copy(file, output)
    file.path = output  # later errors name the copy, as in bbolt
    return copy


def _refuse_nonsense(out: Output, file: RawFile, patches: Sequence[Patch], *, far: bool = False) -> None:
    """Raise ArgumentError for a meta page with impossible values.

    ``far``: a page that is not in the file may be meant to come into it by the next command, so it is only warned of.
    """
    for offset, data in patches:
        meta = Meta.at(data, 1 if offset else 0)
        problem = meta.problem()
        if problem is not None:
            raise ArgumentError(f"meta page {meta.page}: it would not be valid ({problem}); --force writes it anyway")
        beyond = page_surgery.nonsense(file, meta, only_beyond=True) if far else None
        if beyond:
            out.warn(f"meta page {meta.page} refers to {beyond}; a program that opens the file needs it")
        elif why := page_surgery.nonsense(file, meta):
            raise ArgumentError(f"meta page {meta.page} would refer to {why}; --force writes it anyway")


def _report(out: Output, output: str, message: str, warning: str = "") -> None:
    """Write ``message`` and ``warning``, then check the copy and report the result."""
    count, verdict = _verdict(output)
    facts: Record = {"message": message.strip(), "warning": warning.strip() or None}
    facts |= {"ok": verdict == "OK", "errors": count, "verdict": verdict}
    out.record(lambda: render.records.result(out.path, output, **facts), f"{warning}{message}")
    out.flush()
    name = shell_quoted(output)
    out.say(f"boltcli: check of {name}: {verdict}\n")
    if _FREELIST_HINT in warning:
        out.say(f"hint: boltcli surgery freelist abandon {name} --output DEST\n")


def _verdict(path: str) -> tuple[int, str]:
    """Return the number of errors that a check finds in the copy, and a sentence about them."""
    count, first = 0, ""
    try:
        with Snapshot(path, open_source(path, "try")) as snapshot:
            for finding in check(snapshot):
                count += 1
                first = first or finding.message
    except BoltError as error:
        return count + 1, f"it can't be opened: {error}"
    return count, f"{count} errors found, the first: {first}" if count else "OK"
