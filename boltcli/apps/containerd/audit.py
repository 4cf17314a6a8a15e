"""The audit of containerd's metadata: what points to nothing, and what nothing points to."""

from __future__ import annotations

from ..contract import ERROR, INFO, WARNING, Audit, AuditFinding
from ..store import find
from ..values import as_text, buckets_at, pairs_at, text_of
from ..words import age, parse_time
from .layout import EXPIRES, V1, is_snapshotter, labels, namespaces, recognise, size_of, time_of
from .views import resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..contract import AuditOptions, Path
    from ..store import Store

_ROOT, _FLAT = "containerd.io/gc.root", "containerd.io/gc.flat"
_REFERENCES = "containerd.io/gc.ref.content"


class Namespace:
    """What one namespace holds, by id."""

    def __init__(self, key: bytes, store: Store) -> None:
        self.key = key
        self.name = as_text(key)
        self.labels = labels(store)
        self.images: dict[str, tuple[str, dict[str, str]]] = {}
        for name, image in buckets_at(store, b"images"):
            target = find(image, b"target")
            digest = None if target is None else text_of(target, b"digest")
            self.images[as_text(name)] = digest or "", labels(image)
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
                children = [as_text(child) for child, _ in pairs_at(each, b"children")]
                self.snapshots[as_text(snapshotter), as_text(key)] = (
                    text_of(each, b"parent") or "", children, labels(each),
                )  # fmt: skip
        self.leases = {
            as_text(name): (labels(lease), resources(lease), time_of(lease, b"createdat"))
            for name, lease in buckets_at(store, b"leases")
        }
        self.sandboxes = {as_text(name): labels(each) for name, each in buckets_at(store, b"sandboxes")}

    @property
    def empty(self) -> bool:
        """Whether nothing but labels is in it."""
        return not any((self.images, self.blobs, self.ingests, self.containers, self.snapshots, self.sandboxes))

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


def audit(db: Store, options: AuditOptions) -> Audit | None:
    """Audit a meta.db; None for anything else."""
    recognition = recognise(db)
    if recognition is None or is_snapshotter(db):
        return None
    found = [Namespace(key, store) for key, store in namespaces(db)]
    findings = [finding for each in found for finding in _findings(each, options.now)]
    by_question: dict[str, list[str]] = {}
    for finding in findings:
        by_question.setdefault(finding.question, []).append(finding.subject)
    answers: dict[str, Any] = {
        "namespaces": {
            each.name: {
                "images": len(each.images), "containers": len(each.containers), "snapshots": len(each.snapshots),
                "blobs": len(each.blobs), "content_bytes": sum(size for size, _ in each.blobs.values()),
                "leases": len(each.leases), "ingests": len(each.ingests), "sandboxes": len(each.sandboxes),
            }
            for each in found
        },
    }  # fmt: skip
    answers |= {question: sorted(by_question.get(question, [])) for question in QUESTIONS}
    totals = [
        (name, sum(row[name] for row in answers["namespaces"].values()))
        for name in ("images", "containers", "snapshots", "blobs", "content_bytes", "leases", "ingests", "sandboxes")
    ]
    counts = [("namespaces", len(found)), *((name.replace("_", " "), number) for name, number in totals)]
    return Audit(recognition.layout, answers, findings, counts=counts)


QUESTIONS = (
    "images_without_content", "content_nobody_holds", "containers_without_snapshot", "containers_without_sandbox",
    "snapshots_without_parent", "one_sided_parents", "expired_leases", "leases_of_missing_resources",
    "unfinished_ingests", "empty_namespaces",
)  # fmt: skip


