"""Both sides of a cluster: executions that live on one side and are finished, or not there, on the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..contract import Audit, AuditFinding
from ..rules import Deviation
from . import rules
from .compute_store import ComputeGeneration
from .job_store import JobStore

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
                for path, found in _compare(job_path, store, node_path, generations, ours):
                    yield path, found.finding()


def _compare(
    job_path: str, store: JobStore, node_path: str, generations: list[ComputeGeneration], ours: set[str]
) -> Iterator[tuple[str, Deviation]]:
    local = {id: execution for part in generations for id, execution in part.executions.items()}
    node_ids = {execution.node for execution in local.values() if execution.node}
    if not local.keys() & store.executions.keys():
        yield job_path, rules.STRANGERS.at((), None, node_path, nodes=", ".join(sorted(node_ids)))
        return
    for id, execution in store.executions.items():
        if execution.node not in node_ids or execution.state not in _ACCEPTED or execution.desired == "Stopped":
            continue
        there = local.get(id)
        if there is None or there.terminal:
            rule = rules.NOT_ON_OTHER_SIDE if there is None else rules.FINISHED_THERE
            bucket = (b"jobs", execution.job.encode(), b"executions")
            yield job_path, rule.at(bucket, id.encode(), id, execution=execution, there=there, other=node_path)
    newest = generations[-1]
    for id, execution in newest.executions.items():
        known = store.executions.get(id)
        if not execution.terminal and execution.requester in ours and (known is None or known.terminal):
            state = "isn't in the store" if known is None else f"is {known.state} in the store"
            path = (newest.generation.executions,)
            yield (
                node_path,
                rules.NOBODY_WAITS.at(path, id.encode(), id, execution=execution, how=state, other=job_path),
            )
