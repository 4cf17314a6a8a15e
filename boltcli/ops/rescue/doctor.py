"""Diagnose a file: try each remedy on a copy, and count the pairs that it keeps."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import starmap
from typing import NamedTuple

from ...errors import BoltError, DestinationError, InvalidDatabase
from ...format.magic import HEAD, is_unknown, kind_of
from ...storage.destination import Destination
from ...storage.files import copy_sparse, write_all
from ...storage.raw import RawFile
from ...storage.snapshot import Snapshot
from ...storage.source import Source, open_for_reading, open_source
from ..check.database_check import file_warnings, trailer_is_right
from ..check.deep_check import deep_check
from ..check.findings import Explanation, explanation
from ..write.freelist_rebuild import rebuild_freelist
from ..write.page_surgery import abandon_freelist, clear_elements, revert_meta
from .elements import readable
from .emit import Emission
from .pages import MappedFile, find_page_size
from .recover import other_database, recover_file
from .roots import is_torn
from .text_mode import EXPLANATION, undone
from .tree import RecoveredTree, free_pages, newest_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...storage.source import Way
    from ..write.page_surgery import Patch

RECOVER = "recover"
CLEAR = "clear the damaged elements"
OLDER = "go back to the older meta page"
ABANDON = "abandon the freelist"
REBUILD = "rebuild the freelist"
_RECOVERED, _COPY = "recovered", "copy"  # names of files
_LISTED = 3  # findings of a kind that are quoted
_MOST_FINDINGS = 100_000
_MOST_CLEARED = 16  # elements that are cleared one by one
# Findings about the meta page of the older transaction, and about pages that lie outside the database.
_WRITTEN_ANEW = ("meta", "fallback")


class _Step(NamedTuple):
    """A step of a remedy: the words after ``boltcli surgery``; what it writes, and the least size of the file then."""

    words: list[str]
    work: Callable[[RawFile], tuple[list[Patch], int]]


class Symptom(NamedTuple):
    """Findings of one kind: how many, the first of them, and what they mean."""

    kind: str
    findings: int
    first: list[str]
    explained: Explanation


class Remedy(NamedTuple):
    """Something that can be done: what it keeps, whether a check finds nothing after it, and the ``commands``."""

    name: str
    pairs: int
    buckets: int
    sound: bool
    lost: int
    commands: list[list[str]]
    problem: str


class Records(NamedTuple):
    """What an audit found in the records: how many errors and warnings, and the first of them in words."""

    errors: int
    warnings: int
    first: list[str]


class Diagnosis(NamedTuple):
    """What is wrong with ``path`` (``ok``: nothing), what is to be known of it, the remedies, the best one first.

    ``application``: whose file it is, in words; ``holder``: who has it open. Both may be empty. ``records``: what an
    audit found in them; None if they were not looked at.
    """

    path: str
    ok: bool
    holder: str
    application: str
    notes: list[str]
    symptoms: list[Symptom]
    remedies: list[Remedy]
    records: Records | None


def diagnose(
    path: str, folder: str, *, lock: Way = "wait", timeout: float = 1.0,
    progress: Callable[[int, int], None] | None = None, whose: Callable[[Snapshot], str] = lambda _: "",
    audit: Callable[[Snapshot], Records | None] = lambda _: None,
) -> Diagnosis:  # fmt: skip
    """Look at ``path``, which is not changed. Remedies are tried in ``folder``. Raises what opening raises.

    ``whose`` names the application whose file an open database is; it is asked about what can be recovered, too.
    ``audit`` looks at the records of a sound file; None: it doesn't know them.
    """
    holder = _holder(path)
    with MappedFile(path, lock, timeout) as file:
        notes = _notes(file)
        symptoms, remarked = _symptoms(path, progress)
        symptoms = _text_mode(file) + symptoms
        notes += remarked
        application = _whose(path, whose)
        records = _records(path, audit, notes) if not symptoms else None
        remedies: list[Remedy] = []
        if symptoms:
            notes += _torn(file)
            remedies = _try_all(path, folder, symptoms, notes)
            application = application or _whose(os.path.join(folder, _RECOVERED), whose)
        file.check_unchanged()
    ok = not symptoms and not (records is not None and records.errors)
    return Diagnosis(path, ok, holder, application, notes, symptoms, remedies, records)


def _whose(path: str, whose: Callable[[Snapshot], str]) -> str:
    """Return the application whose file it is; empty if it can't be told."""
    try:
        with Snapshot(path, open_source(path, "none")) as snapshot:
            return whose(snapshot)
    except (BoltError, OSError):
        return ""


def _records(path: str, audit: Callable[[Snapshot], Records | None], notes: list[str]) -> Records | None:
    """Return what an audit finds; that it can't read them is added to ``notes``."""
    try:
        with Snapshot(path, open_source(path, "none")) as snapshot:
            return audit(snapshot)
    except (BoltError, OSError) as error:
        if not isinstance(error, InvalidDatabase):
            notes.append(f"its records could not be looked at: {error}")
        return None