def _findings(each: Namespace, now: int) -> Iterator[AuditFinding]:
    def finding(question: str, severity: str, path: Path, key: str, message: str, remedy: str) -> AuditFinding:
        return AuditFinding(
            question, severity, message, bucket=(V1, each.key, *path), key=key.encode("utf-8", "surrogateescape"),
            subject=f"{each.name}/{key}", remedy=remedy,
        )  # fmt: skip

    for name, (digest, _) in each.images.items():
        if digest not in each.blobs:
            yield finding(
                "images_without_content", ERROR, (b"images",), name,
                f"Image {name} points to {digest or 'nothing'}, which isn't in the content store.",
                f"ctr -n {each.name} images pull {name}",
            )  # fmt: skip
    unheld = each.unheld(now)
    for digest in unheld:
        yield finding(
            "content_nobody_holds", WARNING, (b"content", b"blob"), digest,
            f"No image, label or lease holds {digest} ({each.blobs[digest][0]} bytes).",
            "The next garbage collection removes it: ctr content prune references.",
        )  # fmt: skip
    for name, (snapshotter, key, sandbox, _) in each.containers.items():
        if key and (snapshotter, key) not in each.snapshots:
            yield finding(
                "containers_without_snapshot", ERROR, (b"containers",), name,
                f"Container {name} needs the snapshot {key} of {snapshotter}, which is gone.",
                f"Delete and recreate it: ctr -n {each.name} containers delete {name}",
            )  # fmt: skip
        if sandbox and each.sandboxes and sandbox not in each.sandboxes:
            yield finding(
                "containers_without_sandbox", WARNING, (b"containers",), name,
                f"Container {name} belongs to the sandbox {sandbox}, which is gone.",
                f"ctr -n {each.name} containers delete {name}",
            )  # fmt: skip
    yield from _snapshot_findings(each, finding)
    for name, (marks, held, created) in each.leases.items():
        if _expired(marks, now):
            yield finding(
                "expired_leases", WARNING, (b"leases",), name,
                f"Lease {name} expired {age(parse_time(marks[EXPIRES]), now)} ago and still names {len(held)} resources"
                f" (created {age(created, now)} ago).",
                f"The next garbage collection removes it: ctr -n {each.name} leases delete {name}",
            )  # fmt: skip
        missing = [one["id"] for one in held if one["type"] == "content" and one["id"] not in each.blobs]
        if missing:
            yield finding(
                "leases_of_missing_resources", INFO, (b"leases",), name,
                f"Lease {name} names {len(missing)} blobs that aren't there, {missing[0]} first.", "Nothing.",
            )  # fmt: skip
    for ref in each.ingests:
        yield finding(
            "unfinished_ingests", INFO, (b"content", b"ingests"), ref, f"Writing {ref} was begun and isn't finished.",
            f"If no pull runs: ctr -n {each.name} content rm-ingest {ref}, or wait for garbage collection.",
        )  # fmt: skip
    if each.empty:
        yield AuditFinding(
            "empty_namespaces", INFO, f"Namespace {each.name} holds nothing.", bucket=(V1, each.key),
            subject=each.name, remedy=f"ctr namespaces remove {each.name}",
        )  # fmt: skip


def _snapshot_findings(each: Namespace, finding: Any) -> Iterator[AuditFinding]:
    for (snapshotter, key), (parent, children, _) in each.snapshots.items():
        path = (b"snapshots", snapshotter.encode("utf-8", "surrogateescape"))
        above = each.snapshots.get((snapshotter, parent))
        if parent and above is None:
            yield finding(
                "snapshots_without_parent", ERROR, path, key, f"The parent {parent} of snapshot {key} is gone.",
                "Remove what uses it and the snapshot, and pull the image again.",
            )  # fmt: skip
        elif above is not None and key not in above[1]:
            yield finding(
                "one_sided_parents", WARNING, path, key,
                f"Snapshot {key} has the parent {parent}, which doesn't list it: the parent may be removed too early.",
                "Recreate the snapshot.",
            )  # fmt: skip
        for child in children:
            below = each.snapshots.get((snapshotter, child))
            if below is None or below[0] != key:
                why = "is gone" if below is None else "has another parent"
                yield finding(
                    "one_sided_parents", WARNING, path, key,
                    f"Snapshot {key} lists the child {child}, which {why}: {key} can't be removed.",
                    "Recreate the child, or remove the entry.",
                )  # fmt: skip
