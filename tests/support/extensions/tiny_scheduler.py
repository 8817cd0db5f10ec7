"""A scheduler that runs each job as processes of this machine, below a spool directory."""

import contextlib
import json
import math
import os
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

from headrace.compute.scheduler import (
    Allocation,
    BatchJobError,
    Directives,
    Job,
    JobId,
    JobState,
    JobVariables,
    Queue,
    Refusal,
    Scheduler,
    SchedulerError,
    ScriptParts,
    SubmissionRefused,
)

# The job is in the queue as soon as its record has its name, and has ended as soon as its exit
# code has one. `timeout` leads the process group of the script.
RUNNER = """
cd "$TINY_JOB" && mv record.new record.json || exit
timeout --kill-after=2 "$TINY_SECONDS" bash script >>"$TINY_LOG" 2>&1 &
echo $! >pid.new && mv pid.new pid
[ ! -e cancelled ] || kill $!
wait $!
echo $? >code.new && mv code.new code
"""
CODE_OF_TIMEOUT = 124


class TinyScheduler(Scheduler):
    """A scheduler for one machine: no queue to wait in, no accounts, no arrays."""

    name = "tiny"
    title = "Tiny"
    directive_prefix = "#TINY"
    queue_command = "ls $TINY_SPOOL"
    variables = JobVariables(job_id="${TINY_ID:-}")

    def missing_commands(self):
        return [name for name in ("bash", "setsid", "timeout") if shutil.which(name) is None]

    def installation(self):
        return str(self.spool())

    def spool(self):
        return Path(os.environ.get("TINY_SPOOL") or Path.home() / ".tiny")

    # Job scripts

    def parse_directives(self, lines):
        settings = {}
        for line in lines:
            try:
                words = dict(word.split("=", 1) for word in shlex.split(line.text))
            except ValueError:
                raise BatchJobError(f"{line.location}: write #TINY time=HH:MM:SS") from None
            for key, value in words.items():
                if key not in ("time", "name"):
                    raise BatchJobError(f"{line.location}: #TINY {key}: there are time and name")
                settings["walltime" if key == "time" else "name"] = value
        return Directives(settings)

    def script_parts(self, request):
        for option in request.options:
            raise BatchJobError(f"option {option!r}: Tiny has no options")
        if request.nodes > 1:
            raise BatchJobError(f"nodes = {request.nodes}: Tiny has one node")
        header = [f"#TINY name={request.name}", f"#TINY time={request.walltime}"]
        return ScriptParts(header, request.mpiexec_command())

    # The environment

    def clean_environment(self, environment):
        kept = {"TINY_SPOOL"}
        return {
            name: value
            for name, value in environment.items()
            if name in kept or not name.startswith("TINY_")
        }

    def allocation(self, environment):
        job_id = environment.get("TINY_ID")
        return Allocation(job_id, os.uname().nodename, {"TINY_ID": job_id}) if job_id else None

    # Jobs

    def submit_command(self, submission):
        return ["setsid", "--fork", "bash", "-c", RUNNER, "tiny", str(submission.script)]

    def submit(self, submission):
        limit = submission.resources.seconds
        try:
            job = self.new_directory()
            shutil.copyfile(submission.script, job / "script")
            record = {"tag": submission.tag, "name": submission.resources.name}
            (job / "record.new").write_text(json.dumps(record))
            environment = {
                **submission.environment,
                "TINY_ID": job.name,
                "TINY_JOB": str(job),
                "TINY_LOG": str(submission.log),
                "TINY_SECONDS": "0" if math.isinf(limit) else f"{limit:.0f}",
            }
            subprocess.run(self.submit_command(submission), env=environment, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            raise SubmissionRefused(f"Tiny: {error}", Refusal.UNAVAILABLE) from error
        return JobId(job.name)

    def new_directory(self):
        number = 1 + max((int(path.name) for path in self.spool().iterdir()), default=0)
        while True:
            try:
                (self.spool() / str(number)).mkdir()
                return self.spool() / str(number)
            except FileExistsError:  # of another process, at the same moment
                number += 1

    def queue(self, clusters=("",)):
        return Queue([self.read(path) for path in self.directories()])

    def show(self, job):
        return [self.read(path) for path in self.directories() if path.name == job.number]

    def directories(self):
        try:
            # A directory that cannot be read says nothing about jobs: it is no empty queue.
            return [path for path in self.spool().iterdir() if (path / "record.json").exists()]
        except OSError as error:
            raise SchedulerError(f"Tiny: {error}") from error

    def read(self, directory):
        record = json.loads((directory / "record.json").read_text())
        code = number_in(directory / "code")
        if code is not None and (directory / "cancelled").exists():
            state = JobState.CANCELLED
        elif code is not None:
            ends = {0: JobState.COMPLETED, CODE_OF_TIMEOUT: JobState.TIMEOUT}
            state = ends.get(code, JobState.FAILED)
        else:
            state = JobState.RUNNING if (directory / "pid").exists() else JobState.PENDING
        return Job(
            directory.name,
            state,
            tag=record["tag"],
            name=record["name"],
            script=str(directory / "script"),
            exit_code=code,
        )

    def cancel(self, jobs):
        for job in jobs:
            directory = self.spool() / job.number
            if not (directory / "code").exists():
                (directory / "cancelled").touch()
                if pid := number_in(directory / "pid"):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGTERM)  # `timeout` hands it on to its group


def number_in(path):
    """Return the number in a file; None where there is no such file."""
    try:
        return int(path.read_text())
    except OSError:
        return None
