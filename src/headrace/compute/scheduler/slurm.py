"""Slurm, by its commands."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from .base import Job, JobId, Limits, Queue
from .commands import Answer, command_environment, is_filter, run_command
from .errors import Refusal, SchedulerError, SubmissionRefused
from .parsing import (
    ACCOUNT_FORMAT,
    QUEUE_FORMAT,
    account_rows,
    job_records,
    limits_of,
    queue_rows,
    submitted_id,
)
from .refusals import refusal_of

# How long a command may take.
SECONDS: Final = 60.0
_COMMANDS: Final = ("sbatch", "squeue", "scontrol", "scancel")
_MOST_IDS: Final = 500
_UNKNOWN_JOB: Final = re.compile(r"invalid job id specified", re.IGNORECASE)
_ERROR: Final = re.compile(r"\berror\b|\bfatal\b", re.IGNORECASE)


class Slurm:
    """A client of Slurm's commands.

    The user's own filters (``SQUEUE_STATES``, ``SLURM_CLUSTERS``, ``SACCT_FORMAT`` ...) do not
    reach the commands; ``SLURM_CONF`` does. A job of another cluster is asked for there.

    Args:
        conf: path of ``slurm.conf``; empty: the environment's, or the machine's.
        seconds: how long a command may take.
    """

    name = "slurm"

    def __init__(self, conf: str = "", seconds: float = SECONDS) -> None:
        self._conf = conf
        self._seconds = seconds

    def missing_commands(self) -> list[str]:
        """Return the commands that this machine lacks."""
        return [name for name in _COMMANDS if shutil.which(name) is None]

    def submit(self, script: str, options: Sequence[str], environment: Mapping[str, str]) -> JobId:
        """Submit a script.

        Args:
            script: its path.
            options: options of sbatch.
            environment: of the job.

        Raises:
            SubmissionRefused: sbatch refuses, or did not say whether the job was taken.
        """
        # sbatch hands its environment on to the job: of it only what would change the
        # submission is left out.
        own = {name: value for name, value in environment.items() if not is_filter(name)}
        command = ["sbatch", "--parsable", *options, script]
        try:
            answer = run_command(command, self._with_conf(own), self._seconds)
        except SchedulerError as error:
            raise SubmissionRefused(str(error), Refusal.AWAY) from error
        if answer is None:
            raise SubmissionRefused(
                f"sbatch did not answer within {self._seconds:.0f} s", Refusal.UNANSWERED
            )
        words = " ".join(answer.words.replace("sbatch: error: ", "").split())
        job = submitted_id(answer.stdout)
        if answer.code != 0 and job is not None:
            # A plugin or a wrapper that fails behind the submission undoes nothing.
            raise SubmissionRefused(
                f"sbatch printed the id {job} and failed: {words}", Refusal.UNANSWERED
            )
        if answer.code != 0:
            refusal = refusal_of(answer.stderr, answer.code)
            raise SubmissionRefused(f"sbatch refuses: {words or answer.code}", refusal)
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
        whole: list[str] = []
        asked = tuple(dict.fromkeys(clusters))
        failures: list[SchedulerError] = []
        for cluster in asked:
            try:
                answer = self._ask(
                    *("squeue", *_at(cluster), f"--user={os.getuid()}", "--states=all", "--array"),
                    f"--format={QUEUE_FORMAT}",
                )
            except SchedulerError as error:
                failures.append(error)
                continue
            rows, read = queue_rows(answer.stdout, cluster)
            jobs += rows
            # It may end well although it could not ask: only its standard error says so.
            if read and not _ERROR.search(answer.stderr):
                whole.append(cluster)
        if failures and len(failures) == len(asked):
            raise failures[0]
        return Queue(tuple(jobs), asked, tuple(whole))

    def show(self, job: JobId) -> list[Job]:
        """Return a job, or the members of an array; empty: Slurm says that it has none.

        Raises:
            SchedulerError: Slurm does not answer.
        """
        command = ("scontrol", *_at(job.cluster), "--oneliner", "show", "job", job.number)
        answer = self._run(*command)
        found = [one for one in job_records(answer.stdout, job.cluster) if one.is_of(job)]
        if found:
            return found
        if answer.code != 0 and _UNKNOWN_JOB.search(answer.stderr):
            return []
        raise SchedulerError(_failure(command[0], answer))

    def accounted(self, job: JobId, name: str, not_before: float) -> list[Job]:
        """Return what accounting has of a job; empty where it has nothing, or is not there.

        Args:
            job: the job.
            name: the job's name: an id may be used again.
            not_before: seconds since 1970; an older job is another one.
        """
        command = ("sacct", *_at(job.cluster), "--noheader", "--allocations", "--parsable2")
        try:
            answer = self._ask(*command, f"--format={ACCOUNT_FORMAT}", f"--jobs={job.number}")
        except SchedulerError:
            return []
        rows = account_rows(answer.stdout, job.cluster, name, not_before)
        return [row for row in rows if row.is_of(job)]

    def cancel(self, jobs: Collection[JobId]) -> None:
        """Cancel jobs; those that have ended are left alone.

        Raises:
            SchedulerError: Slurm does not answer.
        """
        for cluster in dict.fromkeys(job.cluster for job in jobs):
            numbers = [job.number for job in jobs if job.cluster == cluster]
            for first in range(0, len(numbers), _MOST_IDS):
                some = numbers[first : first + _MOST_IDS]
                self._ask("scancel", *_at(cluster), "--quiet", *some)

    def limits(self, cluster: str = "") -> Limits:
        """Return a cluster's limits.

        Raises:
            SchedulerError: Slurm does not answer.
        """
        answer = self._ask("scontrol", *_at(cluster), "show", "config")
        limits = limits_of(answer.stdout)
        if limits is None:
            raise SchedulerError("scontrol show config does not say MaxArraySize")
        return limits

    def _ask(self, *command: str) -> Answer:
        answer = self._run(*command)
        if answer.code != 0:
            raise SchedulerError(_failure(command[0], answer))
        return answer

    def _run(self, *command: str) -> Answer:
        environment = self._with_conf(command_environment(os.environ))
        answer = run_command(command, environment, self._seconds)
        if answer is None:
            raise SchedulerError(f"{command[0]} did not answer within {self._seconds:.0f} s")
        return answer

    def _with_conf(self, environment: Mapping[str, str]) -> dict[str, str]:
        return {**environment, **({"SLURM_CONF": self._conf} if self._conf else {})}


def _at(cluster: str) -> tuple[str, ...]:
    return (f"--clusters={cluster}",) if cluster else ()


def _failure(command: str, answer: Answer) -> str:
    told = answer.words.removeprefix(f"{command}: error: ") or f"exit code {answer.code}"
    return f"{command}: {told}"