def _holder(path: str) -> str:
    """Who holds the file's lock, in words; empty if nobody does."""
    source = open_source(path, "none")
    try:
        from ...storage.holders import holders

        return ", ".join(f"{holder} ({holder.mode})" for holder in holders(source) if not holder.waits)
    finally:
        source.close()


def _notes(file: MappedFile) -> list[str]:
    """Return what kind of file it is."""
    page_size, how = find_page_size(file.buffer)
    if how == "none":
        kind = kind_of(file.buffer[:HEAD])
        if is_unknown(kind):
            return ["no page of it is one of a bolt database: it is another program's file, or overwritten as a whole"]
        return [f"it is {kind}"]
    return [] if how == "meta" else [f"no meta page says the page size; the pages themselves say {page_size} bytes"]


def _open(path: str) -> Snapshot:
    """Return a copy that nobody else has."""
    return Snapshot(path, Source(open_for_reading(path), path, is_own_copy=True))


def _symptoms(path: str, progress: Callable[[int, int], None] | None) -> tuple[list[Symptom], list[str]]:
    """Return what a deep check finds, by kind, and what else is to be known."""
    counts: dict[str, int] = {}
    first: dict[str, list[str]] = {}
    notes: list[str] = []
    try:
        with Snapshot(path, open_source(path, "none")) as snapshot:
            notes = [str(remark) for remark in file_warnings(snapshot)]
            if trailer_is_right(snapshot):
                notes.append("it is a snapshot of etcd, and its SHA-256 is right")
            for number, finding in enumerate(deep_check(snapshot, progress=progress)):
                counts[finding.kind] = counts.get(finding.kind, 0) + 1
                lines = first.setdefault(finding.kind, [])
                if len(lines) < _LISTED:
                    lines.append(finding.message)
                if number > _MOST_FINDINGS:
                    break
    except BoltError as error:
        kind = "invalid-database" if isinstance(error, InvalidDatabase) else "damaged"
        counts[kind] = counts.get(kind, 0) + 1
        first.setdefault(kind, []).append(str(error))
    return [Symptom(kind, counts[kind], first[kind], explanation(kind)) for kind in counts], notes


def _text_mode(file: MappedFile) -> list[Symptom]:
    """Return that a copy in text mode changed the file; ``recover`` undoes it."""
    found = undone(file.buffer)
    return [] if found is None else [Symptom("text-mode", 1, [found.sentence()], EXPLANATION)]


def _torn(file: MappedFile) -> list[str]:
    """That it is a copy which was made while a program wrote to the file, if it looks like one."""
    tree, metas = newest_tree(file.buffer)
    if not metas or not is_torn(tree, metas, free_pages(tree, metas)):
        return []
    return ["it is a torn hot copy: pages of later transactions lie where the tree expects its own, as in a copy made "
            "while a program wrote to the file"]  # fmt: skip


def _try_all(path: str, folder: str, symptoms: list[Symptom], notes: list[str]) -> list[Remedy]:
    """Try every remedy; the best one first: sound ones that keep most without a loss, then the others.

    What recovering tells of the states of the file is added to ``notes``.
    """
    surgery = (
        () if any(symptom.kind == "invalid-database" for symptom in symptoms) else (OLDER, REBUILD, ABANDON, CLEAR)
    )
    tried = [_operated(name, path, folder) for name in surgery]
    remedies = [*(each for each in tried if each is not None), _recover(path, folder, notes)]
    most = max((each.pairs for each in remedies if each.sound), default=0)

    def rank(each: Remedy) -> tuple[bool, bool, bool, bool, int]:
        return bool(each.problem), not each.sound, 2 * each.pairs < most, bool(each.lost), -each.pairs

    remedies.sort(key=rank)
    return remedies


def _steps(name: str, path: str) -> tuple[list[_Step], int]:
    """Return the steps of a remedy by surgery, and how much is lost by it; no steps if there is nothing to do."""
    abandon = _Step(["freelist", "abandon"], lambda raw: (abandon_freelist(raw), 0))
    if name == OLDER:
        return [
            _Step(["revert-meta-page"], lambda raw: (revert_meta(raw), 0))
        ], 1  # what the last transaction changed is lost
    if name == ABANDON:
        return [abandon], 0
    if name == REBUILD:  # as bbolt does when it opens a file without one
        return [abandon, _Step(["freelist", "rebuild"], lambda raw: rebuild_freelist(raw.path, raw.fd))], 0
    # The elements that lead nowhere or cannot be read are removed.
    with MappedFile(path, "none") as file:
        places = _bad_elements(newest_tree(file.buffer)[0])
    if not 0 < len(places) <= _MOST_CLEARED:
        return [], 0
    return [*starmap(_clearing, places), abandon], len(places)


