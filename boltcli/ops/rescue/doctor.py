"""Diagnose a file: try each remedy on a copy, and count the pairs that it keeps."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ...errors import BoltError, DestinationError, InvalidDatabase
from ...format.magic import HEAD, is_unknown, kind_of
from ...progress import portion
from ...record import Record
from ...storage.destination import Destination
from ...storage.files import copy_sparse, write_all
from ...storage.holders import holders
from ...storage.raw import RawFile
from ...storage.snapshot import Snapshot
from ...storage.source import Source, open_for_reading, open_source
from ...text.values import shell_quoted
from ..check.database_check import file_warnings, trailer_is_right
from ..check.deep_check import deep_check
from ..write.page_surgery import abandon_freelist, clear_elements, rebuild_freelist, revert_meta
from .elements import readable
from .emit import Emission
from .pages import MappedFile, find_page_size
from .recover import recover_file
from .roots import is_torn
from .text_mode import undone
from .tree import free_pages, newest_tree

if TYPE_CHECKING:
    from ...progress import Progress
    from ...storage.source import Way

T = TypeVar("T")
# A step of a remedy: the words after `boltcli surgery`; what it writes, and the least size of the file then.
Step = tuple[list[str], Callable[[RawFile], tuple[list[tuple[int, bytes]], int]]]
RECOVER = "recover"
CLEAR = "clear the damaged elements"
_RECOVERED, _COPY = "recovered", "copy"  # names of files
_LISTED = 3  # findings of a kind that are quoted
_MOST_FINDINGS = 100_000
_LOOKED, _TRIED = 0.5, 0.55  # shares of the time until the findings are known, and until the first remedy is tried
_MOST_CLEARED = 16  # elements that are cleared one by one
# Findings about the meta page of the older transaction, and about pages that lie outside the database.
_WRITTEN_ANEW = ("meta", "fallback")
_ABANDON: Step = (["freelist", "abandon"], lambda raw: (abandon_freelist(raw), 0))
_REBUILD: Step = (["freelist", "rebuild"], lambda raw: rebuild_freelist(raw.path, raw.fd))
# The steps of remedies by surgery, and how much is lost by each.
_SURGERY: dict[str, tuple[list[Step], int]] = {
    # What the last transaction changed is lost.
    "go back to the older meta page": ([(["revert-meta-page"], lambda raw: (revert_meta(raw), 0))], 1),
    # As bbolt does when it opens a file without a freelist.
    "rebuild the freelist": ([_ABANDON, _REBUILD], 0),
    "abandon the freelist": ([_ABANDON], 0),
}


@dataclass(frozen=True, slots=True)
class Symptom(Record):
    """Findings of one kind: their number, and the first ones as sentences."""

    kind: str
    count: int
    first: tuple[str, ...]


class Remedy(NamedTuple):
    """Something that can be done: what it keeps, whether a check finds nothing after it, and the ``commands``, in which
    DEST stands for the result. ``problem``: why it can't be done."""

    name: str
    commands: tuple[str, ...]
    problem: str | None = None
    pairs: int = 0
    buckets: int = 0
    sound: bool = False
    lost: int = 0


class Records(NamedTuple):
    """What an audit found in the records: how many errors and warnings, and the first of them in words."""

    errors: int
    warnings: int
    first: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Diagnosis(Record):
    """What is wrong with ``path`` (``ok``: nothing), what is to be known of it, the remedies, the best one first.

    ``application``: whose file it is, in words; ``holder``: who has it open. ``fixed`` is the name of the remedy that
    was carried out into ``output``.
    """

    path: str
    ok: bool
    application: str | None
    holder: str | None
    notes: tuple[str, ...]
    findings: tuple[Symptom, ...]
    records: Records | None
    remedies: tuple[Remedy, ...]
    fixed: str | None = None
    output: str | None = None

    @property
    def best(self) -> Remedy | None:
        """The best remedy that leads to a sound file."""
        return next((remedy for remedy in self.remedies if remedy.sound), None)


