"""An execution, in whichever record it lies: the orchestrator's, a compute node's of any generation, that of 2023."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .layout import V2, Generation
from .records import Record, job_of, moment_of, number, part, requester, text
from .states import EARLY, LOCAL, NEW, compute_state, desired_state, is_terminal, state_name


@dataclass(slots=True)
class Execution:
    """What audits and views need of an execution's record.

    ``number`` is its state as it is written, ``created`` the time; with ``_at``
    times are nanoseconds since 1970. ``old``: the state has the numbering of
    1.5.1 and before; None: nothing tells. ``size`` is the bytes of key and value,
    ``rows`` the rows of its history.
    """

    id: str
    job: str
    requester: str
    state: str
    number: Any
    created: Any
    created_at: int | None
    modified_at: int | None
    misplaced: bool
    size: int
    namespace: str
    node: str
    desired: str
    message: str
    exit_code: int | None
    evaluation: str
    previous: str
    old: bool | None = False
    revision: int | None = None
    rows: int = 0

    @property
    def terminal(self) -> bool:
        return is_terminal(self.state)


def of_orchestrator(id: str, job: str, record: Record, size: int, old: bool | None) -> Execution:
    """Return an execution in an orchestrator's store, where it lies under ``job``."""
    return Execution(
        id=id,
        job=job,
        requester=requester(record),
        state=compute_state(record, old=old),
        number=part(record, "ComputeState").get("StateType"),
        old=old,
        created=number(record, "CreateTime"),
        created_at=number(record, "CreateTime"),
        modified_at=number(record, "ModifyTime"),
        misplaced=bool(record) and (text(record, "ID") != id or text(record, "JobID") != job),
        size=size,
        revision=number(record, "Revision"),
        **_inside(record, record),
    )


def of_compute_node(id: str, generation: Generation, record: Record, size: int) -> Execution:
    """Return an execution in a compute node's store; up to 1.5.1 there is another record around it."""
    inner, new = part(record, "Execution") or record, generation is V2
    state = part(record, "ComputeState").get("StateType") if new else record.get("State")
    return Execution(
        id=id,
        job=job_of(record),
        requester=requester(record) if new else text(record, "RequesterNodeID"),
        state=state_name(state, NEW if new else state_names(record)),
        number=state,
        created=record.get("CreateTime"),
        created_at=moment_of(record.get("CreateTime")),
        modified_at=moment_of(record.get("ModifyTime" if new else "UpdateTime")),
        misplaced=bool(record) and text(inner, "ID") != id,
        size=size,
        revision=number(record, "Revision" if new or "Revision" in record else "Version"),
        **_inside(inner, record),
    )


def _inside(execution: Record, record: Record) -> dict[str, Any]:
    output = part(execution, "RunOutput") or part(record, "RunOutput")
    return {
        "namespace": text(execution, "Namespace"),
        "node": text(execution, "NodeID"),
        "desired": desired_state(execution),
        "message": text(part(execution, "ComputeState"), "Message") or text(record, "LatestComment"),
        "exit_code": number(output, "ExitCode"),
        "evaluation": text(execution, "EvalID"),
        "previous": text(execution, "PreviousExecution"),
    }


def state_names(record: Record) -> tuple[str, ...]:
    """Return the names of the states of a record that has its own State: mid-2023 had others."""
    return EARLY if record and "Execution" not in record else LOCAL
