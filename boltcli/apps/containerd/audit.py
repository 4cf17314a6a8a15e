"""The audit of containerd's metadata: what points to nothing, and what nothing points to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...text.times import age, parse_time
from ...text.values import as_text
from ..contract import ERROR, INFO, WARNING, Audit, AuditOptions, Store
from ..rules import Deviation, Rule, answers, findings
from ..values import buckets_at, find, names_at, text_of
from .layout import EXPIRES, V1, is_snapshotter, labels, namespaces, recognise, size_of, time_of
from .views import resources

_ROOT, _FLAT = "containerd.io/gc.root", "containerd.io/gc.flat"
_KINDS = ("images", "containers", "snapshots", "blobs", "content_bytes", "leases", "ingests", "sandboxes")
_REFERENCES = "containerd.io/gc.ref.content"


class Namespace:
    """What one namespace holds, by id."""

    def __init__(self, key: bytes, store: Store) -> None:
        self.key = key
        self.name = as_text(key)
        self.labels = labels(store)
        self.images: dict[str, tuple[str, dict[str, str]]] = {}
        for name, image in buckets_at(store, b"images"):
            self.images[as_text(name)] = text_of(find(image, b"target"), b"digest") or "", labels(image)
        self.blobs = {
            as_text(digest): (size_of(blob) or 0, labels(blob))
            for digest, blob in buckets_at(store, b"content", b"blob")
        }
        self.ingests = [as_text(ref) for ref, _ in buckets_at(store, b"content", b"ingests")]
        self.containers = {
            as_text(name): (
                text_of(each, b"snapshotter") or "", text_of(each, b"snapshotKey") or "",
                text_of(each, b"sandboxid") or "", labels(each),
            )
            for name, each in buckets_at(store, b"containers")
        }  # fmt: skip
        self.snapshots: dict[tuple[str, str], tuple[str, list[str], dict[str, str]]] = {}
        for snapshotter, inner in buckets_at(store, b"snapshots"):
            for key, each in buckets_at(inner):
                links = text_of(each, b"parent") or "", names_at(each, b"children")
                self.snapshots[as_text(snapshotter), as_text(key)] = *links, labels(each)
        self.leases = {
            as_text(name): (labels(lease), resources(lease), time_of(lease, b"createdat"))
            for name, lease in buckets_at(store, b"leases")
        }
        self.sandboxes = {as_text(name): labels(each) for name, each in buckets_at(store, b"sandboxes")}

    @property
    def empty(self) -> bool:
        """Whether nothing but labels is in it."""
        return not any((self.images, self.blobs, self.ingests, self.containers, self.snapshots, self.sandboxes))

    def sizes(self) -> dict[str, int]:
        """Return how much of each kind there is."""
        found = {name: len(getattr(self, name)) for name in _KINDS if name != "content_bytes"}
        return {name: found.get(name, sum(size for size, _ in self.blobs.values())) for name in _KINDS}

    def unheld(self, now: int) -> list[str]:
        """Return the blobs that no image, label or lease holds, by containerd's rules of collection."""
        held: set[str] = set()
        flat: set[str] = set()
        pending = [digest for digest, marks in self.images.values() if not _expired(marks, now)]
        pending += [digest for digest, (_, marks) in self.blobs.items() if _ROOT in marks]
        for marks, held_by_lease, _ in self.leases.values():
            if not _expired(marks, now):
                ids = [each["id"] for each in held_by_lease if each["type"] == "content"]
                if _FLAT in marks:
                    flat.update(ids)
                else:
                    pending += ids
        others = [
            *(marks for _, marks in self.images.values()),
            *(marks for *_, marks in self.containers.values()),
            *(marks for *_, marks in self.snapshots.values()),
            *self.sandboxes.values(),
        ]
        pending += [digest for marks in others for digest in _references(marks)]
        while pending:
            digest = pending.pop()
            if digest not in held:
                held.add(digest)
                if digest in self.blobs:
                    pending += _references(self.blobs[digest][1])
        return sorted(self.blobs.keys() - held - flat)


def _references(marks: dict[str, str]) -> Iterator[str]:
    for label, value in marks.items():
        if label.startswith(_REFERENCES) and label[len(_REFERENCES) : len(_REFERENCES) + 1] in ("", ".", "/"):
            yield value


def _expired(marks: dict[str, str], now: int) -> bool:
    moment = parse_time(marks.get(EXPIRES))
    return moment is not None and moment < now


