"""Executions and their states, in whichever record they lie: the orchestrator's, a compute node's of any generation.

The numbers of states changed twice, and no record says which numbering it has.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any

from ..contract import Path
from .layout import V2, Generation
from .records import Record, Stored, job_of, moment, name, number, part, requester, text

_FIRST = ("Undefined", "New", "AskForBid", "AskForBidAccepted", "AskForBidRejected", "BidAccepted")
# ComputeState of an Execution, up to 1.5.1 and since 1.5.2; the first six are the same.
OLD = (*_FIRST, "BidRejected", "Completed", "Failed", "Cancelled")
NEW: tuple[str, ...] = (*_FIRST, "Running", "Publishing", "BidRejected", "Completed", "Failed", "Cancelled")
# State of a LocalExecutionState, 1.0.4 to 1.5.1, and that of mid-2023.
LOCAL = ("Undefined", "Created", "BidAccepted", "Running", "Publishing", "Completed", "Failed", "Cancelled")
EARLY = (
    "Undefined", "Created", "BidAccepted", "Running", "WaitingVerification", "ResultAccepted", "Publishing",
    "Completed", "Failed", "Cancelled",
)  # fmt: skip
DESIRED = ("Pending", "Running", "Stopped")
STOPPED = 2  # the number of that desired state

TERMINAL = frozenset(("AskForBidRejected", "BidRejected", "Completed", "Failed", "Cancelled"))

OR = " or "
"""Between the old and the new meaning of a number, where nothing tells which one it has."""


def state_name(number: object, names: tuple[str, ...]) -> str:
    """Return the name of a state number; the number itself as text where it has no name, the first name for None."""
    if number is None:
        return names[0]
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < len(names):
        return names[number]
    return str(number)


def is_terminal(state: str) -> bool:
    """Say whether a state of an execution is final; of two meanings both must be.

    >>> is_terminal("Failed"), is_terminal("Failed or BidRejected"), is_terminal("Completed or Publishing")
    (True, True, False)
    """
    return state in TERMINAL or (OR in state and all(name in TERMINAL for name in state.split(OR)))


def compute_state(execution: dict[str, Any], *, old: bool | None) -> str:
    """Return the name of an Execution's ComputeState; ``old`` as :func:`numbering` says, None gives both names."""
    number = _state_number(execution, "ComputeState")
    if old is None:
        before, after = state_name(number, OLD), state_name(number, NEW)
        return before if before == after else f"{before}{OR}{after}"
    return state_name(number, OLD if old else NEW)


def desired_state(execution: dict[str, Any]) -> str:
    """Return the name of an Execution's DesiredState."""
    return state_name(_state_number(execution, "DesiredState"), DESIRED)


def numbering(
    execution: Record, id: str, old_store: bool, old_job: bool, upserts: Callable[[], Container[str]]
) -> bool | None:
    """Say whether an Execution of a job store has the numbers of 1.5.1 and before; None where nothing tells.

    ``old_store``: the store has never been opened by 1.5.2 or newer. ``old_job``:
    nothing was written to its job since 1.5.0, which has ``job_history`` and no
    ``history``. ``upserts`` returns the executions that have an ExecutionUpsert event.
    """
    number = _state_number(execution, "ComputeState")
    if "JobVersion" in execution or (isinstance(number, int) and number >= len(OLD)):
        return False
    if old_store or execution.get("RunOutput") is None or old_job:
        return True  # since 1.5.2 a RunOutput is always written
    if id in upserts():
        return False
    if _state_number(execution, "DesiredState") == STOPPED:
        if number == NEW.index("Completed") and _published(execution):
            return False
        if number == OLD.index("Completed"):
            return True
    return None


def _published(execution: dict[str, Any]) -> bool:
    result = execution.get("PublishedResult")
    return isinstance(result, dict) and bool(result.get("Type") or result.get("Params"))


def _state_number(execution: dict[str, Any], field: str) -> Any:
    state = execution.get(field)
    return state.get("StateType") if isinstance(state, dict) else None


class Execution(Stored):
    """What views (by the names of their columns) and audits need of an execution's record.

    ``created`` is the time as it is written, with ``_at`` times are nanoseconds
    since 1970. ``old``: the state has the numbering of 1.5.1 and before; None:
    nothing tells. ``size`` is the bytes of key and value, ``rows`` the rows of its
    history.
    """

    kind = "execution"

    def __init__(self, bucket: Path, key: bytes, job: str, record: Record, size: int, state: Any) -> None:
        super().__init__(bucket, key, key)
        self.job = job
        self.size = size
        self.state = ""
        self.state_number = state
        self.namespace = text(record, "Namespace")
        self.node = text(record, "NodeID")
        self.requester = text(record, "Requester") if "Requester" in record else requester(record)
        self.desired_state = desired_state(record) if "DesiredState" in record else ""
        self.message = text(part(record, "ComputeState"), "Message") or text(record, "LatestComment")
        self.exit_code = number(part(record, "RunOutput"), "ExitCode")
        self.evaluation = text(record, "EvalID")
        self.previous_execution = text(record, "PreviousExecution")
        self.job_version = number(record, "JobVersion")
        self.partition = number(record, "PartitionIndex")
        self.revision = number(record, "Revision")
        self.created: Any = number(record, "CreateTime")
        self.created_at = number(record, "CreateTime")
        self.modified_at = number(record, "ModifyTime")
        self.error_message = text(part(record, "RunOutput"), "ErrorMsg")
        self.result = part(record, "PublishedResult") or None
        self.old: bool | None = False
        self.rows = 0

    def slim(self) -> Execution:
        """Forget what only views show, and what may be large."""
        self.error_message, self.result = "", None
        return self

    @property
    def terminal(self) -> bool:
        return is_terminal(self.state)

    @property
    def wanted(self) -> str:
        """Its desired state; a record without one means the first."""
        return self.desired_state or DESIRED[0]


def of_orchestrator(bucket: Path, key: bytes, record: Record, size: int, old: bool | None) -> Execution:
    """Return an execution in an orchestrator's store, in the bucket of its job."""
    job = name(bucket[1])
    found = Execution(bucket, key, job, record, size, part(record, "ComputeState").get("StateType"))
    found.state, found.old = compute_state(record, old=old), old
    found.misplaced = bool(record) and (text(record, "ID") != found.id or text(record, "JobID") != job)
    return found


def of_compute_node(generation: Generation, key: bytes, record: Record, size: int) -> Execution:
    """Return an execution in a compute node's store; up to 1.5.1 there is another record around it."""
    inner, form = part(record, "Execution") or record, record
    state, names = part(record, "ComputeState").get("StateType"), NEW
    if generation is not V2:
        state, names = record.get("State"), state_names(record)
        form = inner | {
            "Requester": record.get("RequesterNodeID"),
            "Revision": record.get("Revision", record.get("Version")),
            "RunOutput": part(inner, "RunOutput") or part(record, "RunOutput"),
            "PublishedResult": part(inner, "PublishedResult") or part(record, "PublishedResult"),
            "LatestComment": record.get("LatestComment"),
        }
    found = Execution((generation.executions,), key, job_of(record), form, size, state)
    found.state = state_name(state, names)
    found.created, found.created_at = record.get("CreateTime"), moment(record, "CreateTime")
    found.modified_at = moment(record, "ModifyTime" if generation is V2 else "UpdateTime")
    found.misplaced = bool(record) and text(inner, "ID") != found.id
    return found


def state_names(record: Record) -> tuple[str, ...]:
    """Return the names of the states of a record that has its own State: mid-2023 had others."""
    return EARLY if record and "Execution" not in record else LOCAL
