"""Check of the scheduler that an endpoint on this machine submits jobs to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from headrace.project.diagnosis import Diagnosis
from headrace.project.project import Project

# A provider of blocks, or functions that submit their jobs.
_SLURM_BLOCKS: Final = re.compile(r"^\s*type:\s*[\"']?SlurmProvider\b", re.MULTILINE)
_SUBMITS_JOBS: Final = re.compile(
    r"^\s*HEADRACE_JOBS:\s*[\"']?(submit|sbatch|hq|flux)\b", re.MULTILINE
)
_SCHEDULER: Final = re.compile(r"^\s*HEADRACE_SCHEDULER:\s*[\"']?([\w.-]+)", re.MULTILINE)
_SECONDS: Final = 10.0


def check_scheduler(project: Project, name: str) -> Iterator[Diagnosis]:
    """Check whether the scheduler of an endpoint answers; yield nothing for one without.

    Args:
        project: the project.
        name: the endpoint.
    """
    from headrace.compute.scheduler import Ability, BatchJobError, SchedulerError, get_scheduler

    key = _scheduler_name(project, name)
    if key is None:
        return
    try:
        scheduler = get_scheduler(key)
    except BatchJobError as error:
        yield Diagnosis(f"scheduler of endpoint {name}", "bad", str(error))
        return
    scheduler.timeout = _SECONDS
    what = f"{scheduler.title} of endpoint {name}"
    if missing := scheduler.missing_commands():
        yield Diagnosis(what, "bad", f"{', '.join(missing)}: not on PATH of this machine")
        return
    look = f"look with `{scheduler.queue_command}`"
    try:
        queue = scheduler.queue()
        if Ability.ARRAYS in scheduler.abilities:
            text = f"arrays of up to {scheduler.limits().max_array_size} members"
        else:
            text = "no job arrays"
    except SchedulerError as error:
        yield Diagnosis(what, "bad", f"it does not answer: {error}")
        return
    if not queue.complete:
        yield Diagnosis(what, "warning", f"its answer is not complete; {look}")
        return
    waiting = sum(not job.state.final for job in queue.jobs)
    blocked = [job.job_id for job in queue.jobs if job.needs_attention]
    yield Diagnosis(what, "good", f"it answers; {waiting} jobs of yours, {text}")
    for number in blocked[:3]:
        yield Diagnosis(what, "warning", f"job {number} does not start by itself: {look}")


def _scheduler_name(project: Project, endpoint: str) -> str | None:
    """Return the scheduler that a template names, empty for the default; None: it uses none."""
    from headrace.compute.scheduler import SCHEDULER_OF_HOW
    from headrace.compute.templates import ENVIRONMENT_FILE, TEMPLATE_FILE

    template = project.endpoints[endpoint].template
    if template is None:
        return None
    folder = project.templates_dir / template
    try:
        files = [folder / TEMPLATE_FILE, folder / ENVIRONMENT_FILE]
        text = "\n".join(file.read_text(encoding="utf-8") for file in files if file.exists())
    except (OSError, ValueError):
        return None  # the endpoint itself says what is wrong with its template
    if _SLURM_BLOCKS.search(text):
        return "slurm"
    submits = _SUBMITS_JOBS.search(text)
    if submits is None:
        return None
    if submits[1] in SCHEDULER_OF_HOW:
        return SCHEDULER_OF_HOW[submits[1]]
    named = _SCHEDULER.search(text)
    return named[1] if named else ""
