"""What the pairs of raft's log mean."""

from ...text.times import time_text
from ...text.values import text_or_bytes
from ..codecs.integers import u64
from ..contract import Codec, Pattern, Plain
from ..values import NUMBER, or_else
from .commands import command as read_command
from .log import COMMAND, CONF, LOGS, Entry, type_name


def entry(key: bytes, value: bytes) -> Plain:
    """Return an entry; of a command's data what they look like."""
    found = Entry(u64(key) or 0, value)
    if not found.sound:
        return value
    record: dict[str, Plain] = {"index": found.index, "term": found.term, "type": type_name(found.type)}
    if found.appended_at is not None:
        record["appended_at"] = time_text(found.appended_at)
    if found.servers is not None:
        return record | {"servers": found.servers}
    record["data"] = command(found.data) if found.type == COMMAND else text_or_bytes(found.data)
    return record | ({"extensions": text_or_bytes(found.extensions)} if found.extensions else {})


def command(data: bytes) -> Plain:
    """Return a command's data: JSON, or a type and MessagePack (Consul, Nomad), or Vault's operations, or the bytes."""
    found = read_command(data)
    if found is None:
        return text_or_bytes(data)
    if found.type is None:
        return found.body
    flag = True if found.ignorable else None
    record = {"type": found.type, "name": found.name, "ignorable": flag, "body": found.body}
    return {field: value for field, value in record.items() if value is not None or field == "body"}


def term(key: bytes, value: bytes) -> Plain:
    return or_else(u64(value) if key.endswith(b"Term") else None, text_or_bytes(value))


CODECS: dict[Pattern, Codec] = {(LOGS,): Codec(NUMBER.key, entry), (CONF,): Codec(text_or_bytes, term)}
