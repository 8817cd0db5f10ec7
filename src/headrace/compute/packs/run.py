"""Running a pack: every member as a batch job of its own, and what became of each."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ..attempts.record import Attempt, total_core_hours
from ..attempts.run import RepeatedJob
from ..attempts.settings import AttemptSettings
from ..batch.cancelling import raise_if_cancelled
from ..batch.outcome import JobOutcome
from ..batch.run import JobCall
from ..scheduler import SCHEDULER_OF_HOW, BatchJobError, CompletionStatus, SchedulerError
from ..stages.errors import StageError
from .errors import MemberError, PackError
from .member import PackMember, RefusedMember, read_members
from .outcome import MemberOutcome, last_lines, pack_result, read_facts
from .slots import Slots, slots_here
from .workspace import MemberWorkspace, copy_tree

_PRINTED_BYTES: Final = 1_000_000
_SUBMITTED_AT_ONCE: Final = 20


def run_pack(
    directory: str,
    members: object,
    *,
    source: str = "",
    results: str = "",
    cores: int = 0,
    at_once: int = 0,
    how: str = "auto",
    task_id: str | None = None,
    defaults: Mapping[str, Any] | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Run the members of a pack, and return what became of each.

    A member that fails spoils no other one. A member that is done, with the same command, inputs
    and outputs, is not run again.

    Where jobs run here (``how``), as many members run side by side as there are processors;
    otherwise each is submitted as a job of its own.

    Args:
        directory: where the members' directories are, absolute.
        members: the members as the flow's input has them.
        source: directory that inputs are copied from, absolute; empty where they have been copied
            to the members' working directories already.
        results: directory that outputs are copied to, absolute; empty where whoever called does so.
        cores: processors for members that run here; 0: all of this machine or allocation.
        at_once: members at the same time at most; 0: as many as fit here, or 20 jobs.
        how: as in :func:`~headrace.compute.batch.run_batch_job`.
        task_id: id of the task; the Compute task's by default.
        defaults: settings of members that have none of their own: ``cores``, ``ranks``, ``nodes``,
            ``gpus``, ``gres``, ``walltime``, ``memory``.
        **settings: of each job, as ``run_repeated_job`` has them; ``attempts`` is 1 by default.

    Returns:
        ``members`` by key (:class:`~.outcome.MemberOutcome` as JSON), ``done``, ``failed``,
        ``core_hours`` and ``job_core_hours``.

    Raises:
        PackError: nothing can be run at all.
        BatchJobError: the task was cancelled, or a setting is wrong for all.
    """
    task = task_id or os.environ.get("GC_TASK_UUID") or uuid.uuid4().hex
    pack = Pack(
        _absolute("directory", directory),
        _absolute("source", source) if source else None,
        _absolute("results", results) if results else None,
        slots_here(_count("cores", cores)),
        how if how != "auto" else os.environ.get("HEADRACE_JOBS", "here"),
        task,
        settings,
    )
    listed = read_members(members, defaults)
    at_once = _count("at_once", at_once) or (
        pack.slots.cores if pack.how == "here" else _SUBMITTED_AT_ONCE
    )
    with ThreadPoolExecutor(min(at_once, len(listed)), "member") as threads:
        outcomes = list(threads.map(pack.run, listed))
    raise_if_cancelled(task)
    return pack_result({one.key: outcome for one, outcome in zip(listed, outcomes, strict=True)})


