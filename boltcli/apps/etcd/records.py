"""Protobuf records of etcd's store. Source: ``api/mvccpb/kv.proto``, ``leasepb``, ``authpb``, ``rpc.proto``."""

from __future__ import annotations

from ..codecs.wire import Message

ALARMS = {0: "NONE", 1: "NOSPACE", 2: "CORRUPT"}
PERMISSIONS = {0: "READ", 1: "WRITE", 2: "READWRITE"}


class KeyValue:
    """mvccpb.KeyValue; of a tombstone only ``key`` is set."""

    __slots__ = ("create_revision", "key", "lease", "mod_revision", "sound", "value", "version")

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

    __slots__ = ("id", "remaining", "sound", "ttl")

    def __init__(self, data: object) -> None:
        message = Message(data)
        self.sound = message.sound
        self.id = message.number(1)
        self.ttl = message.number(2)
        self.remaining = message.number(3)


class User:
    """authpb.User; the password is a bcrypt hash, of which only is said whether there is one."""

    __slots__ = ("has_password", "name", "no_password", "roles")

    def __init__(self, data: object) -> None:
        message = Message(data)
        self.name = message.text(1)
        self.has_password = bool(message.data(2))
        self.roles = message.all_text(3)
        self.no_password = bool(message.message(4).number(1))


class Role:
    """authpb.Role: ``permissions`` are triples of what is allowed, first key, and end of the range (b"": one key)."""

    __slots__ = ("name", "permissions")

    def __init__(self, data: object) -> None:
        message = Message(data)
        self.name = message.text(1)
        self.permissions = [
            (PERMISSIONS.get(each.number(1), str(each.number(1))), each.data(2), each.data(3))
            for each in map(Message, message.all_bytes(2))
        ]


class Alarm:
    """AlarmMember, which is a key: the member, and what is wrong."""

    __slots__ = ("alarm", "member")

    def __init__(self, data: object) -> None:
        message = Message(data)
        self.member = message.unsigned(1)
        self.alarm = ALARMS.get(message.number(2), str(message.number(2)))
