"""Bacalhau's states: their numbers changed twice, and no record says which numbering it has."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any

_FIRST = ("Undefined", "New", "AskForBid", "AskForBidAccepted", "AskForBidRejected", "BidAccepted")
# ComputeState of an Execution, up to 1.5.1 and since 1.5.2; the first six are the same.
OLD = (*_FIRST, "BidRejected", "Completed", "Failed", "Cancelled")
NEW = (*_FIRST, "Running", "Publishing", "BidRejected", "Completed", "Failed", "Cancelled")
# State of a LocalExecutionState, 1.0.4 to 1.5.1, and that of mid-2023.
LOCAL = ("Undefined", "Created", "BidAccepted", "Running", "Publishing", "Completed", "Failed", "Cancelled")
EARLY = (
    "Undefined", "Created", "BidAccepted", "Running", "WaitingVerification", "ResultAccepted", "Publishing",
    "Completed", "Failed", "Cancelled",
)  # fmt: skip
DESIRED = ("Pending", "Running", "Stopped")
STOPPED = 2  # the number of that desired state

TERMINAL = frozenset(("AskForBidRejected", "BidRejected", "Completed", "Failed", "Cancelled"))
TERMINAL_JOBS = frozenset(("Completed", "Failed", "Stopped"))
FINISHED_EVALUATIONS = frozenset(("complete", "failed", "cancelled"))

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
    execution: dict[str, Any], id: str, *, old_store: bool, old_job: bool, upserts: Callable[[], Container[str]]
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
