"""Variables of the environment that mean something to Slurm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..base import Allocation, JobVariables

JOB_VARIABLES: Final = JobVariables(
    job_id="${SLURM_JOB_ID:-}",
    nodes="${SLURM_JOB_NODELIST:-$(hostname)}",
    restarts="${SLURM_RESTART_COUNT:-0}",
    array_job_id="${SLURM_ARRAY_JOB_ID:-}",
    array_index="${SLURM_ARRAY_TASK_ID}",
    # Those of all nodes; SLURM_CPUS_ON_NODE counts this one's alone.
    cores="${SLURM_JOB_CPUS_PER_NODE:-}",
)
# Variables of Slurm's that say where the cluster is, or who asks. All others are filters and
# formats of the user's own (SQUEUE_STATES, SLURM_CLUSTERS ...), or of the job that asks.
_KEPT: Final = frozenset({"SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT"})
_DROPPED: Final = (
    *("SLURM_", "SBATCH_", "SALLOC_", "SRUN_", "SQUEUE_", "SACCT_"),
    *("SCANCEL_", "SCONTROL_", "SINFO_", "SLURMD_"),
)
_FORMATS: Final = {"LC_ALL": "C", "LANG": "C", "SLURM_TIME_FORMAT": "standard"}
# What a job must not inherit from the job or the step that submits it.
_OF_A_JOB: Final = ("SLURM_", "SBATCH_", "SRUN_")
_INHERITED: Final = ("SLURM_CONF", "SLURM_CONF_SERVER")


def is_filter(variable: str) -> bool:
    """Return whether a variable changes what Slurm's commands do."""
    return variable.startswith(_DROPPED) and variable not in _KEPT


def command_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment for the commands that answer a question."""
    kept = {name: value for name, value in environment.items() if not is_filter(name)}
    return {**kept, **_FORMATS}


def without_job(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without variables of a job, of a step and of sbatch."""
    return {
        name: value
        for name, value in environment.items()
        if name in _INHERITED or not name.startswith(_OF_A_JOB)
    }


def allocation(environment: Mapping[str, str]) -> Allocation | None:
    """Return the job that a process with this environment runs in; None where in none."""
    job_id = environment.get("SLURM_JOB_ID")
    if not job_id:
        return None
    own = {
        name: value
        for name, value in environment.items()
        if name.startswith("SLURM_") and "TOKEN" not in name
    }
    return Allocation(job_id, environment.get("SLURM_JOB_NODELIST", ""), own)
