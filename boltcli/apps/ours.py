"""The applications that come with boltcli, in pyproject.toml's entry points like those of any other package.

What an application knows is in its module, which is imported when a file needs it. The name, the places and the
buckets of its files are here, so that asking whose a file is imports one or two of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

from .contract import (
    Application,
    Audit,
    AuditFinding,
    AuditOptions,
    Codec,
    Path,
    Pattern,
    Plain,
    Recognition,
    Store,
    View,
)


@dataclass(kw_only=True)
class OwnApplication(Application):
    """An application whose parts are in a module of this package, each under the name that it has in the contract.

    There are always ``VIEWS``, ``CODECS`` and ``recognise``; other parts that the
    module lacks are the contract's. The ``module`` is called as the application
    unless it is given.
    """

    name: str
    title: str
    buckets: Sequence[str]
    hints: Sequence[str] = ()
    places: Sequence[str] = ()
    module: str = ""

    @cached_property
    def _loaded(self) -> Any:
        return import_module(f".{self.module or self.name}", __package__)

    def _part(self, name: str, default: Any) -> Any:
        return getattr(self._loaded, name, default)

    @property
    def views(self) -> Sequence[View]:  # type: ignore[override]
        found: Sequence[View] = self._loaded.VIEWS
        return found

    @property
    def codecs(self) -> Mapping[Pattern, Codec]:  # type: ignore[override]
        found: Mapping[Pattern, Codec] = self._loaded.CODECS
        return found

    def recognise(self, db: Store) -> Recognition | None:
        found: Recognition | None = self._loaded.recognise(db)
        return found

    def audit(self, db: Store, options: AuditOptions) -> Audit | None:
        found: Audit | None = self._part("audit", super().audit)(db, options)
        return found

    def has_audit(self, db: Store) -> bool:
        return bool(self._part("has_audit", lambda db: hasattr(self._loaded, "audit"))(db))

    def join(self, audits: Sequence[tuple[str, Audit]]) -> Iterable[tuple[str, AuditFinding]]:
        found: Iterable[tuple[str, AuditFinding]] = self._part("join", super().join)(audits)
        return found

    def common(self, old: Store, new: Store) -> tuple[dict[str, str], dict[str, Plain]]:
        found: tuple[dict[str, str], dict[str, Plain]] = self._part("common", super().common)(old, new)
        return found

    def codec(self, path: Path) -> Codec | None:
        found: Codec | None = self._part("codec", super().codec)(path)
        return found

    def codec_in(self, db: Store, path: Path) -> Codec | None:
        found: Codec | None = self._part("codec_in", super().codec_in)(db, path)
        return found


BACALHAU = OwnApplication(
    name="bacalhau",
    title="Bacalhau's job store (orchestrator) and execution store (compute node), mid-2023 to 1.9.3",
    buckets=("jobs", "execution", "v1_executions", "v2_executions", "execution-index"),
    hints=(
        "view FILE executions --where state=Running",
        "view FILE jobs --columns id,name,state,create_time --sort create_time",
        "audit FILE",
    ),
    # The folder's name contains the node's in Bacalhau up to 1.2.1.
    places=(
        "orchestrator/state_boltdb.db",
        "compute/state_boltdb.db",
        "orchestrator_store/jobs.db",
        "compute_store/executions.db",
        "*-requester/jobs.db",
        "*-compute/executions.db",
        "*-requester.db",
        "*-compute.db",
    ),
)
BLEVE = OwnApplication(
    name="bleve",
    title="Bleve's search indexes: upside_down, and scorch's root.bolt",
    buckets=("bleve", "s"),
    hints=("view FILE fields", "view FILE segments"),
    places=("store/root.bolt", "index_meta/store"),
)
BOLTHOLD = OwnApplication(
    name="bolthold",
    title="Stores of Go programs that use timshannon/bolthold",
    buckets=("_index:*", "[A-Z]*"),
    hints=("view FILE types", "view FILE records --set type=Item", "view FILE indexes"),
)
BUILDKIT = OwnApplication(
    name="buildkit",
    title="BuildKit's solver cache (cache.db), also of Docker's builder",
    buckets=("_result", "_links", "_byresult", "_backlinks"),
    hints=("view FILE results --sort created_at", "view FILE links", "audit FILE"),
    places=("buildkit/cache.db", "buildkitd/cache.db", "runc-*/cache.db"),
)
CONTAINERD = OwnApplication(
    name="containerd",
    title="containerd's metadata (meta.db) and its snapshotters' (metadata.db), 1.x and 2.x",
    buckets=("v1",),
    hints=(
        "view FILE images --columns namespace,name,digest,size",
        "view FILE content --sort -size --limit 20",
        "view FILE snapshots --where snapshotter=overlayfs",
        "audit FILE",
    ),
    places=("io.containerd.metadata.v1.bolt/meta.db",),
)
DOCKER = OwnApplication(
    name="docker",
    title="Docker's stores of networks (local-kv.db) and volumes (metadata.db)",
    buckets=("libnetwork", "volumes"),
    hints=("view FILE networks", "view FILE volumes"),
    places=("network/files/local-kv.db", "volumes/metadata.db"),
)
ETCD = OwnApplication(
    name="etcd",
    title="etcd's store (member/snap/db) and its snapshots, 3.4 to 3.6, with Kubernetes' objects",
    buckets=("key",),
    hints=(
        "view FILE status",
        "view FILE keys --rev 1000",
        "view FILE objects --where kind=Secret --columns namespace,name",
        "view FILE usage --sort -live_bytes --limit 20",
        "view FILE hashkv --rev 1000",
        "audit FILE",
    ),
    places=("snap/db",),
)
PODMAN = OwnApplication(
    name="podman",
    title="podman's state (bolt_state.db)",
    buckets=("id-registry",),
    hints=("view FILE containers --columns id,name,state", "view FILE pods"),
    places=("libpod/bolt_state.db", "bolt_state.db"),
)
RAFT = OwnApplication(
    name="raft-boltdb",
    module="raft",
    title="hashicorp/raft-boltdb: the raft log of Consul, Nomad, Vault, rqlite",
    buckets=("logs",),
    hints=(
        "view FILE status",
        "view FILE logs --where type=LogConfiguration",
        "view FILE types --sort -bytes",
        "audit FILE",
    ),
    places=("raft.db",),
)
STORM = OwnApplication(
    name="storm",
    title="Stores of Go programs that use asdine/storm",
    buckets=("__storm_db",),
    hints=("view FILE types", "view FILE records --set type=User"),
)
TRIVY = OwnApplication(
    name="trivy-db",
    module="trivy",
    title="trivy's vulnerability database (trivy.db)",
    buckets=("vulnerability",),
    hints=(
        "view FILE vulnerabilities --where severity=CRITICAL --columns id,title",
        "view FILE advisories --where package=openssl",
    ),
    places=("trivy.db",),
)
VAULT = OwnApplication(
    name="vault",
    title="Vault's integrated storage (vault.db): paths and sizes, never contents",
    buckets=("data",),
    hints=("view FILE paths --sort -bytes --limit 20", "view FILE paths --set depth=3", "view FILE servers"),
    places=("vault.db",),
)
