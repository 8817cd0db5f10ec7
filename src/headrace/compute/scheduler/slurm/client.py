"""Slurm, by its commands."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from ..base import Ability, Allocation, Scheduler, ScriptParts
from ..commands import CommandResult, run_command, run_submission
from ..directives import DirectiveLine, Directives
from ..errors import Refusal, SchedulerError, SubmissionRefused
from ..jobs import Job, JobId, Limits, Queue
from ..request import JobRequest, SubmissionRequest
from .directives import parse_directives
from .parsing import (
    ACCOUNT_FORMAT,
    QUEUE_FORMAT,
    parse_accounting,
    parse_job_records,
    parse_limits,
    parse_longest_walltime,
    parse_queue,
    parse_submitted_id,
)
from .refusals import classify_refusal
from .script import script_parts
from .variables import (
    JOB_VARIABLES,
    allocation,
    command_environment,
    is_filter,
    without_job,
)

_COMMANDS: Final = ("sbatch", "squeue", "scontrol", "scancel")
_MAX_IDS: Final = 500
_EXCLUDE: Final = "--exclude="
_UNKNOWN_JOB: Final = re.compile(r"invalid job id specified", re.IGNORECASE)
_ERROR: Final = re.compile(r"\berror\b|\bfatal\b", re.IGNORECASE)


class Slurm(Scheduler):
    """A client of Slurm's commands.

    The user's own filters (``SQUEUE_STATES``, ``SLURM_CLUSTERS``, ``SACCT_FORMAT`` ...) do not
    reach the commands; ``SLURM_CONF`` does. A job of another cluster is asked for there.

    Args:
        conf: path of ``slurm.conf``; empty: the environment's, or the machine's.
        seconds: how long a command may take.
    """

    name = "slurm"
    title = "Slurm"
    directive_prefix = "#SBATCH"
    queue_command = "squeue"
    variables = JOB_VARIABLES
    abilities = (Ability.ARRAYS, Ability.REQUEUE, Ability.CLUSTERS)
    message_prefixes = ("slurmstepd:",)

    def __init__(self, conf: str = "", seconds: float = 60.0) -> None:
        self._conf = conf
        self.timeout = seconds

    def missing_commands(self) -> list[str]:
        """Return the commands that are not on this machine's PATH."""
        return [name for name in _COMMANDS if shutil.which(name) is None]

    def installation(self) -> str:
        """Return the path of ``slurm.conf``."""
        return self._conf or os.environ.get("SLURM_CONF", "")

    def parse_directives(self, lines: Sequence[DirectiveLine]) -> Directives:
        """Read ``#SBATCH`` lines.

        Raises:
            BatchJobError: a line cannot be read, or contradicts what headrace does.
        """
        return parse_directives(lines)

    def script_parts(self, request: JobRequest) -> ScriptParts:
        """Return ``#SBATCH`` lines, the ``srun`` or ``mpiexec``, and the signal of ``--signal``.

        Raises:
            BatchJobError: an option is one that headrace sets itself, or the launcher is unknown.
        """
        return script_parts(request)

    def clean_environment(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return an environment without variables of a job, of a step and of sbatch."""
        return without_job(environment)

    def allocation(self, environment: Mapping[str, str]) -> Allocation | None:
        """Return the job that a process with this environment runs in; None where in none."""
        return allocation(environment)

    def submit_command(self, submission: SubmissionRequest) -> list[str]:
        """Return the ``sbatch`` command."""
        # A pattern to sbatch, in which only percent signs could be written otherwise.
        log = "/dev/null" if set("%\\") & set(str(submission.log)) else str(submission.log)
        options = [f"--comment={submission.tag}", f"--output={log}", "--open-mode=append"]
        if submission.array_size:
            options.append(f"--array=0-{submission.array_size - 1}%{submission.at_once}")
        return ["sbatch", "--parsable", *options, str(submission.script)]

    def submit(self, submission: SubmissionRequest) -> JobId:
        """Submit a script.

        Raises:
            SubmissionRefused: sbatch refuses, or does not say whether it has accepted the job.
        """
        # sbatch hands its environment on to the job: of it only what would change the
        # submission is left out.
        own = {k: v for k, v in submission.environment.items() if not is_filter(k)}
        command = self.submit_command(submission)
        answer = run_submission(command, self._with_conf(own), self.timeout)
        words = " ".join(answer.error_text.replace("sbatch: error: ", "").split())
        job = parse_submitted_id(answer.stdout)
        if answer.exit_code != 0 and job is not None:
            # A plugin or a wrapper that fails behind the submission undoes nothing.
            raise SubmissionRefused(
                f"sbatch printed the id {job} and failed: {words}", Refusal.UNANSWERED
            )
        if answer.exit_code != 0:
            refusal = classify_refusal(answer.stderr, answer.exit_code)
            raise SubmissionRefused(f"sbatch refuses: {words or answer.exit_code}", refusal)
        if job is None:
            raise SubmissionRefused("sbatch printed no job id", Refusal.UNANSWERED)
        return job

    def queue(self, clusters: Collection[str] = ("",)) -> Queue:
        """Return this user's jobs, those too that ended a short while ago: one question for all.

        Args:
            clusters: the clusters to ask; empty: this machine's.

        Raises:
            SchedulerError: no cluster answers.
        """
        jobs: list[Job] = []
        complete: list[str] = []
        asked = tuple(dict.fromkeys(clusters))
        failures: list[SchedulerError] = []
        for cluster in asked:
            try:
                answer = self._query(
                    *(
                        "squeue",
                        *_cluster_option(cluster),
                        f"--user={os.getuid()}",
                        "--states=all",
                        "--array",
                    ),
                    f"--format={QUEUE_FORMAT}",
                )
            except SchedulerError as error:
                failures.append(error)
                continue
            rows, read = parse_queue(answer.stdout, cluster)
            jobs += rows
            # It may end well although it could not ask: only its standard error says so.
            if read and not _ERROR.search(answer.stderr):
                complete.append(cluster)
        if failures and len(failures) == len(asked):
            raise failures[0]
        return Queue(tuple(jobs), asked, tuple(complete))

    def show(self, job: JobId) -> list[Job]:
        """Return a job, or the members of an array; empty: Slurm says that it has none.

        Raises:
            SchedulerError: Slurm does not answer.
        """
        command = (
            "scontrol",
            *_cluster_option(job.cluster),
            "--oneliner",
            "show",
            "job",
            job.number,
        )
        answer = self._run(*command)
        found = [
            one for one in parse_job_records(answer.stdout, job.cluster) if one.belongs_to(job)
        ]
        if found:
            return found
        if answer.exit_code != 0 and _UNKNOWN_JOB.search(answer.stderr):
            return []
        raise SchedulerError(_failure(command[0], answer))

    def accounting_records(self, job: JobId, name: str, earliest: float) -> list[Job]:
        """Return what accounting has of a job; empty where it has nothing, or is not there.

        Args:
            job: the job.
            name: the job's name: an id may be used again.
            earliest: seconds since 1970; an older job is another one.
        """
        command = (
            "sacct",
            *_cluster_option(job.cluster),
            "--noheader",
            "--allocations",
            "--parsable2",
        )
        try:
            answer = self._query(*command, f"--format={ACCOUNT_FORMAT}", f"--jobs={job.number}")
        except SchedulerError:
            return []
        rows = parse_accounting(answer.stdout, job.cluster, name, earliest)
        return [row for row in rows if row.belongs_to(job)]

    def cancel(self, jobs: Collection[JobId]) -> None:
        """Cancel jobs; those that have ended are left alone.

        Raises:
            SchedulerError: Slurm does not answer.
        """
        for cluster in dict.fromkeys(job.cluster for job in jobs):
            numbers = [job.number for job in jobs if job.cluster == cluster]
            for first in range(0, len(numbers), _MAX_IDS):
                some = numbers[first : first + _MAX_IDS]
                self._query("scancel", *_cluster_option(cluster), "--quiet", *some)

    def limits(self, options: Sequence[str] = ()) -> Limits:
        """Return the limits of the cluster that options name, or of this machine's.

        Raises:
            SchedulerError: Slurm does not answer.
        """
        cluster = _named_cluster(options)
        answer = self._query("scontrol", *_cluster_option(cluster), "show", "config")
        limits = parse_limits(answer.stdout)
        if limits is None:
            raise SchedulerError("scontrol show config does not say MaxArraySize")
        return limits

    def longest_walltime(self, request: JobRequest) -> float:
        """Return the ``MaxTime`` of the job's partition, seconds.

        Raises:
            SchedulerError: Slurm does not answer.
        """
        cluster = _named_cluster(request.options)
        answer = self._query(
            "scontrol", *_cluster_option(cluster), "--oneliner", "show", "partition"
        )
        return parse_longest_walltime(answer.stdout, request.partition)

    def exclude_nodes(self, options: Sequence[str], nodes: Sequence[str]) -> Sequence[str]:
        """Return options with ``--exclude`` of nodes, besides those that it names already."""
        kept = [option for option in options if not option.startswith(_EXCLUDE)]
        named = [option.removeprefix(_EXCLUDE) for option in options if option not in kept]
        return (*kept, _EXCLUDE + ",".join(dict.fromkeys([*named, *nodes])))

    def release_advice(self, job: Job) -> str:
        """Return the ``scontrol`` and ``scancel`` that release or end a job."""
        at = f" -M {job.cluster}" if job.cluster else ""
        return f"scontrol{at} release {job.number}, or scancel{at} {job.number}"

    def _query(self, *command: str) -> CommandResult:
        answer = self._run(*command)
        if answer.exit_code != 0:
            raise SchedulerError(_failure(command[0], answer))
        return answer

    def _run(self, *command: str) -> CommandResult:
        environment = self._with_conf(command_environment(os.environ))
        answer = run_command(command, environment, self.timeout)
        if answer is None:
            raise SchedulerError(f"{command[0]} did not answer within {self.timeout:.0f} s")
        return answer

    def _with_conf(self, environment: Mapping[str, str]) -> dict[str, str]:
        return {**environment, **({"SLURM_CONF": self._conf} if self._conf else {})}


def _named_cluster(options: Sequence[str]) -> str:
    named = [o.partition("=")[2] for o in options if o.startswith("--clusters=")]
    return named[-1].partition(",")[0] if named else ""


def _cluster_option(cluster: str) -> tuple[str, ...]:
    return (f"--clusters={cluster}",) if cluster else ()


def _failure(command: str, answer: CommandResult) -> str:
    text = answer.error_text.removeprefix(f"{command}: error: ") or f"exit code {answer.exit_code}"
    return f"{command}: {text}"