class Pack:
    """Settings that the members of a pack have in common, and the place of each.

    Args:
        directory: where their directories are.
        source: where inputs are copied from; None where they are in place.
        results: where outputs are copied to; None where whoever called does so.
        slots: processors and GPUs of this machine.
        how: ``submit``, ``here``, or a word that names the scheduler to submit to.
        task: the task.
        settings: of each job and of its attempts.

    Raises:
        PackError: ``how`` is none of them.
        BatchJobError: a setting of attempts is wrong.
    """

    def __init__(
        self,
        directory: Path,
        source: Path | None,
        results: Path | None,
        slots: Slots,
        how: str,
        task: str,
        settings: Mapping[str, Any],
    ) -> None:
        if how not in ("submit", "here", *SCHEDULER_OF_HOW):
            known = ", ".join(SCHEDULER_OF_HOW)
            raise PackError(
                f"how, or HEADRACE_JOBS, {how!r}: must be auto, submit, here or one of {known}"
            )
        self.directory = directory
        self.source = source
        self.results = results
        self.slots = slots
        self.how = how
        self.task = task
        self.limits, self.job_settings = AttemptSettings.split({"attempts": 1, **settings})

    def run(self, member: PackMember | RefusedMember) -> MemberOutcome:
        """Run a member, unless it is done, and return its outcome whatever happens to it."""
        path = self.directory / member.directory
        try:
            if isinstance(member, RefusedMember):
                raise member.error
            return self._run(MemberWorkspace(path, member))
        except MemberError as error:
            outcome = MemberOutcome.of_error(error)
        except SchedulerError as error:
            outcome = MemberOutcome.of_error(MemberError("never started", str(error)))
        except BatchJobError as error:
            raise_if_cancelled(self.task)
            outcome = MemberOutcome.of_error(MemberError("never started", str(error)))
        except StageError as error:
            outcome = MemberOutcome.of_error(MemberError("file system", str(error)))
        except OSError as error:
            message = f"{error.filename or path}: {error.strerror}"
            outcome = MemberOutcome.of_error(MemberError("file system", message))
        # Whoever brings results home finds a record of this one, too.
        known = member if isinstance(member, PackMember) else PackMember(member.key, "", "")
        self._return(MemberWorkspace(path, known), outcome, {}, "", "")
        return outcome

    def _run(self, workspace: MemberWorkspace) -> MemberOutcome:
        member = workspace.member
        manifest = workspace.manifest(self.source)
        known = manifest.cached_result()
        previous = MemberOutcome.from_dict(known) if known is not None else None
        if previous is not None:
            self._deliver(workspace)
            return replace(previous, redone=False)
        workspace.forget()
        workspace.prepare(self.source, resumes=self.limits.resumes)
        if self.how == "here":
            with self.slots.held(member.cores, member.gpus) as devices:
                raise_if_cancelled(self.task)
                job, call, attempts = self._job(workspace, devices).run()
        else:
            job, call, attempts = self._job(workspace, ()).run()
        stdout, stderr = (call.directory.read_end(n, _PRINTED_BYTES) for n in ("stdout", "stderr"))
        outcome = _outcome(job, attempts, call, stdout, stderr)
        if outcome.ok:
            try:
                outputs = workspace.found_outputs()
                outcome = replace(outcome, next=workspace.read_next())
            except MemberError as error:
                outcome, outputs = outcome.failed_with(error), workspace.present_outputs()
        else:
            outputs = workspace.present_outputs()
        outcome = replace(outcome, files=len(outputs), bytes=sum(outputs.values()))
        if not outcome.ok:
            outcome = replace(outcome, last_lines=last_lines(stderr))
        if not self._return(workspace, outcome, outputs, stdout, stderr):
            refused = MemberError("file system", f"{workspace.returned}: cannot be written")
            return outcome.failed_with(refused)
        if outcome.ok:
            manifest.write(workspace.returned, outcome.to_dict())
        return outcome

    def _job(self, workspace: MemberWorkspace, devices: tuple[str, ...]) -> RepeatedJob:
        member = workspace.member
        settings: dict[str, Any] = {
            "name": f"headrace-{_one_word(member.key)}",
            **self.job_settings,
            **member.job,
        }
        if devices:
            visible = {"CUDA_VISIBLE_DEVICES": ",".join(devices)}
            settings["environment"] = {**settings.get("environment", {}), **visible}
        if settings.get("container"):
            settings["binds"] = {str(workspace.path): str(workspace.path)} | settings.get(
                "binds", {}
            )
        call = JobCall.of(
            str(workspace.script),
            str(workspace.path),
            job="job",
            how=self.how,
            task_id=self.task,
            settings={**settings, "arguments": [str(workspace.path)]},
        )
        return RepeatedJob(call, self.limits)

    def _return(
        self,
        workspace: MemberWorkspace,
        outcome: MemberOutcome,
        outputs: Mapping[str, int],
        stdout: str,
        stderr: str,
    ) -> bool:
        """Write what a member returns; whether that could be done."""
        try:
            workspace.write_return(outcome, outputs, stdout, stderr)
            self._deliver(workspace)
        except OSError:
            return False
        return True

    def _deliver(self, workspace: MemberWorkspace) -> None:
        if self.results is not None:
            name = workspace.path.relative_to(self.directory)
            copy_tree(workspace.returned, self.results / name)


def _outcome(
    job: JobOutcome, attempts: list[Attempt], call: JobCall, stdout: str, stderr: str
) -> MemberOutcome:
    last = attempts[-1]
    cause = category = ""
    if not job.ok:
        category = last.cause or "error of the program"
        cause = job.description
        if job.status in (CompletionStatus.FAILED, CompletionStatus.OUT_OF_MEMORY):
            cause += f": {call.directory.last_error_line(call.scheduler.message_prefixes)}"
    host = call.directory.read_json("host.json").get("host", "")
    return MemberOutcome(
        "done" if job.ok else "failed",
        cause[:1000],
        category,
        facts=read_facts(stdout),
        core_hours=total_core_hours(attempts),
        host=job.nodes or str(host),
        job_id=job.job_id,
        attempts=len(attempts),
    )


def _one_word(key: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in key)[:60]


def _absolute(name: str, value: object) -> Path:
    path = Path(value) if isinstance(value, str) and value else Path()
    if not path.is_absolute() or ".." in path.parts or "\0" in str(path):
        raise PackError(f"{name} must be an absolute path without '..', not {value!r}")
    return path


def _count(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise PackError(f"{name} must be an integer of at least 0, not {value!r}")
    return value
