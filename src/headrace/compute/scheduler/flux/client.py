"""Flux, by its command ``flux``."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from ..base import Allocation, JobVariables, Scheduler, ScriptParts
from ..commands import CommandResult, run_command, run_submission
from ..directives import DirectiveLine, Directives
from ..errors import Refusal, SchedulerError, SubmissionRefused
from ..jobs import Job, JobId, Queue
from ..refusal_words import classify_words
from ..request import JobRequest, SubmissionRequest
from .parsing import parse_jobs
from .script import parse_directives, script_parts

# Where the instance is; all others are of the job around.
_KEPT: Final = frozenset({"FLUX_URI", "FLUX_EXEC_PATH", "FLUX_MODULE_PATH", "FLUX_CONNECTOR_PATH"})
_FORMATS: Final = {"FLUX_F58_FORCE_ASCII": "1", "LC_ALL": "C.UTF-8"}
_MAX_JOBS: Final = 10_000
_MAX_IDS: Final = 500
_ID: Final = re.compile(r"f[1-9A-HJ-NP-Za-km-z]+")
_UNKNOWN_JOB: Final = re.compile(r"unknown|no such job|not found|invalid job ?id", re.IGNORECASE)
_ENDED: Final = re.compile(r"inactive|unknown|no such job|not found", re.IGNORECASE)
# The question may have arrived although the answer did not.
_UNANSWERED: Final = re.compile(
    r"connection reset|broken pipe|timed out|protocol error|host is unreachable", re.IGNORECASE
)
_UNAVAILABLE: Final = re.compile(
    r"unable to connect|connection refused|error connecting|submission.* disabled|no such file"
    r"|function not implemented|no service|try again",
    re.IGNORECASE,
)
_PERMANENT: Final = re.compile(
    r"unsatisfiable|unrecognized arguments|invalid|expected one argument|must be|exceeds"
    r"|not permitted|permission denied|unknown (?:queue|bank)|cannot find|feasib",
    re.IGNORECASE,
)


class Flux(Scheduler):
    """A client of the command ``flux``: each job is a script that has an instance of its own.

    The instance that jobs are submitted to is the one of ``FLUX_URI``, or the system's. A job's
    name in Flux is its own name, a space, and the tag by which it is found again.

    Args:
        seconds: how long a command may take.
    """

    name = "flux"
    title = "Flux"
    directive_prefix = "#flux:"
    queue_command = "flux jobs"
    variables = JobVariables(
        # A script runs as the first program of its own instance.
        job_id="$(flux job id --to=f58plain $(flux getattr jobid))",
        nodes="$(flux getattr hostlist)",
    )

    def __init__(self, seconds: float = 60.0) -> None:
        self.timeout = seconds

    def missing_commands(self) -> list[str]:
        """Return ``flux`` where it is not on this machine's PATH."""
        return [] if shutil.which("flux") else ["flux"]

    def installation(self) -> str:
        """Return the address of the instance."""
        return os.environ.get("FLUX_URI", "")

    def parse_directives(self, lines: Sequence[DirectiveLine]) -> Directives:
        """Read ``#flux:`` lines.

        Raises:
            BatchJobError: a line cannot be read, or contradicts what headrace does.
        """
        return parse_directives(lines)

    def script_parts(self, request: JobRequest) -> ScriptParts:
        """Return ``#flux:`` lines and the ``flux run``.

        Raises:
            BatchJobError: Flux cannot run such a job.
        """
        return script_parts(request)

    def clean_environment(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return an environment without variables of a job."""
        return {
            name: value
            for name, value in environment.items()
            if name in _KEPT or not name.startswith("FLUX_")
        }

    def allocation(self, environment: Mapping[str, str]) -> Allocation | None:
        """Return the job that a process with this environment runs in; None where in none."""
        job_id = environment.get("FLUX_JOB_ID") or environment.get("FLUX_ENCLOSING_ID")
        if not job_id:
            return None
        own = {name: value for name, value in environment.items() if name.startswith("FLUX_")}
        number = job_id.replace("\u0192", "f")  # the sign that ids begin with is no ASCII
        return Allocation(number, os.uname().nodename, own)

    def submit_command(self, submission: SubmissionRequest) -> list[str]:
        """Return the ``flux batch`` command."""
        # A template there, in which braces would be filled in.
        log = "/dev/null" if "{{" in str(submission.log) else str(submission.log)
        return [
            "flux",
            "batch",
            f"--job-name={submission.resources.name} {submission.tag}",
            "--cwd=/",
            f"--output={log}",
            f"--error={log}",
            str(submission.script),
        ]

    def submit(self, submission: SubmissionRequest) -> JobId:
        """Submit a script.

        Raises:
            SubmissionRefused: flux refuses, or does not say whether it has accepted the job.
        """
        # It hands its environment on to the job.
        environment = {**submission.environment, "FLUX_F58_FORCE_ASCII": "1"}
        answer = run_submission(self.submit_command(submission), environment, self.timeout)
        number = answer.stdout.strip()
        known = _ID.fullmatch(number) is not None
        if answer.exit_code == 0 and known:
            return JobId(number)
        if answer.exit_code == 0 or known:
            raise SubmissionRefused("flux printed no job id, or failed", Refusal.UNANSWERED)
        words = answer.error_text or f"exit code {answer.exit_code}"
        raise SubmissionRefused(f"flux refuses: {words}", _refusal(words, answer.exit_code))

    def queue(self, clusters: Collection[str] = ("",)) -> Queue:
        """Return this user's jobs, also those that ended a while ago.

        Raises:
            SchedulerError: flux does not answer.
        """
        jobs = parse_jobs(self._query("jobs", "--json", "-a", f"--count={_MAX_JOBS}").stdout)
        complete = clusters if len(jobs) < _MAX_JOBS else ()
        return Queue(jobs, tuple(clusters), tuple(complete))

    def show(self, job: JobId) -> list[Job]:
        """Return a job; empty: Flux says that it has none.

        Raises:
            SchedulerError: flux does not answer.
        """
        answer = self._run("jobs", "--json", job.number)
        if answer.exit_code != 0 or not answer.stdout.strip():
            if _UNKNOWN_JOB.search(answer.stderr):
                return []
            raise SchedulerError(_failure(answer))
        return [one for one in parse_jobs(answer.stdout) if one.belongs_to(job)]

    def cancel(self, jobs: Collection[JobId]) -> None:
        """Cancel jobs; those that have ended are left alone.

        Raises:
            SchedulerError: flux does not answer.
        """
        numbers = [job.number for job in jobs]
        for first in range(0, len(numbers), _MAX_IDS):
            answer = self._run("cancel", *numbers[first : first + _MAX_IDS])
            if answer.exit_code != 0 and not _ENDED.search(answer.stderr):
                raise SchedulerError(_failure(answer))

    def exclude_nodes(self, options: Sequence[str], nodes: Sequence[str]) -> Sequence[str]:
        """Return options with nodes left out by ``--requires=-host:``."""
        new = f"--requires=-host:{','.join(nodes)}"
        return (*options, *([new] if nodes and new not in options else []))

    def release_advice(self, job: Job) -> str:
        """Return the commands that release or end a job."""
        return f"flux job urgency {job.number} default, or flux cancel {job.number}"

    def _query(self, *words: str) -> CommandResult:
        answer = self._run(*words)
        if answer.exit_code != 0:
            raise SchedulerError(_failure(answer))
        return answer

    def _run(self, *words: str) -> CommandResult:
        environment = {**self.clean_environment(os.environ), **_FORMATS}
        answer = run_command(["flux", *words], environment, self.timeout)
        if answer is None:
            raise SchedulerError(f"flux did not answer within {self.timeout:.0f} s")
        return answer


def _failure(answer: CommandResult) -> str:
    return f"flux: {answer.error_text or f'exit code {answer.exit_code}'}"


def _refusal(words: str, code: int) -> Refusal:
    return classify_words(
        words,
        code,
        (_UNANSWERED, Refusal.UNANSWERED),
        (_UNAVAILABLE, Refusal.UNAVAILABLE),
        (_PERMANENT, Refusal.PERMANENT),
    )