def diagnose(
    path: str, folder: str, *, lock: Way = "wait", timeout: float = 1.0,
    progress: Progress | None = None, whose: Callable[[Snapshot], str] = lambda _: "",
    audit: Callable[[Snapshot], Records | None] = lambda _: None,
) -> Diagnosis:  # fmt: skip
    """Look at ``path``, which is not changed. Remedies are tried in ``folder``. Raises what opening raises.

    ``whose`` names the application whose file an open database is; it is asked about what can be recovered, too.
    ``audit`` looks at the records of a sound file; None: it doesn't know them.
    """
    with closing(open_source(path, "none")) as source:
        holder = ", ".join(f"{holder} ({holder.mode})" for holder in holders(source) if not holder.waits)
    with MappedFile(path, lock, timeout) as file:
        notes = _notes(file)
        symptoms = _symptoms(path, notes, progress)
        text_mode = undone(file.buffer)
        if text_mode is not None:
            symptoms.insert(0, Symptom("text-mode", 1, (text_mode.sentence(),)))
        application, _ = _answer(path, whose)
        records, remedies = None, []
        if not symptoms:
            records, error = _answer(path, audit)
            if error is not None and not isinstance(error, InvalidDatabase):
                notes.append(f"its records could not be examined: {error}")
        else:
            tree, metas = newest_tree(file.buffer, portion(progress, _LOOKED, _TRIED))
            if metas and is_torn(tree, metas, free_pages(tree, metas)):
                notes.append("it is a torn hot copy: pages of later transactions lie where the tree expects its own, "
                             "as in a copy made while a program wrote to the file")  # fmt: skip
            remedies = _try_all(path, folder, symptoms, notes, progress)
            application = application or _answer(os.path.join(folder, _RECOVERED), whose)[0]
        file.check_unchanged()
    ok = not symptoms and not (records is not None and records.errors)
    return Diagnosis(
        path, ok, application or None, holder or None, tuple(notes), tuple(symptoms), records, tuple(remedies)
    )


def _answer(path: str, question: Callable[[Snapshot], T]) -> tuple[T | None, Exception | None]:
    try:
        with Snapshot(path, open_source(path, "none")) as snapshot:
            return question(snapshot), None
    except (BoltError, OSError) as error:
        return None, error


def _notes(file: MappedFile) -> list[str]:
    page_size, how = find_page_size(file.buffer)
    if how == "none":
        kind = kind_of(file.buffer[:HEAD])
        other = "none of its pages is a bolt page: it is another program's file, or was overwritten entirely"
        return [other if is_unknown(kind) else f"it is {kind}"]
    return [] if how == "meta" else [f"no meta page gives the page size; the pages themselves show {page_size} bytes"]


def _symptoms(path: str, notes: list[str], progress: Progress | None) -> list[Symptom]:
    """Return what a deep check finds, by kind; what else is to be known is added to ``notes``."""
    found: dict[str, list[str]] = {}
    try:
        with Snapshot(path, open_source(path, "none")) as snapshot:
            notes += file_warnings(snapshot)
            if trailer_is_right(snapshot):
                notes.append("it is a snapshot of etcd, and its SHA-256 is right")
            for finding in islice(deep_check(snapshot, progress=portion(progress, 0, _LOOKED)), _MOST_FINDINGS):
                found.setdefault(finding.kind, []).append(finding.message)
            if not found and progress is not None:  # there is nothing to try
                progress(snapshot.meta.hwm, snapshot.meta.hwm)
    except BoltError as error:
        kind = "invalid-database" if isinstance(error, InvalidDatabase) else "damaged"
        found.setdefault(kind, []).append(str(error))
    return [Symptom(kind, len(messages), tuple(messages[:_LISTED])) for kind, messages in found.items()]


def _try_all(
    path: str, folder: str, symptoms: list[Symptom], notes: list[str], progress: Progress | None
) -> list[Remedy]:
    """Try every remedy, and add to ``notes``; the best one first: sound ones that keep most without a loss."""
    surgery = [] if any(symptom.kind == "invalid-database" for symptom in symptoms) else [*_SURGERY, CLEAR]
    count = len(surgery) + 1
    tried = portion(progress, _TRIED, 1)
    shown = [portion(tried, at / count, (at + 1) / count) for at in range(count)]
    operated = [_operated(name, path, folder, show) for name, show in zip(surgery, shown)]
    remedies = [*filter(None, operated), _recovered(path, folder, notes, shown[-1])]
    most = max((each.pairs for each in remedies if each.sound), default=0)
    return sorted(remedies, key=lambda each: (
        bool(each.problem), not each.sound, 2 * each.pairs < most, bool(each.lost), -each.pairs,
    ))  # fmt: skip


def _clearing(path: str) -> tuple[list[Step], int]:
    """Return steps that remove the elements which lead nowhere or cannot be read, if they are few, and their number."""
    with MappedFile(path, "none") as file:
        tree, _ = newest_tree(file.buffer)
        bad = {gap.page for gap in tree.gaps if not gap.elements}
        places = []
        for page, found in readable(tree.table, filter(tree.owner.__getitem__, range(2, tree.table.pages))):
            roots = [(index, root) for index, _, root, _ in found.roots() if root]
            places += [(page, index) for index, child in [*enumerate(found.pgids), *roots] if child in bad]
    if not 0 < len(places) <= _MOST_CLEARED:
        return [], 0

    def step(page: int, index: int) -> Step:
        options = [f"--pageId={page}", f"--from-index={index}", f"--to-index={index + 1}"]
        return ["clear-page-elements", *options], lambda raw: (clear_elements(raw, page, index, index + 1)[0], 0)

    places.sort(key=lambda place: (place[0], -place[1]))  # the last ones of a page first
    return [*(step(*place) for place in places), _ABANDON], len(places)


