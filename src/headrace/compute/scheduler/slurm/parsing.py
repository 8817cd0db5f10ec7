"""Reading what Slurm's commands print.

Formats: the manual pages squeue(1), scontrol(1), sacct(1) and sbatch(1) of Slurm 20 to 24.
"""

from __future__ import annotations

import math
import re
import time
from typing import Final

from ..jobs import Job, JobId, Limits
from ..request import walltime_seconds
from .reasons import needs_intervention
from .states import parse_state

# No name, reason or comment has this character in it. It is white space to Python's str methods,
# so lines are split at line feeds, and nothing is stripped.
SEPARATOR: Final = "\x1f"
QUEUE_FORMAT: Final = SEPARATOR.join(("%i", "%T", "%r", "%N", "%k", "%j", "%L", "%o"))
_QUEUE_FIELDS: Final = 5
ACCOUNT_FORMAT: Final = "JobID,State,ExitCode,JobName,Submit,NodeList"
_ROW_ID: Final = re.compile(r"[0-9]+(?:_(?:[0-9]+|\[[^\]]*\]))?(?:\+[0-9]+)?")
_FIELD: Final = re.compile(r"(?:^| )([A-Za-z][\w/:-]*)=(.*?)(?= [A-Za-z][\w/:-]*=|$)")
_SETTING: Final = re.compile(r"^(\w+)\s*=\s*(.*?)\s*$", re.MULTILINE)
_MAX_TASKS: Final = re.compile(r"\bmax_array_tasks=([0-9]+)")
_PRINTED_ID: Final = re.compile(r"([0-9]+)(?:;([A-Za-z0-9_.-]+))?")
_SUBMITTED: Final = re.compile(r"Submitted batch job ([0-9]+)(?: on cluster ([A-Za-z0-9_.-]+))?")
_EMPTY: Final = frozenset({"(null)", "N/A", "n/a", "None assigned"})


def parse_submitted_id(text: str) -> JobId | None:
    """Return the id that sbatch printed; None where it printed none.

    Sites greet on standard output, before the id and after it: it is the last line that is one.
    """
    lines = [line.strip() for line in text.splitlines()]
    for line in reversed(lines):
        if match := _PRINTED_ID.fullmatch(line):
            return JobId(match[1], match[2] or "")
    for line in reversed(lines):
        if match := _SUBMITTED.fullmatch(line):
            return JobId(match[1], match[2] or "")
    return None


def parse_queue(text: str, cluster: str = "") -> tuple[list[Job], bool]:
    """Read squeue's rows.

    Args:
        text: its standard output, with the heading.
        cluster: the cluster that was asked, where one was named.

    Returns:
        The jobs, and whether the answer was complete: it has the heading or rows, ends with a line
        feed, and every row could be read. Greetings of wrappers before the heading do not matter.
    """
    jobs, seen, complete = [], False, text.endswith("\n")
    lines = text.split("\n")
    for line in lines[:-1]:
        if line.startswith("CLUSTER: "):
            cluster, seen = line.removeprefix("CLUSTER: ").strip(), True
            continue
        fields = line.split(SEPARATOR)
        if len(fields) < _QUEUE_FIELDS:
            continue
        seen = True
        if fields[0] == "JOBID":
            continue
        if _ROW_ID.fullmatch(fields[0]) is None:
            complete = False
            continue
        identifier, state, reason, nodes, comment, name, left, script = _padded(fields, 8)
        parsed = parse_state(state)
        jobs.append(
            Job(
                identifier,
                parsed,
                reason=reason,
                nodes=nodes,
                tag=comment,
                name=name,
                script=script,
                cluster=cluster,
                needs_attention=needs_intervention(parsed, reason),
                seconds_left=walltime_seconds(left) if parsed.running else None,
            )
        )
    # A row that was cut off is none; then others may be missing, too.
    return jobs, seen and complete


