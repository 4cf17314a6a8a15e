"""The commands in raft's log: what Consul, Nomad and Vault write there.

Consul and Nomad write a byte for the type and MessagePack; bit 128 marks a type that older servers may ignore. Which of
both it was is told by a field that all its requests have. Vault writes protobuf (LogData: operations with key and
value). Sources: hashicorp/consul ``agent/structs/structs.go``, hashicorp/nomad ``nomad/structs/structs.go``,
hashicorp/vault ``physical/raft/{fsm.go,types.proto}``.
"""

from dataclasses import dataclass
from typing import Any

from ...text.json import load
from ..codecs.guess import guess
from ..codecs.messagepack import messagepack, unpack
from ..codecs.wire import BYTES, VARINT, Message, fields
from ..values import decoded_by

CONSUL, NOMAD, VAULT = "consul", "nomad", "vault"

_IGNORABLE = 0x80
_FIELDS = ((b"Datacenter", CONSUL), (b"Region", NOMAD))
# Names of the types, in the order of their numbers.
_CONSUL_TYPES = (
    "Register Deregister KVS Session ACL Tombstone CoordinateBatchUpdate PreparedQuery Txn Autopilot Area"
    " ACLBootstrap Intention ConnectCA ConnectCAProviderState ConnectCAConfig Index ACLTokenSet ACLTokenDelete"
    " ACLPolicySet ACLPolicyDelete ConnectCALeaf ConfigEntry ACLRoleSet ACLRoleDelete ACLBindingRuleSet"
    " ACLBindingRuleDelete ACLAuthMethodSet ACLAuthMethodDelete ChunkingState FederationState SystemMetadata"
    " ServiceVirtualIP FreeVirtualIP KindServiceNames PeeringWrite PeeringDelete PeeringTerminateByID"
    " PeeringTrustBundleWrite PeeringTrustBundleDelete PeeringSecretsWrite RaftLogVerifierCheckpoint"
    " ResourceOperation UpdateVirtualIP"
)
_NOMAD_TYPES = (
    "NodeRegister NodeDeregister NodeUpdateStatus NodeUpdateDrain JobRegister JobDeregister EvalUpdate EvalDelete"
    " AllocUpdate AllocClientUpdate ReconcileJobSummaries VaultAccessorRegister VaultAccessorDeregister"
    " ApplyPlanResults DeploymentStatusUpdate DeploymentPromote DeploymentAllocHealth DeploymentDelete JobStability"
    " ACLPolicyUpsert ACLPolicyDelete ACLTokenUpsert ACLTokenDelete ACLTokenBootstrap Autopilot UpsertNodeEvents"
    " JobBatchDeregister AllocUpdateDesiredTransition NodeUpdateEligibility BatchNodeUpdateDrain SchedulerConfig"
    " NodeBatchDeregister ClusterMetadata ServiceIdentityAccessorRegister ServiceIdentityAccessorDeregister"
    " CSIVolumeRegister CSIVolumeDeregister CSIVolumeClaim ScalingEventRegister CSIVolumeClaimBatch CSIPluginDelete"
    " EventSinkUpsert EventSinkDelete BatchEventSinkUpdateProgress OneTimeTokenUpsert OneTimeTokenDelete"
    " OneTimeTokenExpire ServiceRegistrationUpsert ServiceRegistrationDeleteByID ServiceRegistrationDeleteByNodeID"
    " VarApplyState RootKeyMetaUpsert WrappedRootKeysDelete ACLRolesUpsert ACLRolesDeleteByID ACLAuthMethodsUpsert"
    " ACLAuthMethodsDelete ACLBindingRulesUpsert ACLBindingRulesDelete NodePoolUpsert NodePoolDelete JobVersionTag"
    " WrappedRootKeysUpsert"
)
_NAMES = {
    CONSUL: dict(enumerate(_CONSUL_TYPES.split())),
    NOMAD: dict(enumerate(_NOMAD_TYPES.split())) | {  # with holes
        64: "NamespaceUpsert", 65: "NamespaceDelete", 75: "HostVolumeRegister", 76: "HostVolumeDelete",
        77: "TaskGroupHostVolumeClaimDelete", 127: "SystemInitialization",
    },
}  # fmt: skip
_OPERATIONS = {1: "delete", 2: "put", 4: "restoreCallback", 8: "get", 16: "verifierCheckpoint"}


@dataclass
class Command:
    """A command of ``program`` (None: not known), of ``type`` (None: it has none) with its ``name`` (None: not known).

    ``ignorable``: older servers may ignore it. ``body`` is what follows, decoded.
    """

    program: str | None
    type: int | None
    body: Any
    ignorable: bool = False

    @property
    def name(self) -> str | None:
        return _name(self.program, self.type)


def command(data: bytes) -> Command | None:
    """Return what the data of a command are; None if that isn't known."""
    if data.lstrip()[:1] in (b"{", b"[") and (record := load(data)) is not data:
        return Command(None, None, record)
    typed = decoded_by(
        data[1:], unpack
    )  # before a map of its own: 0x80 to 0x8f are heads of maps, and types with the flag
    if typed and isinstance(typed, dict) and all(isinstance(key, bytes) for key in typed):  # as Go's structs are
        program = next((name for field, name in _FIELDS if field in typed), None)
        return Command(program, data[0] & ~_IGNORABLE, messagepack(data[1:]), ignorable=bool(data[0] & _IGNORABLE))
    whole = guess(data)
    if whole is not None and whole[0] == "msgpack":
        return Command(None, None, whole[1])
    inner = guess(data[1:]) if data[:1] < b" " else None
    if inner is not None and inner[0] in ("json", "msgpack"):
        return Command(None, data[0], inner[1])
    operations = _operations(data)
    return None if operations is None else Command(VAULT, None, {"operations": operations})


def names_of(samples: dict[int, bytes]) -> dict[int, tuple[int, str | None]]:
    """Return type and name of the typed commands in a log by the first byte of their data; ``samples`` are data by it.

    All commands of a log are one program's, which any of them tells; where they don't agree there are no names.
    """
    found = {byte: command(data) for byte, data in samples.items() if len(data) <= 1 << 20}
    programs = {each.program for each in found.values() if each is not None and each.program is not None}
    program = programs.pop() if len(programs) == 1 else None
    return {
        byte: (each.type, _name(program, each.type))
        for byte, each in found.items()
        if each is not None and each.type is not None
    }


def type_text(byte: int, name: str | None) -> str:
    """Return the first byte of a command as an operator reads it: the bracket of JSON, or a number and its name.

    >>> type_text(0x7B, None), type_text(0x22, None), type_text(0x86, "CoordinateBatchUpdate")
    ('{', '0x22', '0x86 CoordinateBatchUpdate')
    """
    shown = chr(byte) if byte in b"{[" else f"0x{byte:02x}"
    return shown if name is None else f"{shown} {name}"


def _name(program: str | None, number: int | None) -> str | None:
    return None if program is None or number is None else _NAMES.get(program, {}).get(number)


def _operations(data: bytes) -> list[dict[str, Any]] | None:
    """Return the operations of Vault's LogData, without their values; None if it isn't that."""
    try:
        if any(kind != BYTES if number == 1 else kind != VARINT for number, kind, _ in fields(data)):
            return None
    except ValueError:
        return None
    found = []
    for each in map(Message, Message(data).all_bytes(1)):
        name = _OPERATIONS.get(each.number(1))
        if not each.sound or name is None:
            return None
        found.append({"op": name, "key": each.text(3), "bytes": len(each.data(4))})
    return found or None
