"""The places of the databases in the data directories of known programs.

Sources: etcd server/storage/datadir (``member/snap/db``), k3s pkg/daemons/executor (``server/db/etcd``), containerd
plugins/metadata, Consul and Vault (hashicorp/raft-boltdb: ``raft/raft.db``), Nomad (``server/raft/raft.db``,
``client/state.db``), Bacalhau pkg/config (by version), Docker's builder (``buildkit/cache.db``).
"""

from __future__ import annotations

import os

from ..errors import ArgumentError

PLACES = (
    "member/snap/db",
    "snap/db",
    "etcd/member/snap/db",
    "db/etcd/member/snap/db",
    "server/db/etcd/member/snap/db",
    "meta.db",
    "io.containerd.metadata.v1.bolt/meta.db",
    "raft.db",
    "raft/raft.db",
    "server/raft/raft.db",
    "client/state.db",
    "vault.db",
    "raft/vault.db",
    "orchestrator/state_boltdb.db",
    "compute/state_boltdb.db",
    "orchestrator_store/jobs.db",
    "compute_store/executions.db",
    "buildkit/cache.db",
)
# The folder's name contains the node's name in Bacalhau up to 1.2.1.
_ENDINGS = (("-requester", "jobs.db"), ("-compute", "executions.db"), ("-requester.db", ""), ("-compute.db", ""))


def databases_of(folder: str) -> list[str]:
    """Return the databases at the known places in ``folder``, which may be a program's data directory."""
    found = [os.path.join(folder, *place.split("/")) for place in PLACES]
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    for name in names:
        for ending, inner in _ENDINGS:
            if name.endswith(ending):
                found.append(os.path.join(folder, name, inner) if inner else os.path.join(folder, name))
    return [path for path in found if os.path.isfile(path)]


def database_of(folder: str) -> str | None:
    """Return the database at a known place in ``folder``; None if there is none.

    Raises :class:`~boltcli.errors.ArgumentError` if there are several.
    """
    found = databases_of(folder)
    if len(found) > 1:
        raise ArgumentError(f"{folder} holds several databases; name one of them: {', '.join(found)}")
    return found[0] if found else None
