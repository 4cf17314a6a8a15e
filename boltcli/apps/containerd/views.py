"""containerd's metadata as tables."""

from __future__ import annotations

from ..contract import View
from ..json_values import jsonable
from ..store import find
from ..values import as_text, buckets_at, columns, pairs_at, text_map, text_of
from ..words import parse_time
from .layout import EXPIRES, V1, any_value, children_of, id_of, is_snapshotter, labels, namespaces, size_of, time_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..store import Store

    Row = tuple[Any, ...]

_KINDS = {1: "View", 2: "Active", 3: "Committed"}


def _count(store: Store, *path: bytes) -> int:
    return sum(1 for _ in buckets_at(store, *path))


def namespace_rows(db: Store) -> Iterator[Row]:
    for name, namespace in () if is_snapshotter(db) else namespaces(db):
        sizes = [size_of(blob) or 0 for _, blob in buckets_at(namespace, b"content", b"blob")]
        snapshots = sum(_count(namespace, b"snapshots", each) for each, _ in buckets_at(namespace, b"snapshots"))
        yield (
            as_text(name), labels(namespace), _count(namespace, b"images"), _count(namespace, b"containers"),
            snapshots, len(sizes), sum(sizes), _count(namespace, b"leases"), _count(namespace, b"sandboxes"),
        )  # fmt: skip


def images(db: Store) -> Iterator[Row]:
    for namespace, content in namespaces(db):
        for name, image in buckets_at(content, b"images"):
            target = find(image, b"target")
            yield (
                as_text(namespace), as_text(name), text_of(target, b"digest") if target is not None else None,
                text_of(target, b"mediatype") if target is not None else None,
                size_of(target) if target is not None else None, time_of(image, b"createdat"),
                time_of(image, b"updatedat"), labels(image),
                text_map(image, b"target", b"annotations") or text_map(image, b"annotations"),
            )  # fmt: skip


def containers(db: Store) -> Iterator[Row]:
    for namespace, content in namespaces(db):
        for name, each in buckets_at(content, b"containers"):
            runtime = find(each, b"runtime")
            kind, spec = any_value(each.get(b"spec"))
            yield (
                as_text(namespace), as_text(name), text_of(each, b"image"),
                text_of(runtime, b"name") if runtime is not None else None, text_of(each, b"snapshotter"),
                text_of(each, b"snapshotKey"), text_of(each, b"sandboxid"), time_of(each, b"createdat"),
                time_of(each, b"updatedat"), labels(each), kind, jsonable(spec),
                [as_text(key) for key, _ in pairs_at(each, b"extensions")],
            )  # fmt: skip


def snapshots(db: Store) -> Iterator[Row]:
    if is_snapshotter(db):
        children = children_of(db)
        for key, each in buckets_at(db, V1, b"snapshots"):
            id = id_of(each)
            kind = each.get(b"kind")
            number = kind[0] if isinstance(kind, bytes) and len(kind) == 1 else 0
            yield (
                None, None, as_text(key), None, text_of(each, b"parent") or None,
                children.get(id, []) if id is not None else [], time_of(each, b"createdat"),
                time_of(each, b"updatedat"), labels(each), _KINDS.get(number),
                size_of(each), size_of(each, b"inodes"), id,
            )  # fmt: skip
        return
    for namespace, content in namespaces(db):
        for snapshotter, store in buckets_at(content, b"snapshots"):
            for key, each in buckets_at(store):
                yield (
                    as_text(namespace), as_text(snapshotter), as_text(key), text_of(each, b"name"),
                    text_of(each, b"parent") or None, [as_text(child) for child, _ in pairs_at(each, b"children")],
                    time_of(each, b"createdat"), time_of(each, b"updatedat"), labels(each), None, None, None, None,
                )  # fmt: skip


def content(db: Store) -> Iterator[Row]:
    for namespace, store in namespaces(db):
        for digest, blob in buckets_at(store, b"content", b"blob"):
            yield (
                as_text(namespace), as_text(digest), size_of(blob), time_of(blob, b"createdat"),
                time_of(blob, b"updatedat"), labels(blob),
            )  # fmt: skip


def ingests(db: Store) -> Iterator[Row]:
    for namespace, store in namespaces(db):
        for ref, each in buckets_at(store, b"content", b"ingests"):
            yield (
                as_text(namespace), as_text(ref), text_of(each, b"ref"), text_of(each, b"expected") or None,
                time_of(each, b"expireat"),
            )  # fmt: skip


def resources(lease: Store) -> list[dict[str, str]]:
    """Return what a lease holds, as containerd's API lists it: snapshots by snapshotter."""
    found = [{"type": "content", "id": as_text(key)} for key, _ in pairs_at(lease, b"content")]
    found += [{"type": "ingests", "id": as_text(key)} for key, _ in pairs_at(lease, b"ingests")]
    for snapshotter, _ in buckets_at(lease, b"snapshots"):
        held = pairs_at(lease, b"snapshots", snapshotter)
        found += [{"type": f"snapshots/{as_text(snapshotter)}", "id": as_text(key)} for key, _ in held]
    return found


def leases(db: Store) -> Iterator[Row]:
    for namespace, store in namespaces(db):
        for name, lease in buckets_at(store, b"leases"):
            marks, held = labels(lease), resources(lease)
            yield (
                as_text(namespace), as_text(name), time_of(lease, b"createdat"), parse_time(marks.get(EXPIRES)), marks,
                len(held), held,
            )  # fmt: skip


def sandboxes(db: Store) -> Iterator[Row]:
    for namespace, store in namespaces(db):
        for name, each in buckets_at(store, b"sandboxes"):
            runtime = find(each, b"runtime")
            kind, spec = any_value(each.get(b"spec"))
            yield (
                as_text(namespace), as_text(name), text_of(runtime, b"name") if runtime is not None else None,
                text_of(each, b"sandboxer"), time_of(each, b"createdat"), time_of(each, b"updatedat"), labels(each),
                kind, jsonable(spec), [as_text(key) for key, _ in pairs_at(each, b"extensions")],
            )  # fmt: skip


VIEWS = (
    View("namespaces", columns(
        "namespace labels:json images:integer containers:integer snapshots:integer blobs:integer "
        "content_bytes:integer leases:integer sandboxes:integer"
    ), namespace_rows, "Namespaces and what is in them"),
    View("images", columns(
        "namespace name digest mediatype size:integer createdat:time updatedat:time labels:json annotations:json"
    ), images, "Images and the blob that each points to"),
    View("containers", columns(
        "namespace id image runtime snapshotter snapshot_key sandbox_id createdat:time updatedat:time labels:json "
        "spec_type spec:json extensions:json"
    ), containers, "Containers with their specification"),
    View("snapshots", columns(
        "namespace snapshotter key name parent children:json createdat:time updatedat:time labels:json kind "
        "size:integer inodes:integer id:integer"
    ), snapshots, "Snapshots with parents; kind, size and id (its directory) in a snapshotter's own file"),
    View("content", columns("namespace digest size:integer createdat:time updatedat:time labels:json"), content,
         "Blobs of the content store"),
    View("ingests", columns("namespace ref backend_ref expected expireat:time"), ingests,
         "Writes that aren't finished"),
    View("leases", columns(
        "namespace id createdat:time expires:time labels:json resource_count:integer resources:json"
    ), leases, "Leases and what they hold"),
    View("sandboxes", columns(
        "namespace id runtime sandboxer createdat:time updatedat:time labels:json spec_type spec:json extensions:json"
    ), sandboxes, "Sandboxes (from 1.7 on)"),
)  # fmt: skip
