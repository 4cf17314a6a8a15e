"""Kubernetes' objects in etcd: values of protobuf, of JSON, and encrypted ones, and what their keys say.

Source: apimachinery's ``runtime/generated.proto`` (Unknown) and ``meta/v1/generated.proto`` (ObjectMeta, which is
field 1 of an object), and the API server's ``storage/value/encrypt``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...text.json import load, load_record
from ...text.times import SECOND, parse_time
from ...text.values import as_text
from ..codecs.wire import Message, any_message

PROTOBUF, ENCRYPTED = b"k8s\x00", b"k8s:enc:"
_PLURAL_PARTS = {b"services": (b"specs", b"endpoints")}  # both lie under "services"


@dataclass
class Object:
    """What is known of an object without its schema; a text is None where there is none.

    ``encoding`` is protobuf, json, or the name of the provider that encrypted
    it (with its key's name), of which nothing else is known.
    """

    encoding: str
    api_version: str | None = None
    kind: str | None = None
    name: str | None = None
    namespace: str | None = None
    uid: str | None = None
    labels: dict[str, Any] = field(default_factory=dict)
    created: int | None = None  # nanoseconds since 1970


def is_object(value: bytes) -> bool:
    """Say whether a value is an object of Kubernetes, in any of its forms."""
    if value.startswith((PROTOBUF, ENCRYPTED)):
        return True
    return value[:1] == b"{" and b'"apiVersion"' in value and b'"kind"' in value


def read_object(value: bytes) -> Object | None:
    """Return what a value says of its object; None if it isn't one."""
    if value.startswith(PROTOBUF):
        return _protobuf(Message(value[len(PROTOBUF) :]))
    if value.startswith(ENCRYPTED):
        provider = value[len(ENCRYPTED) :].split(b":", 3)
        return Object(":".join(map(as_text, provider[:3])))
    record = load_record(value) if value[:1] == b"{" else None
    if record is None or not isinstance(record.get("kind"), str) or not isinstance(record.get("apiVersion"), str):
        return None
    return _json(record)


def _protobuf(unknown: Message) -> Object:
    found = Object("protobuf")
    kind = unknown.message(1)
    found.api_version, found.kind = kind.text(1) or None, kind.text(2) or None
    raw = unknown.data(2)
    if raw[:1] == b"{":  # contentType application/json inside the envelope
        record = load_record(raw)
        return _json(record, found) if record is not None else found
    meta = Message(raw).message(1)
    found.name, found.namespace, found.uid = meta.text(1) or None, meta.text(3) or None, meta.text(5) or None
    found.labels = meta.text_map(11)
    time = meta.message(8)
    found.created = time.number(1) * SECOND + time.number(2) if 1 in time else None
    return found


def _json(record: dict[str, Any], found: Object | None = None) -> Object:
    found = found or Object("json")
    meta = record.get("metadata")
    meta = meta if isinstance(meta, dict) else {}
    found.api_version = _text(record.get("apiVersion")) or found.api_version
    found.kind = _text(record.get("kind")) or found.kind
    found.name, found.namespace, found.uid = (_text(meta.get(name)) for name in ("name", "namespace", "uid"))
    labels = meta.get("labels")
    found.labels = labels if isinstance(labels, dict) else {}
    found.created = parse_time(meta.get("creationTimestamp"))
    return found


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def decoded(value: bytes) -> Any:
    """Return an object as far as it can be read without its schema; the value itself if it isn't one."""
    if value.startswith(PROTOBUF):
        unknown = Message(value[len(PROTOBUF) :])
        raw = unknown.data(2)
        inner = load(raw) if raw[:1] == b"{" else any_message(raw)
        kind = unknown.message(1)
        return {"apiVersion": kind.text(1), "kind": kind.text(2), "fields": raw if inner is None else inner}
    if value.startswith(ENCRYPTED):
        found = read_object(value)
        return {"encrypted": found.encoding if found is not None else "", "data": value.split(b":", 5)[-1]}
    return load(value) if value[:1] in (b"{", b"[") else value


def place(key: bytes) -> tuple[str, str | None]:
    """Return the resource that a key belongs to, and its namespace or None.

    Keys are /PREFIX/RESOURCE/[NAMESPACE/]NAME, for resources of groups beyond
    Kubernetes' own /PREFIX/GROUP/RESOURCE/...

    >>> place(b"/registry/pods/shop/cart-0"), place(b"/registry/namespaces/shop")
    (('pods', 'shop'), ('namespaces', None))
    >>> place(b"/registry/widgets.example.org/widgets/shop/blue"), place(b"/registry/services/specs/shop/cart")
    (('widgets.widgets.example.org', 'shop'), ('services', 'shop'))
    """
    parts = key.removeprefix(b"/").split(b"/")
    if len(parts) < 2:
        return as_text(parts[0]), None
    del parts[0]
    resource = as_text(parts[0])
    if parts[0] in _PLURAL_PARTS and len(parts) > 2 and parts[1] in _PLURAL_PARTS[parts[0]]:
        resource = "endpoints" if parts[1] == b"endpoints" else resource
        rest = parts[2:]
    elif b"." in parts[0] and len(parts) > 2:
        resource = f"{as_text(parts[1])}.{resource}"
        rest = parts[2:]
    else:
        rest = parts[1:]
    return resource, as_text(rest[0]) if len(rest) > 1 else None
