"""A naive reader of Bacalhau stores, as trees in memory: what the audit must answer, written for simplicity only."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from itertools import islice
from typing import Any

from tests.apps.support import Sequence, Tree
from tests.apps.worlds import DONE, EARLY, LOCAL, NEW, OLD

DESIRED = ["Pending", "Running", "Stopped"]

MOST_GAPS = 100_000  # missing numbers that an audit lists


def key_text(key: bytes) -> str:
    try:
        return key.decode()
    except UnicodeDecodeError:
        return f"0x{key.hex()}"


def numbered(tree: Any) -> list[int]:
    """Row numbers of a history."""
    return [
        row_number(key)
        for key, value in tree.items()
        if isinstance(value, bytes) and (len(key) == 8 or (key.isdigit() and len(key) <= 20))
    ]


def sub(tree: Any, name: str) -> Any:
    value = tree.get(name.encode(), {})
    if isinstance(value, bytes):
        return {}
    return value.content if isinstance(value, Sequence) else value


def has(tree: Any, name: str) -> bool:
    return not isinstance(tree.get(name.encode(), b""), bytes)


def seq(tree: Any, name: str) -> int:
    value = tree.get(name.encode())
    return value.number if isinstance(value, Sequence) else 0


def pairs(tree: Any) -> dict[str, bytes]:
    return {key_text(key): value for key, value in sorted(tree.items()) if isinstance(value, bytes)}


def inner(tree: Any) -> dict[str, Any]:
    return {
        key_text(key): value.content if isinstance(value, Sequence) else value
        for key, value in sorted(tree.items())
        if not isinstance(value, bytes)
    }


def record(value: bytes) -> dict[str, Any]:
    try:
        found = json.loads(value)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def text(found: Any, field: str) -> str:
    value = found.get(field) if isinstance(found, dict) else None
    return value if isinstance(value, str) else ""


def integer(found: Any, field: str) -> int | None:
    value = found.get(field) if isinstance(found, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def obj(found: Any, field: str) -> dict[str, Any]:
    value = found.get(field) if isinstance(found, dict) else None
    return value if isinstance(value, dict) else {}


def word(number: Any, names: list[str]) -> str:
    if number is None:
        return names[0]
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < len(names):
        return names[number]
    return str(number)


def done(state: str) -> bool:
    return all(part in DONE for part in state.split(" or "))


def count(words: Any) -> dict[str, int]:
    return dict(Counter(words))


def missing(numbers: list[int], sequence: int) -> list[int]:
    return [n for n in range(1, sequence + 1) if n not in numbers]


def walk(tree: Any, path: tuple[str, ...] = ()) -> tuple[set[tuple[str, str]], list[str]]:
    """Entries and empty buckets of an index."""
    entries, empty = set(), []
    for key, value in sorted(tree.items()):
        if isinstance(value, bytes):
            entries.add(("/".join(path), key_text(key)))
        else:
            content = value.content if isinstance(value, Sequence) else value
            if not content:
                empty.append("/".join((*path, key_text(key))))
            more, more_empty = walk(content, (*path, key_text(key)))
            entries |= more
            empty += more_empty
    return entries, empty


def arrows(entries: Any) -> list[str]:
    return sorted(f"{bucket} -> {key}" for bucket, key in entries)


def row_number(key: bytes) -> int:
    return int(key) if key.isdigit() else int.from_bytes(key, "big")


def events(tree: Tree, prefix: str, revisions: dict[str, int | None]) -> dict[str, Any]:
    rows = [
        (key, record(value)) for key, value in sorted(sub(tree, f"{prefix}_events").items()) if isinstance(value, bytes)
    ]
    numbers = [int.from_bytes(key[:8], "big") for key, _ in rows if len(key) == 16]
    last = {}
    for _, found in rows:
        if found.get("objectType") == "ExecutionUpsert":
            current = obj(obj(found, "object"), "Current") or obj(obj(found, "object"), "Previous")
            if text(current, "ID"):
                last[text(current, "ID")] = integer(current, "Revision")
    local = {
        text(obj(found, "object"), "ExecutionID") for _, found in rows if found.get("objectType") == "LocalStateHistory"
    } - {""}
    head = numbers[-1] if numbers else seq(tree, f"{prefix}_events")
    there = set(numbers)
    gaps = (n for n in range(numbers[0], numbers[-1]) if n not in there) if numbers else iter(())
    watchers = {
        key: int.from_bytes(value, "big") if len(value) == 8 else None
        for key, value in pairs(sub(tree, f"{prefix}_checkpoints")).items()
    }
    return {
        "bucket_sequence": seq(tree, f"{prefix}_events"),
        "by_operation_and_type": count(f"{text(found, 'operation')} {text(found, 'objectType')}" for _, found in rows),
        "checkpoints": {
            key: {
                "ahead_of_last_event": at is not None and at > head,
                "lag": None if at is None else head - at,
                "seq": at,
            }
            for key, at in watchers.items()
        },
        "count": len(rows),
        "executions_in_events_without_record": sorted((set(last) | local) - set(revisions)),
        "first_seq": numbers[0] if numbers else None,
        "key_and_value_seq_differ": [
            int.from_bytes(key[:8], "big")
            for key, found in rows
            if len(key) == 16
            and found
            and (integer(found, "seqNum"), integer(found, "timestamp"))
            != (int.from_bytes(key[:8], "big"), int.from_bytes(key[8:], "big"))
        ],
        "last_seq": numbers[-1] if numbers else None,
        "missing_seqs": list(islice(gaps, MOST_GAPS)),
        "record_revision_differs_from_last_event": [
            {"execution": id, "revision": revisions[id], "revision_in_last_event": last[id]}
            for id in sorted(last)
            if id in revisions and last[id] is not None and revisions[id] != last[id]
        ],
    }


def job_answers(tree: Tree) -> dict[str, Any]:
    jobs = inner(sub(tree, "jobs"))
    specs = {id: record(job[b"spec"]) if isinstance(job.get(b"spec"), bytes) else {} for id, job in jobs.items()}
    known = {id for id in jobs if specs[id]}
    state = {id: text(obj(spec, "State"), "StateType") for id, spec in specs.items()}
    over = {id for id in jobs if state[id] in ("Completed", "Failed", "Stopped")}
    newest = has(tree, "idx_job_names") or has(tree, "idx_inprogress_executions") or has(tree, "idx_executions_by_node")
    never = not has(tree, "v1_events")
    upserted = {
        text(obj(obj(record(value), "object"), "Current") or obj(obj(record(value), "object"), "Previous"), "ID")
        for value in pairs_raw(sub(tree, "v1_events"))
        if record(value).get("objectType") == "ExecutionUpsert"
    }
    rows: list[dict[str, Any]] = []
    for id, job in jobs.items():
        before = not has(job, "history") and (has(job, "job_history") or has(job, "execution_history"))
        history = Counter(text(record(value), "ExecutionID") for value in pairs_raw(sub(job, "execution_history")))
        for key, value in pairs(sub(job, "executions")).items():
            found = record(value)
            number = obj(found, "ComputeState").get("StateType")
            desired = obj(found, "DesiredState").get("StateType")
            result = obj(found, "PublishedResult")
            if "JobVersion" in found or (isinstance(number, int) and number >= 10):
                names = [NEW]
            elif never or found.get("RunOutput") is None or before:
                names = [OLD]
            elif key in upserted or (number == 9 and desired == 2 and (result.get("Type") or result.get("Params"))):
                names = [NEW]
            elif number == 7 and desired == 2:
                names = [OLD]
            else:
                names = [OLD, NEW]
            rows.append({
                "id": key, "job": id, "found": found, "old": names == [OLD], "number": number,
                "state": " or ".join(dict.fromkeys(word(number, each) for each in names)),
                "desired": word(desired, DESIRED), "rows": history[key], "before": before,
            })  # fmt: skip
    executions = {row["id"]: row for row in rows}
    evaluations: list[dict[str, Any]] = [
        {"id": key, "job": id, "found": record(value)}
        for id, job in jobs.items()
        for key, value in pairs(sub(job, "evaluations")).items()
    ]
    live = [
        {
            "create_time": integer(row["found"], "CreateTime"), "id": row["id"], "job": row["job"],
            "modify_time": integer(row["found"], "ModifyTime"), "node": text(row["found"], "NodeID"),
            "state": row["state"],
        }
        for row in sorted(rows, key=lambda row: integer(row["found"], "CreateTime") or 0)
        if not done(row["state"])
    ]  # fmt: skip
    oldest = sorted((integer(specs[id], "CreateTime") or 0, n, id) for n, id in enumerate(jobs) if id in known - over)
    gaps = {}
    for id, job in jobs.items():
        for name in ("execution_history", "history", "job_history"):
            if has(job, name):
                numbers = numbered(sub(job, name))
                lost = missing(numbers, seq(job, name))
                if lost:
                    gaps[f"{id}/{name}"] = lost
    answers: dict[str, Any] = {
        "counts": {
            "evaluations": len({row["id"] for row in evaluations}),
            "evaluations_by_status": count(text(row["found"], "Status") for row in evaluations),
            "executions": len(executions),
            "executions_by_desired_state": count(row["desired"] for row in rows),
            "executions_by_node_and_state": count(f"{text(row['found'], 'NodeID')} {row['state']}" for row in rows),
            "executions_by_state": count(row["state"] for row in rows),
            "jobs": len(jobs),
            "jobs_by_namespace": count(text(specs[id], "Namespace") for id in jobs if b"spec" in jobs[id]),
            "jobs_by_state": count(state[id] for id in jobs if b"spec" in jobs[id]),
            "jobs_by_type": count(text(specs[id], "Type") for id in jobs if b"spec" in jobs[id]),
        },
        "evaluations_not_finished": [
            {
                "create_time": integer(row["found"], "CreateTime"), "id": row["id"], "job": row["job"],
                "status": text(row["found"], "Status"), "triggered_by": row["found"].get("TriggeredBy"),
            }
            for row in evaluations
            if text(row["found"], "Status") not in ("complete", "failed", "cancelled")
        ],
        "executions_not_terminal": live,
        "executions_whose_evaluation_is_missing": sorted(
            row["id"] for row in rows
            if text(row["found"], "EvalID")
            and text(row["found"], "EvalID") not in pairs(sub(jobs[row["job"]], "evaluations"))
        ),
        "executions_whose_previous_execution_is_missing": sorted(
            row["id"] for row in rows
            if text(row["found"], "PreviousExecution") and text(row["found"], "PreviousExecution") not in executions
        ),
        "exit_codes": count(
            str(integer(obj(row["found"], "RunOutput"), "ExitCode")) for row in rows
            if row["state"] in ("Completed", "Failed")
            and integer(obj(row["found"], "RunOutput"), "ExitCode") is not None
        ),
        "failed_messages": count(
            text(obj(row["found"], "ComputeState"), "Message") for row in rows if row["state"] == "Failed"
        ),
        "history_gaps": gaps,
        "indexes": job_indexes(tree, specs, known, over, executions, evaluations),
        "jobs_without_executions": sorted(id for id in jobs if not pairs(sub(jobs[id], "executions"))),
        "jobs_without_spec": sorted(id for id in jobs if not isinstance(jobs[id].get(b"spec"), bytes)),
        "oldest_execution_in_progress": live[0] if live else None,
        "oldest_job_in_progress": {
            "create_time": integer(specs[oldest[0][2]], "CreateTime"), "id": oldest[0][2], "state": state[oldest[0][2]],
        } if oldest else None,
        "record_id_differs_from_key": sorted(
            [f"job {id}" for id in known if text(specs[id], "ID") != id]
            + [
                f"{kind} {row['id']}"
                for kind, found in (("execution", rows), ("evaluation", evaluations))
                for row in found
                if row["found"] and (text(row["found"], "ID"), text(row["found"], "JobID")) != (row["id"], row["job"])
            ]
        ),
        "services_under_count": [
            {"count": integer(specs[id], "Count"), "job": id, "live_executions": alive}
            for id in jobs
            if text(specs[id], "Type") == "service" and state[id] == "Running"
            and (alive := sum(row["job"] == id and not done(row["state"]) for row in rows))
            < (integer(specs[id], "Count") or 0)
        ],
        "terminal_jobs_with_live_executions": sorted(
            row["id"] for row in rows if row["job"] in over and not done(row["state"])
        ),
    }  # fmt: skip
    mismatches: list[dict[str, Any]] = [
        {"execution": row["id"], "history_rows": row["rows"], "revision": integer(row["found"], "Revision")}
        for row in rows
        if row["before"] and integer(row["found"], "Revision") not in (None, row["rows"])
    ]
    for id, job in jobs.items():
        if not has(job, "history") and (has(job, "job_history") or has(job, "execution_history")):
            number = len(numbered(sub(job, "job_history")))
            if id in known and integer(specs[id], "Revision") not in (None, number):
                mismatches.append({"job": id, "job_history_rows": number, "revision": integer(specs[id], "Revision")})
        if has(job, "versions") and id in known:
            keys = sorted(key for key, value in sub(job, "versions").items() if isinstance(value, bytes))
            newest_key = int.from_bytes(keys[-1], "big") if keys else None
            if integer(specs[id], "Version") != newest_key:
                mismatches.append({"job": id, "last_version": newest_key, "version": integer(specs[id], "Version")})
    answers["revision_mismatches"] = mismatches
    if newest:
        answers["jobs_without_versions_bucket"] = sorted(id for id in jobs if not has(jobs[id], "versions"))
    if not never:
        answers["events"] = events(
            tree, "v1", {id: integer(row["found"], "Revision") for id, row in executions.items()}
        )
    return answers


def pairs_raw(tree: Any) -> list[bytes]:
    return [value for value in tree.values() if isinstance(value, bytes)]


def job_indexes(
    tree: Tree, specs: dict[str, Any], known: set[str], over: set[str], executions: dict[str, Any],
    evaluations: list[dict[str, Any]],
) -> dict[str, Any]:  # fmt: skip
    found: dict[str, Any] = {}
    unreadable = set(specs) - known
    last = {row["id"]: row for row in evaluations}
    for name, records in (("idx_executions", executions), ("idx_evaluations", last)):
        if has(tree, name):
            entries, empty = walk(sub(tree, name))
            wanted = {(id, row["job"]) for id, row in records.items()}
            found[name] = {
                "dangling": arrows(entries - wanted), "empty_buckets": empty,
                "records_not_indexed": sorted(id for id, _ in wanted - entries),
            }  # fmt: skip
    by_job = {
        "idx_namespaces": {(text(specs[id], "Namespace"), id) for id in known},
        "idx_tags": {
            ("".join(char.lower()[0] for char in label), id) for id in known for label in obj(specs[id], "Labels")
        },
        "idx_job_names": {(f"{text(specs[id], 'Name')}:{text(specs[id], 'Namespace')}", id) for id in known},
    }
    words = {
        "idx_namespaces": ("namespaces_without_jobs", "records_not_indexed"),
        "idx_tags": ("tags_without_jobs", "records_not_indexed"),
        "idx_job_names": ("empty_buckets", "jobs_not_found_by_name"),
    }
    for name, wanted in by_job.items():
        if has(tree, name):
            entries, empty = walk(sub(tree, name))
            lacking = wanted - entries
            found[name] = {
                "dangling": arrows(entry for entry in entries - wanted if entry[1] not in unreadable),
                words[name][0]: empty,
                words[name][1]: arrows(lacking) if name == "idx_tags" else sorted(id for _, id in lacking),
            }
    if has(tree, "idx_inprogress"):
        keys = sorted(key for _, key in walk(sub(tree, "idx_inprogress"))[0])
        job = {
            key: key if key in specs else key.split(":", 1)[1] if ":" in key and key.split(":", 1)[1] else key
            for key in keys
        }
        found["idx_inprogress"] = {
            "dangling": [key for key in keys if job[key] not in specs],
            "legacy_keys": [key for key in keys if ":" not in key or key in specs],
            "not_terminal_jobs_not_indexed": sorted(id for id in known - over if id not in job.values()),
            "terminal_jobs": [key for key in keys if job[key] in over],
        }
    if has(tree, "idx_executions_by_node"):
        entries, empty = walk(sub(tree, "idx_executions_by_node"))
        wanted = {(text(row["found"], "NodeID"), f"{id}:{row['job']}") for id, row in executions.items()}
        found["idx_executions_by_node"] = {
            "dangling": arrows(entries - wanted), "empty_buckets": empty,
            "records_not_indexed": sorted(
                id for id, row in executions.items()
                if (text(row["found"], "NodeID"), f"{id}:{row['job']}") not in entries
            ),
        }  # fmt: skip
    if has(tree, "idx_inprogress_executions"):
        keys = sorted(key for _, key in walk(sub(tree, "idx_inprogress_executions"))[0])
        there = {f"{id}:{row['job']}": row for id, row in executions.items()}
        ended = {key for key, row in there.items() if done(row["state"])}
        found["idx_inprogress_executions"] = {
            "dangling": [key for key in keys if key not in there],
            "not_terminal_executions_not_indexed": sorted(
                row["id"] for key, row in there.items() if key not in ended and key not in keys
            ),
            "terminal_executions": [key for key in keys if key in ended],
        }
    return found


def moment(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return max(value, 0)
    if not isinstance(value, str) or value.startswith("0001"):
        return 0
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return 0
    fraction = value.partition(".")[2].rstrip("Z").ljust(9, "0")
    return int(parsed.replace(microsecond=0).timestamp()) * 10**9 + int(fraction) if parsed.tzinfo else 0


def compute_answers(tree: Tree) -> dict[str, Any]:
    found = {}
    for name, prefix, history in (
        ("unversioned", "", "execution-history"), ("v1", "v1", "v1_execution_history"),
        ("v2", "v2", "v2_execution_events"),
    ):  # fmt: skip
        records = f"{prefix}_executions" if prefix else "execution"
        index = f"{prefix}_idx_executions_by_job_id" if prefix else "execution-index"
        if has(tree, records) and (has(tree, history) or has(tree, index)):
            found[name] = generation(tree, name, prefix, records, history, index)
    return {"generations": found}


def generation(tree: Tree, name: str, prefix: str, records: str, history: str, index: str) -> dict[str, Any]:
    rows: dict[str, dict[str, Any]] = {}
    for id, value in pairs(sub(tree, records)).items():
        found = record(value)
        inside = obj(found, "Execution") or found
        row = {"inner": inside, "created": found.get("CreateTime"), "job": text(inside, "JobID"), "found": found}
        if name == "v2":
            meta = obj(obj(found, "Job"), "Meta")
            keys = ("bacalhau.org/orchestrator.id", "bacalhau.org/requester.id")
            row["requester"] = next((meta[key] for key in keys if isinstance(meta.get(key), str)), "")
            row["number"], names = obj(found, "ComputeState").get("StateType"), NEW
            row["revision"] = integer(found, "Revision")
            if not row["job"]:
                row["job"] = text(obj(obj(found, "Job"), "Metadata"), "ID") or text(obj(found, "Job"), "ID")
        else:
            row["requester"] = text(found, "RequesterNodeID")
            row["number"] = found.get("State")
            names = EARLY if found and "Execution" not in found else LOCAL
            row["revision"] = integer(found, "Revision" if "Revision" in found else "Version")
            if obj(found, "Execution"):
                row["job"] = row["job"] or text(obj(inside, "Job"), "ID")
            else:
                row["job"] = (
                    text(found, "JobID")
                    or text(obj(obj(found, "Job"), "Metadata"), "ID")
                    or text(obj(found, "Job"), "ID")
                )
        row["state"] = word(row["number"], names)
        rows[id] = row
    histories = {id: sub(sub(tree, history), id) for id in inner(sub(tree, history))}
    lines = {
        id: [record(value) for _, value in sorted(each.items()) if isinstance(value, bytes)]
        for id, each in histories.items()
    }
    live = [
        {"create_time": row["created"], "id": id, "job": row["job"], "state": row["state"]}
        for id, row in sorted(rows.items(), key=lambda item: moment(item[1]["created"]))
        if row["state"] not in DONE
    ]
    entries, empty = walk(sub(tree, index)) if has(tree, index) else (set(), [])
    wanted = {(row["job"], id) for id, row in rows.items() if row["job"]}
    gaps = {}
    for id, each in histories.items():
        numbers = numbered(each)
        lost = missing(numbers, seq(sub(tree, history), id))
        if lost:
            gaps[id] = lost
    answers: dict[str, Any] = {
        "counts": {
            "by_requester": count(row["requester"] for row in rows.values()),
            "by_state": count(row["state"] for row in rows.values()),
            "executions": len(rows),
        },
        "executions_not_terminal": live,
        "executions_without_history": sorted(set(rows) - set(histories)),
        "history_gaps": gaps,
        "history_rows": sum(map(len, lines.values())),
        "history_without_execution": sorted(set(histories) - set(rows)),
        "job_index": {
            "dangling": arrows((job, id) for job, id in entries - wanted if id not in rows or rows[id]["job"]),
            "empty_buckets": empty,
            "records_not_indexed": sorted(id for _, id in wanted - entries),
        },
        "oldest_execution_in_progress": live[0] if live else None,
        "record_id_differs_from_key": sorted(
            id for id, row in rows.items() if row["found"] and text(row["inner"], "ID") != id
        ),
        "revision_mismatches": [
            {"execution": id, "history_rows": len(lines.get(id, [])), "revision": row["revision"]}
            for id, row in rows.items()
            if name != "v2" and row["revision"] not in (None, len(lines.get(id, [])))
        ],
        "state_chain_broken": sorted(
            id for id, row in rows.items()
            if name != "v2" and lines.get(id)
            and (
                any(b.get("PreviousState") != a.get("NewState") for a, b in zip(lines[id], lines[id][1:]))
                or lines[id][-1].get("NewState") != row["number"]
            )
        ),
    }  # fmt: skip
    if not prefix and has(tree, "execution-live-index"):
        indexed = set(pairs(sub(tree, "execution-live-index")))
        working = {id for id, row in rows.items() if row["state"] in ("Running", "Publishing")}
        answers["live_index"] = {
            "dangling": sorted(indexed - set(rows)),
            "live": sorted(indexed & working),
            "live_not_indexed": sorted(working - indexed),
            "not_live": [f"{id} (record: {rows[id]['state']})" for id in sorted(indexed & set(rows) - working)],
        }
    if prefix:
        if has(tree, f"{prefix}_idx_executions_by_state"):
            entries, empty = walk(sub(tree, f"{prefix}_idx_executions_by_state"))
            wanted = {(row["state"], id) for id, row in rows.items()}
            answers["state_index"] = {
                "dangling": arrows((state, id) for state, id in entries if id not in rows),
                "empty_buckets": empty,
                "records_not_indexed": sorted(id for _, id in wanted - entries),
                "wrong_state": sorted(
                    f"{state} -> {id} (record: {rows[id]['state']})" for state, id in entries - wanted if id in rows
                ),
            }
        if has(tree, f"{prefix}_events"):
            answers["events"] = events(tree, prefix, {id: row["revision"] for id, row in rows.items()})
    if has(tree, f"{prefix}_sequence_tracking"):
        answers["sequence_tracking"] = {
            key: int.from_bytes(value, "big") if len(value) == 8 else None
            for key, value in pairs(sub(tree, f"{prefix}_sequence_tracking")).items()
        }
    return answers
