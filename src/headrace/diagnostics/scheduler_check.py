"""Check of the scheduler that an endpoint on this machine submits jobs to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from headrace.project.diagnosis import Diagnosis
from headrace.project.project import Project

# A provider of blocks, or functions that submit their jobs.
_USES_SLURM: Final = re.compile(
    r"^\s*(?:type:\s*[\"']?SlurmProvider|HEADRACE_JOBS:\s*[\"']?sbatch)\b", re.MULTILINE
)


def check_scheduler(project: Project, name: str) -> Iterator[Diagnosis]:
    """Check whether Slurm answers here; yield nothing for an endpoint without Slurm.

    Args:
        project: the project.
        name: the endpoint.
    """
    from headrace.compute.scheduler import SchedulerError
    from headrace.compute.scheduler.slurm import Slurm
    from headrace.compute.templates import ENVIRONMENT_FILE, TEMPLATE_FILE

    template = project.endpoints[name].template
    if template is None:
        return
    folder = project.templates_dir / template
    try:
        files = [folder / TEMPLATE_FILE, folder / ENVIRONMENT_FILE]
        texts = [file.read_text(encoding="utf-8") for file in files if file.exists()]
    except (OSError, ValueError):
        return  # the endpoint itself says what is wrong with its template
    if not any(_USES_SLURM.search(text) for text in texts):
        return
    what, slurm = f"Slurm of endpoint {name}", Slurm(seconds=10.0)
    if missing := slurm.missing_commands():
        yield Diagnosis(what, "bad", f"{', '.join(missing)}: not on PATH of this machine")
        return
    try:
        queue, limits = slurm.queue(), slurm.limits()
    except SchedulerError as error:
        yield Diagnosis(what, "bad", f"it does not answer: {error}")
        return
    if not queue.complete:
        yield Diagnosis(what, "warning", "squeue's answer is not whole; see what `squeue` prints")
        return
    waiting = sum(not job.state.final for job in queue.jobs)
    needing = [job.job_id for job in queue.jobs if job.needs_attention]
    text = f"it answers; {waiting} jobs of yours, arrays of up to {limits.max_array_size} members"
    yield Diagnosis(what, "good", text)
    for number in needing[:3]:
        yield Diagnosis(what, "warning", f"job {number} does not start by itself: look with squeue")
