"""The audit of containerd's metadata: what points to nothing, and what nothing points to, by the rows of the views."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...text.times import age, parse_time
from ...text.values import as_text
from ..contract import ERROR, INFO, WARNING, Audit, AuditOptions, Store
from ..rules import Deviation, Rule, answers, findings
from ..values import buckets
from .layout import EXPIRES, V1, is_snapshotter, recognise
from .views import RECORDS

_REFERENCE = "containerd.io/gc.ref.content"
_KINDS = ("images", "containers", "snapshots", "blobs", "content_bytes", "leases", "ingests", "sandboxes")

Row = Mapping[str, Any]
Rows = Mapping[str, Sequence[Row]]
"""The rows of a namespace by view."""

# fmt: off
NO_CONTENT = Rule("images_without_content", ERROR, "Image {key} points to {digest}, which isn't in the content store.",
                  "ctr -n {namespace} images pull {key}")
NOBODY_HOLDS = Rule("content_nobody_holds", WARNING, "No image, label or lease holds {key} ({bytes} bytes).",
                    "The next garbage collection removes it: ctr content prune references.")
NO_SNAPSHOT = Rule("containers_without_snapshot", ERROR,
                   "Container {key} needs the snapshot {snapshot} of {snapshotter}, which is gone.",
                   "Delete and recreate it: ctr -n {namespace} containers delete {key}")
NO_SANDBOX = Rule("containers_without_sandbox", WARNING,
                  "Container {key} belongs to the sandbox {sandbox}, which is gone.",
                  "ctr -n {namespace} containers delete {key}")
NO_PARENT = Rule("snapshots_without_parent", ERROR, "The parent {parent} of snapshot {key} is gone.",
                 "Remove what uses it and the snapshot, and pull the image again.")
PARENT_LACKS = Rule("one_sided_parents", WARNING, "Snapshot {key} has the parent {parent}, which doesn't list it: the"
                    " parent may be removed too early.", "Recreate the snapshot.")
CHILD_LACKS = Rule("one_sided_parents", WARNING,
                   "Snapshot {key} lists the child {child}, which {why}: {key} can't be removed.",
                   "Recreate the child, or remove the entry.")
EXPIRED = Rule("expired_leases", WARNING,
               "Lease {key} expired {expired} ago and still names {count} resources (created {created} ago).",
               "The next garbage collection removes it: ctr -n {namespace} leases delete {key}")
LEASE_OF_NOTHING = Rule("leases_of_missing_resources", INFO,
                        "Lease {key} names {count} blobs that don't exist, {first} first.", "Nothing.")
UNFINISHED = Rule("unfinished_ingests", INFO, "The write of {key} was begun and not finished.",
                  "If no pull runs: ctr -n {namespace} content rm-ingest {key}, or wait for garbage collection.")
EMPTY = Rule("empty_namespaces", INFO, "Namespace {subject} holds nothing.", "ctr namespaces remove {subject}")
RULES = (
    NO_CONTENT, NOBODY_HOLDS, NO_SNAPSHOT, NO_SANDBOX, NO_PARENT,
    PARENT_LACKS, CHILD_LACKS, EXPIRED, LEASE_OF_NOTHING, UNFINISHED, EMPTY,
)
# fmt: on


def audit(db: Store, options: AuditOptions) -> Audit | None:
    """Audit a meta.db; None for anything else."""
    recognition = recognise(db)
    if recognition is None or not has_audit(db):
        return None
    found: dict[str, dict[str, list[Row]]] = {
        as_text(key): {view.name: [] for view in RECORDS} for key, _ in buckets(db, V1)
    }
    for view in RECORDS:
        for row in view.rows(db):
            record = dict(zip((column.name for column in view.columns), row))
            found[record["namespace"]][view.name].append(record)
    deviations = [each for name, rows in found.items() for each in _deviations(name, rows, options.now)]
    sizes = {name: _sizes(rows) for name, rows in found.items()}
    return Audit(
        recognition.layout,
        {"namespaces": sizes, **{code: sorted(told) for code, told in answers(RULES, deviations).items()}},
        findings(deviations),
        counts=[
            ("namespaces", len(found)),
            *((kind.replace("_", " "), sum(row[kind] for row in sizes.values())) for kind in _KINDS),
        ],
    )


def has_audit(db: Store) -> bool:
    """Say whether there is an audit: not of a snapshotter's own file."""
    return not is_snapshotter(db)


