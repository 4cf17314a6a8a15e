"""``recover``: write everything that a damaged file still holds to a sound database. bbolt has no such command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from ...api.rescue import recover
from ...errors import ArgumentError
from ...render.recover_report import recovery_record, recovery_screen, recovery_text
from ..command import command

if TYPE_CHECKING:
    from ..opener import Opener
    from ..options import Destination, Force, Human, InBucket, NoSync, Path, number, switch, text
    from ..output import Output

LOSSES = 2  # exit status
_STATE = "If several states may be the newest one, recover the one with this number in the report; 0: the likeliest."


def prepare(lost_and_found: bytes) -> None:
    if not lost_and_found:
        raise ArgumentError("--lost-and-found needs a name; --no-lost-and-found leaves such pages out")


@command(
    "recover",
    example="boltcli recover -o recovered.db fixtures/document.db",
    group="Rescue",
    opens="locked",
    statuses={
        0: "everything reachable was recovered",
        1: "nothing was written",
        2: "DEST was written; something is lost or changed, or another state may be the newest one",
    },
    validate=prepare,
)
def recover_(
    opener: Opener,
    out: Output,
    *,
    path: Path,
    output: Destination,
    bucket: InBucket = [],
    no_lost_and_found: Annotated[bool, switch("Leave out pages whose bucket is not known.")] = False,
    lost_and_found: Annotated[
        bytes, text("Name of the bucket for pages whose bucket is not known.", "NAME")
    ] = b"lost+found",
    deleted: Annotated[bool, switch("Also keep old versions and deleted pairs, in the bucket deleted.")] = False,
    state: Annotated[int, number(_STATE)] = 0,
    page_size: Annotated[int, number("Page size of the file; 0: find it.")] = 0,
    force: Force = False,
    no_sync: NoSync = False,
    human: Human = False,
) -> int:
    """Write everything that a damaged file still holds to a sound database."""
    with out.progress("recovering") as progress:
        report = recover(
            path, output, lock=opener.lock, timeout=opener.timeout, page_size=page_size, state=state,
            bucket=tuple(bucket), lost_and_found=None if no_lost_and_found else lost_and_found, deleted=deleted,
            replace=force, sync=not no_sync, progress=progress,
        )  # fmt: skip
    for warning in report.warnings:
        out.warn(warning)
    out.report(
        lambda: recovery_record(report),
        lambda screen: recovery_screen(screen, report),
        lambda: recovery_text(report, human),
    )
    return 0 if report.is_all else LOSSES
