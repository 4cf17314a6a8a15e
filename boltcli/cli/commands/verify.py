"""``verify``: verify databases and backups and print a verdict on each. bbolt has no such command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from ...api.fleet import verify
from ...errors import ArgumentError
from ...render import records
from ..command import Summary, command

if TYPE_CHECKING:
    from ...storage.snapshot import Snapshot
    from ..options import Jobs, Nagios, argument, files, switch
    from ..output import Output


# The fields of a file that could not be read.
_FIELDS = (
    "ok kind sha256 check errors problems warnings level pairs buckets application layout revision txid page_size size"
)
UNKNOWN: dict[str, Any] = dict.fromkeys(_FIELDS.split()) | {"ok": False, "problems": [], "warnings": []}


def prepare(quick: bool, deep: bool) -> None:
    if quick and deep:
        raise ArgumentError("--quick and --deep can't be combined")


def _state(record: dict[str, Any]) -> str | None:
    if record.get("revision") is not None:
        return f"revision {record['revision']}"
    return None if record.get("txid") is None else f"txid {record['txid']}"


@command(
    "verify",
    example="boltcli verify fixtures/document.db",
    group="Verify",
    several=True,
    statuses={0: "every file is ok", 1: "a file is damaged, or could not be read"},
    validate=prepare,
    summary=Summary(
        ("kind", "kind", "text"),
        ("sha256", "sha256", "text"),
        ("check", "check", "text"),
        ("pairs", "pairs", "integer"),
        ("application", "application", "text"),
        ("state", _state, "text"),
        ("size", "size", "size"),
        order="errors",
    ),
    unknown=UNKNOWN,
)
def verify_(
    db: Annotated[Snapshot, argument("FILE...", "Databases and backups, also packed or remote.", files)],
    out: Output,
    *,
    quick: Annotated[bool, switch("Verify only the checksum, the meta pages and the page headers.")] = False,
    deep: Annotated[bool, switch("Verify everything, like check --deep.")] = False,
    nagios: Nagios = False,
    jobs: Jobs = 0,
) -> int:
    """Verify databases and backups: checksum, structure, all pairs; print a verdict on each."""
    with out.progress("verifying") as progress:
        (found,) = verify(db, quick=quick, deep=deep, progress=progress)
    for warning in found.warnings:
        out.warn(warning)
    out.record(records.of_record(found, out.path))
    return 0 if found.ok else 1
