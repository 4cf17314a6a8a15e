"""The applications that come with boltcli, in pyproject.toml's entry points like those of any other package.

What an application knows is in its module, which is imported when a file needs it. The name, the places and the
buckets of its files are here, so that asking whose a file is imports one or two of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from .contract import Application

_PARTS = {"views": "VIEWS", "codecs": "CODECS"} | {
    name: name for name in ("recognise", "audit", "has_audit", "join", "common", "codec", "codec_in")
}


@dataclass(kw_only=True)
class OwnApplication(Application):
    """An application whose parts are in a module or folder of this package, called as it is up to the first -.

    They have the contract's names, ``VIEWS`` and ``CODECS`` in capitals; what the module lacks is the contract's.
    """

    name: str
    title: str
    buckets: Sequence[str]
    hints: Sequence[str] = ()
    places: Sequence[str] = ()

    def __getattribute__(self, name: str) -> Any:
        inherited = super().__getattribute__(name)
        if name not in _PARTS:
            return inherited
        return getattr(import_module(f".{self.name.partition('-')[0]}", __package__), _PARTS[name], inherited)


BACALHAU = OwnApplication(
    name="bacalhau", title="Bacalhau's job store (orchestrator) and execution store (compute node), mid-2023 to 1.9.3",
    buckets=("jobs", "execution", "v1_executions", "v2_executions", "execution-index"),
    # The folder's name contains the node's in Bacalhau up to 1.2.1.
    places=("orchestrator/state_boltdb.db", "compute/state_boltdb.db", "orchestrator_store/jobs.db",
        "compute_store/executions.db", "*-requester/jobs.db", "*-compute/executions.db", "*-requester.db",
        "*-compute.db"),
    hints=("view FILE executions --where state=Running",
        "view FILE jobs --columns id,name,state,create_time --sort create_time", "audit FILE"),
)  # fmt: skip
BLEVE = OwnApplication(
    name="bleve", title="Bleve's search indexes: upside_down, and scorch's root.bolt",
    buckets=("bleve", "s"), places=("store/root.bolt", "index_meta/store"),
    hints=("view FILE fields", "view FILE segments"),
)  # fmt: skip
BOLTHOLD = OwnApplication(
    name="bolthold", title="Stores of Go programs that use timshannon/bolthold",
    buckets=("_index:*", "[A-Z]*"),  # indexes, or types of Go
    hints=("view FILE types", "view FILE records --set type=Item", "view FILE indexes"),
)  # fmt: skip
BUILDKIT = OwnApplication(
    name="buildkit", title="BuildKit's solver cache (cache.db), also of Docker's builder",
    buckets=("_result", "_links", "_byresult", "_backlinks"),
    places=("buildkit/cache.db", "buildkitd/cache.db", "runc-*/cache.db"),
    hints=("view FILE results --sort created_at", "view FILE links", "audit FILE"),
)  # fmt: skip
CONTAINERD = OwnApplication(
    name="containerd", title="containerd's metadata (meta.db) and its snapshotters' (metadata.db), 1.x and 2.x",
    buckets=("v1",), places=("io.containerd.metadata.v1.bolt/meta.db",),
    hints=("view FILE images --columns namespace,name,digest,size", "view FILE content --sort -size --limit 20",
        "view FILE snapshots --where snapshotter=overlayfs", "audit FILE"),
)  # fmt: skip
DOCKER = OwnApplication(
    name="docker", title="Docker's stores of networks (local-kv.db) and volumes (metadata.db)",
    buckets=("libnetwork", "volumes"), places=("network/files/local-kv.db", "volumes/metadata.db"),
    hints=("view FILE networks", "view FILE volumes"),
)  # fmt: skip
ETCD = OwnApplication(
    name="etcd", title="etcd's store (member/snap/db) and its snapshots, 3.4 to 3.6, with Kubernetes' objects",
    buckets=("key",), places=("snap/db",),
    hints=("view FILE status", "view FILE keys --rev 1000",
        "view FILE objects --where kind=Secret --columns namespace,name",
        "view FILE usage --sort -live_bytes --limit 20", "view FILE hashkv --rev 1000", "audit FILE"),
)  # fmt: skip
PODMAN = OwnApplication(
    name="podman", title="podman's state (bolt_state.db)",
    buckets=("id-registry",), places=("libpod/bolt_state.db", "bolt_state.db"),
    hints=("view FILE containers --columns id,name,state", "view FILE pods"),
)  # fmt: skip
RAFT = OwnApplication(
    name="raft-boltdb", title="hashicorp/raft-boltdb: the raft log of Consul, Nomad, Vault, rqlite",
    buckets=("logs",), places=("raft.db",),
    hints=("view FILE status", "view FILE logs --where type=LogConfiguration", "view FILE types --sort -bytes",
        "audit FILE"),
)  # fmt: skip
STORM = OwnApplication(
    name="storm", title="Stores of Go programs that use asdine/storm",
    buckets=("__storm_db",),
    hints=("view FILE types", "view FILE records --set type=User"),
)  # fmt: skip
TRIVY = OwnApplication(
    name="trivy-db", title="trivy's vulnerability database (trivy.db)",
    buckets=("vulnerability",), places=("trivy.db",),
    hints=("view FILE vulnerabilities --where severity=CRITICAL --columns id,title",
        "view FILE advisories --where package=openssl"),
)  # fmt: skip
VAULT = OwnApplication(
    name="vault", title="Vault's integrated storage (vault.db): paths and sizes, never contents",
    buckets=("data",), places=("vault.db",),
    hints=("view FILE paths --sort -bytes --limit 20", "view FILE paths --set depth=3", "view FILE servers"),
)  # fmt: skip
