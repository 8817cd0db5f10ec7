"""A member's command that runs here, without a job's directory: started directly, and again."""

from __future__ import annotations

import os
import shlex
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from ..attempts.decisions import changed_settings, decide_next, pause_seconds
from ..attempts.failure_causes import classify_failure
from ..attempts.record import Attempt
from ..attempts.settings import AttemptSettings
from ..batch.cancelling import raise_if_cancelled, sleep_unless_cancelled
from ..batch.in_allocation import environment_here
from ..batch.outcome import JobOutcome, completion_status, description
from ..batch.settings import JobSettings, read_settings
from ..batch.usage import write_moment
from ..scheduler import Allocation, JobState, Scheduler, get_scheduler
from .commands import CommandEnd, Commands
from .file_trees import remove
from .leftovers import DIRECTORY_VARIABLE, Leftovers
from .workspace import MemberWorkspace

_PRINTED_BYTES: Final = 64_000
# Linux takes no longer word.
_MAX_WORD_BYTES: Final = 120_000


@dataclass(frozen=True)
class _Asked:
    """Demands of members: settings of their jobs, and the environment that follows."""

    settings: JobSettings
    environment: Mapping[str, str]


class DirectJobs:
    """The commands of a pack's members, each started directly by the pack's supervisor.

    Args:
        commands: the supervisor.
        limits: of the attempts of each.
        settings: that all have in common, as jobs have them.
        task: the task.
        place: directory of the pack's first member, for what all have in common.
    """

    def __init__(
        self,
        commands: Commands,
        limits: AttemptSettings,
        settings: Mapping[str, Any],
        task: str,
        place: Path,
    ) -> None:
        self._commands = commands
        self._place = place
        self._limits = limits
        self._settings = settings
        self._task = task
        self._scheduler: Scheduler = get_scheduler(settings.get("scheduler", ""))
        self._lock = threading.Lock()
        self._leftovers = Leftovers()
        self._known: dict[str, _Asked] = {}

    @property
    def message_prefixes(self) -> tuple[str, ...]:
        """Openings of the scheduler's messages."""
        return self._scheduler.message_prefixes

    def run(
        self, workspace: MemberWorkspace, devices: tuple[str, ...]
    ) -> tuple[JobOutcome, list[Attempt]]:
        """Run a member's command until it succeeds, fails for good, or has had its attempts.

        Args:
            workspace: the member's; it is prepared.
            devices: numbers of the GPUs that it uses.

        Returns:
            The outcome of the last attempt, and all attempts.

        Raises:
            BatchJobError: the task was cancelled, or a setting is wrong.
            MemberError: what started it was killed.
            OSError: its files cannot be written.
        """
        asked = self._asked(workspace)
        if not workspace.is_new:
            self._leftovers.end(str(workspace.path))
        attempts: list[Attempt] = []
        while True:
            raise_if_cancelled(self._task)
            settings = changed_settings(self._scheduler, asked.settings, attempts)
            end = self._run_once(workspace, asked, settings, devices, len(attempts) + 1)
            raise_if_cancelled(self._task)
            outcome = self._outcome(settings, end)
            seconds = round(end.ended - end.started, 1)
            attempts.append(Attempt.of(len(attempts) + 1, workspace.path.name, outcome, seconds))
            if outcome.ok:
                return outcome, attempts
            printed = (workspace.read_end(name, _PRINTED_BYTES) for name in ("stdout", "stderr"))
            failure = classify_failure(outcome, "\n".join(printed))
            decided = decide_next(
                self._scheduler, settings, self._limits, failure, attempts, submitted=False
            )
            found = replace(attempts[-1], cause=failure.cause.value, words=failure.words)
            attempts[-1] = found.followed_by(decided)
            if not decided.repeat:
                return outcome, attempts
            sleep_unless_cancelled(pause_seconds(self._limits, len(attempts)), self._task)

    def _run_once(
        self,
        workspace: MemberWorkspace,
        asked: _Asked,
        settings: JobSettings,
        devices: tuple[str, ...],
        number: int,
    ) -> CommandEnd:
        text = workspace.direct_command(resumes=self._limits.resumes, again=number > 1)
        if len(text.encode()) > _MAX_WORD_BYTES:
            text = f". {shlex.quote(str(workspace.write_command(text)))}"
        own = {DIRECTORY_VARIABLE: str(workspace.path)}
        if devices:
            own["CUDA_VISIBLE_DEVICES"] = ",".join(devices)
        if number > 1 or not workspace.is_new:
            for each in (workspace.stdout, workspace.stderr):
                # What was returned of an earlier run may be the same file.
                remove(each)
        workspace.printed_here = True
        return self._commands.run(
            text,
            directory=workspace.work,
            environment=asked.environment,
            own=own,
            stdout=workspace.stdout,
            stderr=workspace.stderr,
            limit=settings.seconds,
        )

    def _outcome(self, settings: JobSettings, end: CommandEnd) -> JobOutcome:
        # The shell's way to say that a signal ended it.
        code = end.code if end.code >= 0 else 128 - end.code
        ended_as = JobState.COMPLETED if code == 0 else JobState.FAILED
        state = JobState.TIMEOUT if end.late else ended_as
        status = completion_status(state, code, started=True)
        cores = settings.ntasks * settings.cpus_per_task
        return JobOutcome(
            status,
            description(status, state, code),
            state=state.value,
            exit_code=code,
            job_id=self._allocation.job_id if self._allocation else "",
            nodes=(self._allocation.nodes if self._allocation else "") or socket.gethostname(),
            cores=cores,
            started_at=write_moment(end.started),
            ended_at=write_moment(end.ended),
            core_hours=round(cores * max(0.0, end.ended - end.started) / 3600.0, 6),
        )

    @cached_property
    def _allocation(self) -> Allocation | None:
        return self._scheduler.allocation(os.environ)

    def _asked(self, workspace: MemberWorkspace) -> _Asked:
        """Return what a member asks for; most of a pack ask for the same."""
        name = repr(sorted(workspace.member.job.items()))
        with self._lock:
            if (known := self._known.get(name)) is None:
                # Settings of jobs are those of a script, which has to be there.
                first = MemberWorkspace(self._place, workspace.member, flush=False)
                first.write_script()
                chosen = {**self._settings, **workspace.member.job}
                settings = read_settings(self._scheduler, str(first.script), chosen)
                environment = environment_here(self._scheduler, settings, self._allocation)
                known = self._known[name] = _Asked(settings, environment)
            return known