def _clearing(page: int, index: int) -> _Step:
    options = [f"--pageId={page}", f"--from-index={index}", f"--to-index={index + 1}"]
    return _Step(["clear-page-elements", *options], lambda raw: (clear_elements(raw, page, index, index + 1)[0], 0))


def _operated(name: str, path: str, folder: str) -> Remedy | None:
    """Try a remedy by surgery on a copy in ``folder``; None if it has nothing to do."""
    copy = os.path.join(folder, _COPY)
    steps, lost = _steps(name, path)
    if not steps:
        return None
    names = ["FILE", *(f"STEP{number}" for number in range(1, len(steps))), "DEST"]
    commands = [
        ["boltcli", "surgery", *step.words, source, "--output", output]
        for step, source, output in zip(steps, names, names[1:])
    ]  # fmt: skip
    try:
        with RawFile(path) as source, open(copy, "wb") as target:
            copy_sparse(source.fd, target.fileno())
        for step in steps:
            with RawFile(copy) as raw:
                patches, size = step.work(raw)
            with open(copy, "rb+") as stream:
                for offset, data in patches:
                    write_all(stream.fileno(), data, offset)
                stream.truncate(max(size, os.fstat(stream.fileno()).st_size))
    except (BoltError, OSError) as error:
        return Remedy(name, 0, 0, False, 0, commands, str(error))
    return _judged(name, copy, commands, lost)


def _judged(name: str, copy: str, commands: list[list[str]], lost: int = 0) -> Remedy:
    """Count what ``copy`` holds, and check it."""
    try:
        with _open(copy) as snapshot:
            sound = _is_sound(snapshot)
            # bbolt walks all pages below the high-water mark, in the file or not.
            sound = sound and snapshot.meta.hwm * snapshot.page_size <= os.path.getsize(copy)
        with MappedFile(copy, "none") as file:
            tree, _ = newest_tree(file.buffer)
            emission = Emission(tree)
            emission.count()
    except BoltError as error:
        return Remedy(name, 0, 0, False, lost, commands, str(error))
    return Remedy(name, emission.pairs, emission.buckets, sound, lost + len(tree.gaps), commands, "")


def _is_sound(snapshot: Snapshot) -> bool:
    """Return whether nothing is wrong with a copy but what its next transaction writes anew."""
    return all(finding.kind in _WRITTEN_ANEW for finding in deep_check(snapshot))


def _bad_elements(tree: RecoveredTree) -> list[tuple[int, int]]:
    """Return page and index of elements that refer to unreachable pages; the last ones of a page first."""
    bad = {gap.page for gap in tree.gaps if not gap.elements}
    found = []
    for page, elements in readable(tree.table, filter(tree.owner.__getitem__, range(2, tree.table.pages))):
        found += [(page, index) for index, child in enumerate(elements.pgids) if child in bad]
        found += [(page, index) for index, _, root, _ in elements.roots() if root and root in bad]
    return sorted(found, key=lambda place: (place[0], -place[1]))


def _recover(path: str, folder: str, notes: list[str]) -> Remedy:
    copy = os.path.join(folder, _RECOVERED)
    commands = [["boltcli", "recover", "FILE", "-o", "DEST"]]
    try:
        report = recover_file(path, copy, lock="none", replace=True, sync=False)
        with _open(copy) as snapshot:
            sound = _is_sound(snapshot)
    except (BoltError, OSError) as error:
        return Remedy(RECOVER, 0, 0, False, 0, commands, str(error))
    notes += map(other_database, report.others)
    if any(state.differs for state in report.states):
        notes.append(f"{len(report.states)} states may be the newest one: `boltcli recover` lists them")
    losses = len(report.lost) + len(report.changed) + sum(state.differs for state in report.states)
    return Remedy(RECOVER, report.pairs, report.buckets, sound, losses, commands, "")


def fix(diagnosis: Diagnosis, folder: str, output: str, *, replace: bool = False, sync: bool = True) -> Remedy:
    """Carry out the best remedy of ``diagnosis``, which was made in ``folder``, into ``output``; a check proved it.

    Raises :class:`~boltcli.errors.InvalidDatabase` if no remedy leads to a sound file.
    """
    best = next((remedy for remedy in diagnosis.remedies if remedy.sound), None)
    if best is None:
        raise InvalidDatabase("no remedy leads to a sound database: nothing was written", path=diagnosis.path)
    again = (
        best if best.name == RECOVER else _operated(best.name, diagnosis.path, folder)
    )  # what was recovered is there
    made = os.path.join(folder, _RECOVERED if best.name == RECOVER else _COPY)
    if again is None or not again.sound:
        raise InvalidDatabase("the file changed meanwhile: nothing was written", path=diagnosis.path)
    with Destination(output, replace=replace, sync=sync) as destination:
        try:
            with open(made, "rb") as source:
                copy_sparse(source.fileno(), destination.fd)
        except OSError as error:
            raise DestinationError("write", output, error) from error
        destination.commit()
    return best