def _operated(name: str, path: str, folder: str, progress: Progress | None = None) -> Remedy | None:
    copy = os.path.join(folder, _COPY)
    steps, lost = _SURGERY.get(name) or _clearing(path)
    if not steps:
        return None
    names = ["FILE", *(f"STEP{number}" for number in range(1, len(steps))), "DEST"]
    places = zip(steps, names, names[1:])
    commands = tuple(
        _command(path, "surgery", *words, source, "--output", output) for (words, _), source, output in places
    )
    try:
        with RawFile(path) as source, open(copy, "wb") as target:
            copy_sparse(source.fd, target.fileno())
        for _, work in steps:
            with RawFile(copy) as raw:
                patches, size = work(raw)
            with open(copy, "rb+") as stream:
                for offset, data in patches:
                    write_all(stream.fileno(), data, offset)
                stream.truncate(max(size, os.fstat(stream.fileno()).st_size))
        sound = _is_sound(copy, portion(progress, 0.1, 0.6))
        with MappedFile(copy, "none") as file:
            tree, _ = newest_tree(file.buffer, portion(progress, 0.6, 0.8))
            emission = Emission(tree)
            tree.table.watch(portion(progress, 0.8, 1), 2)
            emission.write()
    except (BoltError, OSError) as error:
        return Remedy(name, commands, str(error))
    return Remedy(name, commands, None, emission.pairs, emission.buckets, sound, lost + len(tree.gaps))


def _is_sound(copy: str, progress: Progress | None) -> bool:
    with Snapshot(copy, Source(open_for_reading(copy), copy, is_own_copy=True)) as snapshot:
        right = all(finding.kind in _WRITTEN_ANEW for finding in deep_check(snapshot, progress=progress))
        # bbolt walks all pages below the high-water mark, in the file or not.
        return right and snapshot.meta.hwm * snapshot.page_size <= snapshot.size


def _recovered(path: str, folder: str, notes: list[str], progress: Progress | None) -> Remedy:
    copy = os.path.join(folder, _RECOVERED)
    commands = (_command(path, "recover", "FILE", "-o", "DEST"),)
    try:
        report = recover_file(path, copy, lock="none", replace=True, sync=False, progress=portion(progress, 0, 0.7))
        sound = _is_sound(copy, portion(progress, 0.7, 1))
    except (BoltError, OSError) as error:
        return Remedy(RECOVER, commands, str(error))
    notes += report.warnings
    others = sum(state.differs for state in report.states)
    if others:
        notes.append(f"{len(report.states)} states may be the newest one: `boltcli recover` lists them")
    losses = len(report.lost) + len(report.changed) + others
    return Remedy(RECOVER, commands, None, report.pairs, report.buckets, sound, losses)


def _command(path: str, *words: str) -> str:
    """Return a command as a line of a shell, with the path for FILE."""
    name = shell_quoted(path)
    return " ".join(["boltcli", *(name if word == "FILE" else word for word in words)])


def fix(diagnosis: Diagnosis, folder: str, output: str, *, replace: bool = False, sync: bool = True) -> Diagnosis:
    """Carry out the best remedy of ``diagnosis``, which was made in ``folder``, into ``output``; a check proved it.

    Raises :class:`~boltcli.errors.InvalidDatabase` if no remedy leads to a sound file.
    """
    best = diagnosis.best
    if best is None:
        raise InvalidDatabase("no remedy gives a sound database; nothing was written", path=diagnosis.path)
    if best.name != RECOVER:  # of the others only the last copy is there
        again = _operated(best.name, diagnosis.path, folder)
        if again is None or not again.sound:
            raise InvalidDatabase("the file changed in the meantime; nothing was written", path=diagnosis.path)
    with Destination(output, replace=replace, sync=sync) as destination:
        try:
            with open(os.path.join(folder, _RECOVERED if best.name == RECOVER else _COPY), "rb") as source:
                copy_sparse(source.fileno(), destination.fd)
        except OSError as error:
            raise DestinationError("write", output, error) from error
        destination.commit()
    return dataclasses.replace(diagnosis, fixed=best.name, output=output)
