"""HyperQueue, by its command ``hq``."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from ..base import Ability, Allocation, JobVariables, Scheduler, ScriptParts
from ..commands import CommandResult, run_command, run_submission
from ..directives import DirectiveLine, Directives
from ..errors import Refusal, SchedulerError, SubmissionRefused
from ..jobs import Job, JobId, Queue
from ..refusal_words import classify_words
from ..request import JobRequest, SubmissionRequest
from .parsing import parse_error, parse_job_details, parse_job_list, parse_submitted_id
from .script import parse_directives, script_parts

# The directory of the server, by which `hq` finds it; all others are of the job around.
_SERVER: Final = "HQ_SERVER_DIR"
_JSON: Final = ("hq", "--output-mode=json")
_MAX_IDS: Final = 500
# The question may have arrived although the answer did not.
_UNANSWERED: Final = re.compile(r"connection|closed|reset|broken pipe|timed out|early eof", re.I)
_UNAVAILABLE: Final = re.compile(r"no running instance|is unreachable|version", re.I)
_PERMANENT: Final = re.compile(r"could not parse|cannot parse|invalid|cannot be|not allowed", re.I)


class HyperQueue(Scheduler):
    """A client of the command ``hq``: jobs of one task each, on the workers of one server.

    The server is the one that ``HQ_SERVER_DIR`` leads to, or ``~/.hq-server``. A job's name in
    HyperQueue is its own name, a space, and the tag by which it is found again.

    Args:
        seconds: how long a command may take.
    """

    name = "hq"
    title = "HyperQueue"
    directive_prefix = "#HQ"
    queue_command = "hq job list"
    variables = JobVariables(
        job_id="${HQ_JOB_ID:-}",
        # It grows with each time that a job is begun, from 0.
        restarts="${HQ_INSTANCE_ID:-0}",
    )
    abilities = (Ability.REQUEUE,)

    def __init__(self, seconds: float = 60.0) -> None:
        self.timeout = seconds

    def missing_commands(self) -> list[str]:
        """Return ``hq`` where it is not on this machine's PATH."""
        return [] if shutil.which("hq") else ["hq"]

    def installation(self) -> str:
        """Return the server's directory."""
        return os.environ.get(_SERVER, "")

    def parse_directives(self, lines: Sequence[DirectiveLine]) -> Directives:
        """Read ``#HQ`` lines.

        Raises:
            BatchJobError: a line cannot be read, or contradicts what headrace does.
        """
        return parse_directives(lines)

    def script_parts(self, request: JobRequest) -> ScriptParts:
        """Return ``#HQ`` lines and the ``mpiexec``.

        Raises:
            BatchJobError: HyperQueue cannot run such a job.
        """
        return script_parts(request)

    def clean_environment(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return an environment without variables of a task."""
        return {
            name: value
            for name, value in environment.items()
            if name == _SERVER or not name.startswith("HQ_")
        }

    def allocation(self, environment: Mapping[str, str]) -> Allocation | None:
        """Return the job that a process with this environment runs in; None where in none."""
        job_id = environment.get("HQ_JOB_ID")
        if not job_id:
            return None
        own = {
            name: value
            for name, value in environment.items()
            if name.startswith("HQ_") and name != "HQ_ACCESS_KEY"
        }
        return Allocation(job_id, os.uname().nodename, own)

    def submit_command(self, submission: SubmissionRequest) -> list[str]:
        """Return the ``hq submit`` command, without the variables of the job."""
        # A path with these has a meaning of its own there.
        special = ":" in str(submission.log) or "%{" in str(submission.log)
        return [
            *_JSON,
            "submit",
            "--directives=file",
            f"--name={submission.resources.name} {submission.tag}",
            "--cwd=/",
            "--stdout=none",
            f"--stderr={'none' if special else submission.log}",
            "--",
            str(submission.script),
        ]

    def submit(self, submission: SubmissionRequest) -> JobId:
        """Submit a script.

        Raises:
            SubmissionRefused: hq refuses, or does not say whether it has accepted the job.
        """
        command = self.submit_command(submission)
        # A task has its worker's environment, and what is named here.
        variables = [
            f"--env={name}={value}"
            for name, value in submission.environment.items()
            if name != _SERVER
        ]
        at = command.index("--")
        answer = run_submission(
            [*command[:at], *variables, *command[at:]], self._environment(), self.timeout
        )
        number = parse_submitted_id(answer.stdout)
        if answer.exit_code == 0 and number:
            return JobId(number)
        if answer.exit_code == 0 or number:
            raise SubmissionRefused("hq printed no job id, or failed", Refusal.UNANSWERED)
        words = _words(answer)
        raise SubmissionRefused(f"hq refuses: {words}", _refusal(words, answer.exit_code))

    def queue(self, clusters: Collection[str] = ("",)) -> Queue:
        """Return all jobs that the server knows, also those that have ended.

        Raises:
            SchedulerError: hq does not answer.
        """
        del clusters
        return Queue(parse_job_list(self._query("job", "list", "--all")))

    def show(self, job: JobId) -> list[Job]:
        """Return a job; empty: the server says that it has none.

        Raises:
            SchedulerError: hq does not answer.
        """
        found = parse_job_details(self._query("job", "info", job.number))
        return [one for one in found if one.belongs_to(job)]

    def cancel(self, jobs: Collection[JobId]) -> None:
        """Cancel jobs; those that have ended are left alone.

        Raises:
            SchedulerError: hq does not answer.
        """
        numbers = [job.number for job in jobs]
        for first in range(0, len(numbers), _MAX_IDS):
            self._query("job", "cancel", ",".join(numbers[first : first + _MAX_IDS]))

    def release_advice(self, job: Job) -> str:
        """Return the ``hq job cancel`` that ends a job."""
        return f"hq job cancel {job.number}"

    def _query(self, *words: str) -> str:
        answer = run_command([*_JSON, *words], self._environment(), self.timeout)
        if answer is None:
            raise SchedulerError(f"hq did not answer within {self.timeout:.0f} s")
        if answer.exit_code != 0:
            raise SchedulerError(f"hq: {_words(answer)}")
        return answer.stdout

    def _environment(self) -> dict[str, str]:
        return self.clean_environment(os.environ)


def _words(answer: CommandResult) -> str:
    return parse_error(answer.stdout) or answer.error_text or f"exit code {answer.exit_code}"


def _refusal(words: str, code: int) -> Refusal:
    refusal = classify_words(
        words,
        code,
        (_UNAVAILABLE, Refusal.UNAVAILABLE),
        (_UNANSWERED, Refusal.UNANSWERED),
        (_PERMANENT, Refusal.PERMANENT),
    )
    # 2: words of the command line that it does not know.
    unknown = refusal is Refusal.UNRECOGNIZED and code == 2
    return Refusal.PERMANENT if unknown else refusal
