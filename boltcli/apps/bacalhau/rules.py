"""All that an audit of Bacalhau's stores can find: a row a rule. See ``boltcli/apps/rules.py``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..contract import ERROR, INFO, WARNING
from ..rules import Deviation, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..contract import Change

# Remedies of several rules.
PATCH = (
    "Stop the node, then `boltcli audit --changes changes.ndjson FILE; boltcli patch --in-place FILE changes.ndjson`."
)
_LOST = f"Restore the record from a backup, or: {PATCH}"
_TRACE = "None: Bacalhau leaves it behind itself; the change removes it."
_BACKUP = "Compare with a backup: a row or a record was lost or changed."
_GAP = "None needed to run; what happened then is lost, unless a backup has it."
_RESTART = "Restart the node, so that its watchers look at all records."

# How an index deviates from the records: the answers have a list of each.
STRAY, DONE, LACKING, LEGACY, EMPTY = "stray", "done", "lacking", "legacy", "empty"


@dataclass(frozen=True, eq=False)
class IndexRule(Rule):
    """A rule about an entry of an index, or a bucket of it; ``kind`` is STRAY, ..."""

    kind: str = STRAY


def _remove(deviation: Deviation) -> Iterable[Change]:
    facts = deviation.facts
    return facts["repair"].remove(facts["name"], facts["entry"])  # type: ignore[no-any-return]


def _remove_alone(deviation: Deviation) -> Iterable[Change]:
    facts = deviation.facts
    return facts["repair"].remove(facts["name"], facts["entry"], alone=True)  # type: ignore[no-any-return]


def _add(deviation: Deviation) -> Iterable[Change]:
    facts = deviation.facts
    return facts["repair"].add(facts["name"], facts["entry"])  # type: ignore[no-any-return]


def _drop(deviation: Deviation) -> Iterable[Change]:
    return deviation.facts["repair"].drop(deviation.bucket)  # type: ignore[no-any-return]


# fmt: off
# Both sides: records, histories, events.
UNDECODABLE = Rule("undecodable_values", ERROR, "Bacalhau can't read the value at {place}: no JSON object.",
                   "Look at it with `boltcli get`; `boltcli get --previous` or a backup may have it whole.")
UNKNOWN_STATE = Rule("unknown_state", ERROR,
                     "Execution {subject} has the state {execution.state}, which no version of Bacalhau has.",
                     "Restore the record from a backup.")
MISSING_EVENTS = Rule("events", WARNING, "The event store lacks {rows}: only the oldest events are ever collected.",
                      _RESTART)
LOST_EVENTS = Rule("events", WARNING, "The last event is {events.last}, but {events.sequence} were written:"
                   " the newest ones are lost.", _RESTART)
EVENT_DIFFERS = Rule("events", WARNING, "Event {subject} names another sequence number or time than its key.",
                     "Compare with a backup.")
WATCHER_AHEAD = Rule("events", ERROR, "Watcher {subject} has its checkpoint at {seq}, beyond the last event ({end}):"
                     " it will miss the events until then.", "Stop the node and delete the checkpoint.")
WATCHER_BEHIND = Rule("events", INFO, "Watcher {subject} is {lag} events behind, at {seq}.",
                      "None: it catches up when the node runs.")
EVENT_REVISION = Rule("events", WARNING, "The record of execution {subject} has {revision}, its last event {in_event}.",
                      "Compare both with a backup: one of them was lost or changed.")
EVENT_ALONE = Rule("events", INFO, "Events tell of execution {subject}, which is no longer there.",
                   "None: it was deleted.")

# An orchestrator's records.
NO_SPEC = Rule("jobs_without_spec", ERROR, "Job {subject} has no specification: it can't be listed or found.",
               "Restore the specification from a backup, or delete the job's bucket.")
STUCK = Rule("terminal_jobs_with_live_executions", ERROR,
             "Job {job.id} is {job.state}, but its execution {subject} on node {execution.node} is {execution.state};"
             " it was created {age} ago, and nobody will collect its result.",
             "Stop the execution on node {execution.node}, and run the job again if its result is needed.")
STOPPING = replace(STUCK, severity=WARNING,
                   remedy="Restart the orchestrator; if the execution stays, stop it on its node.")
RUNNING = Rule("executions_not_terminal", INFO,
               "Execution {subject} of job {job.id} on {execution.node} is {execution.state}, created {age} ago.",
               "None while its node works on it; compare with that node's store.")
MISREAD = Rule("executions_that_later_versions_misread", WARNING,
               "Execution {subject} is {meaning}, but its state was written as {number} by {written_by}, which the"
               " version that uses this file reads as {misread_as}.",
               "Set ComputeState.StateType {how}.", answer=("number", "written_by", "meaning", "misread_as"))
WAITING = Rule("evaluations_not_finished", INFO,
               "Evaluation {subject} of job {job} is {status}; it was created {age} ago.", "{remedy}",
               answer=("create_time", "id", "job", "status", "triggered_by"))
NOTHING_RUN = Rule("jobs_without_executions", INFO,
                   "Job {subject} ({job.name}), {state}, has no execution; it was created {age} ago.",
                   "None if it is finished; else look at its evaluations.")
TOO_FEW = Rule("services_under_count", WARNING, "Service {job} asks for {count} executions and has {live_executions}.",
               "Look whether enough nodes are connected and fit the job's constraints.",
               answer=("count", "job", "live_executions"))
MISPLACED = Rule("record_id_differs_from_key", ERROR,
                 "The record of {kind} {subject} at {place} names another id or job: it is in the wrong place.",
                 "Delete it here if it is also where it belongs.", answer="{kind} {subject}")
NO_EVALUATION = Rule("executions_whose_evaluation_is_missing", WARNING,
                     "Execution {subject} names evaluation {execution.evaluation}, which its job doesn't have.",
                     "None needed to run; the reason of the scheduling is lost.")
NO_PREVIOUS = Rule("executions_whose_previous_execution_is_missing", WARNING,
                   "Execution {subject} follows {execution.previous}, which is not there.",
                   "None needed to run; what was tried before is lost.")
NO_VERSIONS = Rule("jobs_without_versions_bucket", INFO,
                   "Job {subject} was made before 1.8.0: it has no versions, so that listing its executions fails"
                   " unless all versions are asked for, and look-ups by name and by node miss it.",
                   "Submit the job again if it is still needed.")
JOB_GAP = Rule("history_gaps", WARNING, "The {bucket} of job {subject} lacks {rows}.", _GAP)
EXECUTION_REVISION = Rule(
    "revision_mismatches", WARNING,
    "Execution {subject} has revision {revision} and {history_rows} history rows: they should agree.",
    "Compare with a backup: rows are lost, or the record was changed by something else than Bacalhau.",
    answer=("execution", "history_rows", "revision"))
JOB_REVISION = replace(EXECUTION_REVISION, answer=("job", "job_history_rows", "revision"), message=
                       "Job {subject} has revision {revision} and {job_history_rows} history rows: they should agree.")
JOB_VERSION = replace(EXECUTION_REVISION, answer=("job", "last_version", "version"), message=
                      "Job {subject} has version {version}, and {last_version} as the last of its versions: they"
                      " should agree.")

# A compute node's records.
WORKING = Rule("executions_not_terminal", INFO,
               "Execution {subject} of job {execution.job} is {execution.state}; it was created {age} ago.",
               "None while the node works on it; compare with the orchestrator's store.")
LEFT_BEHIND = Rule("executions_not_terminal", ERROR,
                   "Execution {subject} of job {execution.job}, created {age} ago, is {execution.state} in the buckets"
                   " of an older version. Nobody reads them after the upgrade to {newest}, or will finish it.",
                   "Run the job again if its result is needed.")
OF_ANOTHER = Rule("record_id_differs_from_key", ERROR, "The record under the key {subject} is of another execution.",
                  "Restore it from a backup.")
NO_HISTORY = Rule("executions_without_history", WARNING, "Execution {subject} has no history.", _BACKUP)
NO_EVENTS = replace(NO_HISTORY, severity=INFO)
HISTORY_ALONE = Rule("history_without_execution", WARNING,
                     "There is a history of execution {subject}, but no record: it was deleted, or is lost.",
                     "None needed to run; restore the record from a backup if its result is needed.")
GAP = Rule("history_gaps", WARNING, "The history of execution {subject} lacks {rows}.", _GAP)
REVISION = replace(EXECUTION_REVISION, remedy=_BACKUP)
BROKEN_CHAIN = Rule("state_chain_broken", WARNING,
                    "The history of execution {subject} isn't whole: a state doesn't follow from the one before, or"
                    " the last one isn't that of its record ({execution.state}).", _BACKUP)

# An orchestrator's indexes of executions and evaluations by id.
_ID, _LEADS = "indexes.{index}", "The index entry of {what} {subject} leads to job {entry}, but "
OLD_TRACE = IndexRule(_ID, INFO, f"{_LEADS}job {{entry}} is gone.", _TRACE, _remove_alone)
EVALUATION_GONE = IndexRule(_ID, INFO, f"{_LEADS}the evaluation is gone from its job.", _TRACE, _remove_alone)
TWICE = IndexRule(_ID, WARNING, f"{_LEADS}job {{other.job}} has a record of it too.",
                  "Delete the record that is in the wrong place.")
ELSEWHERE = IndexRule(_ID, ERROR, f"{_LEADS}the last record of it is under job {{other.job}}.", _LOST, _remove_alone)
RECORD_LOST = IndexRule(_ID, ERROR, f"{_LEADS}job {{entry}} has no such execution: its record is lost.", _LOST,
                        _remove_alone)
NOT_BY_ID = IndexRule(_ID, ERROR,
                      "The {what} {subject} of job {entry} isn't in {index}: no look-up by its id finds it.", PATCH,
                      _add, kind=LACKING)
MISPLACED_NOT_BY_ID = replace(NOT_BY_ID, remedy="Delete the record: it is in the wrong place.", repair=None)
EMPTY_BUCKET = IndexRule(_ID, INFO, "The index bucket of {what} {name} is empty.", _TRACE, _drop, kind=EMPTY)

# Its indexes of jobs by namespace, label and name, and of executions by node.
JOB_GONE = IndexRule(_ID, WARNING, "The index entry of {what} {name} leads to job {entry}, which is gone.", PATCH,
                     _remove)
DROPPED = IndexRule(_ID, INFO, "Job {entry} has dropped its label {name}, but is still found by it.", _TRACE, _remove)
NOT_ITS_OWN = IndexRule(_ID, WARNING, "Job {entry} is found by the {what} {name}, which it doesn't have.", PATCH,
                        _remove)
NOT_BY_NAME = IndexRule(_ID, ERROR, "Job {subject} isn't found by its {what} {name}.", PATCH, _add, kind=LACKING)
OLD_NOT_BY_NAME = replace(NOT_BY_NAME, severity=INFO,
                          message="Job {subject} isn't found by its {what} {name}: it was made before 1.8.0.")
NOT_ON_NODE = IndexRule(_ID, WARNING, "Node {name} is said to have execution {subject}, which is {where}.", PATCH,
                        _remove)
NOT_BY_NODE = IndexRule(_ID, ERROR, "Execution {subject} isn't found by its node {name}.", PATCH, _add, kind=LACKING)
OLD_NOT_BY_NODE = replace(NOT_BY_NODE, severity=INFO, message=
                          "Execution {subject} isn't found by its node {name}: its job was made before 1.8.0.")

# Its indexes of what is in progress.
LISTED_GONE = IndexRule(_ID, ERROR, "The entry {entry} of jobs in progress leads to a job that is gone: listing them"
                        " fails.", PATCH, _remove)
LISTED_DONE = IndexRule(_ID, WARNING, "Job {subject} is {job.state}, but is still listed as in progress.", PATCH,
                        _remove, kind=DONE)
UNLISTED = IndexRule(_ID, ERROR, "Job {subject} is {job.state}, but isn't listed as in progress: nobody will look after"
                     " it.", PATCH, _add, kind=LACKING)
BARE_KEY = IndexRule(_ID, INFO, "The entry of job {entry} has the form of 1.3.0 and before, which newer versions"
                     " accept.", "None.", kind=LEGACY)
EXECUTION_LISTED_GONE = IndexRule(_ID, ERROR, "The entry {entry} of executions in progress leads to an execution that"
                                  " is gone.", PATCH, _remove)
EXECUTION_LISTED_DONE = IndexRule(_ID, WARNING, "Execution {subject} is {execution.state} (wanted:"
                                  " {execution.desired}), but listed as in progress.", PATCH, _remove, kind=DONE)
EXECUTION_UNLISTED = IndexRule(_ID, ERROR, "Execution {subject} is {execution.state}, but isn't listed as in progress.",
                               PATCH, _add, kind=LACKING)
OLD_EXECUTION_UNLISTED = replace(EXECUTION_UNLISTED, severity=INFO, message="Execution {subject} is {execution.state},"
                                 " but isn't listed as in progress: its job was made before 1.8.0.")
# Bacalhau itself takes it out by then; what isn't terminal is only what its node has not yet said.
STOPPED_UNLISTED = IndexRule(_ID, INFO, "Execution {subject} is {execution.state}, but isn't listed as in progress: it"
                             " was to be stopped, and its node has not said that it has.",
                             "Look at the execution on its node; nobody asks for it any more.", kind=LACKING)

# A compute node's indexes.
LIVE_GONE = IndexRule("live_index", ERROR, "The live index has execution {subject}, whose record is gone: the node"
                      " won't start.", PATCH, _remove)
OLD_LIVE_GONE = replace(LIVE_GONE, severity=INFO, message="The live index has execution {subject}, whose record is"
                        " gone; nobody reads it any more.")
NOT_LIVE = IndexRule("live_index", WARNING, "The live index has execution {subject}, which is {execution.state}: the"
                     " node resumes it.", PATCH, _remove, kind=DONE)
LIVE_UNLISTED = IndexRule("live_index", ERROR, "Execution {subject} is {execution.state}, but isn't in the live index:"
                          " it won't be resumed.", PATCH, _add, kind=LACKING)
STOPS_NODE = IndexRule("state_index", ERROR, "The state index has execution {subject} as {name}, but its record is"
                       " gone{effect}", PATCH, _remove)
STATE_GONE = replace(STOPS_NODE, severity=WARNING)
WRONG_STATE = IndexRule("state_index", WARNING, "The state index has execution {subject} as {name}, but its record says"
                        " {execution.state}{effect}", PATCH, _remove, kind=DONE)
NOT_RESUMED = IndexRule("state_index", ERROR, "Execution {subject} is {name}, but isn't in the state index as such: it"
                        " won't be resumed.", PATCH, _add, kind=LACKING)
NOT_BY_STATE = IndexRule("state_index", WARNING, "Execution {subject} is {name}, but isn't in the state index as such.",
                         PATCH, _add, kind=LACKING)
STATE_EMPTY = IndexRule("state_index", INFO, "No execution is {name} any more: its bucket is empty.",
                        "None: every node has such buckets.", kind=EMPTY)
NOT_OF_JOB = IndexRule("job_index", ERROR, "The job index has execution {subject} under job {name}, which belongs to"
                       " job {execution.job}.", _LOST, _remove_alone)
NOT_THERE = replace(NOT_OF_JOB, message="The job index has execution {subject} under job {name}, whose record is gone.")
NOT_BY_JOB = IndexRule("job_index", ERROR, "Execution {subject} isn't found by its job {name}.", PATCH, _add,
                       kind=LACKING)
JOB_EMPTY = IndexRule("job_index", INFO, "The job index has no execution of job {name} any more.", _TRACE, _drop,
                      kind=EMPTY)

# Both sides of a cluster.
STRANGERS = Rule("other_side", INFO,
                 "No execution here is in the store of node {nodes} ({subject}), and none of it is here: they are not"
                 " of one cluster, or not of one time.", "None; audit the stores of one cluster together.")
NOT_ON_OTHER_SIDE = Rule("other_side", ERROR,
                         "Execution {subject} is {execution.state} here, but the store of its node ({other}) doesn't"
                         " have it: nobody works on it.",
                         "Stop the job or let it be retried: the node lost the execution.")
FINISHED_THERE = Rule("other_side", WARNING,
                      "Execution {subject} is {execution.state} here, but {there.state} on its node ({other}).",
                      "Start both: the node tells the orchestrator again; else stop the job.")
NOBODY_WAITS = Rule("other_side", WARNING,
                    "Execution {subject} is {execution.state} here, but {how} of its orchestrator ({other}): nobody"
                    " waits for it.",
                    "Start the node beside its orchestrator; if the execution stays, stop it there.")
# fmt: on
