"""The interface of a scheduler."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from .directives import DirectiveLine, Directives
from .errors import SchedulerError
from .jobs import Job, JobId, Limits, Queue
from .request import JobRequest, SubmissionRequest


class Ability(StrEnum):
    """An ability that not every scheduler has.

    Where a job needs one that its scheduler does not declare, headrace refuses the job in one line.
    """

    ARRAYS = "job arrays"
    REQUEUE = "requeueing of jobs"
    CLUSTERS = "clusters besides this machine's"


@dataclass(frozen=True)
class JobVariables:
    """Bash words by which a running job learns about itself, such as ``${PBS_JOBID%%.*}``.

    They are evaluated in the job's script, between double quotes.

    Attributes:
        job_id: the job, as in :attr:`JobId.number`.
        nodes: the nodes where it runs.
        restarts: how often it was run again; needed for :attr:`Ability.REQUEUE`.
        array_job_id: in a member of an array, the array; needed for :attr:`Ability.ARRAYS`.
        array_index: in a member of an array, its index, from 0.
        cores: processors of the job on all its nodes: a number, or numbers by node such as
            ``16(x3),8``. Empty: ranks times processors of a rank, as the job asked for.
    """

    job_id: str
    nodes: str = "$(hostname)"
    restarts: str = "0"
    array_job_id: str = ""
    array_index: str = ""
    cores: str = ""


@dataclass(frozen=True)
class ScriptParts:
    """Parts of a job's script that depend on the scheduler.

    Attributes:
        header: directives that ask for the resources, each a line with its prefix.
        launch_command: words that start a program on every rank.
        shell_signal: signal that the scheduler sends before the time limit to the job's shell
            alone, such as ``USR1``: the shell hands it on to the user's script. Empty: none.
    """

    header: Sequence[str]
    launch_command: str
    shell_signal: str = ""


@dataclass(frozen=True)
class Allocation:
    """The job that this process runs in.

    Attributes:
        job_id: the job, as in :attr:`JobId.number`.
        nodes: the nodes of it.
        environment: variables by which a program that is started here is part of the job.
    """

    job_id: str
    nodes: str
    environment: Mapping[str, str] = field(default_factory=dict)


class Scheduler(ABC):
    """A batch scheduler.

    No method takes longer than its timeout. Whatever is no clear answer raises
    :class:`SchedulerError`: the absence of an answer says nothing about a job.

    Attributes:
        name: key of the scheduler, such as ``slurm``.
        title: its name in messages, such as ``Slurm``.
        directive_prefix: beginning of the lines of a script that it reads, such as ``#SBATCH``.
        queue_command: the command with which a user looks at the queue, for messages.
        variables: bash words by which a running job learns about itself.
        abilities: what it can do besides.
        timeout: seconds that a method may take; may be set.
        message_prefixes: openings of lines that its programs write to a job's standard error.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    directive_prefix: ClassVar[str]
    queue_command: ClassVar[str]
    variables: ClassVar[JobVariables]
    abilities: ClassVar[Collection[Ability]] = ()
    message_prefixes: ClassVar[tuple[str, ...]] = ()
    timeout: float = 60.0

    @abstractmethod
    def missing_commands(self) -> list[str]:
        """Return the commands that are not on this machine's PATH."""

    def installation(self) -> str:
        """Return a text that differs between installations that the environment may lead to.

        Answers about the queue are shared by the processes for which it is the same.
        """
        return ""

    @abstractmethod
    def parse_directives(self, lines: Sequence[DirectiveLine]) -> Directives:
        """Read the directives of a job script.

        Args:
            lines: the lines with the prefix that stand before the script's first command.

        Raises:
            BatchJobError: a line cannot be read, or would make another job of the script than
                the one that headrace submits and waits for (an array, another comment); the message
                opens with the line's location.
        """

    @abstractmethod
    def script_parts(self, request: JobRequest) -> ScriptParts:
        """Return the parts of a job's script that ask for resources and use them.

        Args:
            request: the resources; its options came from directives and from the caller.

        Raises:
            BatchJobError: there is no such thing as the request asks for, or an option is one that
                headrace sets itself.
        """

    def clean_environment(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return an environment without the variables of the job that this process runs in.

        Variables that say where the scheduler is are kept: a job may ask it, too.
        """
        return dict(environment)

    @abstractmethod
    def allocation(self, environment: Mapping[str, str]) -> Allocation | None:
        """Return the job that a process with this environment runs in; None where in none."""

    @abstractmethod
    def submit_command(self, submission: SubmissionRequest) -> list[str]:
        """Return the command that submits a script, as the job's directory records it."""

    @abstractmethod
    def submit(self, submission: SubmissionRequest) -> JobId:
        """Submit a script.

        Raises:
            SubmissionRefused: the scheduler refuses, or does not say whether it has accepted it;
                its ``refusal`` says which, and whether a later attempt makes sense.
        """

    @abstractmethod
    def queue(self, clusters: Collection[str] = ("",)) -> Queue:
        """Return this user's jobs, with their tags: one question for all.

        Args:
            clusters: the clusters to ask; an empty name: this machine's. Other names are given
                only with :attr:`Ability.CLUSTERS`.

        Raises:
            SchedulerError: no cluster answers.
        """

    @abstractmethod
    def show(self, job: JobId) -> list[Job]:
        """Return a job, or the members of an array; empty: the scheduler says it has none.

        Raises:
            SchedulerError: no answer.
        """

    def accounting_records(self, job: JobId, name: str, earliest: float) -> list[Job]:
        """Return the records that accounting has of a job; empty where it has none.

        Args:
            job: the job.
            name: the job's name: an id may be used again.
            earliest: seconds since 1970; an older job is another one.
        """
        del job, name, earliest
        return []

    @abstractmethod
    def cancel(self, jobs: Collection[JobId]) -> None:
        """Cancel jobs; those that have ended are left alone.

        Raises:
            SchedulerError: no answer.
        """

    def limits(self, options: Sequence[str] = ()) -> Limits:
        """Return the limits of a cluster; needed for :attr:`Ability.ARRAYS`.

        Args:
            options: options of a job, which may name another cluster than this machine's.

        Raises:
            SchedulerError: no answer.
        """
        del options
        raise SchedulerError(f"{self.title} does not say its limits")

    def longest_walltime(self, request: JobRequest) -> float:
        """Return the longest time limit that a job may ask for, seconds; infinity: not known.

        Args:
            request: the job.

        Raises:
            SchedulerError: no answer.
        """
        del request
        return math.inf

    def exclude_nodes(self, options: Sequence[str], nodes: Sequence[str]) -> Sequence[str]:
        """Return options of a job with nodes left out; as they are where there is no such option.

        Args:
            options: its options.
            nodes: names of nodes.
        """
        del nodes
        return options

    def release_advice(self, job: Job) -> str:
        """Return the commands that release or end a job that does not start by itself."""
        del job
        return ""
