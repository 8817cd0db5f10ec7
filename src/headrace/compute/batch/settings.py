"""Settings of a job: the resources that it asks for, and how its script is run."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Final

from ..scheduler import (
    Ability,
    JobRequest,
    Scheduler,
    read_directive_lines,
    walltime_seconds,
)
from .errors import BatchJobError

_SECRET: Final = re.compile(
    r"TOKEN|SECRET|PASSW|CREDENTIAL|API_?KEY|PRIVATE|COOKIE|AUTHORIZATION", re.IGNORECASE
)
# Variables of MPI that a job must not inherit from the step that submits it.
_PARENT_STEP_PREFIXES: Final = ("PMI_", "PMIX_", "OMPI_", "PRTE_", "HYDRA_", "MPICH_")
# Names that the job's directory has for itself.
_FILES: Final = frozenset(
    {"submitted.sh", "command", "environment.json", "submission.json", "host.json", "states.jsonl"}
    | {"stdout", "stderr", "exit_code", "outcome.json", "members.txt", "members", "arrays"}
    | {"owner", "exit_codes", "scheduler.log", "attempts.json", "ended_at"}
)


@dataclass(frozen=True)
class JobSettings(JobRequest):
    """Settings of a job, besides the resources of :class:`~..scheduler.request.JobRequest`.

    Attributes:
        script: the job script, absolute; run by what its first line says, or by bash.
        arguments: its arguments.
        environment: variables for the job, beside those of the worker.
        outputs: files that the job must leave, absolute or relative to the working directory; a
            job that leaves one out, or empty, has failed.
        container: ``apptainer:IMAGE``, ``shifter:IMAGE`` or ``podman-hpc:IMAGE``.
        binds: directories of this machine by their places in the container.
        scheduler: name of the scheduler; ``HEADRACE_SCHEDULER``, or ``slurm``, where empty.
        submit_timeout: how long a submission that the cluster does not accept at the moment is
            tried again, in the forms of ``walltime``.

    Raises:
        BatchJobError: a value is wrong.
    """

    script: Path
    arguments: Sequence[str] = ()
    environment: Annotated[
        Mapping[str, str], "Variables for the job, beside those of the worker."
    ] = field(default_factory=dict)
    outputs: Sequence[str] = ()
    container: Annotated[str, "Image: apptainer:IMAGE, shifter:IMAGE or podman-hpc:IMAGE."] = ""
    binds: Annotated[
        Mapping[str, str], "Directories of this machine by their places in the container."
    ] = field(default_factory=dict)
    scheduler: Annotated[
        str, "Name of the scheduler; HEADRACE_SCHEDULER, or slurm, where empty."
    ] = ""
    submit_timeout: Annotated[
        str, "How long a submission is tried again that the cluster does not accept, as walltime."
    ] = "7-00:00:00"

    def __post_init__(self) -> None:
        if not self.script.is_absolute() or not self.script.is_file():
            raise BatchJobError(f"{self.script}: no such job script; give its absolute path")
        if self.script.name in _FILES:
            raise BatchJobError(f"{self.script}: another name, please; this one is the job's own")
        timeout = self.submit_timeout
        if not isinstance(timeout, str) or walltime_seconds(timeout) is None:
            raise BatchJobError(f"submit_timeout {timeout!r}: write it as HH:MM:SS")
        super().__post_init__()


def read_settings(scheduler: Scheduler, script: str, settings: Mapping[str, Any]) -> JobSettings:
    """Return the settings of a script: of its directives, and before them those of the call.

    Args:
        scheduler: the scheduler whose directives are read.
        script: the job script.
        settings: attributes of :class:`JobSettings` by name, as the call has them.

    Raises:
        BatchJobError: a setting, a directive or an option is wrong or contradicts what headrace
            does, or the scheduler cannot do what is asked for.
    """
    path = Path(script)
    known = {attribute.name for attribute in fields(JobSettings)} - {"script"}
    if unknown := sorted(set(settings) - known):
        advice = "; run_repeated_job of headrace.compute.attempts has attempts"
        raise BatchJobError(
            f"{script}: no such setting: {', '.join(unknown)}; there are {', '.join(sorted(known))}"
            + advice * ("attempts" in unknown)
        )
    if not path.is_absolute() or not path.is_file():
        return JobSettings(path, **settings)
    lines = read_directive_lines(path, scheduler.directive_prefix)
    read = scheduler.parse_directives(lines)
    options = [*read.options, *settings.get("options", ())]
    found = JobSettings(path, **{**read.settings, **settings, "options": options})
    require_ability(scheduler, Ability.REQUEUE, found.requeue, "requeue")
    scheduler.script_parts(found)
    return found


def require_ability(scheduler: Scheduler, ability: Ability, needed: bool, cause: str) -> None:
    """Raise where a scheduler has not an ability that is needed.

    Args:
        scheduler: the scheduler.
        ability: the ability.
        needed: whether it is.
        cause: the setting or function that needs it.

    Raises:
        BatchJobError: it has it not.
    """
    if needed and ability not in scheduler.abilities:
        raise BatchJobError(f"{cause}: {scheduler.title} has no {ability.value}; do without")


def job_environment(scheduler: Scheduler, settings: JobSettings) -> dict[str, str]:
    """Return the environment of a job: this process's, without secrets and traces of its job."""
    inherited = {
        name: value
        for name, value in scheduler.clean_environment(os.environ).items()
        if not name.startswith(_PARENT_STEP_PREFIXES) and not _SECRET.search(name)
    }
    return {
        **inherited,
        "HEADRACE_LAUNCH": scheduler.script_parts(settings).launch_command,
        "HEADRACE_NODES": str(settings.nodes),
        "HEADRACE_RANKS": str(settings.ntasks),
        "HEADRACE_SCRIPTS": str(settings.script.parent),
        **{str(name): str(value) for name, value in settings.environment.items()},
    }


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment as the job's directory keeps it: without secrets."""
    return {name: value for name, value in sorted(environment.items()) if not _SECRET.search(name)}
