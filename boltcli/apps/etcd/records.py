"""Protobuf records of etcd's store. Source: ``api/mvccpb/kv.proto``, ``leasepb``, ``authpb``, ``rpc.proto``."""

from typing import Any

from ...text.values import text_or_bytes
from ..codecs.wire import Message, declared, one_of

_PERMISSIONS = one_of({0: "READ", 1: "WRITE", 2: "READWRITE"})


class KeyValue(Message):
    """mvccpb.KeyValue; of a tombstone only ``key`` is set."""

    key = declared(Message.data, 1)
    create_revision = declared(Message.number, 2)
    mod_revision = declared(Message.number, 3)
    version = declared(Message.number, 4)
    value = declared(Message.data, 5)
    lease = declared(Message.number, 6)

    value_bytes = declared(lambda record, number: len(record.data(number)), 5)


class Lease(Message):
    """leasepb.Lease: ``ttl`` is granted, in seconds, ``remaining_ttl`` is 0 where it isn't kept."""

    id = declared(Message.number, 1)
    ttl = declared(Message.number, 2)
    remaining_ttl = declared(Message.number, 3)


class User(Message):
    """authpb.User; the password is a bcrypt hash, of which only is said whether there is one."""

    name = declared(Message.text, 1)
    has_password = declared(lambda user, number: bool(user.data(number)), 2)
    roles = declared(Message.all_text, 3)
    no_password = declared(lambda user, number: bool(user.message(number).number(1)), 4)


class Role(Message):
    """authpb.Role: ``permissions`` have what is allowed, the first ``key``, and ``range_end`` ("": one key)."""

    name = declared(Message.text, 1)

    @property
    def permissions(self) -> list[dict[str, Any]]:
        return [
            {
                "type": _PERMISSIONS(each, 1),
                "key": text_or_bytes(each.data(2)),
                "range_end": text_or_bytes(each.data(3)),
            }
            for each in map(Message, self.all_bytes(2))
        ]


class Alarm(Message):
    """AlarmMember, which is a key: the member, and what is wrong."""

    member = declared(Message.unsigned, 1)
    alarm = declared(one_of({0: "NONE", 1: "NOSPACE", 2: "CORRUPT"}), 2)
