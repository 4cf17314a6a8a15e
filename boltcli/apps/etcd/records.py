"""Protobuf records of etcd's store. Source: ``api/mvccpb/kv.proto``, ``leasepb``, ``authpb``, ``rpc.proto``."""

from __future__ import annotations

from typing import Any

from ..codecs.wire import Message

ALARMS = {0: "NONE", 1: "NOSPACE", 2: "CORRUPT"}
PERMISSIONS = {0: "READ", 1: "WRITE", 2: "READWRITE"}


class KeyValue:
    """mvccpb.KeyValue; of a tombstone only ``key`` is set."""

    def __init__(self, data: object) -> None:
        message = Message(data)
        self.sound = message.sound
        self.key = message.data(1)
        self.create_revision = message.number(2)
        self.mod_revision = message.number(3)
        self.version = message.number(4)
        self.value = message.data(5)
        self.lease = message.number(6)


class Lease:
    """leasepb.Lease: ``id``, and seconds ``ttl`` granted and ``remaining`` (0: not kept)."""

    def __init__(self, data: object) -> None:
        message = Message(data)
        self.sound = message.sound
        self.id = message.number(1)
        self.ttl = message.number(2)
        self.remaining = message.number(3)


class User:
    """authpb.User; the password is a bcrypt hash, of which only is said whether there is one."""

    def __init__(self, data: object) -> None:
        message = Message(data)
        self.name = message.text(1)
        self.has_password = bool(message.data(2))
        self.roles = message.all_text(3)
        self.no_password = bool(message.message(4).number(1))


class Role:
    """authpb.Role: ``permissions`` have what is allowed, the first ``key``, and ``range_end`` (b"": one key)."""

    def __init__(self, data: object) -> None:
        message = Message(data)
        self.name = message.text(1)
        self.permissions: list[dict[str, Any]] = [
            {"type": _named(PERMISSIONS, each.number(1)), "key": each.data(2), "range_end": each.data(3)}
            for each in map(Message, message.all_bytes(2))
        ]


class Alarm:
    """AlarmMember, which is a key: the member, and what is wrong."""

    def __init__(self, data: object) -> None:
        message = Message(data)
        self.member = message.unsigned(1)
        self.alarm = _named(ALARMS, message.number(2))


def _named(names: dict[int, str], number: int) -> str:
    return names.get(number, str(number))
