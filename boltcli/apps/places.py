"""The places of the databases in the data directories of known programs.

Sources: etcd server/storage/datadir (``member/snap/db``), k3s pkg/daemons/executor (``server/db/etcd``), containerd
plugins/metadata and plugins/snapshots, Consul and Vault (hashicorp/raft-boltdb: ``raft/raft.db``; raft-wal:
``raft/wal/wal-meta.db``), Nomad (``server/raft/raft.db``, ``client/state.db``), Bacalhau pkg/config (by version),
Docker's libnetwork, volumes, swarm and builder (``buildkit/cache.db``), Podman, Trivy, bleve, InfluxDB.
"""

from __future__ import annotations

import os

from ..errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# Patterns (fnmatch, / between the parts) of the ends of paths, and the program whose database is there; the first that
# fits counts. This is the only table; plug-ins add theirs (``fleet/find.py``).
# The folder's name contains the node's in Bacalhau up to 1.2.1.
PLACES: dict[str, str] = {
    "snap/db": "etcd",
    "io.containerd.metadata.v1.bolt/meta.db": "containerd",
    "io.containerd.snapshotter.v1.*/metadata.db": "containerd's snapshotters",
    "meta.db": "any",
    "raft.db": "raft-boltdb",
    "raft/wal/wal-meta.db": "raft-wal",
    "client/state.db": "nomad",
    "vault.db": "vault",
    "orchestrator/state_boltdb.db": "bacalhau",
    "compute/state_boltdb.db": "bacalhau",
    "orchestrator_store/jobs.db": "bacalhau",
    "compute_store/executions.db": "bacalhau",
    "*-requester/jobs.db": "bacalhau",
    "*-compute/executions.db": "bacalhau",
    "*-requester.db": "bacalhau",
    "*-compute.db": "bacalhau",
    "network/files/local-kv.db": "docker",
    "volumes/metadata.db": "docker",
    "swarm/worker/tasks.db": "swarm",
    "buildkit/cache.db": "buildkit",
    "buildkitd/cache.db": "buildkit",
    "runc-*/cache.db": "buildkit",
    "libpod/bolt_state.db": "podman",
    "bolt_state.db": "podman",
    "trivy.db": "trivy-db",
    "store/root.bolt": "bleve",
    "index_meta/store": "bleve",
    "influxd.bolt": "influxd",
}
_HEAD = 4096  # bytes


def databases_of(folder: str, more: Iterable[str] = ()) -> list[str]:
    """Return the databases at the known places in ``folder`` and the folders in it, sorted.

    ``more`` are further patterns. A file of another known format at such a place is left out; one that isn't
    recognised, for example because its meta pages are zeroed, is not. Links to folders aren't followed.
    """
    patterns = [tuple(place.split("/")) for place in (*PLACES, *more)]
    found = []
    for here, folders, names in os.walk(folder):
        folders.sort()
        parts = os.path.abspath(here).split(os.sep)  # the folder itself may be a part of a place
        for name in names:
            if _fits([*parts, name], patterns) and _may_be_database(os.path.join(here, name)):
                found.append(os.path.join(here, name))
    return sorted(found)


def places_of(program: str) -> tuple[str, ...]:
    """Return the places of a program's databases."""
    return tuple(place for place, owner in PLACES.items() if owner == program)


def program_at(path: str) -> str:
    """Return the program in whose data directory a database may be at ``path``; empty if there is none."""
    parts = os.path.abspath(path).split(os.sep)
    return next((program for place, program in PLACES.items() if _fits(parts, [tuple(place.split("/"))])), "")


def _fits(parts: list[str], patterns: list[tuple[str, ...]]) -> bool:
    from fnmatch import fnmatchcase

    return any(
        len(parts) >= len(pattern) and all(map(fnmatchcase, parts[-len(pattern) :], pattern)) for pattern in patterns
    )


def _may_be_database(path: str) -> bool:
    """Return whether there is a file at ``path`` that isn't of another known format; also if it can't be read."""
    from ..format.magic import is_bolt, is_packed, is_unknown, kind_of

    if not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return True  # the error is reported when it is opened
    return is_bolt(head) or is_packed(head) or is_unknown(kind_of(head))


def database_of(folder: str, more: Iterable[str] = ()) -> str | None:
    """Return the database at a known place in ``folder``; None if there is none.

    Raises :class:`~boltcli.errors.ArgumentError` if there are several.
    """
    found = databases_of(folder, more)
    if len(found) > 1:
        raise ArgumentError(f"{folder} holds several databases; name one of them: {', '.join(found)}")
    return found[0] if found else None


def resolved(path: str) -> str:
    """Return the database in the data directory at ``path``; any other path as it is. Raises ArgumentError."""
    return (database_of(path) or path) if os.path.isdir(path) else path