RULES = (
    NO_CONTENT := Rule(
        "images_without_content", ERROR, "Image {key} points to {digest}, which isn't in the content store.",
        "ctr -n {namespace} images pull {key}",
    ),
    NOBODY_HOLDS := Rule(
        "content_nobody_holds", WARNING, "No image, label or lease holds {key} ({bytes} bytes).",
        "The next garbage collection removes it: ctr content prune references.",
    ),
    NO_SNAPSHOT := Rule(
        "containers_without_snapshot", ERROR,
        "Container {key} needs the snapshot {snapshot} of {snapshotter}, which is gone.",
        "Delete and recreate it: ctr -n {namespace} containers delete {key}",
    ),
    NO_SANDBOX := Rule(
        "containers_without_sandbox", WARNING, "Container {key} belongs to the sandbox {sandbox}, which is gone.",
        "ctr -n {namespace} containers delete {key}",
    ),
    NO_PARENT := Rule(
        "snapshots_without_parent", ERROR, "The parent {parent} of snapshot {key} is gone.",
        "Remove what uses it and the snapshot, and pull the image again.",
    ),
    PARENT_LACKS := Rule(
        "one_sided_parents", WARNING,
        "Snapshot {key} has the parent {parent}, which doesn't list it: the parent may be removed too early.",
        "Recreate the snapshot.",
    ),
    CHILD_LACKS := Rule(
        "one_sided_parents", WARNING, "Snapshot {key} lists the child {child}, which {why}: {key} can't be removed.",
        "Recreate the child, or remove the entry.",
    ),
    EXPIRED := Rule(
        "expired_leases", WARNING,
        "Lease {key} expired {expired} ago and still names {count} resources (created {created} ago).",
        "The next garbage collection removes it: ctr -n {namespace} leases delete {key}",
    ),
    LEASE_OF_NOTHING := Rule(
        "leases_of_missing_resources", INFO, "Lease {key} names {count} blobs that aren't there, {first} first.",
        "Nothing.",
    ),
    UNFINISHED := Rule(
        "unfinished_ingests", INFO, "Writing {key} was begun and isn't finished.",
        "If no pull runs: ctr -n {namespace} content rm-ingest {key}, or wait for garbage collection.",
    ),
    EMPTY := Rule(
        "empty_namespaces", INFO, "Namespace {subject} holds nothing.", "ctr namespaces remove {subject}",
    ),
)  # fmt: skip


def audit(db: Store, options: AuditOptions) -> Audit | None:
    """Audit a meta.db; None for anything else."""
    recognition = recognise(db)
    if recognition is None or not has_audit(db):
        return None
    found = [Namespace(key, store) for key, store in namespaces(db)]
    deviations = [deviation for each in found for deviation in _deviations(each, options.now)]
    sizes = {each.name: each.sizes() for each in found}
    counts = [("namespaces", len(found))]
    for name in _KINDS:
        counts.append((name.replace("_", " "), sum(row[name] for row in sizes.values())))
    return Audit(
        recognition.layout,
        {"namespaces": sizes, **{code: sorted(told) for code, told in answers(RULES, deviations).items()}},
        findings(deviations),
        counts=counts,
    )


def has_audit(db: Store) -> bool:
    """Say whether there is an audit: not of a snapshotter's own file."""
    return not is_snapshotter(db)


def _deviations(each: Namespace, now: int) -> Iterator[Deviation]:
    def at(rule: Rule, path: tuple[bytes, ...], key: str, **facts: Any) -> Deviation:
        place = (V1, each.key, *path), key.encode("utf-8", "surrogateescape")
        return rule.at(*place, f"{each.name}/{key}", key=key, namespace=each.name, **facts)

    for name, (digest, _) in each.images.items():
        if digest not in each.blobs:
            yield at(NO_CONTENT, (b"images",), name, digest=digest or "nothing")
    for digest in each.unheld(now):
        yield at(NOBODY_HOLDS, (b"content", b"blob"), digest, bytes=each.blobs[digest][0])
    for name, (snapshotter, snapshot, sandbox, _) in each.containers.items():
        if snapshot and (snapshotter, snapshot) not in each.snapshots:
            yield at(NO_SNAPSHOT, (b"containers",), name, snapshot=snapshot, snapshotter=snapshotter)
        if sandbox and each.sandboxes and sandbox not in each.sandboxes:
            yield at(NO_SANDBOX, (b"containers",), name, sandbox=sandbox)
    for (snapshotter, name), (parent, children, _) in each.snapshots.items():
        path = b"snapshots", snapshotter.encode("utf-8", "surrogateescape")
        above = each.snapshots.get((snapshotter, parent))
        if parent and above is None:
            yield at(NO_PARENT, path, name, parent=parent)
        elif above is not None and name not in above[1]:
            yield at(PARENT_LACKS, path, name, parent=parent)
        for child in children:
            below = each.snapshots.get((snapshotter, child))
            if below is None or below[0] != name:
                yield at(CHILD_LACKS, path, name, child=child, why="is gone" if below is None else "has another parent")
    for name, (marks, held, created) in each.leases.items():
        if _expired(marks, now):
            ages = {"expired": age(parse_time(marks[EXPIRES]), now), "created": age(created, now)}
            yield at(EXPIRED, (b"leases",), name, count=len(held), **ages)
        missing = [one["id"] for one in held if one["type"] == "content" and one["id"] not in each.blobs]
        if missing:
            yield at(LEASE_OF_NOTHING, (b"leases",), name, count=len(missing), first=missing[0])
    for name in each.ingests:
        yield at(UNFINISHED, (b"content", b"ingests"), name)
    if each.empty:
        yield EMPTY.at((V1, each.key), None, each.name)