def _sizes(rows: Rows) -> dict[str, int]:
    blobs = {"blobs": len(rows["content"]), "content_bytes": sum(each["size"] or 0 for each in rows["content"])}
    return {kind: blobs[kind] if kind in blobs else len(rows[kind]) for kind in _KINDS}


def _unheld(rows: Rows, now: int) -> list[str]:
    """Return the blobs that no image, label or lease holds, by containerd's rules of collection."""
    labels = {each["digest"]: each["labels"] for each in rows["content"]}
    held: set[str] = set()
    flat: set[str] = set()
    pending = [each["digest"] for each in rows["images"] if not _expired(each, now)]
    pending += [digest for digest, marks in labels.items() if "containerd.io/gc.root" in marks]
    for lease in rows["leases"]:
        if not _expired(lease, now):
            if "containerd.io/gc.flat" in lease["labels"]:
                flat.update(_blobs_of(lease))
            else:
                pending += _blobs_of(lease)
    for view in ("images", "containers", "snapshots", "sandboxes"):
        pending += _references(each["labels"] for each in rows[view])
    while pending:
        digest = pending.pop()
        if digest not in held:
            held.add(digest)
            pending += _references([labels.get(digest, {})])
    return sorted(labels.keys() - held - flat)


def _blobs_of(lease: Row) -> list[str]:
    return [each["id"] for each in lease["resources"] if each["type"] == "content"]


def _references(labels: Iterable[Mapping[str, str]]) -> Iterator[str]:
    for marks in labels:
        for label, value in marks.items():
            if label == _REFERENCE or label.startswith((f"{_REFERENCE}.", f"{_REFERENCE}/")):
                yield value


def _expired(row: Row, now: int) -> bool:
    moment = parse_time(row["labels"].get(EXPIRES))
    return moment is not None and moment < now


def _deviations(namespace: str, rows: Rows, now: int) -> Iterator[Deviation]:
    inside = V1, namespace.encode()

    def at(rule: Rule, path: tuple[bytes, ...], key: str, **facts: Any) -> Deviation:
        return rule.at((*inside, *path), key.encode(), f"{namespace}/{key}", key=key, namespace=namespace, **facts)

    blobs = {each["digest"]: each["size"] or 0 for each in rows["content"]}
    snapshots = {(each["snapshotter"], each["key"]): each for each in rows["snapshots"]}
    sandboxes = {each["id"] for each in rows["sandboxes"]}
    for each in rows["images"]:
        if each["digest"] not in blobs:
            yield at(NO_CONTENT, (b"images",), each["name"], digest=each["digest"] or "nothing")
    for digest in _unheld(rows, now):
        yield at(NOBODY_HOLDS, (b"content", b"blob"), digest, bytes=blobs[digest])
    for each in rows["containers"]:
        snapshotter, snapshot, sandbox = each["snapshotter"] or "", each["snapshot_key"], each["sandbox_id"]
        if snapshot and (snapshotter, snapshot) not in snapshots:
            yield at(NO_SNAPSHOT, (b"containers",), each["id"], snapshot=snapshot, snapshotter=snapshotter)
        if sandbox and sandboxes and sandbox not in sandboxes:
            yield at(NO_SANDBOX, (b"containers",), each["id"], sandbox=sandbox)
    for (snapshotter, key), each in snapshots.items():
        path, parent = (b"snapshots", snapshotter.encode()), each["parent"]
        above = snapshots.get((snapshotter, parent))
        if parent and above is None:
            yield at(NO_PARENT, path, key, parent=parent)
        elif above is not None and key not in above["children"]:
            yield at(PARENT_LACKS, path, key, parent=parent)
        for child in each["children"]:
            below = snapshots.get((snapshotter, child))
            if below is None or below["parent"] != key:
                yield at(CHILD_LACKS, path, key, child=child, why="is gone" if below is None else "has another parent")
    for each in rows["leases"]:
        if _expired(each, now):
            ages = {"expired": age(each["expires_at"], now), "created": age(each["created_at"], now)}
            yield at(EXPIRED, (b"leases",), each["id"], count=each["resource_count"], **ages)
        missing = [digest for digest in _blobs_of(each) if digest not in blobs]
        if missing:
            yield at(LEASE_OF_NOTHING, (b"leases",), each["id"], count=len(missing), first=missing[0])
    for each in rows["ingests"]:
        yield at(UNFINISHED, (b"content", b"ingests"), each["ref"])
    if not any(rows[view] for view in ("images", "content", "ingests", "containers", "snapshots", "sandboxes")):
        yield EMPTY.at(inside, None, namespace)
