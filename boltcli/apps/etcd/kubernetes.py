"""Kubernetes' objects in etcd: values of protobuf, of JSON, and encrypted ones, and what their keys say.

Source: apimachinery's ``runtime/generated.proto`` (Unknown) and ``meta/v1/generated.proto`` (ObjectMeta, which is
field 1 of an object), and the API server's ``storage/value/encrypt``.
"""

from dataclasses import dataclass, field
from typing import Any

from ...text.json import load, load_record
from ...text.times import SECOND, parse_time
from ...text.values import as_text
from ..codecs.wire import Message, any_message

PROTOBUF, ENCRYPTED = b"k8s\x00", b"k8s:enc:"


@dataclass
class Object:
    """What is known of an object without its schema; a text is None where there is none.

    ``encoding`` is protobuf, json, or the name of the provider that encrypted it (with its key's name), of which
    nothing else is known. ``creation_time`` is in nanoseconds since 1970.
    """

    encoding: str
    api_version: str | None = None
    kind: str | None = None
    name: str | None = None
    namespace: str | None = None
    uid: str | None = None
    labels: dict[str, Any] = field(default_factory=dict)
    creation_time: int | None = None


def is_object(value: bytes) -> bool:
    is_json = value[:1] == b"{" and b'"apiVersion"' in value and b'"kind"' in value
    return is_json or value.startswith((PROTOBUF, ENCRYPTED))


def read_object(value: bytes) -> Object | None:
    """Return what a value says of its object; None if it isn't one."""
    if value.startswith(PROTOBUF):
        return _protobuf(Message(value[len(PROTOBUF) :]))
    if value.startswith(ENCRYPTED):
        return Object(_provider(value))
    record = load_record(value) if value[:1] == b"{" else None
    typed = record is not None and all(isinstance(record.get(name), str) for name in ("kind", "apiVersion"))
    return _json("json", record) if record is not None and typed else None


def _provider(value: bytes) -> str:
    return ":".join(map(as_text, value[len(ENCRYPTED) :].split(b":", 3)[:3]))


def _protobuf(unknown: Message) -> Object:
    kind, raw = unknown.message(1), unknown.data(2)
    typed = kind.text(1) or None, kind.text(2) or None
    if raw[:1] == b"{":  # contentType application/json inside the envelope
        record = load_record(raw)
        return Object("protobuf", *typed) if record is None else _json("protobuf", record, *typed)
    meta = Message(raw).message(1)
    name, namespace, uid = (meta.text(number) or None for number in (1, 3, 5))
    time = meta.message(8)
    created = time.number(1) * SECOND + time.number(2) if 1 in time else None
    return Object("protobuf", *typed, name, namespace, uid, meta.text_map(11), created)


def _json(encoding: str, record: dict[str, Any], api_version: str | None = None, kind: str | None = None) -> Object:
    meta = found if isinstance(found := record.get("metadata"), dict) else {}
    typed = _text(record.get("apiVersion")) or api_version, _text(record.get("kind")) or kind
    name, namespace, uid = (_text(meta.get(each)) for each in ("name", "namespace", "uid"))
    labels = found if isinstance(found := meta.get("labels"), dict) else {}
    return Object(encoding, *typed, name, namespace, uid, labels, parse_time(meta.get("creationTimestamp")))


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
        return {"encrypted": _provider(value), "data": value.split(b":", 5)[-1]}
    return load(value) if value[:1] in (b"{", b"[") else value


def place(key: bytes) -> tuple[str, str | None]:
    """Return the resource that a key belongs to, and its namespace or None.

    Keys are /PREFIX/RESOURCE/[NAMESPACE/]NAME, for groups beyond Kubernetes' own /PREFIX/GROUP/RESOURCE/...

    >>> place(b"/registry/pods/shop/cart-0"), place(b"/registry/namespaces/shop")
    (('pods', 'shop'), ('namespaces', None))
    >>> place(b"/registry/widgets.example.org/widgets/shop/blue"), place(b"/registry/services/specs/shop/cart")
    (('widgets.widgets.example.org', 'shop'), ('services', 'shop'))
    """
    parts = as_text(key.removeprefix(b"/")).split("/")
    if len(parts) < 2:
        return parts[0], None
    _, resource, *rest = parts
    if resource == "services" and len(rest) > 1 and rest[0] in ("specs", "endpoints"):
        kind = rest.pop(0)
        resource = "endpoints" if kind == "endpoints" else resource
    elif "." in resource and len(rest) > 1:
        resource = f"{rest.pop(0)}.{resource}"
    return resource, rest[0] if len(rest) > 1 else None
