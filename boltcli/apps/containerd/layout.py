"""Where containerd's metadata is. Source: containerd ``core/metadata/buckets.go`` (1.x: ``metadata/buckets.go``)."""

from typing import Any

from ...text.json import load
from ...text.values import as_text
from ..codecs.integers import uvarint, varint
from ..codecs.wire import Message
from ..contract import CERTAIN, LIKELY, Recognition, Store
from ..values import buckets, find, pairs, value_of

V1, VERSION = b"v1", b"version"
OBJECTS = (b"images", b"containers", b"content", b"snapshots", b"leases", b"sandboxes", b"labels", b"ingests")
EXPIRES = "containerd.io/gc.expire"


def recognise(db: Store) -> Recognition | None:
    """Say whether ``db`` is containerd's metadata, or that of one of its snapshotters."""
    top = find(db, V1)
    if top is None:
        return None
    version = value_of(top, VERSION)
    if version is None and find(top, b"snapshots") is not None and find(top, b"parents") is not None:
        return Recognition("containerd", "snapshotter", CERTAIN)
    if version is not None and varint(version) is None:
        return None
    known = any(find(namespace, name) is not None for _, namespace in buckets(top) for name in OBJECTS)
    if version is None:
        # Until the first migration there is no version: that is schema 1's layout.
        return Recognition("containerd", "metadata, no schema version", LIKELY) if known else None
    return Recognition("containerd", f"metadata, schema version {varint(version)}", CERTAIN if known else LIKELY)


def parent_and_child(key: bytes) -> tuple[int, int] | None:
    r"""Return the two ids of a key of a snapshotter's ``parents``: an unsigned varint each, a zero byte between them.

    >>> parent_and_child(b"\x80\x02\x00\x05"), parent_and_child(b"\x01\x05"), parent_and_child(b"\x01\x00")
    ((256, 5), None, None)
    """
    try:
        parent, at = uvarint(key)
        child, end = uvarint(key, at + 1)
    except ValueError:
        return None
    return (parent, child) if key[at : at + 1] == b"\0" and end == len(key) else None


def children_of(db: Store) -> dict[int, list[str]]:
    """Return the names of each snapshot's children by its id, in a snapshotter's own file."""
    found: dict[int, list[str]] = {}
    for key, name in pairs(db, V1, b"parents"):
        ids = parent_and_child(key)
        if ids is not None:
            found.setdefault(ids[0], []).append(as_text(name))
    return found


def is_snapshotter(db: Store) -> bool:
    top = find(db, V1)
    return top is not None and top.get(VERSION) is None and find(top, b"parents") is not None


def size_of(store: Store | None, name: bytes = b"size") -> int | None:
    value = value_of(store, name)
    return None if value is None else varint(value)


def any_value(value: object) -> tuple[str | None, Any]:
    """Return type and value of a protobuf Any; the value is read if it is JSON, else it stays bytes."""
    if not isinstance(value, bytes):
        return None, None
    message = Message(value)
    if not message.sound:
        return None, value
    data = message.data(2)
    return message.text(1) or None, load(data) if data[:1] in (b"{", b"[") else data or None
