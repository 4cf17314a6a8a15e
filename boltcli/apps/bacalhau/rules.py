"""All that an audit of Bacalhau's stores can find: a row a rule. See ``boltcli/apps/rules.py``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..contract import ERROR, INFO, WARNING
from ..rules import SILENT, Deviation, Rule
from .records import Stored

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


def _remove(each: Deviation) -> Any:
    return each.facts["repair"].remove(each.facts["name"], each.facts["entry"])


def _remove_alone(each: Deviation) -> Any:
    return each.facts["repair"].remove(each.facts["name"], each.facts["entry"], alone=True)


def _add(each: Deviation) -> Any:
    return each.facts["repair"].add(each.facts["name"], each.facts["entry"])


def _drop(each: Deviation) -> Any:
    return each.facts["repair"].drop(each.bucket)


def about(rule: Rule, record: Stored, /, **facts: Any) -> Deviation:
    """Return the deviation of a record from a rule."""
    return rule.at(record.bucket, record.key, record.id, record=record, **facts)


# fmt: off
_rule = partial(IndexRule, "{code}")
_stray = partial(_rule, remedy=PATCH, repair=_remove)
_done = partial(_rule, WARNING, remedy=PATCH, repair=_remove, kind=DONE)
_lacking = partial(_rule, remedy=PATCH, repair=_add, kind=LACKING)
_trace = partial(_rule, INFO, remedy=_TRACE)


# Both sides: records, histories, events.
UNDECODABLE = Rule("undecodable_values", ERROR, "Bacalhau can't read the value at {place}: no JSON object.",
                   "Look at it with `boltcli get`; `boltcli get --previous` or a backup may have it whole.")
UNKNOWN_STATE = Rule("unknown_state", ERROR,
                     "Execution {subject} has the state {record.state}, which no version of Bacalhau has.",
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
EVENT_REVISION = Rule("events", WARNING, "The record of execution {subject} has revision {revision}, its last event"
                      " {revision_in_last_event}.", "Compare both with a backup: one of them was lost or changed.")
EVENT_NO_REVISION = replace(EVENT_REVISION, message="The record of execution {subject} has no revision, its last event"
                            " {revision_in_last_event}.")
EVENT_ALONE = Rule("events", INFO, "Events tell of execution {subject}, which is no longer there.",
                   "None: it was deleted.")

# An orchestrator's records.
NO_SPEC = Rule("jobs_without_spec", ERROR, "Job {subject} has no specification: it can't be listed or found.",
               "Restore the specification from a backup, or delete the job's bucket.")
STUCK = Rule("terminal_jobs_with_live_executions", ERROR,
             "Job {job.id} is {job.state}, but its execution {subject} on node {record.node} is {record.state};"
             " it was created {age} ago, and nobody will collect its result.",
             "Stop the execution on node {record.node}, and run the job again if its result is needed.")
STOPPING = replace(STUCK, severity=WARNING,
                   remedy="Restart the orchestrator; if the execution stays, stop it on its node.")
RUNNING = Rule("executions_not_terminal", INFO,
               "Execution {subject} of job {job.id} on {record.node} is {record.state}, created {age} ago.",
               "None while its node works on it; compare with that node's store.")
MISREAD = Rule("executions_that_later_versions_misread", WARNING,
               "Execution {subject} is {record.state}, but its state was written as {record.state_number} by"
               " {version}, which the version that uses this file reads as {misread_as}.",
               "Set ComputeState.StateType of the record to {right}.",
               answer={"number": "record.state_number", "written_by": "version", "meaning": "record.state",
                       "misread_as": "misread_as"})
MISREAD_UNNAMED = replace(MISREAD, remedy="Set ComputeState.StateType to the number that 1.5.2 and newer have.")
WAITING = Rule("evaluations_not_finished", INFO,
               "Evaluation {subject} of job {record.job} is {record.status}; it was created {age} ago.",
               "None: the scheduler takes it up.",
               answer={"create_time": "record.created", "id": "subject", "job": "record.job", "status": "record.status",
                       "triggered_by": "record.trigger"})
WAITING_LONG = replace(WAITING, remedy="Look whether nodes fit the job; stop it if not.")
WAITING_UNREAD = replace(WAITING, severity=SILENT)  # its record can't be read, which another rule says
NOTHING_RUN = Rule("jobs_without_executions", INFO,
                   "Job {subject} ({job.name}), {state}, has no execution; it was created {age} ago.",
                   "None if it is finished; else look at its evaluations.")
NOTHING_KNOWN = replace(NOTHING_RUN, severity=SILENT)  # there is no specification, which another rule says
TOO_FEW = Rule("services_under_count", WARNING, "Service {subject} asks for {job.count} executions and has {job.live}.",
               "Look whether enough nodes are connected and fit the job's constraints.",
               answer={"count": "job.count", "job": "subject", "live_executions": "job.live"})
MISPLACED = Rule("record_id_differs_from_key", ERROR,
                 "The record of {record.kind} {subject} at {record.place} names another id or job: it is in the wrong"
                 " place.",
                 "Delete it here if it is also where it belongs.", answer="{record.kind} {subject}")
NO_EVALUATION = Rule("executions_whose_evaluation_is_missing", WARNING,
                     "Execution {subject} names evaluation {record.evaluation}, which its job doesn't have.",
                     "None needed to run; the reason of the scheduling is lost.")
NO_PREVIOUS = Rule("executions_whose_previous_execution_is_missing", WARNING,
                   "Execution {subject} follows {record.previous_execution}, which is not there.",
                   "None needed to run; what was tried before is lost.")
NO_VERSIONS = Rule("jobs_without_versions_bucket", INFO,
                   "Job {subject} was made before 1.8.0: it has no versions, so that listing its executions fails"
                   " unless all versions are asked for, and look-ups by name and by node miss it.",
                   "Submit the job again if it is still needed.")
JOB_GAP = Rule("history_gaps", WARNING, "The {bucket} of job {subject} lacks {rows}.", _GAP)
REVISION = Rule("revision_mismatches", WARNING, "Execution {subject} has revision {record.revision} and"
                " {record.rows} history rows: they should agree.",
                "Compare with a backup: rows are lost, or the record was changed by something else than Bacalhau.",
                answer={"execution": "subject", "history_rows": "record.rows", "revision": "record.revision"})
JOB_REVISION = replace(REVISION, message="Job {subject} has revision {record.revision} and {record.rows} history rows:"
                       " they should agree.",
                       answer={"job": "subject", "job_history_rows": "record.rows", "revision": "record.revision"})
JOB_VERSION = replace(REVISION, message="Job {subject} has version {record.version}, and {record.last_version} as the"
                      " last of its versions: they should agree.",
                      answer={"job": "subject", "last_version": "record.last_version", "version": "record.version"})

# A compute node's records.
WORKING = Rule("executions_not_terminal", INFO,
               "Execution {subject} of job {record.job} is {record.state}; it was created {age} ago.",
               "None while the node works on it; compare with the orchestrator's store.")
LEFT_BEHIND = Rule("executions_not_terminal", ERROR,
                   "Execution {subject} of job {record.job}, created {age} ago, is {record.state} in the buckets"
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
LOCAL_REVISION = replace(REVISION, remedy=_BACKUP)
BROKEN_CHAIN = Rule("state_chain_broken", WARNING,
                    "The history of execution {subject} isn't whole: a state doesn't follow from the one before, or"
                    " the last one isn't that of its record ({record.state}).", _BACKUP)

# An orchestrator's indexes of executions and evaluations by id.
_LEADS = "The index entry of {what} {subject} leads to job {entry}, but "
OLD_TRACE = _trace(_LEADS + "job {entry} is gone.", repair=_remove_alone)
EVALUATION_GONE = _trace(_LEADS + "the evaluation is gone from its job.", repair=_remove_alone)
TWICE = _rule(WARNING, _LEADS + "job {record.job} has a record of it too.",
                  "Delete the record that is in the wrong place.")
ELSEWHERE = _rule(ERROR, _LEADS + "the last record of it is under job {record.job}.", _LOST, _remove_alone)
RECORD_LOST = replace(ELSEWHERE, message=_LEADS + "job {entry} has no such execution: its record is lost.")
NOT_BY_ID = _lacking(ERROR, "The {what} {subject} of job {entry} isn't in {index}: no look-up by its id finds it.")
MISPLACED_NOT_BY_ID = replace(NOT_BY_ID, remedy="Delete the record: it is in the wrong place.", repair=None)
EMPTY_BUCKET = _trace("The index bucket of {what} {name} is empty.", repair=_drop, kind=EMPTY)

# Its indexes of jobs by namespace, label and name, and of executions by node.
JOB_GONE = _stray(WARNING, "The index entry of {what} {name} leads to job {entry}, which is gone.")
DROPPED = _trace("Job {entry} has dropped its label {name}, but is still found by it.", repair=_remove)
NOT_ITS_OWN = _stray(WARNING, "Job {entry} is found by the {what} {name}, which it doesn't have.")
NOT_BY_NAME = _lacking(ERROR, "Job {subject} isn't found by its {what} {name}.")
OLD_NOT_BY_NAME = _lacking(INFO, "Job {subject} isn't found by its {what} {name}: it was made before 1.8.0.")
ON_NO_NODE = _stray(WARNING, "Node {name} is said to have execution {subject}, which is gone.")
ON_OTHER_NODE = _stray(WARNING, "Node {name} is said to have execution {subject}, which is elsewhere.")
NOT_BY_NODE = _lacking(ERROR, "Execution {subject} isn't found by its node {name}.")
OLD_NOT_BY_NODE = _lacking(INFO, "Execution {subject} isn't found by its node {name}: its job was made before 1.8.0.")

# Its indexes of what is in progress.
LISTED_GONE = _stray(ERROR, "The entry {entry} of jobs in progress leads to a job that is gone: listing them fails.")
LISTED_DONE = _done("Job {subject} is {record.state}, but is still listed as in progress.")
UNLISTED = _lacking(ERROR, "Job {subject} is {record.state}, but isn't listed as in progress: nobody will look"
                    " after it.")
BARE_KEY = _rule(INFO, "The entry of job {entry} has the form of 1.3.0 and before, which newer versions"
                     " accept.", "None.", kind=LEGACY)
LEGACY_KEY = replace(BARE_KEY, severity=SILENT)
_IS = "Execution {subject} is {record.state}, but isn't "
EXECUTION_LISTED_GONE = _stray(ERROR, "The entry {entry} of executions in progress leads to an execution that is gone.")
EXECUTION_LISTED_DONE = _done("Execution {subject} is {record.state} (wanted: {record.wanted}), but listed as in"
                              " progress.")
EXECUTION_UNLISTED = _lacking(ERROR, _IS + "listed as in progress.")
OLD_EXECUTION_UNLISTED = _lacking(INFO, _IS + "listed as in progress: its job was made before 1.8.0.")
# Bacalhau itself takes it out by then; what isn't terminal is only what its node has not yet said.
STOPPED_UNLISTED = _rule(INFO, _IS + "listed as in progress: it was to be stopped, and its node has not said that it"
                         " has.",
                             "Look at the execution on its node; nobody asks for it any more.", kind=LACKING)

# A compute node's indexes.
_HAS = "The live index has execution {subject}, "
LIVE_GONE = _stray(ERROR, _HAS + "whose record is gone: the node won't start.")
OLD_LIVE_GONE = _stray(INFO, _HAS + "whose record is gone; nobody reads it any more.")
NOT_LIVE = _done(_HAS + "which is {record.state}: the node resumes it.")
LIVE_UNLISTED = _lacking(ERROR, _IS + "in the live index: it won't be resumed.")
_SAYS = "The state index has execution {subject} as {name}, but its record "
STATE_GONE = _stray(WARNING, _SAYS + "is gone.")
STOPS_NODE = _stray(ERROR, _SAYS + "is gone: the node won't start.")
WRONG_STATE = _done(_SAYS + "says {record.state}.")
RESUMED_WRONGLY = _done(_SAYS + "says {record.state}: the node tries to resume it.")
NOT_BY_STATE = _lacking(WARNING, _IS + "in the state index as such.")
NOT_RESUMED = _lacking(ERROR, _IS + "in the state index as such: it won't be resumed.")
STATE_EMPTY = _rule(INFO, "No execution is {name} any more: its bucket is empty.",
                        "None: every node has such buckets.", kind=EMPTY)
NOT_THERE = _rule(ERROR, "The job index has execution {subject} under job {name}, whose record is gone.",
                      _LOST, _remove_alone)
NOT_OF_JOB = replace(NOT_THERE, message="The job index has execution {subject} under job {name}, which belongs to job"
                     " {record.job}.")
NOT_BY_JOB = _lacking(ERROR, "Execution {subject} isn't found by its job {name}.")
JOB_EMPTY = _trace("The job index has no execution of job {name} any more.", repair=_drop, kind=EMPTY)

# Both sides of a cluster.
STRANGERS = Rule("other_side", INFO,
                 "No execution here is in the store of node {nodes} ({subject}), and none of it is here: they are not"
                 " of one cluster, or not of one time.", "None; audit the stores of one cluster together.")
NOT_ON_OTHER_SIDE = Rule("other_side", ERROR,
                         "Execution {subject} is {record.state} here, but the store of its node ({other}) doesn't"
                         " have it: nobody works on it.",
                         "Stop the job or let it be retried: the node lost the execution.")
FINISHED_THERE = Rule("other_side", WARNING,
                      "Execution {subject} is {record.state} here, but {there.state} on its node ({other}).",
                      "Start both: the node tells the orchestrator again; else stop the job.")
NOBODY_WAITS = Rule("other_side", WARNING,
                    "Execution {subject} is {record.state} here, but {how} of its orchestrator ({other}): nobody"
                    " waits for it.",
                    "Start the node beside its orchestrator; if the execution stays, stop it there.")
# fmt: on
