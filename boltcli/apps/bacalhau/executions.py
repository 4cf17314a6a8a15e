"""Executions and their states, in whichever record they lie: the orchestrator's, a compute node's of any generation.

The numbers of states changed twice, and no record says which numbering it has.
"""

from collections.abc import Callable, Container
from typing import Any, Self

from ..contract import Path
from .layout import GENERATIONS, V2, Generation
from .records import Record, Stored, moment, name, number, part, text

_FIRST = ("Undefined", "New", "AskForBid", "AskForBidAccepted", "AskForBidRejected", "BidAccepted")
# ComputeState of an Execution, up to 1.5.1 and since 1.5.2; the first six are the same.
OLD = (*_FIRST, "BidRejected", "Completed", "Failed", "Cancelled")
NEW: tuple[str, ...] = (*_FIRST, "Running", "Publishing", "BidRejected", "Completed", "Failed", "Cancelled")
# State of a LocalExecutionState, 1.0.4 to 1.5.1, and that of mid-2023.
LOCAL = ("Undefined", "Created", "BidAccepted", "Running", "Publishing", "Completed", "Failed", "Cancelled")
EARLY = (*LOCAL[:4], "WaitingVerification", "ResultAccepted", *LOCAL[4:])
DESIRED = ("Pending", "Running", "Stopped")

TERMINAL = frozenset(("AskForBidRejected", "BidRejected", "Completed", "Failed", "Cancelled"))
_OR = " or "  # between the old and the new meaning of a number, where nothing tells which one it has


def state_name(number: object, names: tuple[str, ...]) -> str:
    """Return the name of a state number; the number itself as text where it has no name, the first name for None."""
    if number is None:
        return names[0]
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < len(names):
        return names[number]
    return str(number)


def compute_state(execution: Record, *, old: bool | None) -> str:
    """Return the name of an Execution's ComputeState; ``old`` as :func:`numbering` says, None gives both names."""
    number = _state(execution)
    if old is None:
        return _OR.join(dict.fromkeys((state_name(number, OLD), state_name(number, NEW))))
    return state_name(number, OLD if old else NEW)


def numbering(
    old_store: bool, upserts: Callable[[], Container[str]], old_job: bool, id: str, execution: Record
) -> bool | None:
    """Say whether an Execution of a job store has the numbers of 1.5.1 and before; None where nothing tells.

    ``old_store``: the store has never been opened by 1.5.2 or newer. ``old_job``: nothing was written to its job since
    1.5.0. ``upserts`` returns the executions that have an ExecutionUpsert event.
    """
    number = _state(execution)
    if "JobVersion" in execution or (isinstance(number, int) and number >= len(OLD)):
        return False
    if old_store or execution.get("RunOutput") is None or old_job:
        return True  # since 1.5.2 a RunOutput is always written
    if id in upserts():
        return False
    if _state(execution, "DesiredState") == DESIRED.index("Stopped"):
        result = part(execution, "PublishedResult")
        if number == NEW.index("Completed") and (result.get("Type") or result.get("Params")):
            return False
        if number == OLD.index("Completed"):
            return True
    return None


def _state(execution: Record, field: str = "ComputeState") -> Any:
    return part(execution, field).get("StateType")


def requester(execution: Record) -> str:
    """Return the orchestrator that an Execution with its Job names; "" for none."""
    meta = part(part(execution, "Job"), "Meta")
    return text(meta, "bacalhau.org/orchestrator.id") or text(meta, "bacalhau.org/requester.id")


class Execution(Stored):
    """What views (by the names of their columns) and audits need of an execution's record.

    ``created`` is the time as it is written, with ``_at`` times are nanoseconds since 1970. ``old`` is the answer of
    :func:`numbering`. ``size`` are the bytes of record and history, ``rows`` the rows of its history.
    """

    kind = "execution"
    rows = 0
    since_1_8 = True  # its job is, which tells by its versions

    def __init__(self, bucket: Path, key: bytes, job: str, record: Record, size: int, state: str, old: bool | None):
        super().__init__(bucket, key, key)
        self.job = job
        self.size = size
        self.state = state
        self.state_number = _state(record)
        self.old = old
        self.namespace = text(record, "Namespace")
        self.node = text(record, "NodeID")
        self.requester = text(record, "Requester") if "Requester" in record else requester(record)
        self.desired_state = state_name(_state(record, "DesiredState"), DESIRED) if "DesiredState" in record else ""
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
        self.terminal = TERMINAL.issuperset(state.split(_OR))  # of two meanings both must be

    def slim(self) -> Self:
        """Forget what only views show, and what may be large."""
        self.error_message, self.result = "", None
        return self

    @property
    def wanted(self) -> str:
        """Its desired state; a record without one means the first."""
        return self.desired_state or DESIRED[0]

    @property
    def index_key(self) -> bytes:
        return self.key + b":" + self.bucket[1]

    @property
    def places(self) -> list[Path]:
        """Where all is that goes with it: pairs and buckets."""
        histories = [each.history for each in GENERATIONS if (each.executions,) == self.bucket]
        return [*((history, self.key) for history in histories), (*self.bucket, self.key)]

    @property
    def finished(self) -> int | None:
        """When it was finished; None if it isn't, or nothing says when."""
        return self.modified_at if self.terminal else None


def of_orchestrator(bucket: Path, key: bytes, record: Record, size: int, old: bool | None) -> Execution:
    """Return an execution in an orchestrator's store, in the bucket of its job."""
    found = Execution(bucket, key, name(bucket[1]), record, size, compute_state(record, old=old), old)
    found.misplaced = bool(record) and (text(record, "ID"), text(record, "JobID")) != (found.id, found.job)
    return found


def of_compute_node(generation: Generation, key: bytes, record: Record, size: int) -> Execution:
    """Return an execution in a compute node's store; up to 1.5.1 there is another record around it."""
    inner, form, names, modified = part(record, "Execution") or record, record, NEW, "ModifyTime"
    if generation is not V2:
        names, modified = state_names(record), "UpdateTime"
        form = inner | {
            "Requester": record.get("RequesterNodeID"),
            "Revision": record.get("Revision", record.get("Version")),
            "RunOutput": part(inner, "RunOutput") or part(record, "RunOutput"),
            "PublishedResult": part(inner, "PublishedResult") or part(record, "PublishedResult"),
            "LatestComment": record.get("LatestComment"),
            "ComputeState": part(inner, "ComputeState") | {"StateType": record.get("State")},
        }
    job = part(inner, "Job")
    of = text(inner, "JobID") or text(part(job, "Metadata"), "ID") or text(job, "ID")  # Metadata: mid-2023
    found = Execution((generation.executions,), key, of, form, size, state_name(_state(form), names), False)
    found.created, found.created_at = record.get("CreateTime"), moment(record, "CreateTime")
    found.modified_at = moment(record, modified)
    found.misplaced = bool(record) and text(inner, "ID") != found.id
    return found


def state_names(record: Record) -> tuple[str, ...]:
    """Return the names of the states of a record that has its own State: mid-2023 had others."""
    return EARLY if record and "Execution" not in record else LOCAL
