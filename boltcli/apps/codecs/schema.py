"""Protobuf with a schema: messages of a user's compiled descriptor set, by the protobuf package; the door to it."""

from collections.abc import Callable, Iterator
from typing import Any

from ...errors import ArgumentError, OpenError
from ...extras import need

_LARGEST = 16 << 20  # bytes of a descriptor set: those of all of Kubernetes' API are 3 MB


def message_decoder(descriptors: str, name: str) -> Callable[[bytes], Any]:
    """Return what decodes a message of type ``name``, of the descriptor set in the file ``descriptors``.

    ``protoc --include_imports --descriptor_set_out=FILE`` writes such a file. The decoder raises ValueError for bytes
    that aren't such a message. Raises :class:`~boltcli.errors.OpenError`, ArgumentError or MissingExtra.
    """
    need("google.protobuf", "apps", "--proto")
    from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
    from google.protobuf.message import DecodeError

    try:
        with open(descriptors, "rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise OpenError("open", descriptors, error.strerror or str(error)) from error
    if len(data) > _LARGEST:
        raise ArgumentError(f"{descriptors} is not a descriptor set: it has more than {_LARGEST >> 20} MiB")
    pool = descriptor_pool.DescriptorPool()
    try:
        files = descriptor_pb2.FileDescriptorSet.FromString(data)
        if not files.file:
            raise ArgumentError(f"{descriptors} is not a descriptor set; protoc --descriptor_set_out writes one")
        for each in files.file:
            pool.Add(each)
        found = pool.FindMessageTypeByName(name)
    except (DecodeError, TypeError, RecursionError) as error:
        told = f"{error}; protoc --include_imports --descriptor_set_out writes one"
        raise ArgumentError(f"{descriptors} is an incomplete descriptor set: {told}") from error
    except KeyError:
        known = sorted(full for each in files.file for full in _names(each))
        few = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
        raise ArgumentError(f"{descriptors} has no message {name!r}; it has {few or 'none'}") from None
    kind = message_factory.GetMessageClass(found)

    def decode(data: bytes) -> Any:
        try:
            return json_format.MessageToDict(kind.FromString(data), preserving_proto_field_name=True)
        except (DecodeError, json_format.Error, TypeError, KeyError, RecursionError) as error:
            raise ValueError(f"no {name}") from error

    return decode


def _names(file: Any) -> Iterator[str]:
    pending = [(file.package, message) for message in file.message_type]
    for outer, message in pending:
        name = f"{outer}.{message.name}".removeprefix(".")
        yield name
        pending += [(name, inner) for inner in message.nested_type]
