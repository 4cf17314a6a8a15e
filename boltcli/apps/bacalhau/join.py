"""Both sides of a cluster: executions that live on one side and are finished, or not there, on the other."""

from __future__ import annotations

from ..contract import ERROR, INFO, WARNING, AuditFinding
from .job_store import JobStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..contract import Audit
    from .compute_store import ComputeGeneration
    from .job_store import Execution

_QUESTION = "other_side"
# States in which the orchestrator counts on the node: before them it has only asked it.
_ACCEPTED = ("BidAccepted", "Running", "Publishing")


def join(audits: Sequence[tuple[str, Audit]]) -> Iterator[tuple[str, AuditFinding]]:
    """Compare every orchestrator with every compute node that worked for it; yield findings with the path concerned."""
    orchestrators = [(path, audit.facts) for path, audit in audits if isinstance(audit.facts, JobStore)]
    nodes = [(path, audit.facts) for path, audit in audits if isinstance(audit.facts, list)]
    for job_path, store in orchestrators:
        ours = {job.requester for job in store.jobs.values() if job.requester}
        for node_path, generations in nodes:
            if any(execution.requester in ours for part in generations for execution in part.executions.values()):
                yield from _compare(job_path, store, node_path, generations, ours)


def _compare(
    job_path: str, store: JobStore, node_path: str, generations: list[ComputeGeneration], ours: set[str]
) -> Iterator[tuple[str, AuditFinding]]:
    local = {id: execution for part in generations for id, execution in part.executions.items()}
    node_ids = {execution.node for execution in local.values() if execution.node}
    if not local.keys() & store.executions.keys():
        yield job_path, AuditFinding(
            _QUESTION, INFO,
            f"No execution here is in the store of node {', '.join(sorted(node_ids))} ({node_path}), and none of it"
            " is here: they are not of one cluster, or not of one time.",
            subject=node_path, remedy="None; audit the stores of one cluster together.",
        )  # fmt: skip
        return
    for execution in store.executions.values():
        if execution.node not in node_ids or execution.state not in _ACCEPTED or execution.desired == "Stopped":
            continue
        there = local.get(execution.id)
        if there is None:
            yield job_path, _about(
                execution, ERROR,
                f"Execution {execution.id} is {execution.state} here, but the store of its node ({node_path}) doesn't"
                " have it: nobody works on it.",
                "Stop the job or let it be retried: the node lost the execution.",
            )  # fmt: skip
        elif there.terminal:
            yield job_path, _about(
                execution, WARNING,
                f"Execution {execution.id} is {execution.state} here, but {there.state} on its node ({node_path}).",
                "Start both: the node tells the orchestrator again; else stop the job.",
            )  # fmt: skip
    newest = generations[-1]
    for id, there in newest.executions.items():
        if there.terminal or there.requester not in ours:
            continue
        known = store.executions.get(id)
        if known is not None and not known.terminal:
            continue
        state = "isn't in the store" if known is None else f"is {known.state} in the store"
        yield node_path, AuditFinding(
            _QUESTION, WARNING,
            f"Execution {id} is {there.state} here, but {state} of its orchestrator ({job_path}): nobody waits for it.",
            bucket=(newest.generation.executions,), key=id.encode(), subject=id,
            remedy="Start the node beside its orchestrator; if the execution stays, stop it there.",
        )  # fmt: skip


def _about(execution: Execution, severity: str, message: str, remedy: str) -> AuditFinding:
    return AuditFinding(
        _QUESTION, severity, message, bucket=(b"jobs", execution.job.encode(), b"executions"),
        key=execution.id.encode(), subject=execution.id, remedy=remedy,
    )  # fmt: skip