def parse_job_records(text: str, cluster: str = "") -> list[Job]:
    """Read the records of ``scontrol --oneliner show job``, one a line.

    Of a field that is there twice the first counts: names and paths, which may contain anything,
    come last.
    """
    jobs = []
    for line in text.split("\n"):
        fields: dict[str, str] = {}
        for match in _FIELD.finditer(line.strip()):
            value = match[2].strip(" ")
            fields.setdefault(match[1], "" if value in _EMPTY else value)
        if not fields.get("JobId", "").isdigit() or "JobState" not in fields:
            continue
        state = parse_state(fields["JobState"])
        reason = fields.get("Reason", "")
        restarts = fields.get("Restarts", "")
        jobs.append(
            Job(
                _record_id(fields),
                state,
                reason=reason,
                nodes=fields.get("NodeList", ""),
                tag=fields.get("Comment", ""),
                name=fields.get("JobName", ""),
                script=fields.get("Command", ""),
                cluster=cluster,
                restarts=int(restarts) if restarts.isdigit() else None,
                exit_code=parse_exit_code(fields.get("ExitCode", "")) if state.final else None,
                needs_attention=needs_intervention(state, reason),
            )
        )
    return jobs


def parse_accounting(text: str, cluster: str, name: str, earliest: float) -> list[Job]:
    """Read ``sacct --parsable2`` with :data:`ACCOUNT_FORMAT`.

    Args:
        text: its standard output.
        cluster: the cluster that was asked.
        name: the job's name; rows of another name are other jobs' that had the id before.
        earliest: seconds since 1970; rows that were submitted before are other jobs', too.
    """
    jobs = []
    for line in text.split("\n"):
        fields = line.split("|")
        if len(fields) < 6 or _ROW_ID.fullmatch(fields[0]) is None:
            continue
        # A name may have the separator in it; nothing else has.
        identifier, state, code = fields[:3]
        job_name, submitted, nodes = "|".join(fields[3:-2]), fields[-2], fields[-1]
        moment = _local_time(submitted)
        if job_name != name or moment is None or moment < earliest:
            continue
        parsed = parse_state(state)
        jobs.append(
            Job(
                identifier,
                parsed,
                nodes="" if nodes in _EMPTY else nodes,
                name=job_name,
                cluster=cluster,
                exit_code=parse_exit_code(code) if parsed.final else None,
            )
        )
    return jobs


def parse_exit_code(text: str) -> int | None:
    """Read ``CODE:SIGNAL``; a script that a signal ended has the code that a shell gives it."""
    code, _, signal = text.partition(":")
    if not code.isdigit():
        return None
    return int(code) or (128 + int(signal) if signal.isdigit() and signal != "0" else 0)


def parse_limits(text: str) -> Limits | None:
    """Read ``scontrol show config``; None where it does not say how large arrays may be."""
    found = dict(_SETTING.findall(text))
    size = found.get("MaxArraySize", "")
    if not size.isdigit():
        return None
    # Indices start at 0 and end one below MaxArraySize.
    sizes = [int(size)]
    if tasks := _MAX_TASKS.search(found.get("SchedulerParameters", "")):
        sizes.append(int(tasks[1]))
    return Limits(max_array_size=min(sizes))


def parse_longest_walltime(text: str, partitions: str) -> float:
    """Read ``scontrol --oneliner show partition``: the longest time limit of a job, seconds.

    Args:
        text: what it printed.
        partitions: the partitions that the job may run in, with commas; empty: the default one.
    """
    wanted = set(partitions.split(",")) if partitions else set()
    longest = [0.0]
    for line in text.splitlines():
        fields = dict(_FIELD.findall(line))
        chosen = fields.get("PartitionName") in wanted
        if chosen or (not wanted and fields.get("Default") == "YES"):
            longest.append(walltime_seconds(fields.get("MaxTime", "")) or math.inf)
    return max(longest) or math.inf


def _record_id(fields: dict[str, str]) -> str:
    if fields.get("ArrayJobId", "").isdigit():
        member = fields.get("ArrayTaskId", "")
        if member and not member.isdigit():
            member = f"[{member}]"
        return f"{fields['ArrayJobId']}_{member}" if member else fields["ArrayJobId"]
    if fields.get("HetJobId", "").isdigit() and fields.get("HetJobOffset", "").isdigit():
        return f"{fields['HetJobId']}+{fields['HetJobOffset']}"
    return fields["JobId"]


def _padded(fields: list[str], count: int) -> list[str]:
    # The script's path is last, and may have the separator in it.
    head, rest = fields[: count - 1], fields[count - 1 :]
    words = [*head, *[""] * (count - 1 - len(head)), SEPARATOR.join(rest)]
    return ["" if word in _EMPTY else word for word in words]


def _local_time(text: str) -> float | None:
    try:
        return time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%S"))
    except (ValueError, OverflowError):
        return None
