"""containerd's metadata as tables."""

from ...text.json import jsonable
from ...text.times import go_time, parse_time
from ...text.values import as_text
from ..codecs.integers import whole_uvarint
from ..contract import ANY, Store
from ..values import buckets, find, names_at, text_map, text_of, value_of
from ..views import Rows, computed, key_text, nested, parent, records, time, view
from .layout import EXPIRES, V1, any_value, children_of, is_snapshotter, size_of


def _count(store: Store, *path: bytes) -> int:
    return sum(1 for _ in buckets(store, *path))


@view(
    "Namespaces and their content",
    "namespace labels:json images:integer containers:integer snapshots:integer blobs:integer content_bytes:integer "
    "leases:integer sandboxes:integer",
    name="namespaces",
)
def namespace_rows(db: Store) -> Rows:
    for name, namespace in () if is_snapshotter(db) else buckets(db, V1):
        sizes = [size_of(blob) or 0 for _, blob in buckets(namespace, b"content", b"blob")]
        yield (as_text(name), text_map(namespace, b"labels"), _count(namespace, b"images"),
            _count(namespace, b"containers"),
            sum(_count(namespace, b"snapshots", each) for each, _ in buckets(namespace, b"snapshots")),
            len(sizes), sum(sizes), _count(namespace, b"leases"), _count(namespace, b"sandboxes"))  # fmt: skip


@view(
    "Snapshots with parents; kind, size and id (its directory) in a snapshotter's own file",
    "namespace snapshotter key name parent children:json created_at:time updated_at:time labels:json kind size:integer "
    "inodes:integer id:integer",
)
def snapshots(db: Store) -> Rows:
    def common(key: bytes, each: Store) -> dict[str, object]:
        return {
            "key": as_text(key),
            "parent": text_of(each, b"parent") or None,
            "created_at": go_time(each.get(b"createdat")),
            "updated_at": go_time(each.get(b"updatedat")),
            "labels": text_map(each, b"labels"),
        }

    if is_snapshotter(db):
        children = children_of(db)
        for key, each in buckets(db, V1, b"snapshots"):
            id_, kind = whole_uvarint(value_of(each, b"id") or b""), value_of(each, b"kind") or b""
            yield common(key, each) | {
                "children": children.get(id_, []) if id_ is not None else [],
                "kind": {1: "View", 2: "Active", 3: "Committed"}.get(kind[0]) if len(kind) == 1 else None,
                "size": size_of(each),
                "inodes": size_of(each, b"inodes"),
                "id": id_,
            }
        return
    for namespace, content in buckets(db, V1):
        for snapshotter, store in buckets(content, b"snapshots"):
            for key, each in buckets(store):
                yield common(key, each) | {
                    "namespace": as_text(namespace),
                    "snapshotter": as_text(snapshotter),
                    "name": text_of(each, b"name"),
                    "children": names_at(each, b"children"),
                }


def resources(lease: Store) -> list[dict[str, str]]:
    """Return what a lease holds, as containerd's API lists it: snapshots by snapshotter."""
    found = [{"type": kind, "id": each} for kind in ("content", "ingests") for each in names_at(lease, kind.encode())]
    for snapshotter, _ in buckets(lease, b"snapshots"):
        kind = f"snapshots/{as_text(snapshotter)}"
        found += [{"type": kind, "id": each} for each in names_at(lease, b"snapshots", snapshotter)]
    return found


NAMESPACE, LABELS = parent(1), computed("json", lambda item: text_map(item.record, b"labels"))
CREATED, UPDATED = time("createdat"), time("updatedat")
SPEC_TYPE = computed("text", lambda item: any_value(item.field("spec"))[0])
SPEC = computed("json", lambda item: jsonable(any_value(item.field("spec"))[1]))
EXTENSIONS = computed("json", lambda item: names_at(item.record, b"extensions"))

RECORDS = (
    records("images", "Images and the blob that each points to", at=(V1, ANY, b"images"), read=nested,
        namespace=NAMESPACE, name=key_text, digest="target.digest", media_type="target.mediatype",
        size=computed("integer", lambda item: size_of(find(item.record, b"target"))), created_at=CREATED,
        updated_at=UPDATED, labels=LABELS,
        annotations=computed("json", lambda item: text_map(item.record, b"target", b"annotations")
                             or text_map(item.record, b"annotations"))),
    records("containers", "Containers with their specification", at=(V1, ANY, b"containers"), read=nested,
        namespace=NAMESPACE, id=key_text, image="image", runtime="runtime.name", snapshotter="snapshotter",
        snapshot_key="snapshotKey", sandbox_id="sandboxid", created_at=CREATED, updated_at=UPDATED, labels=LABELS,
        spec_type=SPEC_TYPE, spec=SPEC, extensions=EXTENSIONS),
    snapshots,
    records("content", "Blobs of the content store", at=(V1, ANY, b"content", b"blob"), read=nested,
        namespace=NAMESPACE, digest=key_text, size=computed("integer", lambda item: size_of(item.record)),
        created_at=CREATED, updated_at=UPDATED, labels=LABELS),
    records("ingests", "Unfinished writes", at=(V1, ANY, b"content", b"ingests"), read=nested,
        namespace=NAMESPACE, ref=key_text, backend_ref="ref",
        expected=computed("text", lambda item: text_of(item.record, b"expected") or None), expires_at=time("expireat")),
    records("leases", "Leases and what they hold", at=(V1, ANY, b"leases"), read=nested,
        namespace=NAMESPACE, id=key_text, created_at=CREATED, labels=LABELS,
        expires_at=computed("time", lambda item: parse_time(text_map(item.record, b"labels").get(EXPIRES))),
        resource_count=computed("integer", lambda item: len(resources(item.record))),
        resources=computed("json", lambda item: resources(item.record))),
    records("sandboxes", "Sandboxes (from 1.7 on)", at=(V1, ANY, b"sandboxes"), read=nested,
        namespace=NAMESPACE, id=key_text, runtime="runtime.name", sandboxer="sandboxer", created_at=CREATED,
        updated_at=UPDATED, labels=LABELS, spec_type=SPEC_TYPE, spec=SPEC, extensions=EXTENSIONS),
)  # fmt: skip
VIEWS = (namespace_rows, *RECORDS)
