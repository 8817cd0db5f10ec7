"""Schedulers of other packages, whose classes may be those of another copy of this package.

Code that travels to an endpoint has its own copy of this package, while a scheduler that is
installed there imports the installed one: its values and errors are made anew in classes of here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from .base import Ability, Allocation, JobVariables, Scheduler, ScriptParts
from .directives import DirectiveLine, Directives
from .errors import BatchJobError, Refusal, SchedulerError, SubmissionRefused
from .jobs import Job, JobId, JobState, Limits, Queue
from .request import JobRequest, SubmissionRequest

T = TypeVar("T")

_ERRORS = {kind.__name__: kind for kind in (BatchJobError, SchedulerError, SubmissionRefused)}


def adapt(scheduler: Any, name: str) -> Scheduler:
    """Return a scheduler of another package with the classes of this one.

    Args:
        scheduler: what its entry point has made.
        name: the entry point's name.

    Raises:
        TypeError: it is no scheduler.
    """
    wanted = [member for member in vars(Scheduler) if not member.startswith("_")]
    wanted += [member for member in Scheduler.__annotations__ if member not in wanted]
    missing = [member for member in wanted if not hasattr(scheduler, member)]
    if missing:
        raise TypeError(f"it is no Scheduler: {', '.join(sorted(missing))} is missing")
    if scheduler.name != name:
        raise TypeError(f"its name is {scheduler.name!r}, and its entry point's is {name!r}")
    return scheduler if isinstance(scheduler, Scheduler) else ExternalScheduler(scheduler)


def _translated(method: Callable[..., T]) -> Callable[..., T]:
    """Raise errors of another copy of this package as those of this one."""

    @functools.wraps(method)
    def call(*arguments: Any, **more: Any) -> T:
        try:
            return method(*arguments, **more)
        except Exception as error:
            names = [kind.__name__ for kind in type(error).__mro__]
            kind = next((_ERRORS[name] for name in names if name in _ERRORS), None)
            if kind is None or isinstance(error, kind):
                raise
            if kind is SubmissionRefused:
                refusal = Refusal[getattr(error, "refusal", Refusal.UNRECOGNIZED).name]
                raise SubmissionRefused(str(error), refusal) from error
            raise kind(str(error)) from error

    return call


class ExternalScheduler(Scheduler):
    """A scheduler whose classes are those of another copy of this package.

    Args:
        scheduler: the scheduler.
    """

    def __init__(self, scheduler: Any) -> None:
        self._scheduler = scheduler
        own: Any = self
        for attribute in ("name", "title", "directive_prefix", "queue_command"):
            setattr(own, attribute, str(getattr(scheduler, attribute)))
        own.variables = JobVariables(**vars(scheduler.variables))
        own.abilities = tuple(Ability[ability.name] for ability in scheduler.abilities)
        own.message_prefixes = tuple(scheduler.message_prefixes)

    @property
    def timeout(self) -> float:
        """Seconds that a method may take."""
        return float(self._scheduler.timeout)

    @timeout.setter
    def timeout(self, seconds: float) -> None:
        self._scheduler.timeout = seconds

    def missing_commands(self) -> list[str]:
        """Return the commands that are not on this machine's PATH."""
        return list(self._scheduler.missing_commands())

    def installation(self) -> str:
        """Return a text that differs between installations."""
        return str(self._scheduler.installation())

    @_translated
    def parse_directives(self, lines: Sequence[DirectiveLine]) -> Directives:
        """Read the directives of a job script."""
        return Directives(**vars(self._scheduler.parse_directives(lines)))

    @_translated
    def script_parts(self, request: JobRequest) -> ScriptParts:
        """Return the parts of a job's script that depend on the scheduler."""
        return ScriptParts(**vars(self._scheduler.script_parts(request)))

    def clean_environment(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return an environment without the variables of the job that this process runs in."""
        return dict(self._scheduler.clean_environment(environment))

    def allocation(self, environment: Mapping[str, str]) -> Allocation | None:
        """Return the job that a process with this environment runs in; None where in none."""
        found = self._scheduler.allocation(environment)
        return Allocation(**vars(found)) if found is not None else None

    def submit_command(self, submission: SubmissionRequest) -> list[str]:
        """Return the command that submits a script."""
        return list(self._scheduler.submit_command(submission))

    @_translated
    def submit(self, submission: SubmissionRequest) -> JobId:
        """Submit a script."""
        return JobId(**vars(self._scheduler.submit(submission)))

    @_translated
    def queue(self, clusters: Collection[str] = ("",)) -> Queue:
        """Return this user's jobs."""
        queue = self._scheduler.queue(clusters)
        return Queue(_jobs(queue.jobs), queue.clusters, queue.complete_clusters)

    @_translated
    def show(self, job: JobId) -> list[Job]:
        """Return a job, or the members of an array."""
        return _jobs(self._scheduler.show(job))

    @_translated
    def accounting_records(self, job: JobId, name: str, earliest: float) -> list[Job]:
        """Return the records that accounting has of a job."""
        return _jobs(self._scheduler.accounting_records(job, name, earliest))

    @_translated
    def cancel(self, jobs: Collection[JobId]) -> None:
        """Cancel jobs."""
        self._scheduler.cancel(jobs)

    @_translated
    def limits(self, options: Sequence[str] = ()) -> Limits:
        """Return the limits of a cluster."""
        return Limits(**vars(self._scheduler.limits(options)))

    def release_advice(self, job: Job) -> str:
        """Return the commands that release or end a job that does not start by itself."""
        return str(self._scheduler.release_advice(job))


def _jobs(jobs: Collection[Any]) -> list[Job]:
    return [Job(**{**vars(job), "state": JobState(str(job.state))}) for job in jobs]
